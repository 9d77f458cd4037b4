// Which Pod controllers a policy's rules are also made for. Every rule of the policy has a say: one that generates, patches
// by JSON patch, or selects by name, labels or annotations switches it off for all. The annotation
// `pod-policies.kyverno.io/autogen-controllers` narrows what is left. Kyverno: pkg/autogen/v1/autogen.go CanAutoGen.

import { annotationsOf, isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { listOf, strings } from "../match/filter.ts";
import { containsKind } from "../match/kinds.ts";

export const podControllers: readonly string[] = [
  "DaemonSet",
  "Deployment",
  "Job",
  "StatefulSet",
  "ReplicaSet",
  "ReplicationController",
  "CronJob",
];

const annotation = "pod-policies.kyverno.io/autogen-controllers";

/** The controllers as Kyverno names them, also odd ones from the annotation; empty when there is nothing to make. */
export function controllersOf(policy: Json, rules: readonly Json[]): ReadonlySet<string> {
  if (!canGenerate(rules)) return new Set();
  const annotations = annotationsOf(policy);
  if (!Object.hasOwn(annotations, annotation)) return new Set(podControllers);
  const named = (annotations[annotation] ?? "").split(",");
  // A lone `none` switches it off; among others it is one more name that no kind has.
  return named.join() === "none" ? new Set() : new Set(named);
}

function canGenerate(rules: readonly Json[]): boolean {
  return rules.every(isSupported) && rules.some((rule) => descriptionsOf(rule).some(namesPods));
}

function isSupported(rule: Json): boolean {
  const generate = valueAt(rule, "generate");
  if (isObject(generate) && Object.keys(generate).length > 0) return false;
  const mutate = valueAt(rule, "mutate");
  if (stringAt(mutate, "patchesJson6902") !== "") return false;
  if (listOf(mutate, "foreach").some((each) => stringAt(each, "patchesJson6902") !== "")) return false;
  return descriptionsOf(rule).every((description) => !isSpecific(description));
}

/** Every `resources` of match and exclude, in all three forms. */
function descriptionsOf(rule: Json): readonly Json[] {
  return ["match", "exclude"].flatMap((field) => {
    const block = valueAt(rule, field);
    if (!isObject(block)) return [];
    const filters: readonly Json[] = [block, ...listOf(block, "any"), ...listOf(block, "all")];
    return filters.map((filter) => valueAt(filter, "resources"));
  });
}

/** What makes a rule one for Pods alone: names, labels, annotations, or Pods among other kinds. */
function isSpecific(description: Json): boolean {
  const kinds = strings(description, "kinds");
  return (
    stringAt(description, "name") !== "" ||
    strings(description, "names").length > 0 ||
    isObject(valueAt(description, "selector")) ||
    isObject(valueAt(description, "annotations")) ||
    (kinds.length > 1 && containsKind(kinds, "Pod"))
  );
}

function namesPods(description: Json): boolean {
  return strings(description, "kinds").some((kind) => kind === "Pod" || podControllers.includes(kind));
}
