// What rules want to exist, as objects: what `generate` makes, and what `mutate existing` makes of an object at hand.

import { gvkOf, isObject, nameOf, namespaceOf } from "@portcullis/kube";
import type { ObjectRef } from "../../engine/request.ts";
import type { Json } from "../../engine/request.ts";
import type { RuleResult } from "../result.ts";

/** The objects that a rule generates; clones are made of the object that `source` finds. */
export function generatedObjects(
  rule: RuleResult,
  source: (ref: ObjectRef) => Json = () => undefined,
): readonly Json[] {
  return rule.effects.flatMap((effect) => {
    if (effect.kind !== "ensure") return [];
    return effect.objects.flatMap((object) => ("data" in object ? [object.data] : (source(object.clone) ?? [])));
  });
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
