// The operators Equals and NotEquals. The kind of the key decides how the value is read: a number takes numbers and text
// that is one, text takes durations, then quantities, then wildcards in the value; so `1 Equals '1'` holds and
// `'1' Equals 1` does not. NotEquals is the opposite except for keys that have no kind (null), where both are false.
// Behaviour from Kyverno pkg/engine/variables/operator/{equal,notequal}.go.

import { compareQuantities } from "@portcullis/kube";
import { deepEqual, goNumber, isMap, parseFloat64, parseInt64, truncated } from "../pattern/govalue.ts";
import { quantityOf } from "../pattern/scalar.ts";
import { matchesWildcard } from "../pattern/wildcard.ts";
import type { Operator, OperatorOptions } from "./operator.ts";
import { durationsOf, inSeconds } from "./quantities.ts";

export const equals: Operator = (key, value, options) => equality(key, value, options, "equals") ?? false;

export const notEquals: Operator = (key, value, options) => {
  const equal = equality(key, value, options, "notEquals");
  return equal === null ? false : !equal;
};

/** Null: the key is of a kind that no operator of this family takes. */
function equality(
  key: unknown,
  value: unknown,
  options: OperatorOptions,
  operator: "equals" | "notEquals",
): boolean | null {
  const { numbers, budget, unequalLists } = options;
  if (typeof key === "boolean") return key === value;
  if (typeof key === "string") return textEquals(key, value, options, operator);
  if (goNumber(key, numbers) !== null) return numberEquals(key, value, options);
  if (Array.isArray(key)) return !unequalLists && Array.isArray(value) && deepEqual(key, value, numbers, budget);
  if (isMap(key)) return !unequalLists && isMap(value) && deepEqual(key, value, numbers, budget);
  return null;
}

function textEquals(
  key: string,
  value: unknown,
  { numbers, budget }: OperatorOptions,
  operator: "equals" | "notEquals",
): boolean {
  budget.step(1 + (key.length >> 3));
  const durations = durationsOf(key, value, numbers);
  if (durations !== null) return inSeconds(durations.key) === inSeconds(durations.value);
  if (typeof value !== "string") return false;
  const quantity = quantityOf(key);
  // Only NotEquals compares a quantity with empty text as text; the outcome is the same.
  if (quantity !== null && !(operator === "notEquals" && value === "")) {
    const other = quantityOf(value);
    return other !== null && compareQuantities(quantity, other) === 0;
  }
  return matchesWildcard(value, key, budget);
}

function numberEquals(key: unknown, value: unknown, { numbers }: OperatorOptions): boolean {
  const left = goNumber(key, numbers);
  const right = goNumber(value, numbers);
  if (typeof left === "bigint") {
    if (typeof value === "string") return parseInt64(value) === left;
    if (typeof right === "number") return Math.trunc(right) === right && truncated(right) === left;
    return right === left;
  }
  if (left === null) return false;
  if (typeof value === "string") return parseFloat64(value) === left;
  if (typeof right === "bigint") return Math.trunc(left) === left && truncated(left) === right;
  return right === left;
}
