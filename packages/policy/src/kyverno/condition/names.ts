// The operators of conditions by name. A policy's operator is looked up once, when the policy is read.
// Behaviour from Kyverno pkg/engine/variables/operator/operator.go CreateOperatorHandler, which does not mind the case
// of letters; that names are spelled exactly is asked for when a policy is admitted.

import { equals, notEquals } from "./equality.ts";
import { allIn, allNotIn, anyIn, anyNotIn, isIn, isNotIn } from "./membership.ts";
import type { Operator } from "./operator.ts";
import { durationOrdering, ordering } from "./ordering.ts";

/** Every operator, as it has to be spelled. */
export const operatorNames = [
  "Equal",
  "Equals",
  "NotEqual",
  "NotEquals",
  "In",
  "AnyIn",
  "AllIn",
  "NotIn",
  "AnyNotIn",
  "AllNotIn",
  "GreaterThanOrEquals",
  "GreaterThan",
  "LessThanOrEquals",
  "LessThan",
  "DurationGreaterThanOrEquals",
  "DurationGreaterThan",
  "DurationLessThanOrEquals",
  "DurationLessThan",
] as const;

const membership: ReadonlyMap<string, Operator> = new Map([
  ["equal", equals],
  ["equals", equals],
  ["notequal", notEquals],
  ["notequals", notEquals],
  ["in", isIn],
  ["anyin", anyIn],
  ["allin", allIn],
  ["notin", isNotIn],
  ["anynotin", anyNotIn],
  ["allnotin", allNotIn],
]);

const orderings = new Set(["greaterthanorequals", "greaterthan", "lessthanorequals", "lessthan"]);

/** The operator of a name, whatever the case of its letters; null for an unknown one. */
export function operatorNamed(name: string): Operator | null {
  const lower = name.toLowerCase();
  const operator = membership.get(lower);
  if (operator !== undefined) return operator;
  if (orderings.has(lower)) return ordering(name);
  return lower.startsWith("duration") && orderings.has(lower.slice("duration".length)) ? durationOrdering(name) : null;
}
