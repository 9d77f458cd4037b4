// Quantities: `500m`, `1.5Gi`, `1e3`. The value is exact, `digits × 10^-scale`; finer than a nano is rounded away from
// zero, as an API server does. The canonical text keeps the family of suffixes that was written, unless it would lose
// precision.
// Behaviour from k8s.io/apimachinery pkg/api/resource (quantity.go, suffix.go, amount.go).

export type QuantityFormat = "DecimalExponent" | "BinarySI" | "DecimalSI";

export interface Quantity {
  /** The value is `digits / 10^scale`; `scale` is 0 to 9. */
  readonly digits: bigint;
  readonly scale: number;
  readonly format: QuantityFormat;
}

const formatError = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const suffixError = "unable to parse quantity's suffix";
const numericError = "unable to parse numeric part of quantity";

const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"] as const;
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] as const;

/** The largest binary quantity: 2^63 - 1. */
const largestBinary = 2n ** 63n - 1n;

/** Parses a quantity, or says what apimachinery says. */
export function parseQuantity(text: string): Quantity | { readonly error: string } {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?((?:[eEinumkKMGTP]+[-+]?\d*|[-+]\d*)?)$/.exec(text);
  if (text === "" || match === null) return { error: formatError };
  const [, sign = "", whole = "", fraction = "", suffix = ""] = match;
  const factor = suffixFactor(suffix);
  if (factor === null) return { error: suffixError };
  if (text.length > 1000 || Math.abs(factor.exponent) > 1000) return { error: numericError };
  const digits = BigInt(`${whole}${fraction}` === "" ? "0" : `${whole}${fraction}`);
  const scaled = factor.base === 2 ? digits << BigInt(factor.exponent) : digits;
  const scale = fraction.length - (factor.base === 10 ? factor.exponent : 0);
  return finish(sign === "-" ? -scaled : scaled, scale, factor.format);
}

function finish(digits: bigint, scale: number, format: QuantityFormat): Quantity {
  const rounded = atMostNano(digits, scale);
  const one = 10n ** BigInt(rounded.scale);
  const size = rounded.digits < 0n ? -rounded.digits : rounded.digits;
  if (format === "BinarySI" && size > largestBinary * one) {
    const capped = rounded.digits < 0n ? -largestBinary : largestBinary;
    return { digits: capped, scale: 0, format };
  }
  return { ...rounded, format: format === "BinarySI" && size > 0n && size < one ? "DecimalSI" : format };
}

/** Rounds away from zero to nine decimals, and makes the scale non-negative. */
function atMostNano(digits: bigint, scale: number): { readonly digits: bigint; readonly scale: number } {
  if (scale < 0) return { digits: digits * 10n ** BigInt(-scale), scale: 0 };
  if (scale <= 9) return { digits, scale };
  const divisor = 10n ** BigInt(scale - 9);
  const quotient = digits / divisor;
  if (quotient * divisor === digits) return { digits: quotient, scale: 9 };
  return { digits: quotient + (digits < 0n ? -1n : 1n), scale: 9 };
}

interface Factor {
  readonly base: 2 | 10;
  readonly exponent: number;
  readonly format: QuantityFormat;
}

function suffixFactor(suffix: string): Factor | null {
  const decimal = (decimalSuffixes as readonly string[]).indexOf(suffix);
  if (decimal !== -1) return { base: 10, exponent: (decimal - 3) * 3, format: "DecimalSI" };
  const binary = (binarySuffixes as readonly string[]).indexOf(suffix);
  if (binary !== -1) return { base: 2, exponent: binary * 10, format: "BinarySI" };
  const exponent = /^[eE]([-+]?\d+)$/.exec(suffix)?.[1];
  return exponent === undefined ? null : { base: 10, exponent: Number(exponent), format: "DecimalExponent" };
}

/** -1, 0 or 1 by exact value. */
export function compareQuantities(a: Quantity, b: Quantity): -1 | 0 | 1 {
  const { left, right } = aligned(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The sum; it has the format of the first, or of the second when the first is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  const { left, right, scale } = aligned(a, b);
  return { digits: left + right, scale, format: a.digits === 0n ? b.format : a.format };
}

/** The difference; it has the format of the first, or of the second when the first is zero. */
export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return addQuantities(a, { ...b, digits: -b.digits });
}

function aligned(a: Quantity, b: Quantity) {
  const scale = Math.max(a.scale, b.scale);
  return {
    left: a.digits * 10n ** BigInt(scale - a.scale),
    right: b.digits * 10n ** BigInt(scale - b.scale),
    scale,
  };
}

/** The canonical text: no fraction, the largest suffix that keeps the value exact. */
export function quantityText({ digits, scale, format }: Quantity): string {
  if (digits === 0n) return "0";
  const one = 10n ** BigInt(scale);
  const size = digits < 0n ? -digits : digits;
  if (format === "BinarySI" && size >= 1024n * one && digits % one === 0n) return binaryText(digits / one);
  return decimalText(digits, scale, format === "DecimalExponent");
}

/** Beyond exbi there is no suffix, and apimachinery writes none. Go: AsCanonicalBase1024Bytes, constructBytes. */
function binaryText(value: bigint): string {
  let rest = value;
  let step = 0;
  while (rest % 1024n === 0n) {
    rest /= 1024n;
    step++;
  }
  return `${rest}${binarySuffixes[step] ?? ""}`;
}

function decimalText(digits: bigint, scale: number, exponential: boolean): string {
  let rest = digits;
  let exponent = -scale;
  while (rest % 10n === 0n) {
    rest /= 10n;
    exponent++;
  }
  // Suffixes go in steps of a thousand.
  while (exponent % 3 !== 0) {
    rest *= 10n;
    exponent--;
  }
  if (exponential) return exponent === 0 ? String(rest) : `${rest}e${exponent}`;
  const suffix = decimalSuffixes[exponent / 3 + 3];
  // Beyond E there is no suffix, and an API server prints none.
  return `${rest}${suffix ?? ""}`;
}
