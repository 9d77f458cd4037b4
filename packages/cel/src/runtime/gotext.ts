// How Go's `%v` shows a value in error texts: strings bare, doubles with as few digits as read back.
// cel-go: the String methods of common/types; Go: fmt.

import { durationText, formatFloat, formatTime } from "@portcullis/lang/go";
import { zonedTime } from "./timestamp.ts";
import {
  CelMap,
  Double,
  Duration,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
  fromInput,
  isTree,
} from "./value.ts";
import { typeName, typeOfValue } from "./valuetype.ts";

/** A value as `%v` shows it. Containers are not cut: only messages about keys show any, and keys are no containers. */
export function goText(value: Value): string {
  if (value === null) return "0";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : doubleText(value);
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value))
    return `[${(value as readonly Value[]).map((element) => goText(fromInput(element))).join(", ")}]`;
  if (value instanceof CelMap || isTree(value)) return `{${mapTexts(value).join(", ")}}`;
  return objectText(value);
}

function objectText(value: Exclude<Value, null>): string {
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Double) return doubleText(value.value);
  if (value instanceof Timestamp) return formatTime(zonedTime(value), "2006-01-02 15:04:05.999999999 -0700 MST");
  if (value instanceof Duration) return durationText(value.nanoseconds);
  if (value instanceof Uint8Array) return `[${value.join(" ")}]`;
  if (value instanceof TypeValue) return typeName(value.type);
  if (value instanceof Optional)
    return value.value === undefined ? "optional.none()" : `optional(${goText(value.value)})`;
  return typeName(typeOfValue(value));
}

function mapTexts(map: CelMap | { readonly [key: string]: Value }): readonly string[] {
  if (map instanceof CelMap) return [...map.entries()].map(([key, value]) => `${goText(key)}: ${goText(value)}`);
  return Object.keys(map).map((key) => `${key}: ${goText(fromInput(map[key] as Value))}`);
}

/** `%g`: `1e+06`, `+Inf`. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return formatFloat(value, "g", null);
}
