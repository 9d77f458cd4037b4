// Trees while they are mutated: JSON with placeholders, which stand where an external data provider's answer will be.
// The tree that is given is never written; a change makes new objects from the root down to it, so that an unchanged part
// is the same object and comparing two passes costs little. What a pass has made itself, it writes to: fifty mutators copy
// a Pod's containers once, not fifty times.

import { type Budget, Decimal } from "@portcullis/lang";
import { type JsonRecord, setOwn } from "@portcullis/kube";
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

/** The changes of one object on its way through the mutators. */
export interface Edit {
  /** Objects and arrays that nobody else has seen: those that the present pass made. */
  made: Set<object>;
  /** Whether anything was written since this was last set to false. */
  changed: boolean;
  /** Whether a placeholder was made. */
  asks: boolean;
  /** Charged for what is looked at and written: a list may be as long as a request, and a value is put into each of its elements. */
  readonly budget: Budget | null;
}

export function newEdit(budget: Budget | null = null): Edit {
  return { made: new Set(), changed: false, asks: false, budget };
}

/** The object with a field; the same object when it is there already, or when the object is the edit's own. */
export function withField(object: JsonRecord, key: string, value: Json, edit: Edit): JsonRecord {
  if (Object.hasOwn(object, key) && object[key] === value) return object;
  edit.changed = true;
  const target: Record<string, Json> = edit.made.has(object) ? object : { ...object };
  edit.made.add(target);
  setOwn(target, key, value);
  return target;
}

/** The list with another element at a place, which may be the one behind its last. */
export function withElement(list: readonly Json[], at: number, element: Json, edit: Edit): readonly Json[] {
  if (at < list.length && list[at] === element) return list;
  edit.changed = true;
  const target = edit.made.has(list) ? (list as Json[]) : [...list];
  edit.made.add(target);
  target[at] = element;
  return target;
}
