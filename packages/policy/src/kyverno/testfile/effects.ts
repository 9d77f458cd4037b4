// What rules want to exist, as objects: what `generate` makes, and what `mutate existing` makes of an object at hand.

import { gvkOf, isObject, labelsOf, nameOf, namespaceOf } from "@portcullis/kube";
import type { CopySources, Wanted } from "../../engine/outcome.ts";
import type { Gvk, Json, ObjectRef } from "../../engine/request.ts";
import { copyOf } from "../generate/labels.ts";
import { compileSelector } from "../match/selector.ts";
import type { RuleResult } from "../result.ts";

/** Where copies are made from. */
interface CloneSources {
  /** Undefined when there is none. */
  one(ref: ObjectRef): Json;
  all(sources: CopySources): readonly Json[];
}

/** These objects as what copies are made of. */
function sourcesAmong(objects: readonly Json[]): CloneSources {
  const isOf = (object: Json, { group, version, kind }: Gvk, namespace: string): boolean => {
    const own = gvkOf(object);
    const isVersion = version === "" || (own.group === group && own.version === version);
    return isVersion && own.kind === kind && namespaceOf(object) === namespace;
  };
  return {
    one: (ref) => objects.find((object) => isOf(object, ref, ref.namespace) && nameOf(object) === ref.name),
    all: ({ kinds, namespace, selector }) => {
      const selected = objects.filter((object) => kinds.some((kind) => isOf(object, kind, namespace)));
      const matches = selector === null ? () => true : compileSelector(selector);
      return selected.filter((object) => matches(labelsOf(object)));
    },
  };
}

/** All that `generatedBy` says, of a trigger beside which nothing is known. */
export function generatedFrom(trigger: Json, rules: readonly RuleResult[]): readonly Json[] {
  return [...generatedBy(trigger, rules, []).values()].flat();
}

/**
 * What each rule of a policy generates from a trigger, beside which `known` objects are there to be copied. When one rule
 * has nothing to copy, none makes anything.
 * Kyverno: cmd/cli/kubectl-kyverno/processor/generate.go handleGeneratePolicy.
 */
export function generatedBy(
  trigger: Json,
  rules: readonly RuleResult[],
  known: readonly Json[],
): ReadonlyMap<RuleResult, readonly Json[]> {
  const sources = sourcesAmong([trigger, ...known]);
  const isMissing = rules
    .flatMap(wantedBy)
    .some((one) => "clone" in one && !isCopyOfItself(one) && sources.one(one.clone) === undefined);
  if (isMissing) return new Map();
  return new Map(rules.map((rule) => [rule, wantedBy(rule).flatMap((one) => made(one, sources))]));
}

/** Whether a rule makes copies. */
export function copies(rule: RuleResult): boolean {
  return wantedBy(rule).some((one) => !("data" in one));
}

function wantedBy({ effects }: RuleResult): readonly Wanted[] {
  return effects.flatMap((effect) => (effect.kind === "ensure" ? effect.objects : []));
}

function made(wanted: Wanted, sources: CloneSources): readonly Json[] {
  if ("data" in wanted) return [wanted.data];
  if ("cloneAll" in wanted) return sources.all(wanted.cloneAll).map((source) => copyOf(source, wanted.as));
  const source = isCopyOfItself(wanted) ? undefined : sources.one(wanted.clone);
  if (source === undefined) return [];
  return [wanted.as === undefined ? source : copyOf(source, wanted.as)];
}

function isCopyOfItself({ clone, as }: Extract<Wanted, { readonly clone: ObjectRef }>): boolean {
  return as !== undefined && clone.namespace === as.namespace && clone.name === as.name;
}

/** What a rule makes of an object that exists; undefined when it does not touch it. */
export function patchedTarget(rule: RuleResult, target: Json): Json {
  const { group, version, kind } = gvkOf(target);
  for (const effect of rule.effects) {
    if (effect.kind !== "patch" || !isObject(effect.patch)) continue;
    const ref = effect.target;
    const isKind = ref.group === group && ref.version === version && ref.kind === kind;
    if (isKind && ref.name === nameOf(target) && ref.namespace === namespaceOf(target)) return effect.patch;
  }
  return undefined;
}
