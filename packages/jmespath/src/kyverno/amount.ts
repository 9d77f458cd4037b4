// Quantities as Kyverno's arithmetic sees them. Results of multiplying and dividing show how apimachinery holds a number: as
// an integer and a power of ten that come from the text (`1k` is 1 with scale 3), or, when the text is too long for that,
// as a decimal rounded to nanos. Values come from kube's parser; here they get that scale.
// Behaviour from k8s.io/apimachinery pkg/api/resource (quantity.go ParseQuantity, AsApproximateFloat64).

import { type Quantity, type QuantityFormat, parseQuantity, quantityText } from "@portcullis/kube";

/** The value is `unscaled / 10^scale`; the scale may be negative. */
export interface Amount {
  readonly unscaled: bigint;
  readonly scale: number;
  readonly format: QuantityFormat;
}

/** The quantity of a text; an error in apimachinery's words. */
export function parseAmount(text: string): Amount | { readonly error: string } {
  const quantity = parseQuantity(text);
  if ("error" in quantity) return quantity;
  const scale = scaleOf(text, quantity);
  return { unscaled: rescaled(quantity.digits, quantity.scale, scale), scale, format: quantity.format };
}

/** Digits that fit an int64 for certain, and what is left for the mantissa of a binary suffix. */
const decimalDigitsMax = 18;
const binaryDigitsMax = 15;
const nano = 9;

function scaleOf(text: string, quantity: Quantity): number {
  const unsigned = text.replace(/^[+-]?0*/, "");
  const [number = ""] = /^[\d.]*/.exec(unsigned) ?? [];
  const [whole = "", fraction = ""] = number.split(".");
  const suffix = unsigned.slice(number.length);
  const digits = (whole === "" ? 1 : whole.length) + fraction.length;
  const power = binaryPowers.indexOf(suffix);
  if (power > 0) {
    const left = binaryDigitsMax - digits - Math.trunc((power * 10 * 3) / 10) - 1;
    return fraction === "" && left >= 0 ? 0 : roundedScale(fraction.length, quantity);
  }
  const exponent = decimalExponent(suffix);
  const scale = fraction.length - exponent;
  return digits <= decimalDigitsMax && scale <= nano ? scale : roundedScale(scale, quantity);
}

/** What is not zero is rounded to nanos; what is capped is an integer. */
function roundedScale(scale: number, { digits }: Quantity): number {
  return digits === 0n ? scale : nano;
}

const binaryPowers: readonly string[] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const decimalSuffixes: readonly string[] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

function decimalExponent(suffix: string): number {
  const at = decimalSuffixes.indexOf(suffix);
  return at === -1 ? Number(suffix.slice(1)) : (at - 3) * 3;
}

function rescaled(digits: bigint, from: number, to: number): bigint {
  return to >= from ? digits * 10n ** BigInt(to - from) : digits / 10n ** BigInt(from - to);
}

/** The canonical text of a value in the format of some quantity. */
export function amountText({ unscaled, scale, format }: Amount): string {
  if (scale >= 0) return quantityText({ digits: unscaled, scale, format });
  return quantityText({ digits: rescaled(unscaled, scale, 0), scale: 0, format });
}

export function quantityOf({ unscaled, scale, format }: Amount): Quantity {
  return scale >= 0 ? { digits: unscaled, scale, format } : { digits: rescaled(unscaled, scale, 0), scale: 0, format };
}

/** The product, exact. */
export function multiplyAmounts(left: Amount, right: Amount): Amount {
  return { unscaled: left.unscaled * right.unscaled, scale: left.scale + right.scale, format: left.format };
}

/** The quotient, cut to the finer scale of the two. */
export function divideAmounts(left: Amount, right: Amount): Amount {
  const scale = Math.max(left.scale, right.scale);
  const shift = scale - left.scale + right.scale;
  const [dividend, divisor] =
    shift >= 0
      ? [left.unscaled * 10n ** BigInt(shift), right.unscaled]
      : [left.unscaled, right.unscaled * 10n ** BigInt(-shift)];
  return { unscaled: dividend / divisor, scale, format: left.format };
}

/** A double near the value; not always the nearest. Go: Quantity.AsApproximateFloat64. */
export function approximate({ unscaled, scale }: Amount): number {
  return scale === 0 ? Number(unscaled) : Number(unscaled) * Number(`1e${-scale}`);
}
