// Durations as Go writes them: `1h15m30.5s`. Nanoseconds are counted exactly in a BigInt; a fraction goes through a double,
// because Go's does. Errors have Go's texts. Go: time/format.go ParseDuration, time.go String.

import { quoteTimeText } from "./timeparse.ts";

const units: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["\u00b5s", 1_000n],
  ["\u03bcs", 1_000n],
  ["ms", 1_000_000n],
  ["s", 1_000_000_000n],
  ["m", 60_000_000_000n],
  ["h", 3_600_000_000_000n],
]);

const limit = 2n ** 63n;

/** Nanoseconds, or Go's error: `time: missing unit in duration "5"`. */
export function parseDuration(text: string): bigint | { readonly error: string } {
  const invalid = { error: `time: invalid duration ${quoteTimeText(text)}` };
  const negative = text.startsWith("-");
  const unsigned = /^[+-]/.test(text) ? text.slice(1) : text;
  if (unsigned === "0") return 0n;
  if (unsigned === "") return invalid;
  let sum = 0n;
  for (let rest = unsigned; rest !== "";) {
    const match = /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest) as RegExpExecArray;
    const [all, whole = "", fraction = "", unitName = ""] = match;
    if (whole === "" && fraction === "") return invalid;
    if (whole.length > 19 + leadingZeros(whole) || BigInt(whole || "0") > limit) return invalid;
    if (unitName === "") return { error: `time: missing unit in duration ${quoteTimeText(text)}` };
    const unit = units.get(unitName);
    if (unit === undefined) {
      return { error: `time: unknown unit ${quoteTimeText(unitName)} in duration ${quoteTimeText(text)}` };
    }
    const value = BigInt(whole || "0") * unit;
    if (value > limit) return invalid;
    sum += value + fractionOf(fraction, unit);
    if (sum > limit) return invalid;
    rest = rest.slice(all.length);
  }
  if (negative) return -sum;
  return sum === limit ? invalid : sum;
}

function leadingZeros(digits: string): number {
  return /^0*/.exec(digits)?.[0].length ?? 0;
}

/** Go keeps as many digits as fit 63 bits and cuts what is left below a nanosecond. */
function fractionOf(digits: string, unit: bigint): bigint {
  if (digits === "") return 0n;
  let kept = digits.slice(0, 19);
  if (BigInt(kept) >= limit) kept = kept.slice(0, 18);
  return BigInt(Math.trunc(Number(kept) * (Number(unit) / 10 ** kept.length)));
}

/** Go's text of nanoseconds: `1h15m30.5s`, `1.5ms`, `0s`. Go: Duration.String. */
export function durationText(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return "0s";
  const sign = nanoseconds < 0n ? "-" : "";
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  for (const [unit, below, digits] of smallUnits) {
    if (size < below) return `${sign}${withFraction(size, digits)}${unit}`;
  }
  const minutes = size / 60_000_000_000n;
  const seconds = `${withFraction(size % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  return `${sign}${hours === 0n ? "" : `${hours}h`}${minutes % 60n}m${seconds}`;
}

/** Below a second the unit is the largest that leaves a digit before the point. */
const smallUnits: readonly (readonly [string, bigint, number])[] = [
  ["ns", 1_000n, 0],
  ["\u00b5s", 1_000_000n, 3],
  ["ms", 1_000_000_000n, 6],
];

/** `value / 10^digits` without zeros at the end. */
function withFraction(value: bigint, digits: number): string {
  const text = String(value).padStart(digits + 1, "0");
  const fraction = text.slice(text.length - digits).replace(/(?<!0)0+$/, "");
  const whole = text.slice(0, text.length - digits);
  return digits === 0 || fraction === "" ? whole : `${whole}.${fraction}`;
}
