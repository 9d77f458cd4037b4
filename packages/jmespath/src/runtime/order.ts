// Equality and order. Texts are ordered by code points, as Go orders the bytes of UTF-8.

import type { Budget } from "@portcullis/lang";
import { LimitError } from "@portcullis/lang";
import { GoInteger, ObjectList, Reference, type Value, type ValueObject, isList, isObject, numberOf } from "./value.ts";

/** Equal as Go's reflect.DeepEqual sees it: an int is no float, a list of `items()` is no other list. */
export function equal(left: Value, right: Value, budget: Budget, depth = 0): boolean {
  budget.step();
  if (left === right) return !Number.isNaN(left);
  const number = numberOf(left);
  if (number !== null) return number === numberOf(right);
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false;
  if (depth > budget.depthMax) throw new LimitError("depth");
  if (isList(left)) return isList(right) && equalLists(left, right, budget, depth);
  if (left instanceof GoInteger) return right instanceof GoInteger && left.value === right.value;
  if (left instanceof Reference) return right instanceof Reference && left.text === right.text;
  return isObject(left) && isObject(right) && equalObjects(left, right, budget, depth);
}

function equalLists(left: readonly Value[], right: readonly Value[], budget: Budget, depth: number): boolean {
  if (left.length !== right.length || left instanceof ObjectList !== right instanceof ObjectList) return false;
  return left.every((item, at) => equal(item, right[at] as Value, budget, depth + 1));
}

function equalObjects(left: ValueObject, right: ValueObject, budget: Budget, depth: number): boolean {
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every(
    (key) => Object.hasOwn(right, key) && equal(left[key] as Value, right[key] as Value, budget, depth + 1),
  );
}

/** -1, 0 or 1 by code points. */
export function compareTexts(left: string, right: string): -1 | 0 | 1 {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const [a, b] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (a !== b) return rank(a) < rank(b) ? -1 : 1;
  }
  return left.length < right.length ? -1 : 1;
}

/** Surrogates stand for characters beyond all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}

/** The keys by code points: where Go's maps have no order, we have this one. */
export function sortedKeys(object: ValueObject): readonly string[] {
  return Object.keys(object).toSorted(compareTexts);
}
