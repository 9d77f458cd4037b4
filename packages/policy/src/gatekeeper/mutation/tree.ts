// Trees while they are mutated: JSON with placeholders, which stand where an external data provider's answer will be.
// Trees are never written; a change makes new objects from the root down to it, so that an unchanged part is the same
// object and comparing two passes costs little.

import { Decimal } from "@portcullis/lang";
import type { JsonRecord } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";

/** Which provider is asked for a value, and what happens when it does not answer. */
export interface ProviderRef {
  readonly provider: string;
  readonly dataSource: string;
  readonly failurePolicy: string;
  readonly default: string;
}

export class Placeholder {
  readonly ref: ProviderRef;
  /** The key that the provider gets. */
  readonly key: string;

  constructor(ref: ProviderRef, key: string) {
    this.ref = ref;
    this.key = key;
  }
}

export function isMap(tree: Json): tree is JsonRecord {
  return (
    typeof tree === "object" &&
    tree !== null &&
    !Array.isArray(tree) &&
    !(tree instanceof Decimal) &&
    !(tree instanceof Placeholder)
  );
}

export function equalTrees(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, at) => equalTrees(item, b[at]));
  }
  if (a instanceof Decimal) return b instanceof Decimal && a.text === b.text;
  if (a instanceof Placeholder) return b instanceof Placeholder && a.key === b.key && equalTrees(a.ref, b.ref);
  if (!isMap(a) || !isMap(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && equalTrees(a[key], b[key]));
}

/** The object with a field; the same object when it is there already. */
export function withField(object: JsonRecord, key: string, value: Json): JsonRecord {
  if (Object.hasOwn(object, key) && object[key] === value) return object;
  return { ...object, [key]: value };
}
