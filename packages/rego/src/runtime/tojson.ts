// A Rego value as a JSON tree: sets become sorted arrays, and keys that are not strings become their JSON text.
// What is already JSON is returned as it is, not copied. OPA: v1/ast/term.go JSON.

import { Decimal } from "@portcullis/lang";
import { compare, sortedEntries, sortedKeys } from "./compare.ts";
import { type PlainObject, RegoObject, RegoSet, type Value, newObject } from "./value.ts";

/** A tree for JSON.stringify; Decimals stay and print as written. */
export function toJson(value: Value): Value {
  if (typeof value !== "object" || value === null || value instanceof Decimal) return value;
  if (value instanceof RegoSet) return value.sorted(compare).map(toJson);
  if (value instanceof RegoObject) return objectToJson(value);
  if (Array.isArray(value)) return arrayToJson(value as readonly Value[]);
  return plainToJson(value as PlainObject);
}

function arrayToJson(items: readonly Value[]): readonly Value[] {
  const converted = items.map(toJson);
  return converted.every((item, at) => item === items[at]) ? items : converted;
}

function plainToJson(object: PlainObject): PlainObject {
  const keys = Object.keys(object);
  let result: Record<string, Value> | null = null;
  for (const [at, key] of keys.entries()) {
    const item = object[key] as Value;
    const converted = toJson(item);
    if (result === null && converted !== item) {
      result = newObject();
      for (const earlier of keys.slice(0, at)) result[earlier] = object[earlier] as Value;
    }
    if (result !== null) result[key] = converted;
  }
  return result ?? object;
}

function objectToJson(object: RegoObject): PlainObject {
  const result = newObject();
  for (const [key, item] of sortedEntries(object)) {
    result[typeof key === "string" ? key : goJsonText(toJson(key))] = toJson(item);
  }
  return result;
}

/** Compact JSON with sorted keys and Go's escapes (`<`, `>`, `&`, U+2028, U+2029) in strings. */
function goJsonText(value: Value): string {
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(goJsonText).join(",")}]`;
  if (value instanceof Decimal) return value.text;
  if (typeof value !== "object" || value === null) {
    return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escapeUnit);
  }
  const object = value as PlainObject;
  return `{${sortedKeys(object)
    .map((key) => `${goJsonText(key)}:${goJsonText(object[key] as Value)}`)
    .join(",")}}`;
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
