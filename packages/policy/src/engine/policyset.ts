// A PolicySet is an immutable snapshot of everything that decides, indexed by kind, operation and namespace, with a
// digest of its source form. A change makes a new set; whoever serves swaps one reference.

import type { Budget, Diagnostic, World } from "@portcullis/lang";
import type { Locate } from "./frontend.ts";
import type { Decision, Effect, Suspended } from "./outcome.ts";
import type { MutationStage, Policy } from "./policy.ts";
import type { EvaluationRequest, Json, ObjectRef } from "./request.ts";

/** One object of a set's source form. `locate` does not travel to workers; without it diagnostics name the file only. */
export interface PolicySource {
  readonly object: Json;
  readonly file: string;
  readonly locate?: Locate;
}

export interface EvaluateOptions {
  /** Only these dialects decide and answer: a peer's own path. */
  readonly dialects?: readonly string[];
  /** Only these policies and mutation stages: a webhook for some of them. */
  readonly only?: (policy: Pick<Policy, "id" | "failurePolicy">) => boolean;
  /** A mutating webhook wants no validation, a validating one no mutation. Both when absent. */
  readonly phases?: readonly ("mutate" | "validate")[];
  /** Receives what dialects report while they evaluate. */
  readonly trace?: (event: { readonly what: string; readonly value?: unknown }) => void;
}

export interface PolicySet {
  /** Of the objects it was made from; equal sets have equal digests whatever the order. */
  readonly digest: string;
  /** Per object (`Kind/namespace/name`): what reading and linking found. */
  readonly status: ReadonlyMap<string, readonly Diagnostic[]>;
  /** What decides, for webhook rules, audit and metrics. */
  readonly policies: readonly Policy[];
  /** What changes objects, for the same. */
  readonly mutations: readonly MutationStage[];
  /** What the set itself wants to exist: constraint CRDs, generated policies. */
  readonly effects: readonly Effect[];
  /** The objects it was made from: what a worker compiles again. */
  readonly sources: readonly PolicySource[];
  /** Reads only what changed again; a changed object replaces the one with its group, kind, namespace and name. */
  with(changed: readonly PolicySource[], removed: readonly ObjectRef[]): PolicySet;
  evaluate(request: EvaluationRequest, world: World, budget: Budget, options?: EvaluateOptions): Decision | Suspended;
}
