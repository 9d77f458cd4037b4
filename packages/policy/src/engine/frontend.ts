// One dialect. Objects are read one by one (expensive, cached by content) and linked as a whole (cheap, total). The
// engine knows dialects only through this interface.

import type { Diagnostic, Span } from "@portcullis/lang";
import type { Answered, Effect, Outcome } from "./outcome.ts";
import type { PolicyFacts } from "./overlap.ts";
import type { MutationStage, Policy } from "./policy.ts";
import type { PolicySource } from "./policyset.ts";
import type { Catalog, Evaluation, EvaluationRequest, Json } from "./request.ts";

export type Profile = "cluster" | "gator" | "kyverno-cli";

/** Where an object was read, so that diagnostics can point into its file. */
export interface ReadFrom {
  readonly file: string;
  readonly locate?: Locate;
}

/**
 * The place of a value in its file, by its path in the object; null when it is not known. With `within`, the place of
 * a part of a string value (offsets in the value): how an error inside a block scalar gets the file's line and column.
 */
export type Locate = (
  path: readonly (string | number)[],
  within?: { readonly start: number; readonly end: number },
) => Span | null;

export interface PolicyFrontend<Unit = unknown> {
  readonly dialect: "gatekeeper" | "kyverno" | "vap";
  /** Constraint kinds are known by group only. */
  owns(kind: { readonly group: string; readonly kind: string }): boolean;
  /** Objects of a kind that nobody owns which say how this dialect's policies are to be taken. They are read as its own. */
  configures?(object: Json): boolean;
  read(object: Json, at: ReadFrom): { readonly unit: Unit | null; readonly diagnostics: readonly Diagnostic[] };
  /** Template and constraint, policy and binding, exceptions are joined here. */
  link(units: readonly Unit[], catalog: Catalog, profile: Profile): Linked;
  /** This dialect's code, message lines and warnings. */
  respond(outcomes: readonly Outcome[], request: EvaluationRequest): Answered;
  /** What policies of this dialect leave open. The sources may be of any dialect. */
  lint?(sources: readonly PolicySource[], catalog: Catalog): readonly Diagnostic[];
  /** What they are about, to see where they overlap with others. */
  facts?(sources: readonly PolicySource[]): readonly PolicyFacts[];
}

export interface Linked {
  readonly policies: readonly Policy[];
  /** Gatekeeper: one (a fixpoint over all); Kyverno: one per policy; MAP: one per policy and binding. */
  readonly mutations: readonly MutationStage[];
  /** Expansion, for this dialect's policies only; recurses itself. */
  derive?(request: EvaluationRequest, evaluation: Evaluation): readonly EvaluationRequest[];
  /** Per object (`Kind/namespace/name`): conflicts, missing template, cycles. */
  readonly status: ReadonlyMap<string, readonly Diagnostic[]>;
  /** What the set itself wants: constraint CRDs, generated VAPs and bindings. */
  readonly effects: readonly Effect[];
}
