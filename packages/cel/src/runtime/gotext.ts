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
  type Tree,
  TypeValue,
  Uint,
  type Value,
  fromInput,
  isMap,
} from "./value.ts";
import { typeName, typeOfValue } from "./valuetype.ts";

/**
 * A value as `%v` shows it; a list or a map only so far as a message can be read, since what its parts share would be written
 * again and again.
 */
export function goText(value: Value): string {
  if (!isContainer(value)) return scalarText(value);
  const writing: Writing = { text: "", isCut: false };
  write(value, writing);
  return writing.isCut ? `${writing.text}…` : writing.text;
}

/** Characters of a container's text. */
const containerMax = 16_384;

interface Writing {
  text: string;
  isCut: boolean;
}

type Container = readonly Value[] | CelMap | Tree | Optional;

function isContainer(value: Value): value is Container {
  return Array.isArray(value) || isMap(value) || value instanceof Optional;
}

function write(value: Value, writing: Writing): void {
  if (writing.text.length > containerMax) {
    writing.isCut = true;
    return;
  }
  if (!isContainer(value)) writing.text += scalarText(value);
  else if (value instanceof Optional) writeOptional(value, writing);
  else if (isMap(value)) writeMap(value, writing);
  else writeList(value as readonly Value[], writing);
}

function writeOptional({ value }: Optional, writing: Writing): void {
  writing.text += value === undefined ? "optional.none()" : "optional(";
  if (value === undefined) return;
  write(value, writing);
  writing.text += ")";
}

function writeList(list: readonly Value[], writing: Writing): void {
  writing.text += "[";
  for (const [at, element] of list.entries()) {
    if (at > 0) writing.text += ", ";
    write(fromInput(element), writing);
    if (writing.isCut) return;
  }
  writing.text += "]";
}

function writeMap(map: CelMap | Tree, writing: Writing): void {
  writing.text += "{";
  let separator = "";
  const entries = map instanceof CelMap ? map.entries() : Object.entries(map);
  for (const [key, value] of entries) {
    writing.text += separator;
    write(key, writing);
    writing.text += ": ";
    write(fromInput(value), writing);
    if (writing.isCut) return;
    separator = ", ";
  }
  writing.text += "}";
}

function scalarText(value: Exclude<Value, Container>): string {
  if (value === null) return "0";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : doubleText(value);
  return typeof value === "object" ? objectText(value) : String(value);
}

function objectText(value: Exclude<Value, null | Container>): string {
  if (value instanceof Uint) return String(value.value);
  if (value instanceof Double) return doubleText(value.value);
  if (value instanceof Timestamp) return formatTime(zonedTime(value), "2006-01-02 15:04:05.999999999 -0700 MST");
  if (value instanceof Duration) return durationText(value.nanoseconds);
  if (value instanceof Uint8Array) return bytesText(value);
  if (value instanceof TypeValue) return typeName(value.type);
  return typeName(typeOfValue(value));
}

function bytesText(bytes: Uint8Array): string {
  const isCut = bytes.length > bytesMax;
  return `[${bytes.subarray(0, bytesMax).join(" ")}${isCut ? "…" : "]"}`;
}

const bytesMax = containerMax / 4;

/** `%g`: `1e+06`, `+Inf`. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return formatFloat(value, "g", null);
}
