// Values and types of CEL's conformance cases, as protobuf's JSON writes them, beside ours.

import {
  CelError,
  CelMap,
  Double,
  Duration,
  Optional,
  Timestamp,
  type Type,
  TypeValue,
  Uint,
  type Value,
  doubleOf,
  intOf,
  isMap,
  typeName,
  types,
} from "@portcullis/cel";
import { inDoubles } from "@portcullis/cel/kubernetes";

export interface ExprValue {
  readonly nullValue?: null;
  readonly boolValue?: boolean;
  readonly int64Value?: string;
  readonly uint64Value?: string;
  readonly doubleValue?: number | string;
  readonly stringValue?: string;
  readonly bytesValue?: string;
  readonly typeValue?: string;
  readonly listValue?: { readonly values?: readonly ExprValue[] };
  readonly mapValue?: { readonly entries?: readonly { readonly key: ExprValue; readonly value: ExprValue }[] };
  readonly objectValue?: { readonly "@type": string; readonly value?: unknown };
  readonly enumValue?: unknown;
}

export interface ExprType {
  readonly typeParam?: string;
  readonly abstractType?: { readonly name: string; readonly parameterTypes?: readonly ExprType[] };
  readonly primitive?: string;
  readonly wellKnown?: string;
  readonly null?: unknown;
  readonly dyn?: unknown;
  readonly messageType?: string;
  readonly listType?: { readonly elemType: ExprType };
  readonly mapType?: { readonly keyType: ExprType; readonly valueType: ExprType };
}

const primitives: Readonly<Record<string, Type>> = {
  BOOL: types.bool,
  INT64: types.int,
  UINT64: types.uint,
  DOUBLE: types.double,
  STRING: types.string,
  BYTES: types.bytes,
};

const messages: Readonly<Record<string, Type>> = {
  "google.protobuf.Duration": types.duration,
  "google.protobuf.Timestamp": types.timestamp,
  "google.protobuf.BoolValue": { kind: "bool", nullable: true },
  "google.protobuf.BytesValue": { kind: "bytes", nullable: true },
  "google.protobuf.DoubleValue": { kind: "double", nullable: true },
  "google.protobuf.FloatValue": { kind: "double", nullable: true },
  "google.protobuf.Int32Value": { kind: "int", nullable: true },
  "google.protobuf.Int64Value": { kind: "int", nullable: true },
  "google.protobuf.StringValue": { kind: "string", nullable: true },
  "google.protobuf.UInt32Value": { kind: "uint", nullable: true },
  "google.protobuf.UInt64Value": { kind: "uint", nullable: true },
  "google.protobuf.Any": types.any,
  "google.protobuf.Value": types.dyn,
  "google.protobuf.ListValue": types.listOf(types.dyn),
  "google.protobuf.Struct": types.mapOf(types.string, types.dyn),
};

/** Types of messages that Kubernetes does not know stay names. */
export function typeOfDeclaration(type: ExprType): Type {
  if (type.primitive !== undefined) return primitives[type.primitive] ?? types.dyn;
  if (type.typeParam !== undefined) return types.parameter(type.typeParam);
  if (type.abstractType !== undefined) {
    const { name, parameterTypes = [] } = type.abstractType;
    return types.opaque(name, ...parameterTypes.map(typeOfDeclaration));
  }
  if ("null" in type) return types.nullType;
  if (type.messageType !== undefined) return messages[type.messageType] ?? types.struct(type.messageType);
  if (type.listType !== undefined) return types.listOf(typeOfDeclaration(type.listType.elemType));
  if (type.mapType === undefined) return types.dyn;
  return types.mapOf(typeOfDeclaration(type.mapType.keyType), typeOfDeclaration(type.mapType.valueType));
}

export function valueOfExpected(value: ExprValue): Value {
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.int64Value !== undefined) return intOf(BigInt(value.int64Value));
  if (value.uint64Value !== undefined) return new Uint(BigInt(value.uint64Value));
  if (value.doubleValue !== undefined) return doubleOf(Number(value.doubleValue));
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.bytesValue !== undefined) return new Uint8Array(Buffer.from(value.bytesValue, "base64"));
  if (value.listValue !== undefined) return (value.listValue.values ?? []).map(valueOfExpected);
  if (value.objectValue !== undefined) return valueOfMessage(value.objectValue);
  if (value.mapValue === undefined) return null;
  const map = new CelMap();
  for (const entry of value.mapValue.entries ?? []) map.set(valueOfExpected(entry.key), valueOfExpected(entry.value));
  return map;
}

/** What protobuf's own messages are as values. */
function valueOfMessage({ "@type": type, value }: { readonly "@type": string; readonly value?: unknown }): Value {
  const name = type.replace("type.googleapis.com/google.protobuf.", "");
  if (/^Int(?:32|64)Value$/.test(name)) return intOf(BigInt(value as string | number));
  if (/^UInt(?:32|64)Value$/.test(name)) return new Uint(BigInt(value as string | number));
  if (name === "BytesValue") return new Uint8Array(Buffer.from(value as string, "base64"));
  return inDoubles((value ?? null) as Value);
}

/** Durations and timestamps are messages there, types and others have names. */
export function showExpected(value: ExprValue): string {
  if (value.typeValue !== undefined) return `type ${value.typeValue}`;
  if (value.listValue !== undefined) return `[${(value.listValue.values ?? []).map(showExpected).join(", ")}]`;
  if (value.mapValue !== undefined) {
    const entries = (value.mapValue.entries ?? []).map(
      (entry) => `${showExpected(entry.key)}: ${showExpected(entry.value)}`,
    );
    return `{${entries.toSorted().join(", ")}}`;
  }
  if (value.objectValue !== undefined) {
    if (Array.isArray(value.objectValue.value))
      return `[${value.objectValue.value.map((one) => JSON.stringify(one)).join(", ")}]`;
    const name = value.objectValue["@type"].replace("type.googleapis.com/google.protobuf.", "").toLowerCase();
    return `${name} ${String(value.objectValue.value)}`;
  }
  return showValue(valueOfExpected(value));
}

export function showValue(value: Value | CelError): string {
  if (value instanceof CelError) return `error: ${value.message}`;
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return `${Number.isInteger(value) ? "int" : "double"} ${value}`;
  if (typeof value === "bigint") return `int ${value}`;
  return Array.isArray(value) ? `[${(value as readonly Value[]).map(showValue).join(", ")}]` : showObject(value);
}

function showObject(value: Exclude<Value, null | boolean | string | number | bigint>): string {
  if (value instanceof Uint) return `uint ${value.value}`;
  if (value instanceof Double) return `double ${value.value}`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("base64")}`;
  if (value instanceof Duration) return `duration ${secondsText(value.nanoseconds)}s`;
  if (value instanceof Timestamp) return `timestamp ${timestampText(value.nanoseconds)}`;
  if (value instanceof TypeValue) return `type ${typeName(value.type)}`;
  if (value instanceof Optional) return value.value === undefined ? "none" : `optional ${showValue(value.value)}`;
  if (!isMap(value)) return "another value";
  const entries = value instanceof CelMap ? [...value.entries()] : Object.entries(value);
  return `{${entries
    .map(([key, element]) => `${showValue(key)}: ${showValue(element)}`)
    .toSorted()
    .join(", ")}}`;
}

/** `-1.5`; fractions have three, six or nine digits. */
function secondsText(nanoseconds: bigint): string {
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  return `${nanoseconds < 0n ? "-" : ""}${size / 1_000_000_000n}${fractionText(size % 1_000_000_000n)}`;
}

function fractionText(nanoseconds: bigint): string {
  const digits = String(nanoseconds)
    .padStart(9, "0")
    .replace(/(?:000){1,3}$/, "");
  return digits === "" ? "" : `.${digits}`;
}

function timestampText(nanoseconds: bigint): string {
  const fraction = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const whole = new Date(Number((nanoseconds - fraction) / 1_000_000n)).toISOString().replace(".000Z", "");
  return `${whole}${fractionText(fraction)}Z`;
}
