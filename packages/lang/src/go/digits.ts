// Exact decimal digits of binary numbers, and cutting them as Go does: to nearest, ties to even.
// Go: math/big/decimal.go, strconv/decimal.go.

export interface Digits {
  /** Without trailing zeros; empty for zero. */
  readonly digits: string;
  /** How many of them stand before the decimal point; negative for zeros behind it. */
  readonly point: number;
}

const zero = 0x30;
const five = 0x35;

/** `mantissa × 2^exponent` in decimal, exact; the mantissa is not negative. */
export function decimalOf(mantissa: bigint, exponent: number): Digits {
  if (mantissa === 0n) return { digits: "", point: 0 };
  const scaled = exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(-exponent);
  const text = String(scaled);
  return { digits: withoutTrailingZeros(text), point: text.length + Math.min(exponent, 0) };
}

/** The first `length` digits, rounded. */
export function roundDigits(decimal: Digits, length: number): Digits {
  if (length >= decimal.digits.length) return decimal;
  if (length < 0) return { digits: "", point: 0 };
  return cutDigits(decimal, length, roundsUp(decimal.digits, length));
}

/** The first `length` digits, as they are or one up in the last place. */
export function cutDigits(decimal: Digits, length: number, up: boolean): Digits {
  const kept = decimal.digits.slice(0, length);
  if (!up) {
    const digits = withoutTrailingZeros(kept);
    return { digits, point: digits === "" ? 0 : decimal.point };
  }
  const next = String(BigInt(kept === "" ? "0" : kept) + 1n);
  return { digits: withoutTrailingZeros(next), point: decimal.point + next.length - kept.length };
}

/** Whether the digits from `length` on are more than half, or half behind an odd digit. */
export function roundsUp(digits: string, length: number): boolean {
  if (length >= digits.length) return false;
  const next = digits.charCodeAt(length);
  if (next !== five || length + 1 < digits.length) return next >= five;
  return length > 0 && (digits.charCodeAt(length - 1) - zero) % 2 === 1;
}

function withoutTrailingZeros(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === zero) end--;
  return text.slice(0, end);
}
