// What an evaluator serves under one version: the policy set, what answers its needs, and what is known about its policies
// for metrics and the log.

import { gvkOf } from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import { type PolicyInfo, type PolicySet, policyInfo, readConfiguration } from "@portcullis/policy";
import { shortName } from "./slices.ts";

export interface Served {
  readonly set: PolicySet;
  /** Null: it has to be fetched. */
  readonly answerNeed: (need: Need) => Answer | null;
  /** There are mutators of Gatekeeper's. */
  readonly mutates: boolean;
  /** Kyverno's policies, by their short names. */
  readonly infos: ReadonlyMap<string, PolicyInfo>;
  /** The actions of which Kyverno tells successes, all when empty; null: of none. */
  readonly successActions: readonly string[] | null;
  /** Groups and versions of policies by `Kind/name`, made when the log first asks. */
  versions: ReadonlyMap<string, { readonly group: string; readonly version: string }> | null;
}

export function servedSet(set: PolicySet, answerNeed: Served["answerNeed"]): Served {
  const infos = new Map<string, PolicyInfo>();
  for (const { object } of set.sources) {
    const info = policyInfo(object);
    if (info === null) continue;
    infos.set(shortName({ dialect: "kyverno", ...info }), info);
  }
  const mutates = set.sources.some(({ object }) => gvkOf(object).group === "mutations.gatekeeper.sh");
  return { set, answerNeed, mutates, infos, successActions: successActions(set), versions: null };
}

/** Kyverno's ConfigMap: generateSuccessEvents, successEventActions. */
export function successActions({ sources }: Pick<PolicySet, "sources">): readonly string[] | null {
  const found = sources.find(({ object }) => gvkOf(object).kind === "ConfigMap" && gvkOf(object).group === "");
  if (found === undefined) return null;
  const { generateSuccessEvents, successEventActions } = readConfiguration(found.object, { file: "" }).unit.cluster;
  return generateSuccessEvents ? successEventActions : null;
}
