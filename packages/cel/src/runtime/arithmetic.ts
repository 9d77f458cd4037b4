// Arithmetic within int64, uint64 and double. An int is a JavaScript number as long as it is exact; only where a result is
// not, it is computed again as a bigint and looked at for overflow. cel-go: common/types/overflow.go.

import { CelError, type Double, Uint, type Value, doubleOf, intOf, numberOfDouble } from "./value.ts";

export type Int = number | bigint;
export type AnyDouble = number | Double;

export const integerOverflow = new CelError("integer overflow");
const uintOverflow = new CelError("unsigned integer overflow");
const divisionByZero = new CelError("division by zero");
const modulusByZero = new CelError("modulus by zero");

const int64Min = -(2n ** 63n);
const int64End = 2n ** 63n;
const uint64End = 2n ** 64n;

export function isInt64(value: bigint): boolean {
  return value >= int64Min && value < int64End;
}

/** An int64 of any integer. */
export function int64(value: bigint): Value | CelError {
  return isInt64(value) ? intOf(value) : integerOverflow;
}

/** A uint64 of any integer. */
export function uint64(value: bigint): Uint | CelError {
  return value >= 0n && value < uint64End ? new Uint(value) : uintOverflow;
}

export function addInts(a: Int, b: Int): Value | CelError {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return int64(BigInt(a) + BigInt(b));
}

export function subtractInts(a: Int, b: Int): Value | CelError {
  if (typeof a === "number" && typeof b === "number") {
    const difference = a - b;
    if (Number.isSafeInteger(difference)) return difference;
  }
  return int64(BigInt(a) - BigInt(b));
}

export function multiplyInts(a: Int, b: Int): Value | CelError {
  if (typeof a === "number" && typeof b === "number") {
    const product = a * b;
    // Zero is added since an int has no -0.
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return int64(BigInt(a) * BigInt(b));
}

export function divideInts(a: Int, b: Int): Value | CelError {
  if (b === 0) return divisionByZero;
  if (typeof a === "number" && typeof b === "number") return Math.trunc(a / b) + 0;
  return int64(BigInt(a) / BigInt(b));
}

export function moduloInts(a: Int, b: Int): Value | CelError {
  if (b === 0) return modulusByZero;
  if (typeof a === "number" && typeof b === "number") return (a % b) + 0;
  // The one quotient that overflows is an error of the remainder, too.
  return int64(BigInt(a) / BigInt(b)) instanceof CelError ? integerOverflow : int64(BigInt(a) % BigInt(b));
}

export function negateInt(a: Int): Value | CelError {
  return typeof a === "number" ? 0 - a : int64(-a);
}

// ── uint

export function addUints(a: Uint, b: Uint): Uint | CelError {
  return uint64(a.value + b.value);
}

export function subtractUints(a: Uint, b: Uint): Uint | CelError {
  return uint64(a.value - b.value);
}

export function multiplyUints(a: Uint, b: Uint): Uint | CelError {
  return uint64(a.value * b.value);
}

export function divideUints(a: Uint, b: Uint): Uint | CelError {
  return b.value === 0n ? divisionByZero : new Uint(a.value / b.value);
}

export function moduloUints(a: Uint, b: Uint): Uint | CelError {
  return b.value === 0n ? modulusByZero : new Uint(a.value % b.value);
}

// ── double

export function addDoubles(a: AnyDouble, b: AnyDouble): Value {
  return doubleOf(numberOfDouble(a) + numberOfDouble(b));
}

export function subtractDoubles(a: AnyDouble, b: AnyDouble): Value {
  return doubleOf(numberOfDouble(a) - numberOfDouble(b));
}

export function multiplyDoubles(a: AnyDouble, b: AnyDouble): Value {
  return doubleOf(numberOfDouble(a) * numberOfDouble(b));
}

export function divideDoubles(a: AnyDouble, b: AnyDouble): Value {
  return doubleOf(numberOfDouble(a) / numberOfDouble(b));
}

export function negateDouble(a: AnyDouble): Value {
  return doubleOf(-numberOfDouble(a));
}

// ── conversions

/** Cut towards zero. cel-go: doubleToInt64Checked. */
export function intOfDouble(value: number): Value | CelError {
  if (!Number.isFinite(value) || value <= -(2 ** 63) || value >= 2 ** 63) return integerOverflow;
  return intOf(BigInt(Math.trunc(value)));
}

export function uintOfDouble(value: number): Value | CelError {
  if (!Number.isFinite(value) || value < 0 || value >= 2 ** 64) return uintOverflow;
  return new Uint(BigInt(Math.trunc(value)));
}
