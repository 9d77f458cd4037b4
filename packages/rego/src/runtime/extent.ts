// What a value takes when it is written out. A policy makes values that share their parts: forty lines of `x := [y, y]` make
// one that takes no memory and whose text nobody could hold. So the text is charged before it is made.

import { type Budget, Decimal } from "@portcullis/lang";
import { type PlainObject, RegoObject, RegoSet, type Value } from "./value.ts";

/** Charges about the length of a value's text. Throws LimitError. */
export function chargeText(value: Value, budget: Budget): void {
  budget.step();
  if (typeof value === "string") return budget.output(value.length);
  if (typeof value !== "object" || value === null || value instanceof Decimal) return budget.output(4);
  budget.output(2);
  if (Array.isArray(value)) return chargeAll(value as readonly Value[], budget);
  if (value instanceof RegoSet) return chargeAll(value.items, budget);
  if (value instanceof RegoObject) return value.entries().forEach((entry) => chargeAll(entry, budget));
  for (const key of Object.keys(value)) {
    budget.output(key.length);
    chargeText((value as PlainObject)[key] as Value, budget);
  }
}

function chargeAll(values: readonly Value[], budget: Budget): void {
  for (const value of values) chargeText(value, budget);
}
