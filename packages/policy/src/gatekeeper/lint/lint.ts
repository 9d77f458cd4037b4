// What Gatekeeper policies leave open, and what in them leads nowhere. Templates and constraints are looked at together,
// because most gaps appear only where a template's Rego meets a constraint's match and parameters.

import type { Diagnostic } from "@portcullis/lang";
import { gvkOf } from "@portcullis/kube";
import type { PolicyFacts } from "../../engine/overlap.ts";
import type { PolicySource } from "../../engine/policyset.ts";
import type { Catalog } from "../../engine/request.ts";
import { mutationGroup } from "../mutation/read.ts";
import { constraintGroup } from "../template/crd.ts";
import { templateGroup } from "../template/read.ts";
import { lintConstraint } from "./constraint.ts";
import { type TemplateFacts, factsOf } from "./facts.ts";
import { constraintFacts, mutatorFacts } from "./overlap.ts";
import { lintTemplate } from "./template.ts";

/** Findings in the order of the sources; policies that cannot be read give none, because the set's status has their errors. */
export function lintPolicies(sources: readonly PolicySource[], catalog: Catalog): readonly Diagnostic[] {
  const facts = templateFacts(sources);
  return sources.flatMap((source) => {
    const { group, kind } = gvkOf(source.object);
    if (group === constraintGroup) return lintConstraint(source, facts.get(kind) ?? null, catalog);
    const own = [...facts.values()].find((one) => one.source === source);
    return own === undefined ? [] : lintTemplate(own);
  });
}

/** What constraints and mutators are about. */
export function overlapFacts(sources: readonly PolicySource[]): readonly PolicyFacts[] {
  const facts = templateFacts(sources);
  return sources.flatMap((source) => {
    const { group, kind } = gvkOf(source.object);
    if (group === constraintGroup) return constraintFacts(source, facts.get(kind) ?? null);
    return group === mutationGroup ? mutatorFacts(source) : [];
  });
}

/** By constraint kind. */
function templateFacts(sources: readonly PolicySource[]): ReadonlyMap<string, TemplateFacts> {
  const templates = sources
    .filter(({ object }) => gvkOf(object).group === templateGroup)
    .map((source) => factsOf(source));
  return new Map(templates.flatMap((one) => (one === null ? [] : [[one.kind, one] as const])));
}
