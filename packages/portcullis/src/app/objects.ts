// The objects of a YAML document, with the way back to their places: a `List` stands for its items, as with kubectl. A
// document that is no mapping (a list of objects, a word) holds none, and that is told.

import { type Document, gvkOf, isObject, valueAt } from "@portcullis/kube";
import { type Diagnostic, errorAt } from "@portcullis/lang";
import type { Locate } from "@portcullis/policy";

export interface PlacedObject {
  readonly object: unknown;
  readonly locate: Locate;
}

export function objectsOf(document: Document): readonly PlacedObject[] {
  const { value } = document;
  if (!isObject(value)) return [];
  const items = valueAt(value, "items");
  if (!gvkOf(value).kind.endsWith("List") || !Array.isArray(items)) {
    return [{ object: value, locate: locator(document, []) }];
  }
  return items.map((object: unknown, at) => ({ object, locate: locator(document, ["items", at]) }));
}

/** What is wrong with a document that holds no object although it is not empty; null for others. */
export function strangeDocument({ value, span }: Document): Diagnostic | null {
  if (value === null || isObject(value)) return null;
  const found = Array.isArray(value) ? "a list" : "a single value";
  const hint = Array.isArray(value)
    ? "write each object as a document of its own, or all as the `items` of a List"
    : "";
  return errorAt("not-an-object", span, `expected a Kubernetes object, found ${found}`, hint || undefined);
}

function locator(document: Document, prefix: readonly (string | number)[]): Locate {
  return (inObject, within) => {
    const path = [...prefix, ...inObject];
    const origin = within === undefined ? null : document.scalarOrigin(path);
    if (within === undefined || origin === null) return document.positionOf(path);
    return { source: origin.span.source, start: origin.offsetOf(within.start), end: origin.offsetOf(within.end) };
  };
}
