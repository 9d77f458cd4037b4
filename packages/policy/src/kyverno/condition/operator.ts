// What an operator of conditions is: a predicate of two resolved operands.

import type { Budget } from "@portcullis/lang";
import type { Numbers } from "../pattern/govalue.ts";

/** Which side of AnyNotIn, AllNotIn and NotIn may hold wildcards: the one that the policy wrote, or both as in Kyverno. */
export type WildcardSide = "both" | "key" | "value";

export interface OperatorOptions {
  readonly numbers: Numbers;
  readonly budget: Budget;
  readonly wildcards: WildcardSide;
  /** Lists and maps are not equal, whatever is in them: Kyverno's answer where the policy has integers in one. */
  readonly unequalLists: boolean;
}

/** Whether the condition holds, variables resolved. Throws LimitError. */
export type Operator = (key: unknown, value: unknown, options: OperatorOptions) => boolean;
