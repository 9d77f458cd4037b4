// A policy decides, a mutation stage changes. Both declare a scope that is never narrower than what they match: the
// index, the webhook's rules and the audit are made from it.

import type { Outcome, PolicyId } from "./outcome.ts";
import type { Evaluation, EvaluationRequest, Json, Operation } from "./request.ts";

export interface Policy {
  /** May stand for a group (all constraints of one template); each outcome names its own policy. */
  readonly id: PolicyId;
  readonly scope: Scope;
  /** Synchronised data it may look at: a change there means evaluating again. */
  readonly reads: readonly Scope[];
  /** It looks at who asks: about an object that is stored, which says nothing of that, it cannot decide. */
  readonly readsRequester?: boolean;
  /** Cleanup: cron, evaluated per object with point "schedule". */
  readonly schedule?: string;
  /** What an error or an unanswered need means for the request. */
  readonly onError: "deny" | "allow";
  /** To which of its peer's webhooks it belongs, where the peer has one for each failure policy. */
  readonly failurePolicy?: FailurePolicy;
  readonly timeoutMs?: number;
  /** What a webhook has to ask it about; its scope, with the operations that are usual in its dialect, when absent. */
  readonly admission?: readonly AdmissionRule[];
  /** Exact match included; [] is not matched. */
  evaluate(request: EvaluationRequest, evaluation: Evaluation): readonly Outcome[];
}

/** What an API server does when a webhook does not answer. */
export type FailurePolicy = "Fail" | "Ignore";

export interface MutationStage {
  readonly id: PolicyId;
  readonly scope: Scope;
  readonly onError: "deny" | "allow";
  /** As that of a Policy. */
  readonly failurePolicy?: FailurePolicy;
  readonly timeoutMs?: number;
  /** As that of a Policy. */
  readonly admission?: readonly AdmissionRule[];
  /** MAP 10, Gatekeeper 20, Kyverno 30, CEL kinds 40: the order that the API server would give. */
  readonly rank: number;
  /** Once more, if a later stage changed the object. */
  readonly reinvoke: boolean;
  /** The same object means no change. */
  mutate(
    request: EvaluationRequest,
    evaluation: Evaluation,
  ): { readonly object: Json; readonly outcomes: readonly Outcome[] };
}

/** Requests for a kind; wildcards `*` and `?` in every part. */
export interface AdmissionRule {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** "" is the object itself; null is whatever request has an object of the kind. */
  readonly subresource: string | null;
  readonly operations: readonly Operation[];
}

/** Absent means any. Kinds and resources are `group/Kind` and `group/resource`, `*` for either part. */
export interface Scope {
  readonly kinds?: readonly string[];
  readonly resources?: readonly string[];
  readonly operations?: readonly Operation[];
  readonly namespaces?: readonly string[];
}
