// Rego values are the tree of JSON.parse: null, booleans, numbers (or Decimal), strings, arrays, plain objects.
// Nothing is converted on the way in. Sets, and objects with keys that are not strings, have classes of their own
// with private state, so that no key of a policy can reach an internal. `undefined` is Rego's undefined.
//
// A plain object may come from JSON.parse (prototype Object.prototype) or be made here (no prototype): reads go through
// Object.hasOwn unless the key is known to live on no prototype. Values are immutable once they are visible.

import { type AnyNumber, Decimal, compareNumbers } from "@portcullis/lang";
import { enterContainer } from "./running.ts";

export type Value = null | boolean | AnyNumber | string | readonly Value[] | PlainObject | RegoSet | RegoObject;

/** An object whose keys are all strings. */
export interface PlainObject {
  readonly [key: string]: Value;
}

export type TypeName = "null" | "boolean" | "number" | "string" | "array" | "object" | "set";

/** The name that `type_name` gives. */
export function typeName(value: Value): TypeName {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value as TypeName;
  if (Array.isArray(value)) return "array";
  if (value instanceof RegoSet) return "set";
  return value instanceof Decimal ? "number" : "object";
}

export function isNumber(value: Value | undefined): value is AnyNumber {
  return typeof value === "number" || value instanceof Decimal;
}

/** Plain objects only; use `isObject` for both forms. */
export function isPlainObject(value: Value | undefined): value is PlainObject {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof RegoSet) &&
    !(value instanceof RegoObject) &&
    !(value instanceof Decimal)
  );
}

export function isObject(value: Value | undefined): value is PlainObject | RegoObject {
  return value instanceof RegoObject || isPlainObject(value);
}

export function isArray(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

/** A new object without prototype, to be filled before it is visible. */
export function newObject(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}

/** Up to this size a set compares linearly, which is faster than hashing. */
const linearMax = 8;

/** A set. Filled with `add` before it is visible, immutable afterwards. Iterates in order of insertion; `sorted` has Rego's order. */
export class RegoSet implements Iterable<Value> {
  readonly #items: Value[] = [];
  #index: Index | null = null;
  #sorted: readonly Value[] | null = null;

  static of(values: Iterable<Value>): RegoSet {
    const set = new RegoSet();
    for (const value of values) set.add(value);
    return set;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Adds a value unless an equal one is there (the first text of a number stays). */
  add(value: Value): this {
    if (this.#index !== null) {
      if (!this.#index.add(value, this.#items.length)) return this;
    } else if (this.#linear(value) !== -1) {
      return this;
    } else if (this.#items.length === linearMax) {
      this.#index = new Index(this.#items);
      this.#index.add(value, linearMax);
    }
    this.#items.push(value);
    this.#sorted = null;
    return this;
  }

  has(value: Value): boolean {
    return this.get(value) !== undefined;
  }

  /** The member equal to the value, which may be written differently (1 and 1.0). */
  get(value: Value): Value | undefined {
    const at = this.#index === null ? this.#linear(value) : this.#index.find(value);
    return at === -1 ? undefined : this.#items[at];
  }

  /** Members in Rego's order. `compare` is passed in because order needs the comparison, which needs this class. */
  sorted(compare: (a: Value, b: Value) => number): readonly Value[] {
    this.#sorted ??= this.#items.toSorted(compare);
    return this.#sorted;
  }

  /** Members in order of insertion; not to be changed. */
  get items(): readonly Value[] {
    return this.#items;
  }

  [Symbol.iterator](): Iterator<Value> {
    return this.#items[Symbol.iterator]();
  }

  #linear(value: Value): number {
    const items = this.#items;
    for (let at = 0; at < items.length; at++) if (equals(items[at] as Value, value)) return at;
    return -1;
  }
}

/** An object with at least one key that is not a string. Filled with `set` before it is visible. */
export class RegoObject {
  readonly #keys: Value[] = [];
  readonly #values: Value[] = [];
  readonly #index = new Index([]);
  #sorted: readonly (readonly [Value, Value])[] | null = null;

  static of(entries: Iterable<readonly [Value, Value]>): RegoObject {
    const object = new RegoObject();
    for (const [key, value] of entries) object.set(key, value);
    return object;
  }

  get size(): number {
    return this.#keys.length;
  }

  get(key: Value): Value | undefined {
    const at = this.#index.find(key);
    return at === -1 ? undefined : this.#values[at];
  }

  has(key: Value): boolean {
    return this.#index.find(key) !== -1;
  }

  /** Sets or replaces a key. */
  set(key: Value, value: Value): this {
    const at = this.#index.find(key);
    if (at === -1) {
      this.#index.add(key, this.#keys.length);
      this.#keys.push(key);
      this.#values.push(value);
    } else {
      this.#values[at] = value;
    }
    this.#sorted = null;
    return this;
  }

  entries(): readonly (readonly [Value, Value])[] {
    return this.#keys.map((key, at) => [key, this.#values[at] as Value] as const);
  }

  /** Entries in Rego's order of keys. */
  sorted(compare: (a: Value, b: Value) => number): readonly (readonly [Value, Value])[] {
    this.#sorted ??= this.entries().toSorted((a, b) => compare(a[0], b[0]));
    return this.#sorted;
  }
}

/**
 * Positions of values: strings, booleans, null and numbers by value in one Map, the rest by hash bucket and equality.
 * One Map keyed by text would let the string `{"a":1}` collide with the object.
 */
class Index {
  readonly #primitives = new Map<unknown, number>();
  readonly #buckets = new Map<number, [Value, number][]>();

  constructor(values: readonly Value[]) {
    values.forEach((value, at) => this.add(value, at));
  }

  /** False when an equal value is there already. */
  add(value: Value, at: number): boolean {
    const plain = value instanceof Decimal ? value.canonical : value;
    if (typeof plain !== "object" || plain === null) {
      if (this.#primitives.has(plain)) return false;
      this.#primitives.set(plain, at);
      return true;
    }
    if (this.find(plain) !== -1) return false;
    const key = hash(plain);
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, [[plain, at]]);
    else bucket.push([plain, at]);
    return true;
  }

  find(value: Value): number {
    const plain = value instanceof Decimal ? value.canonical : value;
    if (typeof plain !== "object" || plain === null) return this.#primitives.get(plain) ?? -1;
    for (const [other, at] of this.#buckets.get(hash(plain)) ?? []) if (equals(other, plain)) return at;
    return -1;
  }
}

// ── equality and hashes

/** Throws LimitError when the running evaluation has nothing left. */
export function equals(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return isNumber(a) && isNumber(b) && compareNumbers(a, b) === 0;
  }
  enterContainer();
  if (Array.isArray(a)) return Array.isArray(b) && arraysEqual(a as readonly Value[], b as readonly Value[]);
  if (a instanceof Decimal) return b instanceof Decimal && compareNumbers(a, b) === 0;
  if (a instanceof RegoSet) return b instanceof RegoSet && a.size === b.size && a.items.every((item) => b.has(item));
  if (a instanceof RegoObject) {
    return (
      b instanceof RegoObject && a.size === b.size && a.entries().every(([key, value]) => entryIs(b.get(key), value))
    );
  }
  return isPlainObject(b) && objectsEqual(a as PlainObject, b);
}

/** A 32-bit hash; equal values have equal hashes. Cached for objects, which are immutable. */
function hash(value: Value): number {
  if (typeof value !== "object" || value === null) return hashPrimitive(value);
  if (value instanceof Decimal) return hashPrimitive(Number(value.text));
  let known = hashCache.get(value);
  if (known === undefined) {
    known = hashComposite(value);
    hashCache.set(value, known);
  }
  return known;
}

const hashCache = new WeakMap<object, number>();

function hashPrimitive(value: null | boolean | number | string): number {
  return hashText(value === null ? "n" : typeof value === "string" ? `s${value}` : `${typeof value}${value}`);
}

function hashText(text: string): number {
  let result = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) result = Math.imul(result ^ text.charCodeAt(at), 0x01000193);
  return result | 0;
}

function hashComposite(value: readonly Value[] | PlainObject | RegoSet | RegoObject): number {
  if (Array.isArray(value)) {
    return (value as readonly Value[]).reduce<number>((sum, item) => (Math.imul(sum, 31) + hash(item)) | 0, 7);
  }
  // Sets and objects add their members' hashes, so that no order is needed.
  if (value instanceof RegoSet) return value.items.reduce<number>((sum, item) => (sum + hash(item)) | 0, 11);
  let sum = 13;
  const pairs = value instanceof RegoObject ? value.entries() : Object.entries(value as PlainObject);
  for (const [key, item] of pairs) sum = (sum + Math.imul(hash(key), 31) + hash(item)) | 0;
  return sum;
}

function arraysEqual(a: readonly Value[], b: readonly Value[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (!equals(a[at] as Value, b[at] as Value)) return false;
  return true;
}

function objectsEqual(a: PlainObject, b: PlainObject): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && equals(a[key] as Value, b[key] as Value));
}

function entryIs(found: Value | undefined, value: Value): boolean {
  return found !== undefined && equals(found, value);
}
