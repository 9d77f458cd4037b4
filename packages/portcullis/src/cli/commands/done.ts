// What policies would do because of one object, a line each: what mutation changes in the object itself, and what would be
// made, changed or deleted beside it.

import { stringAt } from "@portcullis/kube";
import type { CopySources, Decision, Effect, ObjectRef, Wanted } from "@portcullis/policy";
import { objectName } from "../output/finding.ts";
import { describeObject } from "./decide.ts";

export function doneLines(object: unknown, { patch, effects }: Decision): readonly string[] {
  const name = objectName(describeObject(object));
  const paths = [...new Set(patch.map((operation) => stringAt(operation, "path")))];
  const changed = paths.length === 0 ? [] : [`${name} would be changed at ${paths.join(", ")}`];
  const beside = effects.flatMap(effectLines).map((line) => `${line}, because of ${name}`);
  return [...changed, ...beside];
}

function effectLines(effect: Effect): readonly string[] {
  switch (effect.kind) {
    case "ensure":
      return effect.objects.map((wanted) => `${wantedName(wanted)} would be made`);
    case "patch":
      return [`${refName(effect.target)} would be changed`];
    case "delete":
      return [`${refName(effect.target)} would be deleted`];
    // What is decided later, and Events, are the cluster's own affair.
    case "later":
    case "event":
      return [];
  }
}

function wantedName(wanted: Wanted): string {
  if ("data" in wanted) return objectName(describeObject(wanted.data));
  if ("cloneAll" in wanted) return `in ${wanted.as.namespace}, copies of ${sourcesName(wanted.cloneAll)}`;
  const { clone, as } = wanted;
  const copy = as === undefined ? clone : { ...clone, namespace: as.namespace, name: as.name || clone.name };
  return `${refName(copy)}, a copy of ${refName(clone)},`;
}

function sourcesName({ kinds, namespace }: CopySources): string {
  const names = kinds.map(({ kind }) => kind).join(", ");
  return namespace === "" ? names : `${names} in ${namespace}`;
}

function refName({ group, version, kind, namespace, name }: ObjectRef): string {
  const apiVersion = [group, version].filter((part) => part !== "").join("/");
  return objectName({ apiVersion, kind, namespace, name });
}
