// How large a value is when it is walked. What policies make shares its parts: forty pipes of `[@, @]`, or forty patches that
// copy an object into itself, make a value that takes no memory, and whoever prints, compares or searches it would visit
// 2^40. Such a value is therefore walked once, against the budget, and refused where no cluster's object could be so large.

import { type Budget, LimitError } from "./budget.ts";
import { Decimal } from "./decimal.ts";

/** Characters of texts, and eight for every value: several times an API server's largest request. */
const extentMax = 32 * 1024 * 1024;

/** Throws LimitError for a value that is larger or deeper than the budget or the bound (`most`) allow. */
export function boundExtent(value: unknown, budget: Budget, most = extentMax): void {
  let left = most;
  walk(value, 0, budget, (extent) => {
    left -= extent;
    if (left < 0) throw new LimitError("output");
    budget.step(1 + (extent >> 6));
  });
}

/** Charges a value as output: where one value may come to stand at many places. Throws LimitError. */
export function chargeExtent(value: unknown, budget: Budget): void {
  walk(value, 0, budget, (extent) => {
    budget.output(extent);
    budget.step();
  });
}

/** The extent of a value that shares nothing. */
export function extentOf(value: unknown): number {
  if (typeof value === "string") return 8 + value.length;
  if (typeof value !== "object" || value === null || value instanceof Decimal) return 8;
  let extent = 8;
  for (const part of Object.values(value) as readonly unknown[]) extent += extentOf(part);
  return extent;
}

function walk(value: unknown, depth: number, budget: Budget, charge: (extent: number) => void): void {
  charge(typeof value === "string" ? 8 + value.length : 8);
  if (typeof value !== "object" || value === null || value instanceof Decimal) return;
  if (depth > budget.depthMax) throw new LimitError("depth");
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) walk(item, depth + 1, budget, charge);
  } else {
    const tree = value as Readonly<Record<string, unknown>>;
    for (const key of Object.keys(tree)) walk(tree[key], depth + 1, budget, charge);
  }
}
