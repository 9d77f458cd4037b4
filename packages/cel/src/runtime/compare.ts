// The order of values: numbers by value across their types, strings and bytes by bytes, false before true, moments and
// durations by length. Nothing else has an order. cel-go compares an integer with a double as doubles, so that beyond 2^53
// neighbours are equal. cel-go: common/types/compare.go.

import {
  CelError,
  type Double,
  Duration,
  Timestamp,
  Uint,
  type Value,
  isDouble,
  isInt,
  numberOfDouble,
} from "./value.ts";

export type Order = -1 | 0 | 1;

/** -1, 0 or 1; an error for NaN and for types that have no order between them. */
export function compare(a: Value, b: Value): Order | CelError {
  if (typeof a === "string") return typeof b === "string" ? compareStrings(a, b) : noSuchOverload;
  if (isNumeric(a)) return isNumeric(b) ? compareNumbers(a, b) : isNaNDouble(a) ? nan : noSuchOverload;
  if (typeof a === "boolean") return typeof b === "boolean" ? order(Number(a), Number(b)) : noSuchOverload;
  if (a instanceof Timestamp) return b instanceof Timestamp ? order(a.nanoseconds, b.nanoseconds) : noSuchOverload;
  if (a instanceof Duration) return b instanceof Duration ? order(a.nanoseconds, b.nanoseconds) : noSuchOverload;
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? compareBytes(a, b) : noSuchOverload;
  return noSuchOverload;
}

const noSuchOverload = new CelError("no such overload");
const nan = new CelError("NaN values cannot be ordered");

export type Numeric = number | bigint | Uint | Double;

export function isNumeric(value: Value): value is Numeric {
  return isInt(value) || isDouble(value) || value instanceof Uint;
}

export function isNaNDouble(value: Value): boolean {
  return typeof value === "number" && Number.isNaN(value);
}

function compareNumbers(a: Numeric, b: Numeric): Order | CelError {
  if (isNaNDouble(a) || isNaNDouble(b)) return nan;
  return orderOfNumbers(a, b);
}

/** The order of numbers of any types, none of them NaN. */
export function orderOfNumbers(a: Numeric, b: Numeric): Order {
  if (isDouble(a))
    return isDouble(b) ? order(numberOfDouble(a), numberOfDouble(b)) : doubleWithInteger(a, integerOf(b));
  if (isDouble(b)) return -doubleWithInteger(b, integerOf(a)) as Order;
  return order(integerOf(a), integerOf(b));
}

function integerOf(value: Numeric): number | bigint {
  return value instanceof Uint ? value.value : (value as number | bigint);
}

function doubleWithInteger(a: number | Double, b: number | bigint): Order {
  return order(numberOfDouble(a), Number(b));
}

function order(a: number | bigint, b: number | bigint): Order {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By UTF-8 bytes, which is by code points. Go: strings.Compare. */
export function compareStrings(a: string, b: string): Order {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return order(surrogatesLast(x), surrogatesLast(y));
  }
  return order(a.length, b.length);
}

/** UTF-16 sorts surrogates before U+E000, code points behind U+FFFF sort last. */
function surrogatesLast(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function compareBytes(a: Uint8Array, b: Uint8Array): Order {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x = 0, y = 0] = [a[at], b[at]];
    if (x !== y) return x < y ? -1 : 1;
  }
  return order(a.length, b.length);
}
