// The memory of lists that an expression makes. (How large a value is that shares its parts is bounded by lang's boundExtent;
// a list's own elements are charged here, when it is made.)

import type { Budget } from "@portcullis/lang";

/** Charges the memory of a list that an expression makes. Throws LimitError. */
export function chargeList(length: number, budget: Budget): void {
  budget.step(length);
  budget.output(length * 8);
}
