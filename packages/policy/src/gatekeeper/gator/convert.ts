// How gator makes Go's structs of the objects in its files: not with a decoder but with apimachinery's converter, whose errors
// name neither the field nor the value. It goes through a struct in the order of its declaration. Numbers are float64 there.
// Kubernetes: apimachinery pkg/runtime/converter.go fromUnstructured.

import { isObject } from "@portcullis/kube";
import { Decimal, numberText } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";
import type { GoType } from "../gotype.ts";

/** The converter's error; null when the value fits. */
export function convertError(value: Json, type: GoType): string | null {
  if (value === null || value === undefined) return null;
  switch (type.is) {
    case "any":
    case "schema":
      return null;
    case "string":
      return typeof value === "string" ? null : "unrecognized type: string";
    case "bool":
      return typeof value === "boolean" ? null : "unrecognized type: bool";
    case "integer":
      return integerError(value);
    case "list":
      if (!Array.isArray(value)) return `cannot restore slice from ${kindOf(value)}`;
      return first(value, (item) => convertError(item, type.of));
    case "map":
      if (!isObject(value)) return `cannot restore map from ${kindOf(value)}`;
      return first(Object.values(value), (item) => convertError(item, type.of));
    case "struct":
      if (!isObject(value)) return `cannot restore struct from: ${kindOf(value)}`;
      return first(Object.entries(type.fields), ([key, field]) => convertError(value[key], field));
  }
}

function integerError(value: Json): string | null {
  if (typeof value !== "number" && !(value instanceof Decimal)) return "unrecognized type: int64";
  return Number.isInteger(Number(numberText(value))) ? null : "cannot convert float64 to int64";
}

function first<T>(items: readonly T[], errorOf: (item: T) => string | null): string | null {
  for (const item of items) {
    const error = errorOf(item);
    if (error !== null) return error;
  }
  return null;
}

/** As Go's reflection calls what was read from a file. */
function kindOf(value: Json): string {
  if (typeof value === "number" || value instanceof Decimal) return "float64";
  if (Array.isArray(value)) return "slice";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map";
}
