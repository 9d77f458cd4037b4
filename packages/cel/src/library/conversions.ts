// Conversions between types. What cannot be converted is an error that names both types.
// cel-go: common/types, the ConvertToType methods.

import { decodeUtf8, encodeUtf8, formatFloat, isValidUtf8, parseFloatText } from "@portcullis/lang/go";
import type { Overload } from "../library.ts";
import { type AnyDouble, type Int, int64, intOfDouble, isInt64, uint64, uintOfDouble } from "../runtime/arithmetic.ts";
import { doubleText } from "../runtime/gotext.ts";
import {
  durationOfText,
  parseTimestamp,
  secondsOf,
  secondsOfDuration,
  timestampOfSeconds,
  timestampText,
} from "../runtime/timestamp.ts";
import {
  CelError,
  type Duration,
  type Timestamp,
  Uint,
  type Value,
  doubleOf,
  intOf,
  numberOfDouble,
} from "../runtime/value.ts";
import { traverses } from "./cost.ts";
import { global } from "./declare.ts";

const identity = ([value]: [Value]): Value => value;

function failed(from: string, to: string): CelError {
  return new CelError(`type conversion error from '${from}' to '${to}'`);
}

/** Go: strconv.ParseBool. */
const trueTexts = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const falseTexts = new Set(["0", "f", "F", "FALSE", "false", "False"]);

function boolOfText(text: string): boolean | CelError {
  if (trueTexts.has(text)) return true;
  return falseTexts.has(text) ? false : failed("string", "bool");
}

/** Longer digits cannot be an int64 but for zeros in front; they are not made a bigint. */
const digitsMax = 1000;

/** Go: strconv.ParseInt in base 10. */
function intOfText(text: string): Value | CelError {
  if (text.length > digitsMax || !/^[+-]?\d+$/.test(text)) return failed("string", "int");
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return isInt64(value) ? intOf(value) : failed("string", "int");
}

function uintOfText(text: string): Value | CelError {
  const value = text.length > digitsMax || !/^\d+$/.test(text) ? null : uint64(BigInt(text));
  return value instanceof Uint ? value : failed("string", "uint");
}

/** Go: strconv.ParseFloat. */
function doubleOfText(text: string): Value | CelError {
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return NaN;
  const parsed = parseFloatText(text);
  return "error" in parsed ? failed("string", "double") : doubleOf(Number(parsed.text));
}

function textOfBytes(bytes: Uint8Array): string | CelError {
  if (!isValidUtf8(bytes)) return new CelError("invalid UTF-8 in bytes, cannot convert to string");
  return decodeUtf8(bytes);
}

export function durationSecondsText(duration: Duration): string {
  return `${formatFloat(secondsOfDuration(duration), "f", null)}s`;
}

const simple: readonly Overload[] = [
  global("bool(bool) -> bool", "bool_to_bool", identity),
  global("bool(string) -> bool", "string_to_bool", ([text]: [string]) => boolOfText(text)),
  global("bytes(bytes) -> bytes", "bytes_to_bytes", identity),
  global(
    "bytes(string) -> bytes",
    "string_to_bytes",
    ([text]: [string], budget) => {
      budget.output(text.length);
      return encodeUtf8(text);
    },
    { cost: traverses(0) },
  ),
  global("double(double) -> double", "double_to_double", identity),
  global("double(int) -> double", "int64_to_double", ([value]: [Int]) => doubleOf(Number(value))),
  global("double(string) -> double", "string_to_double", ([text]: [string]) => doubleOfText(text)),
  global("double(uint) -> double", "uint64_to_double", ([{ value }]: [Uint]) => doubleOf(Number(value))),
];

const durations: readonly Overload[] = [
  global("duration(google.protobuf.Duration) -> google.protobuf.Duration", "duration_to_duration", identity),
  global("duration(string) -> google.protobuf.Duration", "string_to_duration", ([text]: [string]) =>
    durationOfText(text),
  ),
];

/** cel-go 0.26 declares it, and has no code for it. */
const durationOfInt = global("duration(int) -> google.protobuf.Duration", "int64_to_duration", () =>
  failed("int", "google.protobuf.Duration"),
);

const numbers: readonly Overload[] = [
  global("int(int) -> int", "int64_to_int64", identity),
  global("int(double) -> int", "double_to_int64", ([value]: [AnyDouble]) => intOfDouble(numberOfDouble(value))),
  global("int(google.protobuf.Duration) -> int", "duration_to_int64", ([value]: [Duration]) =>
    intOf(value.nanoseconds),
  ),
  global("int(string) -> int", "string_to_int64", ([text]: [string]) => intOfText(text)),
  global("int(google.protobuf.Timestamp) -> int", "timestamp_to_int64", ([time]: [Timestamp]) =>
    intOf(secondsOf(time)),
  ),
  global("int(uint) -> int", "uint64_to_int64", ([{ value }]: [Uint]) => int64(value)),
  global("uint(uint) -> uint", "uint64_to_uint64", identity),
  global("uint(double) -> uint", "double_to_uint64", ([value]: [AnyDouble]) => uintOfDouble(numberOfDouble(value))),
  global("uint(int) -> uint", "int64_to_uint64", ([value]: [Int]) => uint64(BigInt(value))),
  global("uint(string) -> uint", "string_to_uint64", ([text]: [string]) => uintOfText(text)),
];

const strings: readonly Overload[] = [
  global("string(string) -> string", "string_to_string", identity),
  global("string(bool) -> string", "bool_to_string", ([value]: [boolean]) => String(value)),
  global(
    "string(bytes) -> string",
    "bytes_to_string",
    ([bytes]: [Uint8Array], budget) => {
      budget.output(bytes.length);
      return textOfBytes(bytes);
    },
    { cost: traverses(0) },
  ),
  global("string(double) -> string", "double_to_string", ([value]: [AnyDouble]) => doubleText(numberOfDouble(value))),
  global("string(google.protobuf.Duration) -> string", "duration_to_string", ([value]: [Duration]) =>
    durationSecondsText(value),
  ),
  global("string(int) -> string", "int64_to_string", ([value]: [Int]) => String(value)),
  global("string(google.protobuf.Timestamp) -> string", "timestamp_to_string", ([time]: [Timestamp]) =>
    timestampText(time),
  ),
  global("string(uint) -> string", "uint64_to_string", ([{ value }]: [Uint]) => String(value)),
];

function timestamps(celGo: 26 | 30): readonly Overload[] {
  return [
    global("timestamp(google.protobuf.Timestamp) -> google.protobuf.Timestamp", "timestamp_to_timestamp", identity),
    global("timestamp(int) -> google.protobuf.Timestamp", "int64_to_timestamp", ([value]: [Int]) =>
      timestampOfSeconds(value),
    ),
    global("timestamp(string) -> google.protobuf.Timestamp", "string_to_timestamp", ([text]: [string]) =>
      parseTimestamp(text, celGo),
    ),
  ];
}

export function conversions(celGo: 26 | 30): readonly Overload[] {
  const [same, ...others] = durations as [Overload, ...Overload[]];
  const ofInt = celGo === 26 ? [durationOfInt] : [];
  return [...simple, same, ...ofInt, ...others, ...numbers, ...strings, ...timestamps(celGo)];
}
