// Scalars by Go's rules. Kubernetes reads YAML with go-yaml v2 (through sigs.k8s.io/yaml) and `gator verify` with
// go-yaml v3; both resolve a plain scalar in the same order: a table of words, then Go's `strconv.ParseInt` with base 0
// on the text without underscores, then a decimal float, and whatever remains is a string. Numbers then pass through
// JSON as int64, uint64 or float64, so a float becomes the shortest text of a double and an integer stays exact.
// Behaviour from go.yaml.in/yaml/v2 and v3, resolve.go.

import { type AnyNumber, Decimal } from "@portcullis/lang";
import { goFloatText } from "../gonumber.ts";

/**
 * `go`: sigs.k8s.io/yaml, YAML 1.1 words (`yes`, `on`, `n`), as kubectl and `gator test` read.
 * `yaml.v3`: go-yaml v3, where only `true` and `false` are booleans, as `gator verify` reads.
 */
export type YamlDialect = "go" | "yaml.v3";

/** A scalar that JSON cannot carry: `.inf` and `.nan`. */
export class NotFinite {
  /** Go's text of the value: `+Inf`, `-Inf`, `NaN`. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type ScalarValue = string | boolean | null | AnyNumber | NotFinite;

const words: ReadonlyMap<string, ScalarValue> = new Map<string, ScalarValue>([
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, new NotFinite("NaN")] as const),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map((word) => [word, new NotFinite("+Inf")] as const),
  ...["-.inf", "-.Inf", "-.INF"].map((word) => [word, new NotFinite("-Inf")] as const),
]);

const wordsOf11: ReadonlyMap<string, ScalarValue> = new Map<string, ScalarValue>([
  ...words,
  ...["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"].map((word) => [word, true] as const),
  ...["n", "N", "no", "No", "NO", "off", "Off", "OFF"].map((word) => [word, false] as const),
]);

/** The value of a plain (unquoted, untagged) scalar. */
export function resolvePlain(text: string, dialect: YamlDialect): ScalarValue {
  if (text === "") return null;
  const hint = hints[text.charCodeAt(0)];
  if (hint === undefined) return text;
  if (text.length <= 5) {
    const word = (dialect === "go" ? wordsOf11 : words).get(text);
    if (word !== undefined) return word;
  }
  if (hint === "word") return text;
  if (hint === "point") return pointFloat.test(text) ? (floatOf(text.replaceAll("_", "")) ?? text) : text;
  if (dialect === "yaml.v3") {
    const moment = timestamp(text);
    if (moment !== null) return moment;
  }
  return resolveNumber(text) ?? text;
}

/** What the first character can begin; anything else is a string at once. */
const hints: readonly ("word" | "point" | "digit" | undefined)[] = Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if ("yYnNtTfFoO~".includes(character)) return "word";
  if (character === ".") return "point";
  return "0123456789+-".includes(character) ? "digit" : undefined;
});

/** Here Go's `ParseFloat` sees the underscores and allows them between digits. */
const pointFloat = /^\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?$/;
const decimalFloat = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

function resolveNumber(text: string): AnyNumber | null {
  const plain = text.includes("_") ? text.replaceAll("_", "") : text;
  const integer = integerOf(plain);
  if (integer !== null) return integer;
  return decimalFloat.test(plain) ? floatOf(plain) : null;
}

const shortDecimal = /^[1-9][0-9]{0,14}$/;
const integerText = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]([0-7]+)|0([0-7]+)|(0|[1-9][0-9]*))$/;
const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;
const uint64Max = 2n ** 64n - 1n;

/** Go: `strconv.ParseInt(text, 0, 64)`, then `ParseUint`; null where both refuse. */
function integerOf(text: string): AnyNumber | null {
  if (shortDecimal.test(text)) return Number(text);
  const match = integerText.exec(text);
  if (match === null || text.length > 80) return null;
  const [, sign, hex, binary, octal, oldOctal, decimal] = match;
  const magnitude =
    decimal !== undefined
      ? BigInt(decimal)
      : hex !== undefined
        ? BigInt(`0x${hex}`)
        : binary !== undefined
          ? BigInt(`0b${binary}`)
          : BigInt(`0o${octal ?? oldOctal ?? "0"}`);
  const value = sign === "-" ? -magnitude : magnitude;
  const largest = sign === "" ? uint64Max : int64Max;
  return value < int64Min || value > largest ? null : exactInteger(value);
}

function exactInteger(value: bigint): AnyNumber {
  const double = Number(value);
  return Number.isSafeInteger(double) ? double : new Decimal(String(value));
}

/** A float64 as encoding/json prints it and a reader takes it back; null when the text overflows. */
function floatOf(text: string): AnyNumber | null {
  const double = Number(text);
  if (!Number.isFinite(double)) return null;
  return doubleValue(double);
}

/** A double as a number of lang: a Decimal where it is integral beyond 2^53. */
export function doubleValue(double: number): AnyNumber {
  if (double === 0) return 0;
  return Number.isInteger(double) && !Number.isSafeInteger(double) ? new Decimal(String(double)) : double;
}

/**
 * The text of a key that was written as `text` and has this value, as sigs.k8s.io/yaml converts it; null for the keys
 * that it refuses (null, integers beyond int64).
 */
export function keyText(text: string, value: ScalarValue): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value === null) return null;
  if (value instanceof NotFinite) return value.text === "NaN" ? ".nan" : value.text === "-Inf" ? "-.inf" : ".inf";
  const integer = integerOf(text.replaceAll("_", ""));
  if (integer === null) return float32Text(typeof value === "number" ? value : Number(value.text));
  return typeof integer === "number" || BigInt(integer.text) <= int64Max ? String(integer) : null;
}

/** Go: `strconv.FormatFloat(key, 'g', -1, 32)`: the shortest text that reads back as the same float32. */
function float32Text(value: number): string {
  const single = Math.fround(value);
  for (let digits = 1; digits <= 9; digits++) {
    const text = single.toPrecision(digits);
    if (Math.fround(Number(text)) === single) return goFloatText(Number(text));
  }
  return goFloatText(single);
}

const timestampText =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:([Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9})\d*)?(Z|[-+]\d\d:\d\d)?)?$/;

/** go-yaml v3 makes a time of such text, and JSON prints it in RFC 3339; null when the text is not a time. */
export function timestamp(text: string): string | null {
  const match = timestampText.exec(text);
  if (match === null) return null;
  const [, year = "", month = "", day = "", separator, hour = "0", minute = "0", second = "0", fraction, zone] = match;
  // With a space there is no zone, with a T there must be one.
  if (separator !== undefined && (separator === " ") === (zone !== undefined)) return null;
  if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > daysIn(Number(year), Number(month)))
    return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const tail = (fraction ?? "").replace(/(?<!0)0+$/, "");
  const two = (part: string) => part.padStart(2, "0");
  const clock = `${two(hour)}:${two(minute)}:${two(second)}${tail === "" ? "" : `.${tail}`}`;
  const offset = zone === undefined || /^[-+]00:00$/.test(zone) ? "Z" : zone;
  return `${year}-${two(month)}-${two(day)}T${clock}${offset}`;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
