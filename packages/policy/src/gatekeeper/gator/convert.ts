// How gator makes Go's structs of the objects in its files: not with a decoder but with apimachinery's converter, whose errors
// name neither the field nor the value. It goes through a struct in the order of its declaration. What numbers are depends
// on who has read the file.
// Kubernetes: apimachinery pkg/runtime/converter.go fromUnstructured.

import { isObject } from "@portcullis/kube";
import { Decimal, numberText } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";
import { goType } from "../gocode.ts";
import type { GoType } from "../gotype.ts";

type Numbers = "float64" | "unstructured";

/** The converter's error; null when the value fits. */
export function convertError(value: Json, type: GoType, numbers: Numbers = "float64"): string | null {
  if (value === null || value === undefined) return null;
  switch (type.is) {
    case "any":
    case "int32 or string":
    case "schema":
      return null;
    case "string":
      if (kindOf(value, numbers) === "int64") return "cannot convert int64 to string";
      return typeof value === "string" ? null : "unrecognized type: string";
    case "bool":
      return typeof value === "boolean" ? null : "unrecognized type: bool";
    case "integer":
      return integerError(value);
    case "list":
      if (!Array.isArray(value)) return `cannot restore slice from ${kindOf(value, numbers)}`;
      return first(value, (item) => convertError(item, type.of, numbers));
    case "map":
      if (!isObject(value)) return `cannot restore map from ${kindOf(value, numbers)}`;
      return first(Object.values(value), (item) => convertError(item, type.of, numbers));
    case "struct":
      if (!isObject(value)) return `cannot restore struct from: ${kindOf(value, numbers)}`;
      return first(Object.entries(type.fields), ([key, field]) => convertError(value[key], field, numbers));
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
function kindOf(value: Json, numbers: Numbers): string {
  if (typeof value === "number" || value instanceof Decimal) return goType(value, numbers);
  if (Array.isArray(value)) return "slice";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map";
}
