// What Kyverno's command line asks of the rule loop: one policy and one phase at a time, because `apply` and `test` show
// the results policy by policy, mutate before they validate, and give each policy values of its own. The engine's
// PolicySet answers whole requests; both stand on the same evaluation of a policy's rules.

import type { Diagnostic } from "@portcullis/lang";
import type { Labels } from "@portcullis/kube";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { Evaluation, Gvk, Json, UserInfo } from "../../engine/request.ts";
import type { RuleResult } from "../result.ts";

/** In the order in which the command line runs them over an object. */
export type Phase = "mutate" | "verifyImages" | "validate" | "generate";

/** One ClusterPolicy or Policy, read and compiled. */
export interface CliPolicy {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly annotations: Labels;
  /** How its results come about, for reports: `background scan`, `admission review` or "". */
  readonly process: string;
  /** As written, without those of autogen. */
  readonly phases: ReadonlySet<Phase>;
  /** With those of autogen, in their order; a rule that checks images counts as `verifyImages`. */
  readonly rules: readonly CliRule[];
  /** Why Kyverno's admission would refuse it, in its words; null when it takes it. */
  readonly problem: string | null;
  /** Whether violations are audited only, for an object of this namespace. */
  audits(namespace: string, namespaceLabels: Labels): boolean;
}

interface CliRule {
  readonly name: string;
  readonly phase: Phase;
}

export interface CliInput {
  readonly operation: "CREATE" | "UPDATE" | "DELETE";
  /** Null when there is none; so is the next. */
  readonly object: Json;
  readonly oldObject: Json;
  readonly kind: Gvk;
  readonly subresource: string;
  readonly namespaceLabels: Labels;
  /** Null when no user was given: what policies say about users does not count then. */
  readonly user: CliUser | null;
  /** Put into the context before the first rule, by dotted path (`request.operation`, `"a.b".c`, `name`). */
  readonly values: Readonly<Record<string, Json>>;
  /** Put into the context of a rule, by dotted path, before its context entries. */
  ruleValues(rule: string): Readonly<Record<string, Json>>;
  /** PolicyExceptions as written. */
  readonly exceptions: readonly Json[];
  /** Entries that cannot be loaded (no configMap, apiCall, registry or global store at hand) are left out. */
  readonly available: ReadonlySet<"configMap" | "apiCall" | "imageRegistry" | "globalReference">;
}

export interface CliUser {
  readonly userInfo: UserInfo;
  readonly roles: readonly string[];
  readonly clusterRoles: readonly string[];
}

export interface CliResult {
  readonly rules: readonly RuleResult[];
  /** After mutation; the same object otherwise. */
  readonly object: Json;
}

/** `readCliPolicy(object, from)`: null when it is not even shaped like a policy. */
export type ReadCliPolicy = (
  object: Json,
  from: ReadFrom,
) => { readonly policy: CliPolicy | null; readonly diagnostics: readonly Diagnostic[] };

/** `evaluateCliPolicy(policy, phase, input, evaluation)`. No rules when none matched. Throws Suspend, Error. */
export type EvaluateCliPolicy = (policy: CliPolicy, phase: Phase, input: CliInput, evaluation: Evaluation) => CliResult;
