// Strings. Positions and lengths count code points, as Go's runes do; searching and cutting work on JavaScript's units and
// are translated only where text lies beyond ASCII. OPA: v1/topdown/strings.go.

import { numberText } from "@portcullis/lang";
import { decodeUtf8, encodeUtf8, parseBigFloat, toLower, toUpper, truncateFloat } from "@portcullis/lang/go";
import { sortedEntries } from "../runtime/compare.ts";
import { RegoSet, type Value, isArray, isNumber, isObject } from "../runtime/value.ts";
import { t, type Type } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError, operandFailure } from "./builtin.ts";
import { chargeDigits, floatOperand } from "./numbers.ts";
import { elementError, intOperand, membersOf, stringsOperand } from "./operand.ts";
import { contains, countOf, indexOf, indexesOf, pieces, replaceOne } from "./stringsearch.ts";
import { type Cut, trimBothCut, trimLeftCut, trimRightCut, trimSpace } from "./stringtrim.ts";

// ── operands

type OneString = (call: BuiltinCall, text: string) => Value | undefined;
type TwoStrings = (call: BuiltinCall, text: string, part: string) => Value | undefined;
type ThreeStrings = (call: BuiltinCall, text: string, old: string, by: string) => Value | undefined;

// These check the operands, left to right, and charge for reading them. One for each number of operands: the tests are
// called in the innermost loops of policies, where a list of operands would cost more than the test.

function onString(evaluate: OneString): Builtin["evaluate"] {
  return (call: BuiltinCall, text: Value) => {
    if (typeof text !== "string") return operandError(call, 1, text, "string");
    call.budget.step(1 + (text.length >> 6));
    return evaluate(call, text);
  };
}

function onTwoStrings(evaluate: TwoStrings): Builtin["evaluate"] {
  return (call: BuiltinCall, text: Value, part: Value) => {
    if (typeof text !== "string") return operandError(call, 1, text, "string");
    if (typeof part !== "string") return operandError(call, 2, part, "string");
    call.budget.step(1 + ((text.length + part.length) >> 6));
    return evaluate(call, text, part);
  };
}

function onThreeStrings(evaluate: ThreeStrings): Builtin["evaluate"] {
  return (call: BuiltinCall, text: Value, old: Value, by: Value) => {
    if (typeof text !== "string") return operandError(call, 1, text, "string");
    if (typeof old !== "string") return operandError(call, 2, old, "string");
    if (typeof by !== "string") return operandError(call, 3, by, "string");
    call.budget.step(1 + ((text.length + old.length + by.length) >> 6));
    return evaluate(call, text, old, by);
  };
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

/** The unit at which the code point with this number starts, from a unit on; the end of the text beyond it. */
function unitOf(text: string, codePoints: number, from = 0): number {
  let at = from;
  for (let left = codePoints; left > 0 && at < text.length; left--) {
    at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
  }
  return at;
}

// ── affixes

/** Whether one of the first texts starts (or ends) with one of the second. */
function anyAffix(suffix: boolean): (call: BuiltinCall, texts: Value, affixes: Value) => Value | undefined {
  return (call, texts, affixes) => {
    const searched = textsOperand(call, 1, texts);
    const wanted = searched === undefined ? undefined : textsOperand(call, 2, affixes);
    if (searched === undefined || wanted === undefined) return undefined;
    // One look-up for each length that an affix has, instead of one comparison for each affix.
    const known = new Set<string>();
    const lengths = new Set<number>();
    for (const affix of wanted) {
      call.budget.step(stepsPerLookup);
      known.add(affix);
      lengths.add(affix.length);
    }
    for (const text of searched) {
      call.budget.step(lengths.size * stepsPerLookup);
      for (const length of lengths) {
        if (length > text.length) continue;
        if (known.has(suffix ? text.slice(text.length - length) : text.slice(0, length))) return true;
      }
    }
    return false;
  };
}

/** Cutting an affix off and hashing it. */
const stepsPerLookup = 10;

function textsOperand(call: BuiltinCall, position: number, value: Value): readonly string[] | undefined {
  if (typeof value === "string") return [value];
  if (isArray(value) || value instanceof RegoSet) return stringsOperand(call, position, value);
  return operandError(call, position, value, "string", "set", "array");
}

// ── cutting

function substring(call: BuiltinCall, text: Value, from: Value, size: Value): Value | undefined {
  if (typeof text !== "string") return operandError(call, 1, text, "string");
  const start = intOperand(call, 2, from);
  if (start === undefined) return undefined;
  const length = intOperand(call, 3, size);
  if (length === undefined) return undefined;
  if (start < 0) return call.fail("negative offset");
  call.budget.output(text.length);
  if (isAscii(text)) return text.slice(start, length < 0 ? undefined : start + length);
  const begin = unitOf(text, start);
  return text.slice(begin, length < 0 ? undefined : unitOf(text, length, begin));
}

/** The first n pieces, or for a negative number the last ones. OPA: builtinSplitN. */
function splitN(call: BuiltinCall, text: Value, delimiter: Value, number: Value): Value | undefined {
  if (typeof text !== "string") return operandError(call, 1, text, "string");
  if (typeof delimiter !== "string") return operandError(call, 2, delimiter, "string");
  const wanted = intOperand(call, 3, number);
  if (wanted === undefined) return undefined;
  const all = pieces(call, text, delimiter);
  return wanted >= 0 ? all.slice(0, wanted) : all.slice(wanted === -Infinity ? 0 : wanted);
}

function trimming(cut: Cut): Builtin["evaluate"] {
  return onTwoStrings((_call, text, characters) => cut(text, characters));
}

// ── joining and replacing

function concat(call: BuiltinCall, delimiter: Value, collection: Value): Value | undefined {
  if (typeof delimiter !== "string") return operandError(call, 1, delimiter, "string");
  const members = membersOf(collection);
  if (members === null) return operandError(call, 2, collection, "set", "array");
  const wrong = members.find((member) => typeof member !== "string");
  if (wrong !== undefined) return elementError(call, 2, collection, wrong, "string");
  const parts = members as readonly string[];
  call.budget.output(parts.reduce((sum, part) => sum + part.length + delimiter.length, 0));
  return parts.join(delimiter);
}

const replace: ThreeStrings = (call, text, old, by) =>
  old === "" ? replacePairs(call, text, [[old, by]]) : replaceOne(call, text, old, by);

function replaceMany(call: BuiltinCall, patterns: Value, text: Value): Value | undefined {
  if (!isObject(patterns)) return operandError(call, 1, patterns, "object");
  if (typeof text !== "string") return operandError(call, 2, text, "string");
  const pairs: Pair[] = [];
  for (const [key, value] of sortedEntries(patterns)) {
    if (typeof key !== "string") return operandFailure(call, 1, "non-string key found in pattern object");
    if (typeof value !== "string") return operandFailure(call, 1, "non-string value found in pattern object");
    pairs.push([key, value]);
  }
  return replacePairs(call, text, pairs);
}

/** An empty pattern fits between the bytes of a character too, as in Go, whose strings are bytes. */
function replacePairs(call: BuiltinCall, text: string, pairs: readonly Pair[]): string {
  if (isAscii(text) || pairs.every(([old]) => old !== "")) return replaceAllOf(call, text, pairs);
  const bytes = pairs.map(([old, by]) => [byteText(old), byteText(by)] as const);
  const result = replaceAllOf(call, byteText(text), bytes);
  return decodeUtf8(Uint8Array.from(result, (byte) => byte.charCodeAt(0)));
}

/** The bytes of UTF-8 as one character each. */
function byteText(text: string): string {
  return Array.from(encodeUtf8(text), (byte) => String.fromCharCode(byte)).join("");
}

/**
 * At each place the first of the pairs that fits is taken; an empty pattern fits everywhere, but not twice in a row.
 * Go: strings/replace.go genericReplacer.
 */
function replaceAllOf(call: BuiltinCall, text: string, pairs: readonly Pair[]): string {
  const byFirst = Map.groupBy(pairs, ([old]) => old.charAt(0));
  const empty = byFirst.get("")?.[0];
  let result = "";
  let copied = 0;
  let emptyBefore = false;
  for (let at = 0; at <= text.length;) {
    const pair: Pair | undefined = empty !== undefined && !emptyBefore ? empty : fitting(call, byFirst, text, at);
    emptyBefore = pair !== undefined && pair === empty;
    if (pair === undefined) {
      at += at < text.length && (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
      continue;
    }
    const [old, by] = pair;
    call.budget.output(at - copied + by.length);
    result += text.slice(copied, at) + by;
    at += old.length;
    copied = at;
  }
  return result + text.slice(copied);
}

type Pair = readonly [string, string];

/** The first pair whose pattern stands at this place and is not empty. */
function fitting(
  call: BuiltinCall,
  byFirst: ReadonlyMap<string, readonly Pair[]>,
  text: string,
  at: number,
): Pair | undefined {
  call.budget.step();
  if (at === text.length) return undefined;
  const candidates = byFirst.get(text.charAt(at));
  if (candidates === undefined) return undefined;
  call.budget.step(candidates.length);
  return candidates.find(([old]) => text.startsWith(old, at));
}

const reverse: OneString = (call, text) => {
  call.budget.output(text.length * 2);
  return Array.from(text).toReversed().join("");
};

function changed(change: (text: string) => string): Builtin["evaluate"] {
  return onString((call, text) => {
    call.budget.output(text.length);
    return change(text);
  });
}

// ── numbers as text

/** OPA compares the text of the base. OPA: builtinFormatInt. */
function formatInt(call: BuiltinCall, number: Value, base: Value): Value | undefined {
  if (!isNumber(number)) return operandError(call, 1, number, "number");
  if (!isNumber(base)) return operandError(call, 2, base, "number");
  if (typeof base !== "number" || ![2, 8, 10, 16].includes(base)) {
    return operandFailure(call, 2, "must be one of {2, 8, 10, 16}");
  }
  if (typeof number === "number" && Number.isInteger(number)) return number.toString(base);
  const text = numberText(number);
  chargeDigits(call, text.length);
  if (floatOperand(call, number) === undefined) return undefined;
  if (!/[.eE]/.test(text)) return BigInt(text).toString(base);
  const float = parseBigFloat(text);
  return float === null ? undefined : truncateFloat(float).toString(base);
}

// ── table

const texts: Type = t.union(t.string, t.array(t.string), t.set(t.string));

function test(name: string, holds: (text: string, part: string) => boolean): Builtin {
  return {
    name,
    type: t.function([t.string, t.string], t.boolean),
    evaluate: onTwoStrings((_call, text, part) => holds(text, part)),
  };
}

function oneText(name: string, change: (text: string) => string): Builtin {
  return { name, type: t.function([t.string], t.string), evaluate: changed(change) };
}

function twoTexts(name: string, cut: Cut): Builtin {
  return { name, type: t.function([t.string, t.string], t.string), evaluate: trimming(cut) };
}

export const stringBuiltins: readonly Builtin[] = [
  { name: "strings.any_prefix_match", type: t.function([texts, texts], t.boolean), evaluate: anyAffix(false) },
  { name: "strings.any_suffix_match", type: t.function([texts, texts], t.boolean), evaluate: anyAffix(true) },
  {
    name: "concat",
    type: t.function([t.string, t.union(t.array(t.string), t.set(t.string))], t.string),
    evaluate: concat,
  },
  { name: "format_int", type: t.function([t.number, t.number], t.string), evaluate: formatInt },
  { name: "indexof", type: t.function([t.string, t.string], t.number), evaluate: onTwoStrings(indexOf) },
  { name: "indexof_n", type: t.function([t.string, t.string], t.array(t.number)), evaluate: onTwoStrings(indexesOf) },
  { name: "substring", type: t.function([t.string, t.number, t.number], t.string), evaluate: substring },
  oneText("lower", toLower),
  oneText("upper", toUpper),
  { name: "contains", type: t.function([t.string, t.string], t.boolean), evaluate: onTwoStrings(contains) },
  { name: "strings.count", type: t.function([t.string, t.string], t.number), evaluate: onTwoStrings(countOf) },
  test("startswith", (text, part) => text.startsWith(part)),
  test("endswith", (text, part) => text.endsWith(part)),
  { name: "split", type: t.function([t.string, t.string], t.array(t.string)), evaluate: onTwoStrings(pieces) },
  {
    name: "strings.split_n",
    type: t.function([t.string, t.string, t.number], t.array(t.string)),
    evaluate: splitN,
  },
  { name: "replace", type: t.function([t.string, t.string, t.string], t.string), evaluate: onThreeStrings(replace) },
  {
    name: "strings.replace_n",
    type: t.function([t.object(t.string, t.string), t.string], t.string),
    evaluate: replaceMany,
  },
  twoTexts("trim", trimBothCut),
  twoTexts("trim_left", trimLeftCut),
  twoTexts("trim_right", trimRightCut),
  twoTexts("trim_prefix", (text, prefix) => (text.startsWith(prefix) ? text.slice(prefix.length) : text)),
  twoTexts("trim_suffix", (text, suffix) =>
    text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text,
  ),
  oneText("trim_space", trimSpace),
  { name: "strings.reverse", type: t.function([t.string], t.string), evaluate: onString(reverse) },
];
