// Whether an object is what a test expects: without what is null or empty, and without the labels that generation adds.
// Kyverno: cmd/cli/kubectl-kyverno/resource/{compare,tidy,labels}.go.

import { isObject, labelsOf } from "@portcullis/kube";
import { Decimal } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";

export function sameObject(actual: Json, expected: Json): boolean {
  return equal(tidy(withManagedLabels(actual)), tidy(withManagedLabels(expected)));
}

/** Without nulls, empty objects and empty lists, at any depth; undefined when nothing is left. */
function tidy(tree: Json): Json {
  if (tree === null) return undefined;
  if (Array.isArray(tree)) {
    const items = tree.map(tidy).filter((item) => item !== undefined);
    return items.length === 0 ? undefined : items;
  }
  if (!isObject(tree)) return tree;
  const entries = Object.keys(tree)
    .map((key): readonly [string, Json] => [key, tidy(tree[key])])
    .filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Generated objects get labels that say where they come from; tests need not repeat them. */
function withManagedLabels(object: Json): Json {
  if (!isObject(object)) return object;
  const kept = Object.entries(labelsOf(object)).filter(([key]) => !key.startsWith("generate.kyverno.io/"));
  const labels = { "app.kubernetes.io/managed-by": "kyverno", ...Object.fromEntries(kept) };
  return { ...object, metadata: { ...(isObject(object["metadata"]) ? object["metadata"] : {}), labels } };
}

/** By value, numbers as doubles. */
function equal(a: Json, b: Json): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, at) => equal(item, b[at]));
  if (!isObject(a)) return numeric(a) === numeric(b);
  if (!isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}

function numeric(value: Json): Json {
  return value instanceof Decimal ? value.double : value;
}
