// Equality of any two values: of different types they are simply not equal, except for numbers, which are compared by value.
// Lists are equal element by element, maps key by key, whatever the order; NaN equals nothing. Every element charges the
// budget. cel-go: common/types/util.go Equal and the Equal methods.

import type { Budget } from "@portcullis/lang";
import { isNaNDouble, isNumeric, orderOfNumbers } from "./compare.ts";
import { entriesOf, findKey, sizeOfMap } from "./container.ts";
import {
  type CelMap,
  Duration,
  Opaque,
  Optional,
  StructValue,
  Timestamp,
  type Tree,
  TypeValue,
  type Value,
  fromInput,
  isMap,
} from "./value.ts";
import { typeName } from "./valuetype.ts";

/** Whether `a == b`. Throws LimitError. */
export function equals(a: Value, b: Value, budget: Budget): boolean {
  if (typeof a === "string") return typeof b === "string" && equalStrings(a, b, budget);
  if (a === null || b === null || typeof a === "boolean") return a === b;
  if (isNumeric(a)) return isNumeric(b) && !isNaNDouble(a) && !isNaNDouble(b) && orderOfNumbers(a, b) === 0;
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(a as readonly Value[], b as readonly Value[], budget);
  if (isMap(a)) return isMap(b) && equalMaps(a, b, budget);
  return equalOthers(a, b, budget);
}

function equalStrings(a: string, b: string, budget: Budget): boolean {
  if (a.length !== b.length) return false;
  if (a.length > freeLength) budget.step(a.length >> 4);
  return a === b;
}

/** Strings of this length are compared within the step that the comparison costs anyhow. */
const freeLength = 64;

function equalLists(a: readonly Value[], b: readonly Value[], budget: Budget): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) {
    budget.step();
    if (!equals(fromInput(a[at] as Value), fromInput(b[at] as Value), budget)) return false;
  }
  return true;
}

function equalMaps(a: CelMap | Tree, b: CelMap | Tree, budget: Budget): boolean {
  if (sizeOfMap(a) !== sizeOfMap(b)) return false;
  for (const [key, value] of entriesOf(a)) {
    budget.step();
    const other = findKey(b, key);
    if (other === undefined || !equals(value, other, budget)) return false;
  }
  return true;
}

function equalOthers(a: Value, b: Value, budget: Budget): boolean {
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanoseconds === b.nanoseconds;
  if (a instanceof Duration) return b instanceof Duration && a.nanoseconds === b.nanoseconds;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && equalBytes(a, b, budget);
  if (a instanceof TypeValue) return b instanceof TypeValue && typeName(a.type) === typeName(b.type);
  if (a instanceof Optional) return b instanceof Optional && equalOptionals(a, b, budget);
  if (a instanceof Opaque) return b instanceof Opaque && typeName(a.type) === typeName(b.type) && a.equals(b);
  // What has fields is made once in an evaluation, and what has none is like any other.
  return a instanceof StructValue && b instanceof StructValue && typeName(a.type) === typeName(b.type);
}

function equalBytes(a: Uint8Array, b: Uint8Array, budget: Budget): boolean {
  if (a.length !== b.length) return false;
  budget.step(a.length >> 2);
  return a.every((byte, at) => byte === b[at]);
}

function equalOptionals(a: Optional, b: Optional, budget: Budget): boolean {
  if (a.value === undefined || b.value === undefined) return a.value === b.value;
  return equals(a.value, b.value, budget);
}
