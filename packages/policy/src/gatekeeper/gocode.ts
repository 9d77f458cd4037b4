// Go's words for values that have the wrong type, as they stand in accessor errors: `5 is of the type json.Number,
// expected string`. Behaviour from apimachinery's unstructured.NestedString and Go's fmt.

import { byCodePoints } from "@portcullis/kube";
import { type AnyNumber, Decimal, numberText } from "@portcullis/lang";
import { GoFloat, sprintf } from "@portcullis/lang/go";
import type { Json } from "../engine/request.ts";

export interface Accessed {
  /** `.spec.match`. */
  readonly field: string;
  readonly value: Json;
  /** The Go type of numbers there, which depends on who decoded them. */
  readonly numbers: GoNumbers;
  readonly expected: "string" | "map[string]interface{}";
}

/** `.msg accessor error: 5 is of the type json.Number, expected string`. */
export function accessorError({ field, value, numbers, expected }: Accessed): string {
  return `${field} accessor error: ${goText(value, numbers)} is of the type ${goType(value, numbers)}, expected ${expected}`;
}

/** How numbers were decoded: an unstructured object has int64 for integers and float64 for the rest. */
export type GoNumbers = "json.Number" | "float64" | "unstructured";

/** As `%v` prints it. */
export function goText(value: Json, numbers: GoNumbers = "json.Number"): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "number" || value instanceof Decimal) return numberShown(value, numbers);
  if (Array.isArray(value)) return `[${value.map((item) => goText(item, numbers)).join(" ")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).toSorted(([a], [b]) => byCodePoints(a, b));
    return `map[${entries.map(([key, item]) => `${key}:${goText(item, numbers)}`).join(" ")}]`;
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

function numberShown(value: AnyNumber, numbers: GoNumbers): string {
  if (numbers === "json.Number" || (numbers === "unstructured" && isInt64(value))) return numberText(value);
  return sprintf("%v", [new GoFloat(Number(numberText(value)))]);
}

function isInt64(value: AnyNumber): boolean {
  return value instanceof Decimal ? /^-?[0-9]+$/.test(value.text) : Number.isInteger(value);
}

/** As `%T` prints it. */
export function goType(value: Json, numbers: GoNumbers = "unstructured"): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "number" || value instanceof Decimal) {
    if (numbers !== "unstructured") return numbers;
    return isInt64(value) ? "int64" : "float64";
  }
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map[string]interface {}";
}
