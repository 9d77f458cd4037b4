// The order of Rego values. Order of types: null < boolean < number < string < array < object < set
// (OPA: v1/ast/compare.go). Numbers compare by decimal value, strings by code points (JavaScript's `<` compares UTF-16
// units), objects by sorted keys pairwise, sets by sorted members.

import { compareNumbers } from "@portcullis/lang";
import { enterContainer } from "./running.ts";
import { type PlainObject, RegoObject, RegoSet, type Value, isNumber } from "./value.ts";

/** Negative, 0 or positive. Throws LimitError when the running evaluation has nothing left. */
export function compare(a: Value, b: Value): number {
  if (a === b) return 0;
  const byType = rank(a) - rank(b);
  if (byType !== 0) return byType;
  if (typeof a === "string") return compareStrings(a, b as string);
  if (isNumber(a)) return compareNumbers(a, b as typeof a);
  if (typeof a === "boolean") return a ? 1 : -1;
  enterContainer();
  if (Array.isArray(a)) return compareLists(a as readonly Value[], b as readonly Value[]);
  if (a instanceof RegoSet) return compareLists(a.sorted(compare), (b as RegoSet).sorted(compare));
  return compareObjects(a as PlainObject | RegoObject, b as PlainObject | RegoObject);
}

/** By code points, which is the order of UTF-8 bytes. */
export function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x !== y) {
      // A surrogate stands for a code point above every other unit.
      const xHigh = x >= 0xd800 && x <= 0xdfff;
      const yHigh = y >= 0xd800 && y <= 0xdfff;
      return xHigh === yHigh ? x - y : xHigh ? 1 : -1;
    }
  }
  return a.length - b.length;
}

/** The keys of a plain object in Rego's order; `order` may stand in for a comparison that does more. */
export function sortedKeys(object: PlainObject, order = compareStrings): readonly string[] {
  // The list is our own, so it is sorted where it lies: this is on the way of every request.
  const keys = Object.keys(object);
  if (keys.length < 2) return keys;
  // oxlint-disable-next-line unicorn/no-array-sort
  if (keys.length <= uncachedMax) return keys.sort(order);
  const known = keyCache.get(object);
  if (known !== undefined) return known;
  // oxlint-disable-next-line unicorn/no-array-sort
  keyCache.set(object, keys.sort(order));
  return keys;
}

/** Sorting so few keys costs less than remembering them. */
const uncachedMax = 8;

const keyCache = new WeakMap<object, readonly string[]>();

/** Entries of either form of object in Rego's order. */
export function sortedEntries(object: PlainObject | RegoObject): readonly (readonly [Value, Value])[] {
  if (object instanceof RegoObject) return object.sorted(compare);
  return sortedKeys(object).map((key) => [key, object[key] as Value] as const);
}

function rank(value: Value): number {
  if (value === null) return 0;
  if (typeof value === "boolean") return 1;
  if (isNumber(value)) return 2;
  if (typeof value === "string") return 3;
  if (Array.isArray(value)) return 4;
  return value instanceof RegoSet ? 6 : 5;
}

function compareLists(a: readonly Value[], b: readonly Value[]): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const order = compare(a[at] as Value, b[at] as Value);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareObjects(a: PlainObject | RegoObject, b: PlainObject | RegoObject): number {
  if (!(a instanceof RegoObject) && !(b instanceof RegoObject)) return comparePlainObjects(a, b);
  const left = sortedEntries(a);
  const right = sortedEntries(b);
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const [leftKey, leftValue] = left[at] as readonly [Value, Value];
    const [rightKey, rightValue] = right[at] as readonly [Value, Value];
    const order = compare(leftKey, rightKey) || compare(leftValue, rightValue);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function comparePlainObjects(a: PlainObject, b: PlainObject): number {
  const left = sortedKeys(a);
  const right = sortedKeys(b);
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const leftKey = left[at] as string;
    const rightKey = right[at] as string;
    const order = compareStrings(leftKey, rightKey) || compare(a[leftKey] as Value, b[rightKey] as Value);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
