// A PolicySet is an immutable snapshot of everything that decides, indexed by kind, operation and namespace, with a
// digest of its source form. A change makes a new set; whoever serves swaps one reference.

import type { Budget, Diagnostic, World } from "@portcullis/lang";
import type { Decision, Suspended } from "./outcome.ts";
import type { EvaluationRequest, Json, ObjectRef } from "./request.ts";

export interface PolicySet {
  /** Of the objects it was made from; equal sets have equal digests whatever the order. */
  readonly digest: string;
  readonly status: ReadonlyMap<string, readonly Diagnostic[]>;
  /** The objects it was made from: what a worker compiles again. */
  readonly sources: readonly { readonly object: Json; readonly file: string }[];
  with(changed: readonly { readonly object: Json; readonly file: string }[], removed: readonly ObjectRef[]): PolicySet;
  evaluate(request: EvaluationRequest, world: World, budget: Budget): Decision | Suspended;
}
