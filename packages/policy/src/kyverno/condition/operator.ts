// What an operator of conditions is: a predicate of two resolved operands.

import type { Budget } from "@portcullis/lang";
import type { Numbers } from "../pattern/govalue.ts";

/** Which side of AnyNotIn, AllNotIn and NotIn may hold wildcards: the one that the policy wrote, or both as in Kyverno. */
export type WildcardSide = "both" | "key" | "value";

/**
 * An integer in a list that the policy wrote is an int64, any other number is a float64: from a million on they are
 * different texts. With `both`, a number of the value has the text of a float64 as well.
 */
export interface Spelling {
  readonly key: Numbers;
  readonly value: Numbers | "both";
}

export interface OperatorOptions {
  readonly numbers: Numbers;
  readonly budget: Budget;
  readonly wildcards: WildcardSide;
  /** How numbers in lists are written where they are compared as text. */
  readonly spelling: Spelling;
  /** Lists and maps are not equal, whatever is in them: Kyverno's answer where the policy has integers in one. */
  readonly unequalLists: boolean;
}

/** Whether the condition holds, variables resolved. Throws LimitError. */
export type Operator = (key: unknown, value: unknown, options: OperatorOptions) => boolean;
