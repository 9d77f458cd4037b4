// What the rule evaluation expects of the algorithms in the folders beside it. They take values whose variables are
// resolved, or compiled parts that they resolve against a Scope; they never look at a policy's text.

import type { Budget } from "@portcullis/lang";
import type { Json } from "../engine/request.ts";
import type { Scope } from "./scope.ts";
import type { Template } from "./template.ts";

/** Compiles a tree with variables; `compileTemplate`, given so that algorithms need not know how variables work. */
export type CompileTemplate = (tree: Json) => Template;

// ── condition/conditions.ts

/** Preconditions, deny conditions: `{any, all}` or a legacy list; null when there are none. */
export interface Conditions {
  readonly any: readonly Condition[] | null;
  readonly all: readonly Condition[];
  /** A list without any/all: its messages are joined with `;` and not `; `. */
  readonly legacy: boolean;
}

export interface Condition {
  readonly key: Template;
  readonly operator: string;
  readonly value: Template;
  readonly message: string;
}

export interface ConditionsResult {
  readonly met: boolean;
  /** Of the conditions that decided, joined as Kyverno joins them. */
  readonly message: string;
}

/** Reads conditions when the policy is read: `export function compileConditions(tree, compile): Conditions | null`. */
export type CompileConditions = (tree: Json, compile: CompileTemplate) => Conditions | null;

/**
 * Evaluates conditions: `export function checkConditions(conditions, scope): ConditionsResult`. Throws Failure
 * (`failed to substitute variables in condition key: …`), Suspend, LimitError. `scope.profile` says how numbers are kept.
 */
export type CheckConditions = (conditions: Conditions | null, scope: Scope) => ConditionsResult;

// ── pattern/pattern.ts

export type PatternResult =
  | { readonly result: "match" }
  /** A conditional or global anchor does not hold. */
  | { readonly result: "skip"; readonly message: string }
  /** `path` is "" where Kyverno gives an error instead of a failure: an anchor's key is missing. */
  | { readonly result: "fail"; readonly path: string; readonly message: string };

export interface PatternOptions {
  readonly budget: Budget;
  /** Every number of the resource is a float64, as in Kyverno's command line; otherwise integers stay integers. */
  readonly floats: boolean;
}

/** `export function matchPattern(resource, pattern, options): PatternResult`. */
export type MatchPattern = (resource: Json, pattern: Json, options: PatternOptions) => PatternResult;

// ── mutate/strategic.ts, mutate/json6902.ts

export type PatchResult = { readonly object: Json } | { readonly error: string };

/**
 * `export function applyStrategicMerge(object, patch, budget): PatchResult`: anchors and merging; the same object means
 * no change. Errors with the text that stands behind `failed to patch resource: `.
 */
export type ApplyStrategicMerge = (object: Json, patch: Json, budget: Budget) => PatchResult;

/** `export function applyJsonPatch(object, patch, budget): PatchResult`: `patch` is the field's text, YAML or JSON. */
export type ApplyJsonPatch = (object: Json, patch: string, budget: Budget) => PatchResult;
