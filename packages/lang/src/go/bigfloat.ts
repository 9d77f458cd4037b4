// Go's big.Float with the precision that it takes when nobody chose one: 64 bits for what is read from text, more only for
// an integer that needs more; rounded to nearest even, printed with the fewest digits that read back as the same value. OPA computes with it whatever is not an integer, which is why
// 0.1 + 0.2 is 0.3 there and 1/3 has twenty digits.
//
// A number is `mantissa × 2^exponent` with a BigInt mantissa. Reading a decimal multiplies by a power of five that is
// itself rounded to 128 bits, exactly as Go does; for long fractions that is not the nearest value, but it is Go's.
// Go: math/big/float.go, floatconv.go, ftoa.go.

import { type Digits, cutDigits, decimalOf, roundsUp } from "./digits.ts";

/** `sign × mantissa × 2^exponent`; the mantissa has at most `precision` bits. */
export interface BigFloat {
  readonly negative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
  /** In bits. */
  readonly precision: number;
}

const defaultPrecision = 64;

/** The value of decimal text, or null when it is not one. The caller bounds the exponent. Go: Float.SetString. */
export function parseBigFloat(text: string): BigFloat | null {
  const match = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return null;
  const [, sign, whole = "", behind, alone = "", exponentText = "0"] = match;
  const fraction = behind ?? alone;
  const digits = BigInt(whole + fraction);
  const exponent = Number(exponentText) - fraction.length;
  const exact = { negative: sign === "-", mantissa: digits, exponent: 0, precision: defaultPrecision };
  if (digits === 0n) return exact;
  if (exponent === 0) return round(exact);
  const power = powerOfFive(Math.abs(exponent));
  return exponent > 0 ? multiplyFloats(exact, power, defaultPrecision) : quotient(exact, power, defaultPrecision);
}

/** An integer, exact: its precision is as large as it needs. Go: Float.SetInt. */
export function bigFloatOf(integer: bigint): BigFloat {
  const negative = integer < 0n;
  const mantissa = negative ? -integer : integer;
  return { negative, mantissa, exponent: 0, precision: Math.max(defaultPrecision, bitLength(mantissa)) };
}

export function addFloats(a: BigFloat, b: BigFloat): BigFloat {
  const exponent = Math.min(a.exponent, b.exponent);
  const precision = Math.max(a.precision, b.precision);
  const sum = signed(a) * shifted(a, exponent) + signed(b) * shifted(b, exponent);
  // Only the sum of two negative zeros is a negative zero.
  if (sum === 0n) return { negative: a.negative && b.negative, mantissa: 0n, exponent: 0, precision };
  return round({ negative: sum < 0n, mantissa: sum < 0n ? -sum : sum, exponent, precision });
}

export function subtractFloats(a: BigFloat, b: BigFloat): BigFloat {
  return addFloats(a, { ...b, negative: !b.negative });
}

export function multiplyFloats(
  a: BigFloat,
  b: BigFloat,
  precision: number = Math.max(a.precision, b.precision),
): BigFloat {
  const mantissa = a.mantissa * b.mantissa;
  const negative = a.negative !== b.negative;
  if (mantissa === 0n) return { negative, mantissa, exponent: 0, precision };
  return round({ negative, mantissa, exponent: a.exponent + b.exponent, precision });
}

/** The divisor must not be zero. */
export function divideFloats(a: BigFloat, b: BigFloat): BigFloat {
  return quotient(a, b, Math.max(a.precision, b.precision));
}

/** The integer part, towards zero. */
export function truncateFloat(value: BigFloat): bigint {
  const { exponent, mantissa } = value;
  const whole = exponent >= 0 ? mantissa << BigInt(exponent) : mantissa >> BigInt(-exponent);
  return value.negative ? -whole : whole;
}

export function isIntegral(value: BigFloat): boolean {
  return value.exponent >= 0 || value.mantissa % (1n << BigInt(-value.exponent)) === 0n;
}

/** The shortest text: digits in full for an integer, else Go's `%g`: `0.3`, `1e-07`, `1.2345675e+06`. Go: Float.Text. */
export function bigFloatText(value: BigFloat): string {
  const sign = value.negative ? "-" : "";
  if (value.mantissa === 0n) return `${sign}0`;
  const { digits, point } = shortest(value);
  if (isIntegral(value)) return `${sign}${digits.padEnd(point, "0")}`;
  return sign + generalText(digits, point);
}

/** Go's `%g` without a precision: `%e` below 1e-4 and from 1e6 on. */
function generalText(digits: string, point: number): string {
  const exponent = point - 1;
  if (exponent < -4 || exponent >= 6) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    const exponentDigits = String(Math.abs(exponent)).padStart(2, "0");
    return `${digits.charAt(0)}${fraction}e${exponent < 0 ? "-" : "+"}${exponentDigits}`;
  }
  if (point <= 0) return `0.${"0".repeat(-point)}${digits}`;
  if (digits.length <= point) return digits.padEnd(point, "0");
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

// ── rounding

/** To its precision, to nearest, ties to even. `inexact` says that bits below the mantissa were lost already. */
function round(value: BigFloat, inexact = false): BigFloat {
  const { negative, precision } = value;
  const excess = bitLength(value.mantissa) - precision;
  if (excess <= 0) return value;
  const shift = BigInt(excess);
  const kept = value.mantissa >> shift;
  const lost = value.mantissa - (kept << shift);
  const half = 1n << (shift - 1n);
  const up = lost > half || (lost === half && (inexact || (kept & 1n) === 1n));
  const exponent = value.exponent + excess;
  const mantissa = up ? kept + 1n : kept;
  // Rounding up all ones gives one bit more, a power of two.
  if (bitLength(mantissa) <= precision) return { negative, mantissa, exponent, precision };
  return { negative, mantissa: mantissa >> 1n, exponent: exponent + 1, precision };
}

function quotient(a: BigFloat, b: BigFloat, precision: number): BigFloat {
  const negative = a.negative !== b.negative;
  if (a.mantissa === 0n) return { negative, mantissa: 0n, exponent: 0, precision };
  // Enough bits for the quotient to have two more than are kept, so that a remainder only breaks ties.
  const shift = Math.max(0, precision + 2 - bitLength(a.mantissa) + bitLength(b.mantissa));
  const dividend = a.mantissa << BigInt(shift);
  const mantissa = dividend / b.mantissa;
  const inexact = mantissa * b.mantissa !== dividend;
  return round({ negative, mantissa, exponent: a.exponent - b.exponent - shift, precision }, inexact);
}

/** A power of ten whose power of five is rounded to 128 bits on the way. Go: Float.pow5. */
function powerOfFive(exponent: number): BigFloat {
  const precision = defaultPrecision + 64;
  const exactMax = 27;
  if (exponent <= exactMax) return { negative: false, mantissa: 5n ** BigInt(exponent), exponent, precision };
  let result: BigFloat = { negative: false, mantissa: 5n ** BigInt(exactMax), exponent: 0, precision };
  let factor: BigFloat = { negative: false, mantissa: 5n, exponent: 0, precision: precision + 64 };
  for (let left = exponent - exactMax; left > 0; left >>= 1) {
    if ((left & 1) === 1) result = multiplyFloats(result, factor, precision);
    factor = multiplyFloats(factor, factor);
  }
  return { ...result, exponent: result.exponent + exponent };
}

function bitLength(value: bigint): number {
  const text = value.toString(16);
  return value === 0n ? 0 : (text.length - 1) * 4 + 32 - Math.clz32(Number.parseInt(text.charAt(0), 16));
}

function signed(value: BigFloat): bigint {
  return value.negative ? -1n : 1n;
}

function shifted(value: BigFloat, exponent: number): bigint {
  return value.mantissa << BigInt(value.exponent - exponent);
}

// ── shortest digits

/**
 * The fewest digits that lie between the halfway points to the neighbours. Go walks the three decimals digit by digit and
 * takes the first prefix that is far enough from one of the bounds; the bounds take part by their digits alone, without
 * their magnitude, which this keeps. Go: ftoa.go roundShortest.
 */
function shortest(value: BigFloat): Digits {
  const widen = BigInt(value.precision + 1 - bitLength(value.mantissa));
  const mantissa = value.mantissa << widen;
  const exponent = value.exponent - Number(widen);
  const inclusive = (mantissa & 2n) === 0n;
  const exact = decimalOf(mantissa, exponent);
  const lower = decimalOf(mantissa - 1n, exponent).digits;
  const upper = decimalOf(mantissa + 1n, exponent).digits;
  for (let at = 0; at < exact.digits.length; at++) {
    const digit = exact.digits.charCodeAt(at);
    const low = at < lower.length ? lower.charCodeAt(at) : zero;
    const high = at < upper.length ? upper.charCodeAt(at) : zero;
    const down = low !== digit || (inclusive && at + 1 === lower.length);
    const up = digit !== high && (inclusive || digit + 1 < high || at + 1 < upper.length);
    if (down || up) return cutDigits(exact, at + 1, up && (!down || roundsUp(exact.digits, at + 1)));
  }
  return exact;
}

const zero = 0x30;
