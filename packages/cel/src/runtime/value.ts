// Values. The tree of JSON.parse is a value as it is, so that nothing of a request is copied:
//
// - int: a number without a fraction, or a bigint where a number would not be exact (beyond 2^53); never both for one value
// - double: a number with a fraction, NaN or infinite; one that happens to be whole is a Double (`1.0`, `-0.0`)
// - uint: a Uint; bytes: a Uint8Array; string, bool and null: JavaScript's
// - list: an array; map: an object of the tree, whose keys are strings, or a CelMap
//
// Decimals of the lossless reader stand only in input; `fromInput` turns them where they are read. An error is a value,
// too, which whoever is given one hands on, except for `&&`, `||` and the conditional.

import { Decimal } from "@portcullis/lang";
import type { Type } from "../types.ts";

export type Value =
  | null
  | boolean
  | string
  | number
  | bigint
  | Uint
  | Double
  | Uint8Array
  | readonly Value[]
  | CelMap
  | Tree
  | Timestamp
  | Duration
  | TypeValue
  | Optional
  | Opaque
  | StructValue
  | Decimal;

/** An object of the tree of JSON.parse; only its own keys count. */
export interface Tree {
  readonly [key: string]: Value;
}

/** An evaluation that failed. It is no Error: it is made often, and absorbed, and nobody asks for its stack. */
export class CelError {
  /** cel-go's text: `no such key: x`, `division by zero`. */
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** A double without a fraction. */
export class Double {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** Nanoseconds since 1970 in UTC, from year 1 to 9999, shown in the zone in which it was written. */
export class Timestamp {
  readonly nanoseconds: bigint;
  /** East of UTC. Only `string()` shows it; getters are in UTC. */
  readonly offsetSeconds: number;
  constructor(nanoseconds: bigint, offsetSeconds = 0) {
    this.nanoseconds = nanoseconds;
    this.offsetSeconds = offsetSeconds;
  }
}

/** Nanoseconds, within int64. */
export class Duration {
  readonly nanoseconds: bigint;
  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

export class TypeValue {
  readonly type: Type;
  constructor(type: Type) {
    this.type = type;
  }
}

export class Optional {
  /** Undefined for none. */
  readonly value: Value | undefined;
  constructor(value: Value | undefined) {
    this.value = value;
  }
}

/** A value of a type that only its library's functions know: a quantity, an address, a URL. */
export abstract class Opaque {
  abstract readonly type: Type;
  /** `==`. */
  abstract equals(other: Opaque): boolean;
  /** What the cost model takes its size to be. */
  size(): number {
    return 1;
  }
}

/** A value of a struct type, whose fields may be computed when they are first asked for. */
export abstract class StructValue {
  abstract readonly type: Type;
  /** Undefined for a field that is not set. */
  abstract field(name: string): Value | CelError | undefined;
}

/** A map that an expression made: keys of any type that keys may have, in the order in which they were put in. */
export class CelMap {
  readonly #entries = new Map<string | symbol, readonly [key: Value, value: Value]>();

  get size(): number {
    return this.#entries.size;
  }

  /** Replaces what was there. For whoever makes the map; afterwards it does not change. */
  set(key: Value, value: Value): void {
    this.#entries.set(keyOf(key) ?? Symbol("other"), [key, value]);
  }

  delete(key: Value): void {
    const canonical = keyOf(key);
    if (canonical !== null) this.#entries.delete(canonical);
  }

  get(key: Value): Value | undefined {
    const canonical = keyOf(key);
    return canonical === null ? undefined : this.#entries.get(canonical)?.[1];
  }

  has(key: Value): boolean {
    const canonical = keyOf(key);
    return canonical !== null && this.#entries.has(canonical);
  }

  entries(): IterableIterator<readonly [key: Value, value: Value]> {
    return this.#entries.values();
  }
}

/** Longer strings cannot be mistaken for keys of other types, so that they need not be copied. */
const otherTextMax = 1000;

/** Equal keys have equal texts, whatever numeric type they are of; null for what equals no other key. */
function keyOf(key: Value): string | null {
  if (typeof key === "string") return key.length > otherTextMax ? key : `s${key}`;
  if (typeof key === "boolean" || key === null) return `b${key}`;
  if (typeof key === "number") return Number.isNaN(key) ? null : `n${key}`;
  if (typeof key === "bigint") return `n${key}`;
  if (key instanceof Uint) return `n${key.value}`;
  if (key instanceof Double) return `n${BigInt(key.value)}`;
  if (key instanceof Timestamp) return `t${key.nanoseconds}`;
  return key instanceof Duration ? `d${key.nanoseconds}` : null;
}

/** An int of any size within int64. The caller has checked the range. */
export function intOf(value: bigint): Value {
  return value >= smallest && value <= largest ? Number(value) : value;
}

const largest = BigInt(Number.MAX_SAFE_INTEGER);
const smallest = -largest;

export function doubleOf(value: number): Value {
  return Number.isInteger(value) ? new Double(value) : value;
}

export function isInt(value: unknown): value is number | bigint {
  return typeof value === "number" ? Number.isInteger(value) : typeof value === "bigint";
}

export function isDouble(value: unknown): value is number | Double {
  return typeof value === "number" ? !Number.isInteger(value) : value instanceof Double;
}

/** The number of a double. */
export function numberOfDouble(value: number | Double): number {
  return typeof value === "number" ? value : value.value;
}

/** Whether a value is an object of the tree, and so a map with strings for keys. */
export function isTree(value: unknown): value is Tree {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

export function isMap(value: unknown): value is CelMap | Tree {
  return value instanceof CelMap || isTree(value);
}

/** Of the longest text of an int64: `-9223372036854775808`. */
const int64Length = 20;

/** A value that was read from input: `1.0` is a double, an integer beyond 2^53 an int or, beyond int64, a double. */
export function fromInput(value: Value): Value {
  if (!(value instanceof Decimal)) return value;
  if (value.text.length > int64Length || !/^-?\d+$/.test(value.text)) return doubleOf(value.double);
  const exact = BigInt(value.text);
  return exact >= -(2n ** 63n) && exact < 2n ** 63n ? intOf(exact) : doubleOf(value.double);
}
