// Semantic versions as OPA reads them: a leading `v` is allowed, numbers have no leading zeros and fit an int64, and a
// pre-release is compared part by part. OPA: internal/semver/semver.go.

export interface SemanticVersion {
  readonly numbers: readonly bigint[];
  readonly preRelease: string;
}

const identifiers = /^[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*$/;
const numeric = /^(?:0|[1-9]\d*)$/;
const int64Max = 2n ** 63n - 1n;

/** The version, or null when the text is not one. */
export function parseSemver(text: string): SemanticVersion | null {
  const [rest, metadata] = cut(text.startsWith("v") ? text.slice(1) : text, "+");
  if (metadata !== null && !identifiers.test(metadata)) return null;
  const [core, preRelease] = cut(rest, "-");
  if (preRelease !== null && !isPreRelease(preRelease)) return null;
  const parts = core.split(".");
  // The length keeps a hostile number from being read at all.
  if (parts.length !== 3 || !parts.every((part) => numeric.test(part) && part.length <= 19)) return null;
  const numbers = parts.map(BigInt);
  return numbers.some((number) => number > int64Max) ? null : { numbers, preRelease: preRelease ?? "" };
}

/** -1, 0 or 1. Metadata does not count. */
export function compareSemver(a: SemanticVersion, b: SemanticVersion): -1 | 0 | 1 {
  for (const [at, number] of a.numbers.entries()) {
    const other = b.numbers[at] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  if (a.preRelease === b.preRelease) return 0;
  if (a.preRelease === "") return 1;
  return b.preRelease === "" ? -1 : comparePreReleases(a.preRelease.split("."), b.preRelease.split("."));
}

function comparePreReleases(a: readonly string[], b: readonly string[]): -1 | 0 | 1 {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const order = comparePart(a[at] ?? "", b[at] ?? "");
    if (order !== 0) return order;
  }
  return a.length === b.length ? 0 : a.length < b.length ? -1 : 1;
}

/** Numbers come before words. */
function comparePart(a: string, b: string): -1 | 0 | 1 {
  const [aNumber, bNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (aNumber !== bNumber) return aNumber ? -1 : 1;
  if (aNumber) {
    const [x, y] = [clamped(a), clamped(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Go's Atoi gives the largest int for what does not fit. */
function clamped(digits: string): bigint {
  const value = digits.length > 19 ? int64Max : BigInt(digits);
  return value > int64Max ? int64Max : value;
}

function isPreRelease(text: string): boolean {
  return identifiers.test(text) && text.split(".").every((part) => !/^0\d+$/.test(part));
}

function cut(text: string, separator: string): readonly [string, string | null] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}
