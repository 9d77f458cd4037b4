// The type of a value, and whether a value is of a type that a function declares. At run time a list of strings is a list:
// its first element alone tells whether it may be given to a function of `list(string)`, as in cel-go.
// cel-go: common/types/types.go defaultIsAssignableRuntimeType.

import * as types from "../types.ts";
import type { Type } from "../types.ts";
import {
  CelMap,
  Double,
  Duration,
  Opaque,
  Optional,
  StructValue,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
  fromInput,
  isTree,
} from "./value.ts";

const dynList = types.listOf(types.dyn);
const dynMap = types.mapOf(types.dyn, types.dyn);
const typeType = types.typeOf(null);
const optionalType = types.opaque("optional_type");

/** The type, with what is inside it erased. */
export function typeOfValue(value: Value): Type {
  if (value === null) return types.nullType;
  switch (typeof value) {
    case "string":
      return types.string;
    case "boolean":
      return types.bool;
    case "bigint":
      return types.int;
    case "number":
      return Number.isInteger(value) ? types.int : types.double;
    default:
      return typeOfObject(value);
  }
}

function typeOfObject(value: object): Type {
  if (Array.isArray(value)) return dynList;
  if (isTree(value) || value instanceof CelMap) return dynMap;
  if (value instanceof Uint) return types.uint;
  if (value instanceof Double) return types.double;
  if (value instanceof Timestamp) return types.timestamp;
  if (value instanceof Duration) return types.duration;
  if (value instanceof Uint8Array) return types.bytes;
  if (value instanceof TypeValue) return typeType;
  if (value instanceof Optional) return optionalType;
  return value instanceof Opaque || value instanceof StructValue ? value.type : types.errorType;
}

/** The name of a type without its parameters: `list`, `google.protobuf.Duration`. cel-go: Type.TypeName. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case "list":
    case "map":
    case "type":
      return type.kind;
    case "null":
      return "null_type";
    case "error":
      return "error";
    case "opaque":
    case "struct":
    case "parameter":
      return type.name;
    case "dyn":
    case "bool":
    case "int":
    case "uint":
    case "double":
    case "string":
    case "bytes":
    case "timestamp":
    case "duration":
    case "any":
      return types.typeText(type);
  }
}

/** Whether a function that declares the type takes the value. */
export function matchesType(type: Type, value: Value): boolean {
  switch (type.kind) {
    case "dyn":
    case "any":
    case "parameter":
      return true;
    case "string":
      return typeof value === "string";
    case "list":
      return Array.isArray(value) && (value.length === 0 || matchesType(type.element, fromInput(value[0] as Value)));
    case "map":
      return matchesMap(type, value);
    default:
      return typeName(type) === typeName(typeOfValue(value));
  }
}

function matchesMap(type: { readonly key: Type; readonly value: Type }, value: Value): boolean {
  if (value instanceof CelMap) {
    for (const [key, element] of value.entries()) return matchesType(type.key, key) && matchesType(type.value, element);
    return true;
  }
  if (!isTree(value)) return false;
  for (const key of Object.keys(value)) {
    return matchesType(type.key, key) && matchesType(type.value, fromInput(value[key] as Value));
  }
  return true;
}
