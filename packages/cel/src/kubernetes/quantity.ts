// Quantities: `500m`, `1.5Gi`. Values are exact; but whether one is an integer is a question of how apimachinery keeps it:
// as an int64 with a scale, which must not be negative (`1000m` is no integer), or as a decimal, which never is one.
// k8s.io/apiserver: pkg/cel/library/quantity.go; apimachinery: pkg/api/resource/quantity.go, amount.go.

import { parseQuantity } from "@portcullis/kube";
import { global, method, readType } from "../library/declare.ts";
import type { Library } from "../library.ts";
import { type Int, isInt64 } from "../runtime/arithmetic.ts";
import { CelError, Opaque, doubleOf, intOf } from "../runtime/value.ts";

const quantityType = readType("kubernetes.Quantity");

/** `value × 10^scale`. */
interface Amount {
  readonly value: bigint;
  readonly scale: number;
  /** Kept as a decimal of any size; else within int64. */
  readonly decimal: boolean;
}

class QuantityValue extends Opaque {
  readonly type = quantityType;
  readonly amount: Amount;

  constructor(amount: Amount) {
    super();
    this.amount = amount;
  }

  equals(other: Opaque): boolean {
    return other instanceof QuantityValue && compareAmounts(this.amount, other.amount) === 0;
  }
}

function aligned(a: Amount, b: Amount) {
  const scale = Math.min(a.scale, b.scale);
  const [left, right] = [a, b].map((one) => one.value * 10n ** BigInt(one.scale - scale)) as [bigint, bigint];
  return { left, right, scale };
}

function compareAmounts(a: Amount, b: Amount): number {
  const { left, right } = aligned(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Digits that an int64 surely holds. */
const digitsMax = 18;
const digitsMaxBinary = 15;

/** The way in which apimachinery keeps a quantity that was written like this. Go: ParseQuantity's fast path. */
function amountOfText(text: string): Amount | null {
  const unsigned = text.replace(/^[+-]/, "");
  const [whole = ""] = /^\d*/.exec(unsigned) ?? [];
  const [point = "", fraction = ""] = /^\.(\d*)/.exec(unsigned.slice(whole.length)) ?? [];
  const suffix = unsigned.slice(whole.length + point.length);
  const digits = `${whole.replace(/^0+/, "") || "0"}${fraction}`;
  // The nth binary suffix is 2 to the 10n, of about 3n digits.
  const binary = binarySuffixes.indexOf(suffix) + 1;
  if (binary > 0 && (fraction !== "" || digits.length + 3 * binary + 1 > digitsMaxBinary)) return null;
  const scale = binary > 0 ? 0 : exponentOf(suffix) - fraction.length;
  if (digits.length > digitsMax || scale < -9) return null;
  const value = BigInt(digits) << BigInt(binary * 10);
  return isInt64(value) ? { value: text.startsWith("-") ? -value : value, scale, decimal: false } : null;
}

const binarySuffixes: readonly string[] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const decimalSuffixes: readonly string[] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

function exponentOf(suffix: string): number {
  const step = decimalSuffixes.indexOf(suffix);
  return step === -1 ? Number(suffix.slice(1)) : (step - 3) * 3;
}

/** As int64 as long as that holds it. Go: Quantity.Add, int64Amount.Add. */
function add(a: Amount, b: Amount): Amount {
  const { left, right, scale } = aligned(a, b);
  const sum = { value: left + right, scale, decimal: true };
  if (a.decimal || b.decimal) return sum;
  if (b.value === 0n) return a;
  if (a.value === 0n) return b;
  return isInt64(left) && isInt64(right) && isInt64(sum.value) ? { ...sum, decimal: false } : sum;
}

/** The least int64 has no negative, and stays what it is. */
function subtract(a: Amount, b: Amount): Amount {
  const negative = { ...b, value: -b.value };
  const sum = add(a, b.decimal ? negative : { ...b, value: BigInt.asIntN(64, -b.value) });
  return sum.decimal ? add(a, { ...negative, decimal: true }) : sum;
}

/** Undefined where it is none. */
function integerOf({ value, scale, decimal }: Amount): bigint | undefined {
  if (decimal || scale < 0) return undefined;
  if (value === 0n) return 0n;
  // Beyond a scale of 18 only zero is within int64.
  const integer = scale > 18 ? undefined : value * 10n ** BigInt(scale);
  return integer !== undefined && isInt64(integer) ? integer : undefined;
}

/** Go: AsApproximateFloat64. */
function approximate({ value, scale }: Amount): number {
  return scale === 0 ? Number(value) : Number(value) * Number(`1e${scale}`);
}

/** What is kept as a decimal was rounded to nine places, or capped. */
function readAmount(text: string): Amount | CelError {
  const quantity = parseQuantity(text);
  if ("error" in quantity) return new CelError(quantity.error);
  const { digits, scale, format } = quantity;
  const isCapped = format === "BinarySI" && scale === 0 && !isInt64((digits < 0n ? -digits : digits) + 1n);
  const places = isCapped ? 0 : 9;
  const kept = amountOfText(text);
  return kept ?? { value: digits * 10n ** BigInt(places - scale), scale: -places, decimal: true };
}

function ofInt(value: Int): Amount {
  return { value: BigInt(value), scale: 0, decimal: false };
}

type Pair = readonly [QuantityValue, QuantityValue];

const order = ([a, b]: Pair): number => compareAmounts(a.amount, b.amount);

export const quantityLibrary: Library = {
  name: "kubernetes.quantity",
  overloads: [
    global("quantity(string) -> kubernetes.Quantity", "string_to_quantity", ([text]: [string], budget) => {
      budget.step(text.length);
      const amount = readAmount(text);
      return amount instanceof CelError ? amount : new QuantityValue(amount);
    }),
    global("isQuantity(string) -> bool", "is_quantity_string", ([text]: [string], budget) => {
      budget.step(text.length);
      return !(readAmount(text) instanceof CelError);
    }),
    global("sign(kubernetes.Quantity) -> int", "quantity_sign", ([{ amount }]: [QuantityValue]) =>
      amount.value === 0n ? 0 : amount.value < 0n ? -1 : 1,
    ),
    method(
      "kubernetes.Quantity.isGreaterThan(kubernetes.Quantity) -> bool",
      "quantity_is_greater_than",
      (pair: Pair) => order(pair) > 0,
    ),
    method(
      "kubernetes.Quantity.isLessThan(kubernetes.Quantity) -> bool",
      "quantity_is_less_than",
      (pair: Pair) => order(pair) < 0,
    ),
    method("kubernetes.Quantity.compareTo(kubernetes.Quantity) -> int", "quantity_compare_to", order),
    method(
      "kubernetes.Quantity.asApproximateFloat() -> double",
      "quantity_get_float",
      ([{ amount }]: [QuantityValue]) => doubleOf(approximate(amount)),
    ),
    method("kubernetes.Quantity.asInteger() -> int", "quantity_get_int", ([{ amount }]: [QuantityValue]) => {
      const value = integerOf(amount);
      return value === undefined ? new CelError("cannot convert value to integer") : intOf(value);
    }),
    method(
      "kubernetes.Quantity.isInteger() -> bool",
      "quantity_is_integer",
      ([{ amount }]: [QuantityValue]) => integerOf(amount) !== undefined,
    ),
    method(
      "kubernetes.Quantity.add(kubernetes.Quantity) -> kubernetes.Quantity",
      "quantity_add",
      ([a, b]: Pair) => new QuantityValue(add(a.amount, b.amount)),
    ),
    method(
      "kubernetes.Quantity.add(int) -> kubernetes.Quantity",
      "quantity_add_int",
      ([a, b]: [QuantityValue, Int]) => new QuantityValue(add(a.amount, ofInt(b))),
    ),
    method(
      "kubernetes.Quantity.sub(kubernetes.Quantity) -> kubernetes.Quantity",
      "quantity_sub",
      ([a, b]: Pair) => new QuantityValue(subtract(a.amount, b.amount)),
    ),
    method(
      "kubernetes.Quantity.sub(int) -> kubernetes.Quantity",
      "quantity_sub_int",
      ([a, b]: [QuantityValue, Int]) => new QuantityValue(subtract(a.amount, ofInt(b))),
    ),
  ],
};
