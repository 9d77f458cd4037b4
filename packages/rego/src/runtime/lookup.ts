// Reading values: one key, a path, and all elements. Arrays answer integers only, sets answer their members, and plain
// objects only what is their own, so that no key reaches a prototype. Emitted code reads constant paths with optional
// chaining, which has Rego's meaning for plain objects; where that finds nothing, `at` looks again with all types.

import { type Budget, Decimal, numberText } from "@portcullis/lang";
import { compare, compareStrings, sortedKeys } from "./compare.ts";
import { type PlainObject, RegoObject, RegoSet, type Value, isNumber } from "./value.ts";

/** The value at a key, or undefined. */
export function get(value: Value | undefined, key: Value): Value | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  // Nearly always a plain object; its prototype tells that faster than a row of instanceof tells what it is not.
  if (Object.getPrototypeOf(value) === Object.prototype) {
    return typeof key === "string" && Object.hasOwn(value, key) ? (value as PlainObject)[key] : undefined;
  }
  if (Array.isArray(value)) return (value as readonly Value[])[arrayIndex(key)];
  if (value instanceof RegoSet || value instanceof RegoObject) return value.get(key);
  if (value instanceof Decimal || typeof key !== "string") return undefined;
  return Object.hasOwn(value, key) ? (value as PlainObject)[key] : undefined;
}

function arrayIndex(key: Value): number {
  if (typeof key === "number") return key;
  const plain = key instanceof Decimal ? key.canonical : -1;
  return typeof plain === "number" ? plain : -1;
}

/**
 * The value at a key of a base document. OPA reads those by storage paths, whose parts are text: `data.a[2]` finds the
 * key "2", and `data.list["0"]` the first element. OPA: v1/storage/path.go NewPathForRef.
 */
export function getStored(value: Value | undefined, key: Value): Value | undefined {
  const found = get(value, key);
  if (found !== undefined || typeof value !== "object" || value === null) return found;
  if (Array.isArray(value))
    return typeof key === "string" && /^(?:0|[1-9]\d*)$/.test(key) ? get(value, Number(key)) : undefined;
  return isNumber(key) ? get(value, numberText(key)) : undefined;
}

/** The value at a path, or undefined. */
export function at(value: Value | undefined, path: readonly Value[]): Value | undefined {
  let result = value;
  for (let step = 0; step < path.length && result !== undefined; step++) result = get(result, path[step] as Value);
  return result;
}

const none: readonly Value[] = [];

/** All elements, in no particular order; none for scalars. */
export function items(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value as readonly Value[];
  if (typeof value !== "object" || value === null || value instanceof Decimal) return none;
  if (value instanceof RegoSet) return value.items;
  if (value instanceof RegoObject) return value.entries().map(([, item]) => item);
  return Object.values(value as PlainObject);
}

/** All elements in Rego's order of their keys. Sorting many charges the budget. */
export function sortedItems(value: Value, budget: Budget | null = null): readonly Value[] {
  return Array.isArray(value) ? (value as readonly Value[]) : elements(value, sortedKeysOf(value, budget));
}

/** The keys of a value, in no particular order; null for arrays, whose keys are their indices. */
export function keysOf(value: Value): readonly Value[] | null {
  if (Array.isArray(value)) return null;
  if (typeof value !== "object" || value === null || value instanceof Decimal) return none;
  if (value instanceof RegoSet) return value.items;
  return value instanceof RegoObject ? value.entries().map(([key]) => key) : Object.keys(value);
}

/** The keys of a value in Rego's order; null for arrays. Sorting many charges the budget. */
export function sortedKeysOf(value: Value, budget: Budget | null = null): readonly Value[] | null {
  if (Array.isArray(value)) return null;
  if (typeof value !== "object" || value === null || value instanceof Decimal) return none;
  if (value instanceof RegoSet) return value.sorted(charged(value.size, budget));
  if (value instanceof RegoObject) return value.sorted(charged(value.size, budget)).map(([key]) => key);
  return sortedKeys(value as PlainObject, budget === null ? compareStrings : chargedStrings(budget));
}

/** A comparison of strings that looks at the budget; a step for each, as names are short. */
function chargedStrings(budget: Budget): typeof compareStrings {
  return (a, b) => {
    if (--budget.fuel < 0) budget.refill();
    return compareStrings(a, b);
  };
}

/** A comparison that looks at the budget, so that sorting a million values can be stopped. */
function charged(size: number, budget: Budget | null): typeof compare {
  if (budget === null || size < 1000) return compare;
  return (a, b) => {
    budget.step();
    return compare(a, b);
  };
}

/** The elements that belong to the keys of keysOf or sortedKeysOf. */
export function elements(value: Value, keys: readonly Value[] | null): readonly Value[] {
  if (keys === null) return value as readonly Value[];
  if (value instanceof RegoSet || keys.length === 0) return keys;
  if (value instanceof RegoObject) return keys.map((key) => value.get(key) as Value);
  return keys.map((key) => (value as PlainObject)[key as string] as Value);
}

/** Whether a value can be iterated at all. */
export function isCollection(value: Value): boolean {
  return typeof value === "object" && value !== null && !(value instanceof Decimal);
}

/** Whether a value is an object with that many keys. */
export function isObjectOf(value: Value, size: number): boolean {
  if (value instanceof RegoObject) return value.size === size;
  if (!isCollection(value) || Array.isArray(value) || value instanceof RegoSet) return false;
  return Object.keys(value as PlainObject).length === size;
}
