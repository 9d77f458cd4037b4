// How large a value is when it is walked. An expression makes values that share their parts: forty pipes of `[@, @]` make a
// list of two elements that takes no memory, and whoever prints, compares or searches it would visit 2^40. What is given
// out is therefore walked once, against the budget, and refused where no cluster's object could be so large. A list's own
// elements are charged when it is made.

import { type Budget, LimitError } from "@portcullis/lang";
import { type Value, isList, isObject } from "./value.ts";

/** Characters of texts, and eight for every value: several times an API server's largest request. */
const extentMax = 32 * 1024 * 1024;

/** Throws LimitError for a value that is larger or deeper than the budget or the bound allow. */
export function boundExtent(value: Value, budget: Budget): void {
  let left = extentMax;
  const visit = (part: Value, depth: number): void => {
    const extent = typeof part === "string" ? 8 + part.length : 8;
    left -= extent;
    if (left < 0) throw new LimitError("output");
    budget.step(1 + (extent >> 6));
    if (typeof part !== "object" || part === null) return;
    if (depth > budget.depthMax) throw new LimitError("depth");
    if (isList(part)) for (const item of part) visit(item, depth + 1);
    else if (isObject(part)) for (const key of Object.keys(part)) visit(part[key] as Value, depth + 1);
  };
  visit(value, 0);
}

/** Charges the memory of a list that an expression makes. Throws LimitError. */
export function chargeList(length: number, budget: Budget): void {
  budget.step(length);
  budget.output(length * 8);
}
