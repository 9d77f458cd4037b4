// A value as Go's `%v` prints it in error messages: `map[a:1 b:[x y]]`, `<nil>`, a million as `1e+06`.
// Go: fmt/print.go printValue.

import { type Budget, LimitError } from "@portcullis/lang";
import { formatFloat } from "@portcullis/lang/go";
import { sortedKeys } from "./order.ts";
import { GoInteger, Reference, type Value, isList, numberOf } from "./value.ts";

/** Charges the text that it makes. Throws LimitError. */
export function goText(value: Value, budget: Budget, depth = 0): string {
  if (depth > budget.depthMax) throw new LimitError("depth");
  const text = textOf(value, budget, depth);
  budget.output(text.length);
  return text;
}

function textOf(value: Value, budget: Budget, depth: number): string {
  if (value === null) return "<nil>";
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  const number = numberOf(value);
  if (number !== null) return goFloatText(number);
  if (isList(value)) return `[${value.map((item) => goText(item, budget, depth + 1)).join(" ")}]`;
  if (value instanceof GoInteger) return String(value.value);
  if (value instanceof Reference) return `&${value.text}`;
  const object = value as Readonly<Record<string, Value>>;
  const entries = sortedKeys(object).map((key) => `${key}:${goText(object[key] as Value, budget, depth + 1)}`);
  return `map[${entries.join(" ")}]`;
}

/** A double as `%v` prints it: `1e+06`, `NaN`, `+Inf`. */
export function goFloatText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return formatFloat(value, "g", null);
}
