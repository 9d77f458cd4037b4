// JSON values as Go holds them, as far as it shows in verdicts and messages. Kyverno keeps integers (int64) apart from
// floats (float64): they are printed differently, and lists of them are never equal. Here an int64 is a bigint and a
// float64 a number. Which one a JSON number becomes is a matter of the profile: the cluster reads integer text as int64,
// Kyverno's command line makes every number a float64.
// Go: fmt/print.go (%v, %T), strconv/atoi.go, time.Duration.

import { GoInteger } from "@portcullis/jmespath";
import { type Budget, Decimal, LimitError, integerOf } from "@portcullis/lang";
import { formatFloat, parseFloatText } from "@portcullis/lang/go";
import { byCodePoints } from "@portcullis/kube";

/** How numbers are read: `int64` as in a cluster, `float64` as on Kyverno's command line. */
export type Numbers = "int64" | "float64";

/** An int64 is a bigint, a float64 a number. */
export type GoNumber = bigint | number;

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/** The number that a value is in Go; null for anything else. */
export function goNumber(value: unknown, numbers: Numbers): GoNumber | null {
  if (typeof value === "number") return numbers === "int64" && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (value instanceof GoInteger) return BigInt(value.value);
  if (!(value instanceof Decimal)) return null;
  return numbers === "int64" && /^-?\d+$/.test(value.text) ? int64Of(value) : value.double;
}

function int64Of(value: Decimal): GoNumber {
  const integer = integerOf(value);
  return integer !== null && integer >= int64Min && integer <= int64Max ? integer : value.double;
}

/** Go's conversion of a float64 to an int64: cut, and the smallest integer where there is none (amd64). */
export function truncated(value: number): bigint {
  const integer = Number.isFinite(value) ? BigInt(Math.trunc(value)) : int64Min;
  return integer >= int64Min && integer <= int64Max ? integer : int64Min;
}

/** Go: strconv.ParseInt with base 10 and 64 bits; null for an error. */
export function parseInt64(text: string): bigint | null {
  if (!/^[+-]?\d+$/.test(text) || text.length > 1000) return null;
  const integer = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return integer >= int64Min && integer <= int64Max ? integer : null;
}

/** Go: strconv.ParseFloat with 64 bits, infinities and NaN included; null for an error. */
export function parseFloat64(text: string): number | null {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special !== null) {
    if (special[2]?.toLowerCase() === "nan") return special[1] === "" ? Number.NaN : null;
    return special[1] === "-" ? -Infinity : Infinity;
  }
  const parsed = parseFloatText(text);
  return "error" in parsed ? null : Number(parsed.text);
}

/** A float as `%v` prints it: `1e+06`, `+Inf`. */
function floatText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return formatFloat(value, "g", null);
}

/** A value as `%v` prints it: `map[a:1 b:[x y]]`, `<nil>`. Charges the text that it makes. Throws LimitError. */
export function goText(value: unknown, numbers: Numbers, budget: Budget, depth = 0): string {
  if (typeof value === "string") return value;
  if (depth > budget.depthMax) throw new LimitError("depth");
  const text = textOf(value, numbers, budget, depth);
  budget.output(text.length);
  return text;
}

function textOf(value: unknown, numbers: Numbers, budget: Budget, depth: number): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "boolean") return String(value);
  const number = goNumber(value, numbers);
  if (number !== null) return typeof number === "bigint" ? String(number) : floatText(number);
  if (Array.isArray(value)) return `[${value.map((item) => goText(item, numbers, budget, depth + 1)).join(" ")}]`;
  const object = value as Readonly<Record<string, unknown>>;
  const entries = Object.keys(object)
    .toSorted(byCodePoints)
    .map((key) => `${key}:${goText(object[key], numbers, budget, depth + 1)}`);
  return `map[${entries.join(" ")}]`;
}

/** The type of a value as `%T` prints it. */
export function goType(value: unknown, numbers: Numbers): string {
  if (value === null || value === undefined) return "<nil>";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  const number = goNumber(value, numbers);
  if (number !== null) return typeof number === "bigint" ? "int64" : "float64";
  return Array.isArray(value) ? "[]interface {}" : "map[string]interface {}";
}

/** Go: reflect.DeepEqual of two JSON trees, where an int64 never equals a float64. Throws LimitError. */
export function deepEqual(a: unknown, b: unknown, numbers: Numbers, budget: Budget, depth = 0): boolean {
  budget.step();
  if (depth > budget.depthMax) throw new LimitError("depth");
  const left = goNumber(a, numbers);
  if (left !== null) return left === goNumber(b, numbers);
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => deepEqual(item, b[index], numbers, budget, depth + 1));
  }
  if (!isMap(a)) return (a ?? null) === (b ?? null);
  if (!isMap(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && deepEqual(a[key], b[key], numbers, budget, depth + 1));
}

/** Whether a value is a map in Go: an object that is no number. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && goNumber(value, "float64") === null;
}

/** Go: strings.TrimSpace. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Go: strings.Trim with a space as its cutset. */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) === blank) start++;
  while (end > start && text.charCodeAt(end - 1) === blank) end--;
  return text.slice(start, end);
}

const blank = 0x20;

/** Go: unicode.IsSpace. */
function isSpace(code: number): boolean {
  if (code < 0x80) return code === blank || (code >= 0x09 && code <= 0x0d);
  return wideSpaces.has(code) || (code >= 0x2000 && code <= 0x200a);
}

const wideSpaces: ReadonlySet<number> = new Set([0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000]);
