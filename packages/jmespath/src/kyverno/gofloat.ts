// Doubles as Kyverno's functions print and convert them.

import { formatFloat } from "@portcullis/lang/go";

/**
 * A double with the digits of a 32-bit float and without exponent: `0.1`, `123456790`. Kyverno turns numbers into text so
 * before it matches them. Go: strconv.FormatFloat with 'f', -1 and 32 bits.
 */
export function float32Text(value: number): string {
  const single = Math.fround(value);
  if (Object.is(single, -0)) return "-0";
  if (Number.isNaN(single)) return "NaN";
  if (!Number.isFinite(single)) return single > 0 ? "+Inf" : "-Inf";
  for (let precision = 1; precision < 9; precision++) {
    const shorter = Number(single.toPrecision(precision));
    if (Math.fround(shorter) === single) return formatFloat(shorter, "f", null);
  }
  return formatFloat(Number(single.toPrecision(9)), "f", null);
}

const int64Limit = 2n ** 63n;

/** Cuts toward zero; what does not fit becomes the smallest integer, as on amd64. Go: int64(float). */
export function toInt64(value: number): bigint {
  if (!Number.isFinite(value)) return -int64Limit;
  const integer = BigInt(Math.trunc(value));
  return integer >= int64Limit || integer < -int64Limit ? -int64Limit : integer;
}

/** Sums and differences wrap around. */
export function wrapInt64(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}
