// What an evaluator serves under one version: the policy set, what answers its needs, and what is known about its policies
// for metrics and the log.

import { gvkOf } from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import { type PolicyInfo, type PolicySet, policyInfo } from "@portcullis/policy";
import { shortName } from "./slices.ts";

export interface Served {
  readonly set: PolicySet;
  /** Null: it has to be fetched. */
  readonly answerNeed: (need: Need) => Answer | null;
  /** There are mutators of Gatekeeper's. */
  readonly mutates: boolean;
  /** Kyverno's policies, by their short names. */
  readonly infos: ReadonlyMap<string, PolicyInfo>;
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
  return { set, answerNeed, mutates, infos, versions: null };
}
