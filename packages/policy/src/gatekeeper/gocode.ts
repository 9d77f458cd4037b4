// Go's words for values that have the wrong type, as they stand in accessor errors: `5 is of the type json.Number,
// expected string`. Behaviour from apimachinery's unstructured.NestedString and Go's fmt.

import { Decimal, numberText } from "@portcullis/lang";
import type { Json } from "../engine/request.ts";

/** `.msg accessor error: 5 is of the type json.Number, expected string`. Numbers have the given Go type. */
export function accessorError(field: string, value: Json, numberType: string): string {
  return `${field} accessor error: ${goText(value)} is of the type ${goType(value, numberType)}, expected string`;
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
  return String(value as boolean | string);
}

function goType(value: Json, numberType: string): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "number" || value instanceof Decimal) return numberType;
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "map[string]interface {}";
}
