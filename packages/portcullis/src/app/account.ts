// What a policy set says of itself to those who work on a cluster: which requests its policies reach (webhook rules, audit,
// data to synchronise), which objects it wants to exist (constraint CRDs), and what the status of Kyverno's policies tells
// of their rules. Plain data, because the set lives in the evaluator threads and they in the main one.

import { gvkOf } from "@portcullis/kube";
import {
  type AdmissionRule,
  type Effect,
  type FailurePolicy,
  type MutationStage,
  type Policy,
  type PolicyId,
  type PolicySet,
  type RulesStatus,
  type Scope,
  policyInfo,
  rulesStatus,
} from "@portcullis/policy";
import { withExpanded } from "./expansions.ts";

export interface Account {
  readonly policies: readonly PolicyAccount[];
  /** What owners want to exist; what an owner no longer wants is to be removed. */
  readonly ensured: readonly Ensured[];
  /** Of Kyverno's policies in the files that changed, by file. */
  readonly rules: readonly (RulesStatus & { readonly file: string })[];
}

interface PolicyAccount {
  readonly id: PolicyId;
  readonly phase: "validate" | "mutate";
  readonly scope: Scope;
  /** Synchronised data it may look at. */
  readonly reads: readonly Scope[];
  readonly onError: "deny" | "allow";
  readonly failurePolicy?: FailurePolicy;
  readonly timeoutMs?: number;
  /** What a webhook has to ask it about; its scope when absent. */
  readonly admission?: readonly AdmissionRule[];
  /** Cleanup: cron. */
  readonly schedule?: string;
}

type Ensured = Pick<Extract<Effect, { kind: "ensure" }>, "owner" | "objects">;

export function accountOf(set: PolicySet, changed: ReadonlySet<string>): Account {
  const expanded = withExpanded(set.sources.map(({ object }) => object));
  return {
    policies: [
      ...set.policies.map((policy): PolicyAccount => ({
        ...askedAs(policy, "validate"),
        ...(policy.id.dialect === "gatekeeper" && expanded(policy)),
        reads: policy.reads,
        ...(policy.schedule !== undefined && { schedule: policy.schedule }),
      })),
      ...set.mutations.map((stage) => askedAs(stage, "mutate")),
    ],
    ensured: set.effects.flatMap((effect) =>
      effect.kind === "ensure" ? [{ owner: effect.owner, objects: effect.objects }] : [],
    ),
    rules: set.sources
      .filter(({ object, file }) => changed.has(file) && gvkOf(object).group === "kyverno.io")
      .filter(({ object }) => policyInfo(object) !== null)
      .map(({ object, file }) => ({ file, ...rulesStatus(object) })),
  };
}

function askedAs(policy: Policy | MutationStage, phase: PolicyAccount["phase"]): PolicyAccount {
  const { id, scope, onError, failurePolicy, timeoutMs, admission } = policy;
  return {
    id,
    phase,
    scope,
    reads: [],
    onError,
    ...(failurePolicy !== undefined && { failurePolicy }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(admission !== undefined && { admission }),
  };
}
