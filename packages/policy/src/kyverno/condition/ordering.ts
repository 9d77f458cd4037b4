// The operators that order: GreaterThan and its family, and the older Duration… family. A key that is text is read as a
// duration, a quantity, a float or a semantic version, in this order; the first reading that takes the key decides.
// Kyverno finds the handler without regard to case but compares with the exact name, so that a misspelled name is always
// false. Behaviour from Kyverno pkg/engine/variables/operator/{numeric,duration}.go.

import { compareQuantities } from "@portcullis/kube";
import { compareSemver, parseSemver } from "@portcullis/lang/go";
import { goNumber, parseFloat64 } from "../pattern/govalue.ts";
import { durationOf, quantityOf } from "../pattern/scalar.ts";
import type { Operator, OperatorOptions } from "./operator.ts";
import { durationsOf, inSeconds, secondsOf } from "./quantities.ts";

type Relation = (difference: number) => boolean;

const relations: ReadonlyMap<string, Relation> = new Map<string, Relation>([
  ["GreaterThan", (difference) => difference > 0],
  ["GreaterThanOrEquals", (difference) => difference >= 0],
  ["LessThan", (difference) => difference < 0],
  ["LessThanOrEquals", (difference) => difference <= 0],
]);

/** What a name that no relation has stands for. */
const never: Relation = () => false;

/** Numbers, quantities, durations and versions. `name` is the operator as written. */
export function ordering(name: string): Operator {
  const relation = relations.get(name) ?? never;
  return (key, value, options) => {
    const difference = orderOf(key, value, options);
    return difference !== null && relation(difference);
  };
}

/** Durations and seconds alone. `name` is the operator as written. */
export function durationOrdering(name: string): Operator {
  const relation = (name.startsWith("Duration") ? relations.get(name.slice("Duration".length)) : undefined) ?? never;
  return (key, value, { numbers }) => {
    const left = typeof key === "string" ? durationOf(key) : secondsOf(key, numbers);
    const right = typeof value === "string" ? durationOf(value) : secondsOf(value, numbers);
    if (left === null || right === null) return false;
    return relation(left < right ? -1 : left > right ? 1 : 0);
  };
}

/** The sign says how key and value are ordered; null where they are not, NaN included. */
function orderOf(key: unknown, value: unknown, options: OperatorOptions): number | null {
  const { numbers, budget } = options;
  if (typeof key !== "string") {
    const number = goNumber(key, numbers);
    return number === null ? null : orderOfNumber(Number(number), key, value, options);
  }
  budget.step(1 + (key.length >> 3));
  const durations = durationsOf(key, value, numbers);
  if (durations !== null) return signOf(inSeconds(durations.key), inSeconds(durations.value));
  if (typeof value === "string") {
    const left = quantityOf(key);
    const right = left === null ? null : quantityOf(value);
    if (left !== null && right !== null) return compareQuantities(left, right);
  }
  const float = parseFloat64(key);
  if (float !== null) return orderOfNumber(float, float, value, options);
  return orderOfVersion(key, value);
}

function orderOfNumber(key: number, operand: unknown, value: unknown, { numbers }: OperatorOptions): number | null {
  if (typeof value !== "string") {
    const number = goNumber(value, numbers);
    return number === null ? null : signOf(key, Number(number));
  }
  const durations = durationsOf(operand, value, numbers);
  if (durations !== null) return signOf(inSeconds(durations.key), inSeconds(durations.value));
  const number = parseFloat64(value);
  return number === null ? null : signOf(key, number);
}

function signOf(left: number, right: number): number | null {
  return left < right ? -1 : left > right ? 1 : left === right ? 0 : null;
}

/** Semantic versions without a leading `v`. */
function orderOfVersion(key: string, value: unknown): number | null {
  if (typeof value !== "string" || key.startsWith("v") || value.startsWith("v")) return null;
  const left = parseSemver(key);
  const right = parseSemver(value);
  return left === null || right === null ? null : compareSemver(left, right);
}
