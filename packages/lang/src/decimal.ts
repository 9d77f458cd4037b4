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
  /** See `Form`. */
  readonly magnitude: number;
}

/** `0.digits × 10^magnitude`: the same as text, which compares in the time that it takes to read it. */
interface Form {
  readonly sign: -1 | 0 | 1;
  /** Without zeros at either end; empty for zero. */
  readonly digits: string;
  /** How many digits stand before the decimal point, were the number written out; negative for zeros behind it. */
  readonly magnitude: number;
}

export class Decimal {
  /** The number as written; valid JSON number text. */
  readonly text: string;
  #form: Form | null = null;
  #parts: Parts | null = null;
  #double: number | null = null;

  constructor(text: string) {
    this.text = text;
  }

  /** `digits × 10^exponent`, exact, with no trailing zeros in digits. */
  get parts(): Parts {
    this.#parts ??= partsOf(this.form);
    return this.#parts;
  }

  get form(): Form {
    this.#form ??= formOf(this.text);
    return this.#form;
  }

  /** Whether OPA would refuse to read the number, or computing with it would cost too much: see `exponentMax`. */
  get isTooLarge(): boolean {
    const { digits, magnitude } = this.form;
    return digits.length > digitsMax || (Math.abs(magnitude) > exponentMax && Math.abs(magnitude) > this.text.length);
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
    return this.form.digits.length <= this.form.magnitude || this.form.sign === 0;
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

/** Nothing is computed with numbers of more digits: reading and printing them takes more than linear time. */
const digitsMax = 100_000;

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

/** The integer that a number is, whatever its text (`1.0`, `1e2`); null for a fraction and for what is too large. */
export function integerOf(value: AnyNumber): bigint | null {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : null;
  if (!value.isInteger || value.isTooLarge) return null;
  const { digits, exponent } = value.parts;
  return digits * 10n ** BigInt(exponent);
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
  const left = typeof a === "number" ? formOf(String(a)) : a.form;
  const right = typeof b === "number" ? formOf(String(b)) : b.form;
  if (left.sign !== right.sign) return left.sign < right.sign ? -1 : 1;
  if (left.magnitude !== right.magnitude) return left.magnitude < right.magnitude === left.sign > 0 ? -1 : 1;
  if (left.digits === right.digits) return 0;
  return left.digits < right.digits === left.sign > 0 ? -1 : 1;
}

/** An exponent of more digits than a double counts exactly is as good as infinite; this stands for it. */
const farExponent = 1e15;

const numberSyntax = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

function formOf(text: string): Form {
  const match = numberSyntax.exec(text);
  if (match === null) throw new RangeError(`not a decimal number: ${text}`);
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const all = whole + fraction;
  let end = all.length;
  while (end > 0 && all.charCodeAt(end - 1) === zero) end--;
  if (end === 0) return { sign: 0, digits: "", magnitude: 0 };
  let start = 0;
  while (all.charCodeAt(start) === zero) start++;
  const written = Math.min(Math.max(Number(exponent), -farExponent), farExponent);
  return { sign: sign === "-" ? -1 : 1, digits: all.slice(start, end), magnitude: whole.length - start + written };
}

function partsOf({ sign, digits, magnitude }: Form): Parts {
  if (sign === 0) return { digits: 0n, exponent: 0, magnitude };
  return { digits: BigInt(digits) * BigInt(sign), exponent: magnitude - digits.length, magnitude };
}

const zero = 0x30;

/** `JSON.rawJSON` has no type in TypeScript 7 yet; Node 22 and newer have it. */
const rawJson: (text: string) => unknown = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
