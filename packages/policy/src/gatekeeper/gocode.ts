// Go's words for values that have the wrong type, as they stand in accessor errors: `5 is of the type json.Number,
// expected string`. Behaviour from apimachinery's unstructured.NestedString and Go's fmt.

import { Decimal, numberText } from "@portcullis/lang";
import type { Json } from "../engine/request.ts";

export interface Accessed {
  /** `.spec.match`. */
  readonly field: string;
  readonly value: Json;
  /** The Go type of numbers there, which depends on who decoded them. */
  readonly numbers: "json.Number" | "float64";
  readonly expected: "string" | "map[string]interface{}";
}

/** `.msg accessor error: 5 is of the type json.Number, expected string`. */
export function accessorError({ field, value, numbers, expected }: Accessed): string {
  return `${field} accessor error: ${goText(value)} is of the type ${goType(value, numbers)}, expected ${expected}`;
}

/** As `%v` prints it. */
function goText(value: Json): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "number" || value instanceof Decimal) return numberText(value);
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([key, item]) => `${key}:${goText(item)}`).join(" ")}]`;
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

function goType(value: Json, numberType: string): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "number" || value instanceof Decimal) return numberType;
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map[string]interface {}";
}
