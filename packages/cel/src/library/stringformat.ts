// `"%d of %s".format([1, x])`. Until version 4 of the library numbers are printed as in American English: thousands are
// separated, and an exponent is a power of ten in raised digits. A precision of `%e` is taken for its width.
// cel-go: ext/formatting.go; golang.org/x/text/message.

import type { Budget } from "@portcullis/lang";
import { decodeUtf8, encodeUtf8, formatFloat, isValidUtf8, quote } from "@portcullis/lang/go";
import { compareStrings } from "../runtime/compare.ts";
import { elementAt, entriesOf } from "../runtime/container.ts";
import { doubleText } from "../runtime/gotext.ts";
import { timestampText } from "../runtime/timestamp.ts";
import {
  CelError,
  Double,
  Duration,
  Timestamp,
  TypeValue,
  Uint,
  type Value,
  isDouble,
  isInt,
  isMap,
  numberOfDouble,
} from "../runtime/value.ts";
import { typeName, typeOfValue } from "../runtime/valuetype.ts";
import { durationSecondsText } from "./conversions.ts";

type Clause = (value: Value, budget: Budget) => string | CelError;

/** The text with its clauses put out, or cel-go's error. */
export function formatString(format: string, args: readonly Value[], budget: Budget): string | CelError {
  let text = "";
  let used = 0;
  for (let at = 0; at < format.length;) {
    const next = format.indexOf("%", at);
    const end = next === -1 ? format.length : next;
    text += format.slice(at, end);
    budget.output(end - at + 1);
    if (next === -1) break;
    if (format[next + 1] === "%") {
      text += "%";
      at = next + 2;
      continue;
    }
    if (used >= args.length) return new CelError(`index ${used} out of range`);
    if (next + 1 >= format.length) return new CelError("unexpected end of string");
    const clause = readClause(format, next + 1);
    if (clause instanceof CelError) return new CelError(`could not parse formatting clause: ${clause.message}`);
    const shown = clause.print(elementAt(args, used), budget);
    if (shown instanceof CelError) return new CelError(`error during formatting: ${shown.message}`);
    text += shown;
    at = clause.end;
    used++;
  }
  return text;
}

interface ReadClause {
  readonly print: Clause;
  readonly end: number;
}

const defaultPrecision = 6;

/** Go prints no number more precisely. */
const precisionMax = 1_000_000;

function readClause(format: string, start: number): ReadClause | CelError {
  let at = start;
  let precision: number | null = null;
  if (format[at] === ".") {
    at++;
    while (isDigit(format[at])) at++;
    if (at >= format.length)
      return new CelError("error while parsing precision: could not find end of precision specifier");
    const read = readPrecision(format.slice(start + 1, at));
    if (read instanceof CelError) return read;
    precision = read;
  }
  const letter = String.fromCodePoint(format.codePointAt(at) as number);
  const print = clauseOf(letter, precision ?? defaultPrecision);
  if (print !== null) return { print, end: at + 1 };
  return new CelError(`unrecognized formatting clause "${String.fromCodePoint(encodeUtf8(letter)[0] as number)}"`);
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= "0" && character <= "9";
}

function readPrecision(digits: string): number | CelError {
  const value = Number(digits);
  if (digits !== "" && value <= precisionMax) return value;
  const why = digits === "" ? "invalid syntax" : "value out of range";
  return new CelError(
    `error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing "${digits}": ${why}`,
  );
}

function clauseOf(letter: string, precision: number): Clause | null {
  switch (letter) {
    case "s":
      return textOf;
    case "d":
      return decimalText;
    case "f":
      return (value, budget) => fixedText(value, precision, budget);
    case "e":
      return (value, budget) => {
        budget.output(precision);
        return scientificText(value, precision);
      };
    case "b":
      return binaryText;
    case "x":
      return hexText;
    case "X":
      return upperHexText;
    case "o":
      return octalText;
    default:
      return null;
  }
}

function notFor(what: string, value: Value): CelError {
  return new CelError(`${what}, was given ${typeName(typeOfValue(value))}`);
}

// ── clauses

/** `%s`. */
function textOf(value: Value, budget: Budget): string | CelError {
  if (typeof value === "string") {
    budget.output(value.length);
    return value;
  }
  if (value === null) return "null";
  if (Array.isArray(value)) return listText(value as readonly Value[], budget);
  if (isMap(value)) return mapText(value, budget);
  if (value instanceof Timestamp) return timestampText(value);
  if (value instanceof Duration) return durationSecondsText(value);
  return (
    scalarText(value, budget) ??
    notFor(
      "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps",
      value,
    )
  );
}

function scalarText(value: Value, budget: Budget): string | CelError | null {
  if (typeof value === "boolean") return String(value);
  if (isInt(value) || value instanceof Uint) return integerText(value);
  if (isDouble(value)) return doubleText(numberOfDouble(value));
  if (value instanceof TypeValue) return typeName(value.type);
  if (!(value instanceof Uint8Array)) return null;
  budget.output(value.length);
  return textOfBytes(value);
}

function textOfBytes(bytes: Uint8Array): string | CelError {
  if (isValidUtf8(bytes)) return decodeUtf8(bytes);
  return new CelError('could not convert argument "invalid UTF-8 in bytes, cannot convert to string" to string');
}

function integerText(value: number | bigint | Uint, base = 10): string {
  return (value instanceof Uint ? value.value : value).toString(base);
}

/** `%d`. */
function decimalText(value: Value): string | CelError {
  if (isInt(value) || value instanceof Uint) return integerText(value);
  return notFor("decimal clause can only be used on integers", value);
}

/** A double, or one of the texts that stand for one that is not finite. */
function doubleOfArgument(value: Value): number | null {
  if (isDouble(value)) return numberOfDouble(value);
  if (value === "NaN") return NaN;
  return value === "Infinity" ? Infinity : value === "-Infinity" ? -Infinity : null;
}

/** `%f`: `12,345.678000`. */
function fixedText(value: Value, precision: number, budget: Budget): string | CelError {
  const number = doubleOfArgument(value);
  if (number === null) return notFor("fixed-point clause can only be used on doubles", value);
  if (!Number.isFinite(number)) return infiniteText(number);
  budget.output(precision + longestWhole);
  const [whole = "", fraction] = formatFloat(number === 0 ? 0 : number, "f", precision).split(".");
  return fraction === undefined ? groupedThousands(whole) : `${groupedThousands(whole)}.${fraction}`;
}

/** `-1234567` is `-1,234,567`. */
function groupedThousands(whole: string): string {
  const sign = whole.startsWith("-") ? "-" : "";
  const digits = whole.slice(sign.length);
  const groups: string[] = [];
  for (let end = digits.length; end > 0; end -= 3) groups.unshift(digits.slice(Math.max(0, end - 3), end));
  return sign + groups.join(",");
}

/** Digits before the point of the largest double, with what separates them. */
const longestWhole = 412;

function infiniteText(number: number): string {
  if (Number.isNaN(number)) return "NaN";
  return number > 0 ? "\u221e" : "-\u221e";
}

/** `%e`: `1.052033×10⁰³`. */
function scientificText(value: Value, width: number): string | CelError {
  const number = doubleOfArgument(value);
  if (number === null) return notFor("scientific clause can only be used on doubles", value);
  if (!Number.isFinite(number)) return infiniteText(number).padStart(width);
  const [mantissa, exponent = ""] = formatFloat(number === 0 ? 0 : number, "e", defaultPrecision).split("e");
  return `${mantissa}\u00d710${exponent.replace(/./g, (digit) => raised[digit] ?? "")}`.padStart(width);
}

const raised: Readonly<Record<string, string>> = {
  "-": "\u207b",
  "0": "\u2070",
  "1": "\u00b9",
  "2": "\u00b2",
  "3": "\u00b3",
  "4": "\u2074",
  "5": "\u2075",
  "6": "\u2076",
  "7": "\u2077",
  "8": "\u2078",
  "9": "\u2079",
};

/** `%b`. */
function binaryText(value: Value): string | CelError {
  if (typeof value === "boolean") return value ? "1" : "0";
  if (isInt(value) || value instanceof Uint) return integerText(value, 2);
  return notFor("only integers and bools can be formatted as binary", value);
}

/** `%x`: of strings and bytes every byte. */
function hexText(value: Value, budget: Budget): string | CelError {
  if (isInt(value) || value instanceof Uint) return integerText(value, 16);
  if (typeof value !== "string" && !(value instanceof Uint8Array)) {
    return notFor("only integers, byte buffers, and strings can be formatted as hex", value);
  }
  budget.output(value.length * 4);
  const bytes = typeof value === "string" ? encodeUtf8(value) : value;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function upperHexText(value: Value, budget: Budget): string | CelError {
  const text = hexText(value, budget);
  return typeof text === "string" ? text.toUpperCase() : text;
}

/** `%o`. */
function octalText(value: Value): string | CelError {
  if (isInt(value) || value instanceof Uint) return integerText(value, 8);
  return notFor("octal clause can only be used on integers", value);
}

// ── what lists and maps hold

/** The text of a member is a text of its own until all are joined. */
const bytesPerMember = 24;

function listText(list: readonly Value[], budget: Budget): string | CelError {
  const texts: string[] = [];
  for (let at = 0; at < list.length; at++) {
    budget.output(bytesPerMember);
    const text = memberText(elementAt(list, at), budget);
    if (text instanceof CelError) return text;
    texts.push(text);
  }
  return `[${texts.join(", ")}]`;
}

function mapText(map: Parameters<typeof entriesOf>[0], budget: Budget): string | CelError {
  const pairs: (readonly [key: string, value: string])[] = [];
  for (const [key, value] of entriesOf(map)) {
    budget.output(2 * bytesPerMember);
    const keyText = memberText(key, budget);
    const valueText = memberText(value, budget);
    if (keyText instanceof CelError) return keyText;
    if (valueText instanceof CelError) return valueText;
    pairs.push([keyText, valueText]);
  }
  budget.step(pairs.length * 8);
  const sorted = pairs.toSorted(([a], [b]) => compareStrings(a, b));
  return `{${sorted.map(([key, value]) => `${key}:${value}`).join(", ")}}`;
}

/** A value inside a list or map: strings are quoted, moments say what they are, doubles have six digits. */
function memberText(value: Value, budget: Budget): string | CelError {
  if (typeof value === "string") {
    budget.output(value.length);
    return quote(value);
  }
  if (value instanceof Timestamp) return `timestamp(${quote(timestampText(value))})`;
  if (value instanceof Duration) return `duration(${quote(durationSecondsText(value))})`;
  if (isDouble(value) || value instanceof Double) return memberDouble(numberOfDouble(value));
  if (value instanceof Uint8Array) {
    const text = textOf(value, budget);
    return text instanceof CelError ? text : `b${quote(text)}`;
  }
  const shown =
    value === null || Array.isArray(value) || isMap(value) ? textOf(value, budget) : scalarText(value, budget);
  return shown ?? new CelError(`no formatting function for ${typeName(typeOfValue(value))}`);
}

function memberDouble(number: number): string {
  return Number.isFinite(number) ? formatFloat(number, "f", defaultPrecision) : quote(doubleText(number));
}
