// Semantic versions and ranges as blang/semver reads them: comparators joined by blanks (and) and `||` (or), `x` as a
// wildcard. A version that cannot be read counts as 0.0.0, because Kyverno does not look at that error.
// Behaviour from github.com/blang/semver v4: semver.go Parse, range.go ParseRange.

import { quote } from "@portcullis/lang/go";
import type { JmesFunction } from "../functions/function.ts";
import { compareTexts } from "../runtime/order.ts";
import { libraryError } from "./failure.ts";
import { text } from "./signature.ts";

type Failure = { readonly error: string };

interface Version {
  readonly numbers: readonly bigint[];
  readonly preRelease: readonly (bigint | string)[];
}

/** What a failed parse leaves behind. */
const nothing: Version = { numbers: [0n, 0n, 0n], preRelease: [] };

const uint64Max = 2n ** 64n - 1n;

function parseVersion(source: string): Version | Failure {
  if (source === "") return { error: "Version string empty" };
  const [major, minor, ...rest] = source.split(".");
  if (major === undefined || minor === undefined || rest.length === 0) {
    return { error: "No Major.Minor.Patch elements found" };
  }
  const [beforeBuild, build] = cut(rest.join("."), "+");
  const [patch, preRelease] = cut(beforeBuild, "-");
  const numbers: bigint[] = [];
  for (const [name, digits] of [
    ["major", major],
    ["minor", minor],
    ["patch", patch],
  ] as const) {
    const parsed = parseNumber(digits, `${name} number`, `${name.charAt(0).toUpperCase()}${name.slice(1)} number`);
    if (typeof parsed !== "bigint") return parsed;
    numbers.push(parsed);
  }
  const parts = preRelease === null ? [] : parsePreRelease(preRelease);
  if ("error" in parts) return parts;
  return buildError(build) ?? { numbers, preRelease: parts };
}

function cut(source: string, separator: string): readonly [string, string | null] {
  const at = source.indexOf(separator);
  return at === -1 ? [source, null] : [source.slice(0, at), source.slice(at + 1)];
}

function parseNumber(digits: string, name: string, capitalised: string): bigint | Failure {
  if (!/^\d*$/.test(digits)) return { error: `Invalid character(s) found in ${name} ${quote(digits)}` };
  if (/^0\d/.test(digits)) return { error: `${capitalised} must not contain leading zeroes ${quote(digits)}` };
  return parseUint(digits);
}

/** Go: strconv.ParseUint. */
function parseUint(digits: string): bigint | Failure {
  if (digits === "") return { error: 'strconv.ParseUint: parsing "": invalid syntax' };
  const value = digits.length > 20 ? uint64Max + 1n : BigInt(digits);
  return value > uint64Max ? { error: `strconv.ParseUint: parsing ${quote(digits)}: value out of range` } : value;
}

function parsePreRelease(source: string): readonly (bigint | string)[] | Failure {
  const parts: (bigint | string)[] = [];
  for (const part of source.split(".")) {
    if (part === "") return { error: "Prerelease is empty" };
    if (!/^[0-9A-Za-z-]+$/.test(part)) return { error: `Invalid character(s) found in prerelease ${quote(part)}` };
    if (!/^\d+$/.test(part)) {
      parts.push(part);
      continue;
    }
    if (/^0\d/.test(part)) {
      return { error: `Numeric PreRelease version must not contain leading zeroes ${quote(part)}` };
    }
    const value = parseUint(part);
    if (typeof value !== "bigint") return value;
    parts.push(value);
  }
  return parts;
}

function buildError(build: string | null): Failure | null {
  for (const part of build?.split(".") ?? []) {
    if (part === "") return { error: "Build meta data is empty" };
    if (!/^[0-9A-Za-z-]+$/.test(part)) return { error: `Invalid character(s) found in build meta data ${quote(part)}` };
  }
  return null;
}

/** Negative, zero or positive; build metadata does not count. */
function compareVersions(left: Version, right: Version): number {
  for (const [at, number] of left.numbers.entries()) {
    const other = right.numbers[at] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  const [ours, theirs] = [left.preRelease, right.preRelease];
  if (ours.length === 0 || theirs.length === 0) return Math.sign(theirs.length - ours.length);
  for (const [at, part] of ours.entries()) {
    const other = theirs[at];
    if (other === undefined) return 1;
    const order = compareParts(part, other);
    if (order !== 0) return order;
  }
  return ours.length - theirs.length;
}

/** Numbers come before words. */
function compareParts(left: bigint | string, right: bigint | string): number {
  if (typeof left === "string" && typeof right === "string") return compareTexts(left, right);
  if (typeof left !== typeof right) return typeof left === "bigint" ? -1 : 1;
  return left === right ? 0 : left < right ? -1 : 1;
}

// ── ranges

type Range = (version: Version) => boolean;

const comparators: ReadonlyMap<string, (order: number) => boolean> = new Map([
  ["", (order) => order === 0],
  ["=", (order) => order === 0],
  ["==", (order) => order === 0],
  ["!", (order) => order !== 0],
  ["!=", (order) => order !== 0],
  [">", (order) => order > 0],
  [">=", (order) => order >= 0],
  ["<", (order) => order < 0],
  ["<=", (order) => order <= 0],
]);

const rangesMax = 256;
const ranges = new Map<string, Range | Failure>();

/** Compiled ranges are kept, because policies use constants. */
function rangeOf(source: string): Range | Failure {
  let range = ranges.get(source);
  if (range === undefined) {
    if (ranges.size >= rangesMax) ranges.clear();
    range = parseRange(source);
    if (source.length < 1000) ranges.set(source, range);
  }
  return range;
}

function parseRange(source: string): Range | Failure {
  const alternatives = splitAlternatives(splitAndTrim(source));
  if ("error" in alternatives) return alternatives;
  const expanded: string[][] = [];
  for (const parts of alternatives) {
    const all = expandWildcards(parts);
    if ("error" in all) return all;
    expanded.push(all);
  }
  const choices: Range[] = [];
  for (const parts of expanded) {
    // Kyverno ends with a panic when it comes to such a range.
    if (parts.length === 0) return { error: "Empty element between two '||' in range" };
    const tests: Range[] = [];
    for (const part of parts) {
      const test = parseComparison(part);
      if (typeof test !== "function") return test;
      tests.push(test);
    }
    choices.push((version) => tests.every((test) => test(version)));
  }
  return (version) => choices.some((choice) => choice(version));
}

/** Cuts at blanks, except behind an operator, and drops what has only one byte. Go: splitAndTrim. */
function splitAndTrim(source: string): readonly string[] {
  const parts: string[] = [];
  const keep = (part: string): void => {
    if (part.length > 1 || part > "\x7f") parts.push(part);
  };
  let begin = 0;
  let before = "";
  for (let at = 0; at < source.length; at++) {
    const character = source.charAt(at);
    if (character === " " && !/[<>=]/.test(before)) {
      keep(source.slice(begin, at));
      begin = at + 1;
    } else if (character !== " ") before = character;
  }
  keep(source.slice(begin));
  return parts.map((part) => part.replaceAll(" ", ""));
}

function splitAlternatives(parts: readonly string[]): readonly (readonly string[])[] | Failure {
  const alternatives: string[][] = [[]];
  for (const [at, part] of parts.entries()) {
    if (part !== "||") alternatives.at(-1)?.push(part);
    else if (at === 0) return { error: "First element in range is '||'" };
    else alternatives.push([]);
  }
  if (alternatives.at(-1)?.length === 0) return { error: "Last element in range is '||'" };
  return alternatives;
}

function expandWildcards(parts: readonly string[]): string[] | Failure {
  const expanded: string[] = [];
  for (const part of parts) {
    if (!part.includes("x")) {
      expanded.push(part);
      continue;
    }
    const split = splitComparison(part);
    if ("error" in split) return split;
    expanded.push(...expandWildcard(split.operator, split.version));
  }
  return expanded;
}

/** `>1.2.x` means `>=1.3.0`, `1.x` means `>=1.0.0 <2.0.0`. Go: expandWildcardVersion. */
function expandWildcard(operator: string, version: string): readonly string[] {
  const flat = flatVersion(version);
  const next = incremented(version, flat);
  switch (operator) {
    case ">":
      return [`>=${next}`];
    case ">=":
      return [`>=${flat}`];
    case "<":
      return [`<${flat}`];
    case "<=":
      return [`<${next}`];
    case "":
    case "=":
    case "==":
      return [`>=${flat}`, `<${next}`];
    case "!=":
    case "!":
      return [`<${flat}`, `>=${next}`];
    default:
      return [flat];
  }
}

function flatVersion(version: string): string {
  const flat = version.replace(".x.x", ".x").replace(".x", ".0");
  return flat.split(".").length === 2 ? `${flat}.0` : flat;
}

/** One more where the wildcard's neighbour stands; empty where Go cannot tell. */
function incremented(version: string, flat: string): string {
  const parts = version.split(".");
  const place = parts.at(-1) === "x" ? parts.length - 2 : -1;
  if (place !== 0 && place !== 1) return "";
  const flatParts = flat.split(".");
  const digits = flatParts[place] ?? "";
  if (!/^[+-]?\d{1,18}$/.test(digits)) return "";
  flatParts[place] = String(BigInt(digits) + 1n);
  return flatParts.join(".");
}

function splitComparison(part: string): { readonly operator: string; readonly version: string } | Failure {
  const at = part.search(/\p{Nd}/u);
  if (at === -1) return { error: `Could not get version from string: ${quote(part)}` };
  return { operator: part.slice(0, at).trim(), version: part.slice(at) };
}

function parseComparison(part: string): Range | Failure {
  const split = splitComparison(part);
  if ("error" in split) return split;
  const { operator, version } = split;
  const fail = (why: string): Failure => ({ error: `Could not parse Range ${quote(part)}: ${why}` });
  const holds = comparators.get(operator);
  const whole = quote(operator + version);
  if (holds === undefined) return fail(`Could not parse comparator ${quote(operator)} in ${whole}`);
  const parsed = parseVersion(version);
  if ("error" in parsed) return fail(`Could not parse version ${quote(version)} in ${whole}: ${parsed.error}`);
  return (candidate) => holds(compareVersions(candidate, parsed));
}

const semverCompare: JmesFunction["evaluate"] = ({ budget }, version, range) => {
  const [versionText, rangeText] = [version as string, range as string];
  budget.step(versionText.length + rangeText.length);
  const accepts = rangeOf(rangeText);
  if (typeof accepts !== "function") return libraryError(accepts.error);
  const parsed = parseVersion(versionText);
  return accepts("error" in parsed ? nothing : parsed);
};

export const semverFunctions: readonly JmesFunction[] = [
  { name: "semver_compare", parameters: [text, text], evaluate: semverCompare },
];
