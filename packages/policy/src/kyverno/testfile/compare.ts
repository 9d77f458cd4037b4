// Whether an object is what a test expects, and where it is not: without what is null or empty, and without the labels that
// generation adds. Kyverno: cmd/cli/kubectl-kyverno/resource/{compare,tidy,labels}.go.

import { goJson, isObject, labelsOf } from "@portcullis/kube";
import { Decimal } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";

export function sameObject(actual: Json, expected: Json): boolean {
  return equal(compared(actual), compared(expected));
}

/** The paths at which two objects differ, with both values. */
export function describeDifference(expected: Json, actual: Json): string {
  const lines: string[] = [];
  compareAt("", compared(expected), compared(actual), lines);
  return lines.join("\n");
}

function compareAt(path: string, expected: Json, actual: Json, lines: string[]): void {
  if (equal(expected, actual)) return;
  if ((isObject(expected) && isObject(actual)) || (Array.isArray(expected) && Array.isArray(actual))) {
    const wanted = new Map<string, Json>(Object.entries(expected));
    const found = new Map<string, Json>(Object.entries(actual));
    const keys = new Set([...wanted.keys(), ...found.keys()]);
    for (const key of keys) compareAt(`${path}/${key}`, wanted.get(key), found.get(key), lines);
    return;
  }
  if (expected !== undefined) lines.push(`- ${path}: ${goJson(expected)}`);
  if (actual !== undefined) lines.push(`+ ${path}: ${goJson(actual)}`);
}

/** What of an object counts. */
function compared(object: Json): Json {
  return tidy(withManagedLabels(object));
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
