// The objects of a YAML document, with the way back to their places: a `List` stands for its items, as with kubectl.

import { type Document, gvkOf, isObject, valueAt } from "@portcullis/kube";
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

function locator(document: Document, prefix: readonly (string | number)[]): Locate {
  return (inObject, within) => {
    const path = [...prefix, ...inObject];
    const origin = within === undefined ? null : document.scalarOrigin(path);
    if (within === undefined || origin === null) return document.positionOf(path);
    return { source: origin.span.source, start: origin.offsetOf(within.start), end: origin.offsetOf(within.end) };
  };
}
