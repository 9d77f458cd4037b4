// What rules want to exist, as objects: what `generate` makes, and what `mutate existing` makes of an object at hand.

import { gvkOf, isObject, nameOf, namespaceOf } from "@portcullis/kube";
import type { CopySources, Wanted } from "../../engine/outcome.ts";
import type { Json, ObjectRef } from "../../engine/request.ts";
import { copyOf } from "../generate/labels.ts";
import type { RuleResult } from "../result.ts";

/** Where copies are made from. */
export interface CloneSources {
  /** Undefined when there is none. */
  one(ref: ObjectRef): Json;
  all(sources: CopySources): readonly Json[];
}

const noSources: CloneSources = { one: () => undefined, all: () => [] };

/** The objects that a rule generates; copies are made of what `sources` finds. */
export function generatedObjects(rule: RuleResult, sources: CloneSources = noSources): readonly Json[] {
  return rule.effects.flatMap((effect) =>
    effect.kind === "ensure" ? effect.objects.flatMap((one) => made(one, sources)) : [],
  );
}

function made(wanted: Wanted, sources: CloneSources): readonly Json[] {
  if ("data" in wanted) return [wanted.data];
  if ("cloneAll" in wanted) return sources.all(wanted.cloneAll).map((source) => copyOf(source, wanted.as));
  const source = sources.one(wanted.clone);
  if (source === undefined) return [];
  return [wanted.as === undefined ? source : copyOf(source, wanted.as)];
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
