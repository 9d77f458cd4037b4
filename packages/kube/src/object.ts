// Readers of what every Kubernetes object has. They never throw: a field of the wrong type reads as absent, which is
// what Go's unstructured accessors do. Nothing here walks a prototype, so `__proto__` in a hostile object is only a key.
// Behaviour from k8s.io/apimachinery pkg/apis/meta/v1/unstructured.

import { Decimal } from "@portcullis/lang";
import { type GroupVersionKind, parseApiVersion } from "./gvk.ts";
import type { Labels } from "./selector.ts";

export type JsonRecord = Readonly<Record<string, unknown>>;

/** Whether a tree's node is an object (not an array, a Decimal or null). */
export function isObject(tree: unknown): tree is JsonRecord {
  return typeof tree === "object" && tree !== null && !Array.isArray(tree) && !(tree instanceof Decimal);
}

/** An own member of an object; undefined for anything else. */
export function member(tree: unknown, key: string): unknown {
  return isObject(tree) && Object.hasOwn(tree, key) ? tree[key] : undefined;
}

/** The value at a path of own members and elements; undefined where it ends early. */
export function valueAt(tree: unknown, ...path: readonly (string | number)[]): unknown {
  return valueAlong(tree, path);
}

/** A loop by index: this is asked for everything, and in code that is not compiled yet an iterator makes objects. */
function valueAlong(tree: unknown, path: readonly (string | number)[]): unknown {
  let node = tree;
  for (let at = 0; at < path.length && node !== undefined; at++) {
    const step = path[at];
    if (typeof step === "string") node = member(node, step);
    else node = Array.isArray(node) && step !== undefined ? (node as readonly unknown[])[step] : undefined;
  }
  return node;
}

/** The string at a path, `""` where there is none. */
export function stringAt(tree: unknown, ...path: readonly (string | number)[]): string {
  return textOf(valueAlong(tree, path));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function nameOf(object: unknown): string {
  return textOf(member(member(object, "metadata"), "name"));
}

export function generateNameOf(object: unknown): string {
  return textOf(member(member(object, "metadata"), "generateName"));
}

export function namespaceOf(object: unknown): string {
  return textOf(member(member(object, "metadata"), "namespace"));
}

/** Group, version and kind; an apiVersion that does not parse reads as empty, as in Go. */
export function gvkOf(object: unknown): GroupVersionKind {
  const groupVersion = parseApiVersion(textOf(member(object, "apiVersion")));
  if (groupVersion === null) return { group: "", version: "", kind: "" };
  const { group, version } = groupVersion;
  return { group, version, kind: textOf(member(object, "kind")) };
}

/** The labels; none when one of them is not a string, as in Go, where a null is an empty string. */
export function labelsOf(object: unknown): Labels {
  return stringMapAt(object, "metadata", "labels");
}

/** The annotations; none when one of them is not a string, as in Go. */
export function annotationsOf(object: unknown): Labels {
  return stringMapAt(object, "metadata", "annotations");
}

const noStrings: Labels = Object.freeze({});

function stringMapAt(object: unknown, ...path: readonly string[]): Labels {
  const map = valueAt(object, ...path);
  if (!isObject(map)) return noStrings;
  const values = Object.values(map);
  if (values.every((value) => typeof value === "string")) return map as Labels;
  if (values.some((value) => typeof value !== "string" && value !== null)) return noStrings;
  return Object.fromEntries(
    Object.entries(map as Record<string, string | null>).map(([key, value]) => [key, value ?? ""]),
  );
}
