// Numbers. A JavaScript number stands for itself where its shortest text says exactly the same (safe integers, and
// decimals such as 0.25 written that way); everything that a double would change is a Decimal: integers beyond 2^53,
// `1.0`, `1e2`, `2.50`, and results with a 64-bit mantissa. A Decimal keeps its text, because Rego prints numbers as
// they were written, and compares by its exact decimal value.
//
// Numbers come from requests, so nothing here costs more than its text is long: an exponent such as in `1e999999999` is
// never written out. Reading decimals as doubles is monotonic, hence two numbers whose doubles differ are ordered by
// them, and only equal doubles need the exact digits.

export type AnyNumber = number | Decimal;

interface Parts {
  /** Without trailing zeros. */
  readonly digits: bigint;
  /** Of ten. */
  readonly exponent: number;
  /** How many digits stand before the decimal point, were the number written out; negative for leading zeros behind it. */
  readonly magnitude: number;
}

export class Decimal {
  /** The number as written; valid JSON number text. */
  readonly text: string;
  #parts: Parts | null = null;
  #double: number | null = null;

  constructor(text: string) {
    this.text = text;
  }

  /** `digits × 10^exponent`, exact, with no trailing zeros in digits. */
  get parts(): Parts {
    this.#parts ??= decimalParts(this.text);
    return this.#parts;
  }

  /** The nearest double; infinite when there is none. */
  get double(): number {
    this.#double ??= Number(this.text);
    return this.#double;
  }

  /** The JavaScript number with exactly this decimal value when there is one in normal form, else this. */
  get canonical(): AnyNumber {
    const { double } = this;
    if (!Number.isFinite(double) || (Number.isInteger(double) && !Number.isSafeInteger(double))) return this;
    return compareExactly(double, this) === 0 ? double : this;
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

/** Beyond this power of ten OPA refuses a number (2^100000); nothing larger is ever written out. OPA: v1/ast/term.go maxNumberExp. */
export const exponentMax = 30_103;

const maxSafe = BigInt(Number.MAX_SAFE_INTEGER);

/** The value of JSON number text: a number where that loses nothing of value or text, else a Decimal. */
export function numberOf(text: string): AnyNumber {
  const double = Number(text);
  if (String(double) === text && (Number.isSafeInteger(double) || !Number.isInteger(double))) return double;
  return new Decimal(text);
}

/** An integer of any size. */
export function numberOfInteger(integer: bigint): AnyNumber {
  return integer >= -maxSafe && integer <= maxSafe ? Number(integer) : new Decimal(String(integer));
}

/** The integer that a number is, whatever its text (`1.0`, `1e2`); null for a fraction and for one beyond `exponentMax`. */
export function integerOf(value: AnyNumber): bigint | null {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : null;
  const { digits, exponent, magnitude } = value.parts;
  return exponent < 0 || magnitude > exponentMax ? null : digits * 10n ** BigInt(exponent);
}

/** The text of a number as Rego and JSON print it: as written. */
export function numberText(value: AnyNumber): string {
  return typeof value === "number" ? String(value) : value.text;
}

/** -1, 0 or 1 by exact decimal value. */
export function compareNumbers(a: AnyNumber, b: AnyNumber): -1 | 0 | 1 {
  const left = typeof a === "number" ? a : a.double;
  const right = typeof b === "number" ? b : b.double;
  if (left < right) return -1;
  if (left > right) return 1;
  if (typeof a === "number" && typeof b === "number") return 0;
  return compareExactly(a, b);
}

function compareExactly(a: AnyNumber, b: AnyNumber): -1 | 0 | 1 {
  const left = typeof a === "number" ? decimalParts(String(a)) : a.parts;
  const right = typeof b === "number" ? decimalParts(String(b)) : b.parts;
  if (left.digits === right.digits && left.exponent === right.exponent) return 0;
  const sign = signOf(left.digits) - signOf(right.digits);
  if (sign !== 0) return sign < 0 ? -1 : 1;
  const gap = left.magnitude - right.magnitude;
  if (gap !== 0) return gap < 0 === left.digits > 0n ? -1 : 1;
  // Equal magnitudes: the exponents differ by no more than the digits' lengths.
  const exponent = Math.min(left.exponent, right.exponent);
  const x = left.digits * 10n ** BigInt(left.exponent - exponent);
  const y = right.digits * 10n ** BigInt(right.exponent - exponent);
  return x < y ? -1 : x > y ? 1 : 0;
}

function signOf(digits: bigint): number {
  return digits === 0n ? 0 : digits < 0n ? -1 : 1;
}

/** An exponent of more digits than a double counts exactly is as good as infinite; this stands for it. */
const farExponent = 1e15;

const numberSyntax = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

function decimalParts(text: string): Parts {
  const match = numberSyntax.exec(text);
  if (match === null) throw new RangeError(`not a decimal number: ${text}`);
  const [, sign, whole = "", fraction = "", exponentText = "0"] = match;
  const all = whole + fraction;
  let end = all.length;
  while (end > 0 && all.charCodeAt(end - 1) === zero) end--;
  if (end === 0) return { digits: 0n, exponent: 0, magnitude: 0 };
  let start = 0;
  while (all.charCodeAt(start) === zero) start++;
  const digits = BigInt(all.slice(start, end));
  const written = Math.min(Math.max(Number(exponentText), -farExponent), farExponent);
  const exponent = written - fraction.length + (all.length - end);
  return { digits: sign === "-" ? -digits : digits, exponent, magnitude: end - start + exponent };
}

const zero = 0x30;

/** `JSON.rawJSON` has no type in TypeScript 7 yet; Node 22 and newer have it. */
const rawJson: (text: string) => unknown = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
