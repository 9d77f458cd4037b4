// The Rego text of a value, as OPA prints it in sprintf, print, template strings and conflict errors: strings quoted as
// Go quotes them, numbers as written, objects and sets in Rego's order, `set()` for the empty set.
// OPA: v1/ast/term.go String methods.

import { numberText } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
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
