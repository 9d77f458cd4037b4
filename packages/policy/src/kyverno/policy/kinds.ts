// The kinds that a policy's rules name, autogen's included: what a command has to list from a cluster.
// Kyverno: cmd/cli/kubectl-kyverno/utils/common/fetch.go extractResourcesFromPolicies.

import { valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { listOf, strings } from "../match/filter.ts";
import { type KindSelector, parseKindSelector } from "../match/kinds.ts";
import { ruleTrees } from "./policy.ts";

/** Of a policy, or of a cleanup policy. */
export function policyKinds(policy: Json): readonly KindSelector[] {
  const blocks = [valueAt(policy, "spec", "match"), ...ruleTrees(policy).all.map(({ match }) => match)];
  const filters = blocks.flatMap((block) => [block, ...listOf(block, "any"), ...listOf(block, "all")]);
  const kinds = filters.flatMap((filter) => strings(valueAt(filter, "resources"), "kinds"));
  return [...new Set(kinds)].toSorted().map((kind) => parseKindSelector(kind));
}
