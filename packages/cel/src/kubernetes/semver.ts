// Semantic versions as github.com/blang/semver reads them, with its messages. A normalised version may begin with `v`, be
// shortened and have leading zeros. k8s.io/apiserver: pkg/cel/library/semverlib.go.

import { quote } from "@portcullis/lang/go";
import { global, method, readType } from "../library/declare.ts";
import type { Library } from "../library.ts";
import { compareStrings } from "../runtime/compare.ts";
import { CelError, Opaque, intOf } from "../runtime/value.ts";

const semverType = readType("kubernetes.Semver");

class Semver extends Opaque {
  readonly type = semverType;
  readonly numbers: readonly bigint[];
  /** Numbers come before words. */
  readonly preRelease: readonly (bigint | string)[];

  constructor(numbers: readonly bigint[], preRelease: readonly (bigint | string)[]) {
    super();
    this.numbers = numbers;
    this.preRelease = preRelease;
  }

  equals(other: Opaque): boolean {
    return other instanceof Semver && compareVersions(this, other) === 0;
  }
}

function compareVersions(a: Semver, b: Semver): number {
  for (const [at, number] of a.numbers.entries()) {
    const other = b.numbers[at] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  if (a.preRelease.length === 0 || b.preRelease.length === 0) {
    return Math.sign(b.preRelease.length - a.preRelease.length);
  }
  for (const [at, part] of a.preRelease.entries()) {
    const other = b.preRelease[at];
    if (other === undefined) return 1;
    const order = compareParts(part, other);
    if (order !== 0) return order;
  }
  return a.preRelease.length < b.preRelease.length ? -1 : 0;
}

function compareParts(a: bigint | string, b: bigint | string): number {
  if (typeof a === "string") return typeof b === "string" ? compareStrings(a, b) : 1;
  if (typeof b === "string") return -1;
  return a < b ? -1 : a > b ? 1 : 0;
}

const isNumber = (text: string): boolean => /^\d*$/.test(text);
const isIdentifier = (text: string): boolean => /^[0-9A-Za-z-]*$/.test(text);
const hasLeadingZero = (text: string): boolean => text.length > 1 && text.startsWith("0");

/** Nobody's version is longer; reading its numbers would cost more than its length. */
const digitsMax = 20;

/** Go: strconv.ParseUint. */
function readNumber(text: string): bigint | string {
  if (text === "") return `strconv.ParseUint: parsing "": invalid syntax`;
  const value = text.length > digitsMax ? 2n ** 64n : BigInt(text);
  return value < 2n ** 64n ? value : `strconv.ParseUint: parsing ${quote(text)}: value out of range`;
}

function readPart(name: "Major" | "Minor" | "Patch", text: string): bigint | string {
  if (!isNumber(text)) return `Invalid character(s) found in ${name.toLowerCase()} number ${quote(text)}`;
  return hasLeadingZero(text) ? `${name} number must not contain leading zeroes ${quote(text)}` : readNumber(text);
}

/** A part of a pre-release; what is wrong is an error, as a word is no bigint either. */
function readPreRelease(text: string): { readonly part: bigint | string } | { readonly error: string } {
  if (text === "") return { error: "Prerelease is empty" };
  if (!isNumber(text)) {
    return isIdentifier(text) ? { part: text } : { error: `Invalid character(s) found in prerelease ${quote(text)}` };
  }
  if (hasLeadingZero(text)) {
    return { error: `Numeric PreRelease version must not contain leading zeroes ${quote(text)}` };
  }
  const part = readNumber(text);
  return typeof part === "string" ? { error: part } : { part };
}

function cut(text: string, separator: string): readonly [before: string, behind: string | null] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

/** At most three parts. Go: strings.SplitN. */
function threeParts(text: string): readonly string[] {
  const [first, rest] = cut(text, ".");
  if (rest === null) return [first];
  const [second, third] = cut(rest, ".");
  return third === null ? [first, second] : [first, second, third];
}

function readVersion(text: string): Semver | CelError {
  if (text === "") return new CelError("Version string empty");
  const [major = "", minor = "", rest] = threeParts(text);
  if (rest === undefined) return new CelError("No Major.Minor.Patch elements found");
  const [core, build] = cut(rest, "+");
  const [patch, preRelease] = cut(core, "-");
  const numbers: bigint[] = [];
  for (const [name, part] of [["Major", major] as const, ["Minor", minor] as const, ["Patch", patch] as const]) {
    const number = readPart(name, part);
    if (typeof number === "string") return new CelError(number);
    numbers.push(number);
  }
  const parts: (bigint | string)[] = [];
  for (const word of preRelease?.split(".") ?? []) {
    const identifier = readPreRelease(word);
    if ("error" in identifier) return new CelError(identifier.error);
    parts.push(identifier.part);
  }
  for (const word of build?.split(".") ?? []) {
    if (word === "") return new CelError("Build meta data is empty");
    if (!isIdentifier(word)) return new CelError(`Invalid character(s) found in build meta data ${quote(word)}`);
  }
  return new Semver(numbers, parts);
}

function readNormalised(text: string): Semver | CelError {
  const parts = threeParts(text.startsWith("v") ? text.slice(1) : text).map(withoutLeadingZeros);
  if (parts.length < 3) {
    if (/[+-]/.test(parts.at(-1) ?? "")) {
      return new CelError("short version cannot contain PreRelease/Build meta data");
    }
    while (parts.length < 3) parts.push("0");
  }
  return readVersion(parts.join("."));
}

function withoutLeadingZeros(part: string): string {
  if (part.length <= 1) return part;
  const trimmed = part.replace(/^0+/, "");
  return /^\d/.test(trimmed) ? trimmed : `0${trimmed}`;
}

function read([text, normalise = false]: [string, boolean?]): Semver | CelError {
  return normalise ? readNormalised(text) : readVersion(text);
}

function isSemver(args: [string, boolean?]): boolean {
  return read(args) instanceof Semver;
}

type Pair = readonly [Semver, Semver];

/** uint64 taken for int64, as Go converts. */
function numberAt({ numbers }: Semver, at: number) {
  return intOf(BigInt.asIntN(64, numbers[at] ?? 0n));
}

export const semverLibrary: Library = {
  name: "kubernetes.Semver",
  overloads: [
    global("semver(string) -> kubernetes.Semver", "string_to_semver", read),
    global("semver(string, bool) -> kubernetes.Semver", "string_bool_to_semver", read),
    global("isSemver(string) -> bool", "is_semver_string", isSemver),
    global("isSemver(string, bool) -> bool", "is_semver_string_bool", isSemver),
    method(
      "kubernetes.Semver.isGreaterThan(kubernetes.Semver) -> bool",
      "semver_is_greater_than",
      ([a, b]: Pair) => compareVersions(a, b) > 0,
    ),
    method(
      "kubernetes.Semver.isLessThan(kubernetes.Semver) -> bool",
      "semver_is_less_than",
      ([a, b]: Pair) => compareVersions(a, b) < 0,
    ),
    method("kubernetes.Semver.compareTo(kubernetes.Semver) -> int", "semver_compare_to", ([a, b]: Pair) =>
      compareVersions(a, b),
    ),
    method("kubernetes.Semver.major() -> int", "semver_major", ([version]: [Semver]) => numberAt(version, 0)),
    method("kubernetes.Semver.minor() -> int", "semver_minor", ([version]: [Semver]) => numberAt(version, 1)),
    method("kubernetes.Semver.patch() -> int", "semver_patch", ([version]: [Semver]) => numberAt(version, 2)),
  ],
};
