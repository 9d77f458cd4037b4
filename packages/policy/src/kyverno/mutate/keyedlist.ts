// Lists that merge: elements of object and patch with the same keys become one element. The patch's elements come first,
// in its order, then the object's. Two ports with the same number are one if one of them has no protocol.
//
// The corners are kustomize's and can be seen in results: elements without a key, keys that only some elements have,
// empty elements (they vanish), and elements that occur twice. Its steps are therefore followed one by one.
// Behaviour from kustomize kyaml/yaml/walk/associative_sequence.go and kyaml/yaml/fns.go (ElementSetter, ElementMatcher).

import type { MergePlace, MergeStep, Pair } from "./merge.ts";
import { type ListNode, type Node, expectKind, fieldOf, isEmpty, isEmptyMap, isMissing, textOf } from "./node.ts";

/** The values of an element's keys, "" for a key that it does not have. */
type Values = readonly string[];

interface ListPair extends Pair {
  readonly dest: ListNode;
  readonly origin: ListNode | null;
}

/** Throws MergeError, LimitError. */
export function mergeList(pair: ListPair, place: MergePlace, step: MergeStep): Node {
  const keys = place.keys ?? [];
  if (keys.length === 0) return mergeElements({ pair, keys: [""], values: textsOf(pair) }, place, step);
  const values = valuesOf(pair, keys);
  const isPlain = pair.origin === null && values.length === pair.dest.items.length;
  if (!isPlain || values.some((one) => one.includes(""))) return mergeElements({ pair, keys, values }, place, step);
  // Nothing to merge and every element has keys of its own: what follows would only put them back in their places.
  for (const dest of pair.dest.items) step({ dest, origin: null }, { ...place, keys: null, depth: place.depth + 1 });
  return pair.dest;
}

/** The patch's list first. */
function listsOf({ dest, origin }: ListPair): readonly ListNode[] {
  return origin === null ? [dest] : [origin, dest];
}

function valuesOf(pair: ListPair, keys: readonly string[]): Values[] {
  const seen = new Map<string, Values>();
  for (const list of listsOf(pair)) {
    for (const item of list.items) {
      const values = keys.map((key) => {
        const field = fieldOf(item, key);
        return field === undefined || isEmpty(field) ? "" : textOf(field);
      });
      const identity = values.length === 1 ? (values[0] as string) : JSON.stringify(values);
      if (!seen.has(identity)) seen.set(identity, values);
    }
  }
  return [...seen.values()];
}

/** A list of texts has its elements for keys. */
function textsOf(pair: ListPair): Values[] {
  const texts = new Set(listsOf(pair).flatMap((list) => list.items.map(textOf)));
  return [...texts].map((text) => [text]);
}

interface Elements {
  readonly pair: ListPair;
  readonly keys: readonly string[];
  readonly values: Values[];
}

function mergeElements({ pair, keys, values: found }: Elements, place: MergePlace, step: MergeStep): Node {
  const all = keys.length > 1 ? unifyValues(found) : found;
  if (all.length === 0) return pair.dest;
  const merged: ListNode = { kind: "list", items: [] };
  let used = keys;
  for (const values of all) {
    place.budget.step(1 + pair.dest.items.length);
    const selector = usableKeys(keys, all, values);
    used = selector.keys;
    const value = step(
      { dest: elementWith(pair.dest, selector), origin: elementWith(pair.origin, selector) },
      { ...place, keys: null, depth: place.depth + 1 },
    );
    if (isEmptyMap(value) || value === null) {
      setElement(pair.dest, selector, null);
      continue;
    }
    setElement(merged, selector, value);
  }
  return appendElements(merged, pair.dest, used, place);
}

interface Selector {
  readonly keys: readonly string[];
  readonly values: Values;
}

/** Without the keys that no element has; all of them when no element has any. Kustomize: validateKeys. */
function usableKeys(keys: readonly string[], all: readonly Values[], values: Values): Selector {
  const present = keys.filter((_, at) => all.some((one) => (one[at] ?? "") !== ""));
  if (present.length === 0) return { keys, values };
  const kept = values.filter((value, at) => value !== "" || present.includes(keys[at] as string));
  return { keys: present, values: kept };
}

/** Elements that agree in a key, and differ only where one has no value, get the same values. Kustomize: mergeValues. */
function unifyValues(values: readonly Values[]): Values[] {
  const unified = [...values];
  for (let at = 0; at < unified.length; at++) {
    const first = unified[at] as Values;
    for (let other = 0; other < unified.length; other++) {
      const both = unifyPair(first, unified[other] as Values);
      if (both === null) continue;
      unified[at] = both;
      unified[other] = both;
    }
  }
  return unified;
}

function unifyPair(a: Values, b: Values): Values | null {
  if (a.length !== b.length) return null;
  let agree = false;
  const both: string[] = [];
  for (const [at, left] of a.entries()) {
    const right = b[at] as string;
    if (left !== right && left !== "" && right !== "") return null;
    agree ||= left === right;
    both.push(left === "" ? right : left);
  }
  return agree ? both : null;
}

// ── elements by their keys

/** The first element that has the values. */
function elementWith(list: ListNode | null, all: Selector): Node | null {
  if (list === null) return null;
  const { keys, values } = usableKeys(all.keys, [all.values], all.values);
  const [first] = keys;
  if (first === undefined || first === "") return list.items.find((item) => textOf(item) === (values[0] ?? "")) ?? null;
  const has = (item: Node): boolean =>
    keys.every((key, at) => {
      const field = fieldOf(item, key);
      return field !== undefined && textOf(field) === (values[at] ?? "");
    });
  return list.items.find(has) ?? null;
}

/**
 * Replaces every element that has the values, or adds one when there is none; null removes them. Here an empty value
 * takes every element that has the key, so that an element without a name removes all that have one. Empty elements
 * are dropped in passing. Kustomize: ElementSetter.
 */
function setElement(list: ListNode, { keys, values }: Selector, element: Node | null): void {
  const wantsMaps = keys.length > 0 && keys[0] !== "" && values.length > 0 && values[0] !== "";
  const items: Node[] = [];
  let found = false;
  for (const item of list.items) {
    if (isEmptyMap(item)) continue;
    if (wantsMaps && item.kind !== "map") items.push(item);
    else if (!selects({ keys, values }, item)) {
      if (values.length > 0) items.push(item);
    } else {
      found = true;
      if (element !== null) items.push(element);
    }
  }
  if (element !== null && !isMissing(element) && !found) items.push(element);
  list.items = items;
}

/** Keys beyond the values take the answer of the last value. */
function selects({ keys, values }: Selector, item: Node): boolean {
  let matches = false;
  for (const [at, key] of keys.entries()) {
    const value = values[at];
    if (value !== undefined) {
      expectKind(item, key === "" ? "scalar" : "map");
      const field = key === "" ? item : fieldOf(item, key);
      matches = field !== undefined && (textOf(field) === value || (key !== "" && value === ""));
    }
    if (!matches) return false;
  }
  return true;
}

/** Adds the object's elements behind the merged ones, each in place of the one it was merged to. */
function appendElements(merged: ListNode, dest: ListNode, keys: readonly string[], { budget }: MergePlace): ListNode {
  for (const item of dest.items) {
    budget.step(1 + merged.items.length);
    if (keys[0] === "") {
      setElement(merged, { keys: [""], values: [textOf(item)] }, item);
      continue;
    }
    expectKind(item, "map");
    const values: string[] = [];
    for (const key of keys) {
      const field = fieldOf(item, key);
      if (field === undefined) merged.items.push(item);
      else values.push(textOf(field));
    }
    if (keys.length > 1) setElement(merged, { keys, values }, null);
    setElement(merged, { keys, values }, item);
  }
  return merged;
}
