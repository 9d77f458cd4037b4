// Messages of protobuf's own, which an expression may write: all but `Empty` are values of other types as soon as they are
// made. `Int32Value{value: 1}` is 1, `Struct{fields: {'a': 1}}` a map, in which numbers are doubles as in JSON, and `Value{}`
// is null. cel-go: common/types/provider.go NewValue, object.go; the ConvertToNative methods.

import { encodeBase64, formatFloat, standardBase64 } from "@portcullis/lang/go";
import { struct } from "../types.ts";
import { entriesOf } from "./container.ts";
import { secondsOfDuration, timestampText } from "./timestamp.ts";
import {
  CelError,
  CelMap,
  Duration,
  Optional,
  StructValue,
  Timestamp,
  type Tree,
  Uint,
  type Value,
  doubleOf,
  isDouble,
  isInt,
  isMap,
  numberOfDouble,
} from "./value.ts";
import { typeName, typeOfValue } from "./valuetype.ts";

type Fields = Readonly<Record<string, Value>>;

/** A message without fields that keeps its type. */
class EmptyMessage extends StructValue {
  readonly type = struct("google.protobuf.Empty");
  field(): undefined {
    return undefined;
  }
}

/** The value of a struct that an expression wrote: a tree, unless it is a message of protobuf. */
export function valueOfStruct(type: string, fields: Fields): Value | CelError {
  const make = makers.get(type);
  return make === undefined ? fields : make(fields, type);
}

type Maker = (fields: Fields, type: string) => Value | CelError;

/** What a field of a message takes, and what it is when nobody sets it. */
interface FieldKind {
  /** Go's type, which errors name. */
  readonly native: string;
  readonly zero: Value;
  takes(value: Value): Value | CelError | undefined;
}

const kinds = {
  bool: kind("bool", false, (value) => typeof value === "boolean"),
  string: kind("string", "", (value) => typeof value === "string"),
  bytes: kind("[]uint8", new Uint8Array(), (value) => value instanceof Uint8Array),
  int64: kind("int64", 0, isInt),
  uint64: kind("uint64", new Uint(0n), (value) => value instanceof Uint),
  double: kind("float64", doubleOf(0), isDouble),
  float: {
    native: "float32",
    zero: doubleOf(0),
    takes: (value) => (isDouble(value) ? doubleOf(Math.fround(numberOfDouble(value))) : undefined),
  },
  int32: {
    native: "int32",
    zero: 0,
    takes: (value) => (isInt(value) ? inRange(value, -(2n ** 31n), "integer overflow") : undefined),
  },
  uint32: {
    native: "uint32",
    zero: new Uint(0n),
    takes: (value) => (value instanceof Uint ? inRange(value, 0n, "unsigned integer overflow") : undefined),
  },
} as const satisfies Record<string, FieldKind>;

function kind(native: string, zero: Value, isOne: (value: Value) => boolean): FieldKind {
  return { native, zero, takes: (value) => (isOne(value) ? value : undefined) };
}

/** 32 bits, signed or not. */
function inRange(value: number | bigint | Uint, least: bigint, overflow: string): Value | CelError {
  const integer = value instanceof Uint ? value.value : BigInt(value);
  return integer >= least && integer < least + 2n ** 32n ? value : new CelError(overflow);
}

function readField(type: string, name: string, given: Value | undefined, { native, zero, takes }: FieldKind) {
  if (given === undefined) return zero;
  const taken = takes(given) ?? new CelError(unsupported(given, native));
  return taken instanceof CelError ? fieldError(type, name, taken.message) : taken;
}

function fieldError(type: string, name: string, why: string): CelError {
  return new CelError(`field type conversion error for ${type}.${name} value type: ${why}`);
}

/** Each type has its own words for it. */
function unsupported(value: Value, native: string): string {
  const name = typeName(typeOfValue(value));
  if (name === "int" || name === "uint") return `unsupported type conversion from '${name}' to ${native}`;
  if (name === "string") return `unsupported native conversion from string to '${native}'`;
  if (name === "type") return "type conversion not supported for 'type'";
  const shown = name === "double" ? "Double" : name === "bytes" ? "Bytes" : name === "null_type" ? "'null_type'" : name;
  return `type conversion error from ${shown} to '${native}'`;
}

function wrapper(field: FieldKind): Maker {
  return ({ value }, type) => readField(type, "value", value, field);
}

/** Seconds and nanoseconds. */
function timeOf(make: (nanoseconds: bigint) => Value): Maker {
  return (fields, type) => {
    const seconds = readField(type, "seconds", fields["seconds"], kinds.int64);
    const nanos = readField(type, "nanos", fields["nanos"], kinds.int32);
    if (seconds instanceof CelError) return seconds;
    if (nanos instanceof CelError) return nanos;
    return make(BigInt(seconds as number | bigint) * 1_000_000_000n + BigInt(nanos as number | bigint));
  };
}

function jsonField(type: string, name: string, value: Value): Value | CelError {
  const json = jsonOf(value);
  return json instanceof CelError ? fieldError(type, name, json.message) : json;
}

/** The field that was set last. */
function anyValue(fields: Fields, type: string): Value | CelError {
  const [name = "null_value", value = null] = Object.entries(fields).at(-1) ?? [];
  return name === "null_value" ? null : jsonField(type, name, value);
}

/** A message in a message, which is to be read from bytes; of those here only one without bytes can be. */
function packed(fields: Fields): Value | CelError {
  const url = typeof fields["type_url"] === "string" ? fields["type_url"] : "";
  const name = url.slice(url.lastIndexOf("/") + 1);
  if (!url.includes("/")) {
    const shown = url === "" ? "" : `type_url:${JSON.stringify(url)}`;
    return new CelError(`unsupported conversion to ref.Val: (*dynamicpb.Message)${shown}`);
  }
  return makers.get(name)?.({}, name) ?? new CelError(`unknown type: '${name}'`);
}

const makers: ReadonlyMap<string, Maker> = new Map<string, Maker>(
  Object.entries({
    Any: packed,
    BoolValue: wrapper(kinds.bool),
    BytesValue: wrapper(kinds.bytes),
    DoubleValue: wrapper(kinds.double),
    FloatValue: wrapper(kinds.float),
    Int32Value: wrapper(kinds.int32),
    Int64Value: wrapper(kinds.int64),
    StringValue: wrapper(kinds.string),
    UInt32Value: wrapper(kinds.uint32),
    UInt64Value: wrapper(kinds.uint64),
    Duration: timeOf((nanoseconds) => new Duration(nanoseconds)),
    Timestamp: timeOf((nanoseconds) => new Timestamp(nanoseconds)),
    Empty: () => new EmptyMessage(),
    ListValue: ({ values = [] }, type) => jsonField(type, "values", values),
    Struct: ({ fields = new CelMap() }, type) => jsonField(type, "fields", fields),
    Value: anyValue,
  } satisfies Record<string, Maker>).map(([name, make]) => [`google.protobuf.${name}`, make]),
);

// ── JSON

const maxSafe = 2n ** 53n - 1n;

/** A value as JSON has it, in which integers that a double does not hold are texts. */
function jsonOf(value: Value): Value | CelError {
  if (isInt(value)) return jsonNumber(BigInt(value));
  if (value instanceof Uint) return jsonNumber(value.value);
  if (value === null || typeof value === "boolean" || typeof value === "string" || isDouble(value)) return value;
  if (value instanceof Uint8Array) return encodeBase64(value, standardBase64);
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return `${formatFloat(secondsOfDuration(value), "f", null)}s`;
  if (Array.isArray(value)) return jsonList(value as readonly Value[]);
  if (value instanceof Optional) {
    return value.value === undefined ? new CelError("optional.none() dereference") : jsonOf(value.value);
  }
  return isMap(value) ? jsonMap(value) : new CelError(unsupported(value, "*structpb.Value"));
}

function jsonNumber(value: bigint): Value {
  return value >= -maxSafe && value <= maxSafe ? doubleOf(Number(value)) : String(value);
}

function jsonList(list: readonly Value[]): Value | CelError {
  const texts: Value[] = [];
  for (const element of list) {
    const json = jsonOf(element);
    if (json instanceof CelError) return json;
    texts.push(json);
  }
  return texts;
}

function jsonMap(map: CelMap | Tree): Value | CelError {
  const texts = new CelMap();
  for (const [key, element] of entriesOf(map)) {
    if (typeof key !== "string") return new CelError(unsupported(key, "string"));
    const json = jsonOf(element);
    if (json instanceof CelError) return json;
    texts.set(key, json);
  }
  return texts;
}
