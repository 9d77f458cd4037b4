// The Rego text of a value, as OPA prints it in sprintf, print, template strings and conflict errors: strings quoted as
// Go quotes them, numbers as written, objects and sets in Rego's order, `set()` for the empty set.
// OPA: v1/ast/term.go String methods.

import { numberText } from "@portcullis/lang";
import { compare, sortedEntries } from "./compare.ts";
import { type PlainObject, type RegoObject, RegoSet, type Value, isNumber } from "./value.ts";

/** Rego text: `{"a": [1, "x"], "b": {2, 3}}`. Recursive; a value is never deeper than the parser or evaluation let it be. */
export function format(value: Value): string {
  if (value === null) return "null";
  if (typeof value === "string") return quote(value);
  if (isNumber(value)) return numberText(value);
  return typeof value === "boolean" ? String(value) : formatComposite(value);
}

function formatComposite(value: readonly Value[] | PlainObject | RegoSet | RegoObject): string {
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(format).join(", ")}]`;
  if (value instanceof RegoSet) {
    return value.size === 0 ? "set()" : `{${value.sorted(compare).map(format).join(", ")}}`;
  }
  const entries = sortedEntries(value as PlainObject | RegoObject);
  return `{${entries.map(([key, item]) => `${format(key)}: ${format(item)}`).join(", ")}}`;
}

/** A string in double quotes with Go's escapes. Go: strconv.Quote. */
export function quote(text: string): string {
  return plain.test(text) ? `"${text}"` : `"${Array.from(text, quoteCharacter).join("")}"`;
}

/** Text of which no character needs an escape: the printable part of ASCII without the quote and the backslash. */
const plain = /^[ !#-[\]-~]*$/;

/** What Go's unicode.IsPrint accepts: letters, marks, numbers, punctuation, symbols, and of the spaces only U+0020. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

function quoteCharacter(character: string): string {
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  if (printable.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0xd800 && code <= 0xdfff) return "\uFFFD";
  const digits = code.toString(16);
  if (code < 0x20 || code === 0x7f) return `\\x${digits.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${digits.padStart(4, "0")}` : `\\U${digits.padStart(8, "0")}`;
}
