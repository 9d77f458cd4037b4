// Quantities: `500m`, `1.5Gi`. Values are exact; but whether one is an integer is a question of how apimachinery keeps it:
// as an int64 with a scale, which must not be negative (`1000m` is no integer), or as a decimal, which never is one.
// k8s.io/apiserver: pkg/cel/library/quantity.go; apimachinery: pkg/api/resource/quantity.go, amount.go.

import type { Budget } from "@portcullis/lang";
import { type Quantity, addQuantities, compareQuantities, parseQuantity, subtractQuantities } from "@portcullis/kube";
import { global, method, readType } from "../library/declare.ts";
import type { Library } from "../library.ts";
import { type Int, isInt64 } from "../runtime/arithmetic.ts";
import { CelError, Opaque, type Value, doubleOf, intOf } from "../runtime/value.ts";

const quantityType = readType("kubernetes.Quantity");

/** `value × 10^scale`, within int64. */
interface Amount {
  readonly value: bigint;
  readonly scale: number;
}

class QuantityValue extends Opaque {
  readonly type = quantityType;
  readonly quantity: Quantity;
  /** Null for a quantity that is kept as a decimal. */
  readonly amount: Amount | null;

  constructor(quantity: Quantity, amount: Amount | null) {
    super();
    this.quantity = quantity;
    this.amount = amount;
  }

  equals(other: Opaque): boolean {
    return other instanceof QuantityValue && compareQuantities(this.quantity, other.quantity) === 0;
  }
}

/** Digits that an int64 surely holds. */
const digitsMax = 18;
const digitsMaxBinary = 15;

/** The way in which apimachinery keeps a quantity that was written like this. Go: ParseQuantity's fast path. */
function amountOfText(text: string): Amount | null {
  const match = /^([+-]?)0*(\d*)(?:\.(\d*))?(.*)$/.exec(text);
  const [, sign = "", whole = "", fraction = "", suffix = ""] = match ?? [];
  const digits = `${whole === "" ? "0" : whole}${fraction}`;
  // The nth binary suffix is 2 to the 10n, of about 3n digits.
  const binary = binarySuffixes.indexOf(suffix) + 1;
  if (binary > 0 && (fraction !== "" || digits.length + 3 * binary + 1 > digitsMaxBinary)) return null;
  const scale = binary > 0 ? 0 : exponentOf(suffix) - fraction.length;
  if (digits.length > digitsMax || scale < -9) return null;
  const value = BigInt(digits) << BigInt(binary * 10);
  return isInt64(value) ? { value: sign === "-" ? -value : value, scale } : null;
}

const binarySuffixes: readonly string[] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const decimalSuffixes: readonly string[] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

function exponentOf(suffix: string): number {
  const step = decimalSuffixes.indexOf(suffix);
  return step === -1 ? Number(suffix.slice(1)) : (step - 3) * 3;
}

/** Null where int64 does not hold the sum. Go: int64Amount.Add. */
function addAmounts(a: Amount | null, b: Amount | null): Amount | null {
  if (a === null || b === null) return null;
  if (b.value === 0n) return a;
  if (a.value === 0n) return b;
  const scale = Math.min(a.scale, b.scale);
  if (Math.abs(a.scale - b.scale) > 40) return null;
  const [left, right] = [a, b].map((one) => one.value * 10n ** BigInt(one.scale - scale)) as [bigint, bigint];
  const value = left + right;
  return isInt64(left) && isInt64(right) && isInt64(value) ? { value, scale } : null;
}

function negated(amount: Amount | null): Amount | null {
  return amount === null ? null : { value: -amount.value, scale: amount.scale };
}

/** Undefined where it is none. */
function integerOf({ amount }: QuantityValue): bigint | undefined {
  // Beyond a scale of 18 only zero is within int64.
  if (amount === null || amount.scale < 0) return undefined;
  if (amount.value === 0n) return 0n;
  const value = amount.scale > 18 ? undefined : amount.value * 10n ** BigInt(amount.scale);
  return value !== undefined && isInt64(value) ? value : undefined;
}

/** Go: AsApproximateFloat64. */
function approximate({ quantity, amount }: QuantityValue): number {
  // What is kept as a decimal was rounded to nine places.
  const { value, scale } = amount ?? { value: quantity.digits * 10n ** BigInt(9 - quantity.scale), scale: -9 };
  return scale === 0 ? Number(value) : Number(value) * Number(`1e${scale}`);
}

function quantityOf([text]: [string], budget: Budget): Value | CelError {
  budget.step(text.length);
  const quantity = parseQuantity(text);
  return "error" in quantity ? new CelError(quantity.error) : new QuantityValue(quantity, amountOfText(text));
}

function ofInt(value: Int): QuantityValue {
  const digits = BigInt(value);
  return new QuantityValue({ digits, scale: 0, format: "DecimalExponent" }, { value: digits, scale: 0 });
}

function add(a: QuantityValue, b: QuantityValue): QuantityValue {
  return new QuantityValue(addQuantities(a.quantity, b.quantity), addAmounts(a.amount, b.amount));
}

function subtract(a: QuantityValue, b: QuantityValue): QuantityValue {
  return new QuantityValue(subtractQuantities(a.quantity, b.quantity), addAmounts(a.amount, negated(b.amount)));
}

function signOf({ digits }: Quantity): number {
  return digits === 0n ? 0 : digits < 0n ? -1 : 1;
}

type Pair = readonly [QuantityValue, QuantityValue];

const order = ([a, b]: Pair): number => compareQuantities(a.quantity, b.quantity);

export const quantityLibrary: Library = {
  name: "kubernetes.quantity",
  overloads: [
    global("quantity(string) -> kubernetes.Quantity", "string_to_quantity", quantityOf),
    global("isQuantity(string) -> bool", "is_quantity_string", ([text]: [string], budget) => {
      budget.step(text.length);
      return !("error" in parseQuantity(text));
    }),
    global("sign(kubernetes.Quantity) -> int", "quantity_sign", ([{ quantity }]: [QuantityValue]) => signOf(quantity)),
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
    method("kubernetes.Quantity.asApproximateFloat() -> double", "quantity_get_float", ([a]: [QuantityValue]) =>
      doubleOf(approximate(a)),
    ),
    method("kubernetes.Quantity.asInteger() -> int", "quantity_get_int", ([a]: [QuantityValue]) => {
      const value = integerOf(a);
      return value === undefined ? new CelError("cannot convert value to integer") : intOf(value);
    }),
    method(
      "kubernetes.Quantity.isInteger() -> bool",
      "quantity_is_integer",
      ([a]: [QuantityValue]) => integerOf(a) !== undefined,
    ),
    method("kubernetes.Quantity.add(kubernetes.Quantity) -> kubernetes.Quantity", "quantity_add", ([a, b]: Pair) =>
      add(a, b),
    ),
    method("kubernetes.Quantity.add(int) -> kubernetes.Quantity", "quantity_add_int", ([a, b]: [QuantityValue, Int]) =>
      add(a, ofInt(b)),
    ),
    method("kubernetes.Quantity.sub(kubernetes.Quantity) -> kubernetes.Quantity", "quantity_sub", ([a, b]: Pair) =>
      subtract(a, b),
    ),
    method("kubernetes.Quantity.sub(int) -> kubernetes.Quantity", "quantity_sub_int", ([a, b]: [QuantityValue, Int]) =>
      subtract(a, ofInt(b)),
    ),
  ],
};
