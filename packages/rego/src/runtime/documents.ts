// Documents made of rules and base data, and trees with something replaced by `with`. Copies are made along the changed
// path only. OPA: v1/topdown/eval.go mergeObjects, evalTree.enumerate; v1/topdown/input.go mergeTermWithValues.

import { sortedEntries } from "./compare.ts";
import { get, sortedKeysOf } from "./lookup.ts";
import { type Draft, assign, withKey } from "./objects.ts";
import { type PlainObject, type RegoObject, type Value, isObject } from "./value.ts";

/** A tree with the value at a path replaced; what is no object on the way becomes one. */
export function withPath(tree: Value | undefined, path: readonly Value[], value: Value): Value {
  return replaceFrom(tree, path, 0, value);
}

function replaceFrom(tree: Value | undefined, path: readonly Value[], from: number, value: Value): Value {
  if (from === path.length) return value;
  const key = path[from] as Value;
  const object = isObject(tree) ? tree : undefined;
  const child = object === undefined ? undefined : get(object, key);
  return withKey(object, key, replaceFrom(child, path, from + 1, value));
}

/** The base document over the virtual one: objects are merged, otherwise the base document wins. */
export function mergeDocuments(base: Value | undefined, virtual: PlainObject | RegoObject): Value {
  if (base === undefined) return virtual;
  return isObject(base) ? mergeObjects(base, virtual) : base;
}

function mergeObjects(base: PlainObject | RegoObject, virtual: PlainObject | RegoObject): Value {
  let draft: Draft = {};
  for (const [key, value] of sortedEntries(virtual)) draft = assign(draft, key, value);
  for (const [key, value] of sortedEntries(base)) {
    const other = get(virtual, key);
    draft = assign(draft, key, isObject(value) && isObject(other) ? mergeObjects(value, other) : value);
  }
  return draft;
}

/** The keys of a document: those of the base document, then the rules that are not among them. */
export function childKeys(base: Value | undefined, virtual: readonly Value[]): readonly Value[] {
  if (base === undefined) return virtual;
  const keys = sortedKeysOf(base) ?? (base as readonly Value[]).map((_, at) => at);
  return [...keys, ...virtual.filter((key) => get(base, key) === undefined)];
}
