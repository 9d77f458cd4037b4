// Numbers. A JavaScript number stands for itself where its shortest text says exactly the same (safe integers, and
// decimals such as 0.25 written that way); everything that a double would change is a Decimal: integers beyond 2^53,
// `1.0`, `1e2`, `2.50`, and results with a 64-bit mantissa. A Decimal keeps its text, because Rego prints numbers as
// they were written, and compares by its exact decimal value.

export type AnyNumber = number | Decimal;

export class Decimal {
  /** The number as written; valid JSON number text. */
  readonly text: string;
  #parts: { readonly digits: bigint; readonly exponent: number } | null = null;

  constructor(text: string) {
    this.text = text;
  }

  /** `digits × 10^exponent`, exact, with no trailing zeros in digits. */
  get parts(): { readonly digits: bigint; readonly exponent: number } {
    this.#parts ??= decimalParts(this.text);
    return this.#parts;
  }

  /** The JavaScript number with exactly this decimal value when there is one in normal form, else this. */
  get canonical(): AnyNumber {
    const { digits, exponent } = this.parts;
    if (digits === 0n) return 0;
    if (exponent >= 0) {
      if (exponent > 16) return this;
      const integer = digits * 10n ** BigInt(exponent);
      return integer >= -maxSafe && integer <= maxSafe ? Number(integer) : this;
    }
    const double = Number(this.text);
    if (Number.isInteger(double) || !Number.isFinite(double)) return this;
    const other = decimalParts(String(double));
    return other.digits === digits && other.exponent === exponent ? double : this;
  }

  /** Whether the value (not the text) is an integer. */
  get isInteger(): boolean {
    return this.parts.exponent >= 0;
  }

  toString(): string {
    return this.text;
  }

  toJSON(): unknown {
    return rawJson(this.text);
  }
}

const maxSafe = BigInt(Number.MAX_SAFE_INTEGER);

/** The value of JSON number text: a number where that loses nothing of value or text, else a Decimal. */
export function numberOf(text: string): AnyNumber {
  const double = Number(text);
  if (String(double) === text && (Number.isSafeInteger(double) || !Number.isInteger(double))) return double;
  return new Decimal(text);
}

/** The text of a number as Rego and JSON print it: as written. */
export function numberText(value: AnyNumber): string {
  return typeof value === "number" ? String(value) : value.text;
}

/** -1, 0 or 1 by exact decimal value. */
export function compareNumbers(a: AnyNumber, b: AnyNumber): -1 | 0 | 1 {
  if (typeof a === "number" && typeof b === "number") return a < b ? -1 : a > b ? 1 : 0;
  const left = typeof a === "number" ? decimalParts(String(a)) : a.parts;
  const right = typeof b === "number" ? decimalParts(String(b)) : b.parts;
  const exponent = Math.min(left.exponent, right.exponent);
  // An exponent gap of thousands of digits is decided by sign and magnitude, so that `1e999999` costs nothing.
  const sign = signOf(left.digits) - signOf(right.digits);
  if (sign !== 0) return sign < 0 ? -1 : 1;
  const gap = magnitude(left) - magnitude(right);
  if (Math.abs(gap) > 1) return gap < 0 === left.digits > 0n ? -1 : 1;
  const x = left.digits * 10n ** BigInt(left.exponent - exponent);
  const y = right.digits * 10n ** BigInt(right.exponent - exponent);
  return x < y ? -1 : x > y ? 1 : 0;
}

function signOf(digits: bigint): number {
  return digits === 0n ? 0 : digits < 0n ? -1 : 1;
}

function magnitude(parts: { readonly digits: bigint; readonly exponent: number }): number {
  const text = String(parts.digits < 0n ? -parts.digits : parts.digits);
  return text.length + parts.exponent;
}

function decimalParts(text: string): { readonly digits: bigint; readonly exponent: number } {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) throw new RangeError(`not a decimal number: ${text}`);
  const [, sign, whole = "", fraction = "", exponentText] = match;
  const all = (whole + fraction).replace(/0+$/, "");
  const dropped = whole.length + fraction.length - all.length;
  if (/^0*$/.test(all)) return { digits: 0n, exponent: 0 };
  const digits = BigInt(all);
  const exponent = Number(exponentText ?? "0") - fraction.length + dropped;
  return { digits: sign === "-" ? -digits : digits, exponent };
}

/** `JSON.rawJSON` has no type in TypeScript 7 yet; Node 22 and newer have it. */
const rawJson: (text: string) => unknown = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
