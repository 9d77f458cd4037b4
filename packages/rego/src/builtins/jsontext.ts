// JSON text as Go's encoding/json writes and reads it: keys sorted by code points, `<`, `>`, `&`, U+2028 and U+2029
// escaped, numbers as they were written; and, for text that is not JSON, the error that Go's decoder gives.
// Output is charged while it grows, because a small value that shares its parts can stand for an enormous text.
// Go: encoding/json encode.go, scanner.go, stream.go; OPA: v1/util/json.go UnmarshalJSON.

import {
  type AnyNumber,
  type Budget,
  Decimal,
  createPieces,
  exponentMax,
  numberText,
  parseJson,
  chargeJson,
} from "@portcullis/lang";
import { encodeUtf8, quote } from "@portcullis/lang/go";
import { compare, compareStrings, sortedKeys } from "../runtime/compare.ts";
import { chargeRunning } from "../runtime/running.ts";
import { type PlainObject, RegoObject, RegoSet, type Value, newObject } from "../runtime/value.ts";

export interface Indentation {
  readonly prefix: string;
  readonly indent: string;
}

/** Compact JSON, or indented as Go's MarshalIndent does. Throws LimitError. */
export function encodeJson(value: Value, budget: Budget, indentation: Indentation | null = null): string {
  const parts = createPieces();
  const write = (text: string): void => {
    budget.step();
    budget.output(text.length);
    parts.add(text);
  };
  const newline = (depth: number): void => {
    if (indentation !== null) write(`\n${indentation.prefix}${indentation.indent.repeat(depth)}`);
  };
  const colon = indentation === null ? ":" : ": ";
  const list = (items: readonly Value[], depth: number): void => {
    if (items.length === 0) return write("[]");
    for (const [at, item] of items.entries()) {
      write(at === 0 ? "[" : ",");
      newline(depth + 1);
      encode(item, depth + 1);
    }
    newline(depth);
    return write("]");
  };
  const object = (entries: readonly (readonly [string, Value])[], depth: number): void => {
    if (entries.length === 0) return write("{}");
    for (const [at, [key, item]] of entries.entries()) {
      write(at === 0 ? "{" : ",");
      newline(depth + 1);
      write(encodeText(key) + colon);
      encode(item, depth + 1);
    }
    newline(depth);
    return write("}");
  };
  const encode = (item: Value, depth: number): void => {
    if (typeof item !== "object" || item === null || item instanceof Decimal) write(encodeScalar(item));
    else if (Array.isArray(item)) list(item as readonly Value[], depth);
    else if (item instanceof RegoSet) list(item.sorted(compare), depth);
    else object(textEntries(item as PlainObject | RegoObject, budget), depth);
  };
  encode(value, 0);
  return parts.text();
}

/** Entries by the text of their keys. A key that is not a string becomes its JSON text. */
export function textEntries(object: PlainObject | RegoObject, budget: Budget): readonly (readonly [string, Value])[] {
  if (!(object instanceof RegoObject)) return sortedKeys(object).map((key) => [key, object[key] as Value] as const);
  return object
    .entries()
    .map(([key, value]) => [typeof key === "string" ? key : encodeJson(key, budget), value] as const)
    .toSorted((a, b) => compareStrings(a[0], b[0]));
}

function encodeScalar(value: null | boolean | AnyNumber | string): string {
  if (typeof value === "string") return encodeText(value);
  return value === null || typeof value === "boolean" ? String(value) : numberText(value);
}

/** A string in quotes with Go's escapes. */
function encodeText(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(/[<>&\u2028\u2029]/g, escapeUnit);
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Go's limit; deeper JSON is refused. */
const depthMax = 10_000;

/** The value of a JSON text, or Go's error. Numbers lose nothing. */
export function decodeJson(text: string): { readonly value: Value } | { readonly error: string } {
  chargeRunning((budget) => chargeJson(text, budget));
  let value: Value;
  try {
    value = parseJson(text) as Value;
  } catch {
    const scanned = scanStream(text);
    if ("error" in scanned) return scanned;
    value = parseJson(text.slice(0, scanned.end)) as Value;
  }
  if (isDeep(text)) return { error: "exceeded max depth" };
  const wrong = numberError(text, value);
  if (wrong !== null) return { error: wrong };
  return { value: mayHoldSurrogates(text) ? wellFormed(value) : value };
}

/** Whether Go's json.Valid accepts the text. */
export function isJson(text: string): boolean {
  chargeRunning((budget) => chargeJson(text, budget));
  try {
    JSON.parse(text);
    return !isDeep(text);
  } catch {
    return false;
  }
}

/** Whether brackets nest deeper than Go allows; brackets in strings only make the scan happen. */
function isDeep(text: string): boolean {
  if (text.length < depthMax || (text.match(/[[{]/g)?.length ?? 0) <= depthMax) return false;
  const scanned = scanValue(text, 0);
  return "error" in scanned && scanned.error === "exceeded max depth";
}

/** A number with an exponent that OPA refuses to compute with. */
function numberError(text: string, value: Value): string | null {
  if (!/[eE][+-]?\d{4,}/.test(text)) return null;
  const pending: Value[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next instanceof Decimal) {
      const { magnitude } = next.parts;
      if (Math.abs(magnitude) > exponentMax) {
        return `invalid number: ${Math.abs(magnitude) > 646_456_993 ? "invalid float" : "number too big"}`;
      }
    } else if (typeof next === "object" && next !== null) pending.push(...(Object.values(next) as Value[]));
  }
  return null;
}

function mayHoldSurrogates(text: string): boolean {
  return /\\u[dD][89a-fA-F]/.test(text) || !text.isWellFormed();
}

/** Go reads an unpaired surrogate as U+FFFD. */
function wellFormed(value: Value): Value {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null || value instanceof Decimal) return value;
  if (Array.isArray(value)) return (value as readonly Value[]).map(wellFormed);
  const result = newObject();
  for (const [key, item] of Object.entries(value as PlainObject)) result[key.toWellFormed()] = wellFormed(item);
  return result;
}

type Scan = { readonly end: number } | { readonly error: string };

/** One value; what follows is looked at token-wise, which lets a trailing `null` pass. OPA: unmarshalJSON. */
function scanStream(text: string): Scan {
  const first = scanValue(text, 0);
  if ("error" in first) return first;
  const at = skipSpace(text, first.end);
  const character = text.charAt(at);
  if (character === "" || text.startsWith("null", at)) return first;
  if (character === "{" || character === "[") return { error: trailing(character) };
  const token = scanValue(text, at);
  if ("error" in token) return token;
  const tokenText = text.slice(at, token.end);
  if (character === '"') return { error: trailing(JSON.parse(tokenText) as string) };
  return { error: trailing(/^[tf]/.test(tokenText) ? `%!s(bool=${tokenText})` : tokenText) };
}

function trailing(token: string): string {
  return `error: invalid character '${token}' after top-level value`;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (/[ \t\r\n]/.test(text.charAt(at))) at++;
  return at;
}

type State = "value" | "valueOrEnd" | "key" | "keyOrEnd" | "colon" | "after";

const expectations: Readonly<Record<State, string>> = {
  value: "looking for beginning of value",
  valueOrEnd: "looking for beginning of value",
  key: "looking for beginning of object key string",
  keyOrEnd: "looking for beginning of object key string",
  colon: "after object key",
  after: "",
};

/** The end of the value that starts here, or Go's complaint about the first character that cannot follow. */
function scanValue(text: string, start: number): Scan {
  const open: string[] = [];
  let state: State = "value";
  let at = start;
  for (;;) {
    at = skipSpace(text, at);
    const character = text.charAt(at);
    if (state === "after" && open.length === 0) return { end: at };
    if (character === "") return { error: at === start || text.trim() === "" ? "EOF" : "unexpected EOF" };
    const inArray = open.at(-1) === "[";
    if (character === "]" && inArray && (state === "after" || state === "valueOrEnd")) {
      open.pop();
      state = "after";
      at++;
    } else if (character === "}" && !inArray && (state === "after" || state === "keyOrEnd") && open.length > 0) {
      open.pop();
      state = "after";
      at++;
    } else if (state === "after") {
      if (character !== ",") {
        return badCharacter(text, at, inArray ? "after array element" : "after object key:value pair");
      }
      state = inArray ? "value" : "key";
      at++;
    } else if (state === "colon") {
      if (character !== ":") return badCharacter(text, at, expectations.colon);
      state = "value";
      at++;
    } else if ((state === "value" || state === "valueOrEnd") && (character === "[" || character === "{")) {
      open.push(character);
      if (open.length > depthMax) return { error: "exceeded max depth" };
      state = character === "[" ? "valueOrEnd" : "keyOrEnd";
      at++;
    } else {
      const isKey: boolean = state === "key" || state === "keyOrEnd";
      const scanned = isKey && character !== '"' ? badCharacter(text, at, expectations[state]) : scanScalar(text, at);
      if ("error" in scanned) return scanned;
      at = scanned.end;
      state = isKey ? "colon" : "after";
    }
  }
}

function scanScalar(text: string, at: number): Scan {
  const character = text.charAt(at);
  if (character === '"') return scanString(text, at + 1);
  if (/[-\d]/.test(character)) return scanNumber(text, at);
  const literal = ["true", "false", "null"].find((word) => word.startsWith(character));
  if (literal === undefined) return badCharacter(text, at, expectations.value);
  for (let next = 1; next < literal.length; next++) {
    if (at + next >= text.length) return { error: "unexpected EOF" };
    if (text[at + next] !== literal[next]) {
      return badCharacter(text, at + next, `in literal ${literal} (expecting '${literal.charAt(next)}')`);
    }
  }
  return { end: at + literal.length };
}

function scanString(text: string, from: number): Scan {
  let at = from;
  for (; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '"') return { end: at + 1 };
    if (character < " ") return badCharacter(text, at, "in string literal");
    if (character !== "\\") continue;
    at++;
    const escape = text.charAt(at);
    if (escape === "u") {
      for (let digit = 0; digit < 4; digit++) {
        at++;
        if (at < text.length && !/[0-9a-fA-F]/.test(text.charAt(at))) {
          return badCharacter(text, at, "in \\u hexadecimal character escape");
        }
      }
    } else if (escape !== "" && !'"\\/bfnrt'.includes(escape)) {
      return badCharacter(text, at, "in string escape code");
    }
  }
  return { error: "unexpected EOF" };
}

function scanNumber(text: string, from: number): Scan {
  number.lastIndex = from;
  const end = from + (number.exec(text)?.[0].length ?? 0);
  const read = text.slice(from, end);
  const wanted = /[eE][+-]?$/.test(read)
    ? "in exponent of numeric literal"
    : read.endsWith(".")
      ? "after decimal point in numeric literal"
      : read === "-"
        ? "in numeric literal"
        : null;
  if (wanted === null) return { end };
  return end >= text.length ? { error: "unexpected EOF" } : badCharacter(text, end, wanted);
}

/** As much of a number as there is. */
const number = /-?(?:(?:0|[1-9]\d*)(?:\.(?:\d+)?)?(?:(?<!\.)[eE][+-]?\d*)?)?/y;

/** Go complains about a byte, in quotes of its own. */
function badCharacter(text: string, at: number, context: string): { readonly error: string } {
  const byte = encodeUtf8(String.fromCodePoint(text.codePointAt(at) ?? 0))[0] as number;
  const character = String.fromCharCode(byte);
  const shown = character === "'" ? "\\'" : character === '"' ? '"' : quote(character).slice(1, -1);
  return { error: `invalid character '${shown}' ${context}` };
}
