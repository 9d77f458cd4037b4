// Numbers as Go reads and prints them. Go: strconv/atof.go, ftoa.go.

import { type Digits, decimalOf, roundDigits } from "./digits.ts";

// ── reading

/** Decimal number text as Go's ParseFloat takes it, or what ParseFloat says is wrong with it. */
export type ParsedFloat = { readonly text: string } | { readonly error: "invalid syntax" | "value out of range" };

const decimalSyntax = /^[+-]?(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?$/;
const hexSyntax =
  /^([+-]?)0[xX](?:_?([\da-fA-F](?:_?[\da-fA-F])*)(?:\.([\da-fA-F](?:_?[\da-fA-F])*)?)?|\.([\da-fA-F](?:_?[\da-fA-F])*))[pP]([+-]?\d(?:_?\d)*)$/;

/**
 * Checks text against Go's syntax for floats (underscores between digits and hexadecimal included) and gives it back as
 * JSON number text with the same value. Infinities and NaN are not accepted. Go: strconv.ParseFloat with 64 bits.
 */
export function parseFloatText(text: string): ParsedFloat {
  const hex = hexSyntax.exec(text);
  if (hex === null && !decimalSyntax.test(text)) return { error: "invalid syntax" };
  const plain = hex === null ? jsonText(text.replaceAll("_", "")) : hexText(hex);
  return Number.isFinite(Number(plain)) ? { text: plain } : { error: "value out of range" };
}

/** `+007.` becomes `7`, `.5` becomes `0.5`. */
function jsonText(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = ""] =
    /^[+]?(-?)0*((?:[1-9]\d*)?)(?:\.(\d*))?((?:[eE][+-]?\d+)?)$/.exec(text) ?? [];
  return `${sign}${whole === "" ? "0" : whole}${fraction === "" ? "" : `.${fraction}`}${exponent}`;
}

/** Beyond this power of two a hexadecimal float is infinite or zero as a double, whatever its digits. */
const binaryExponentMax = 100_000;

function hexText(match: RegExpExecArray): string {
  const [, sign = "", whole = "", behind, alone = "", exponentText = "0"] = match;
  const fraction = (behind ?? alone).replaceAll("_", "");
  const mantissa = BigInt(`0x0${whole.replaceAll("_", "")}${fraction}`);
  const exponent = Number(exponentText.replaceAll("_", "")) - 4 * fraction.length;
  if (mantissa === 0n || exponent < -binaryExponentMax) return `${sign}0`;
  if (exponent > binaryExponentMax) return `${sign}1e999`;
  return sign + fixedText(decimalOf(mantissa, exponent), null);
}

// ── printing

export type FloatVerb = "e" | "E" | "f" | "g" | "G" | "b" | "x" | "X";

/** A finite double. `precision` is null for the shortest text that reads back. Go: strconv.FormatFloat. */
export function formatFloat(value: number, verb: FloatVerb, precision: number | null): string {
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const magnitude = Math.abs(value);
  if (verb === "b") return sign + binaryText(magnitude);
  if (verb === "x" || verb === "X") return sign + hexFloatText(magnitude, verb, precision);
  return sign + decimalText(magnitude, verb, precision);
}

type DecimalVerb = Exclude<FloatVerb, "b" | "x" | "X">;

function decimalText(value: number, verb: DecimalVerb, precision: number | null): string {
  const shortest = precision === null;
  const all = shortest ? shortestDigits(value) : exactDigits(value);
  if (verb === "f") {
    return fixedText(shortest ? all : roundDigits(all, all.point + precision), precision);
  }
  if (verb === "e" || verb === "E") {
    const places = precision ?? Math.max(all.digits.length - 1, 0);
    return scientificText(roundDigits(all, places + 1), places, verb);
  }
  if (shortest) return generalText(all, verb, 6);
  const wanted = Math.max(precision, 1);
  const digits = roundDigits(all, wanted);
  const { length } = digits.digits;
  return generalText(digits, verb, wanted > length && length >= digits.point ? length : wanted);
}

/** Go's `%g`: `%e` from `limit` digits before the point on, and below 1e-4. */
function generalText(digits: Digits, verb: "g" | "G", limit: number): string {
  const exponent = digits.digits === "" ? -1 : digits.point - 1;
  if (exponent >= -4 && exponent < limit) return fixedText(digits, null);
  return scientificText(digits, Math.max(digits.digits.length - 1, 0), verb === "g" ? "e" : "E");
}

function fixedText({ digits, point }: Digits, precision: number | null): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  const behind = point >= 0 ? digits.slice(point) : "0".repeat(digits === "" ? 0 : -point) + digits;
  const fraction = precision === null ? behind : behind.slice(0, precision).padEnd(precision, "0");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

function scientificText({ digits, point }: Digits, precision: number, letter: "e" | "E"): string {
  const fraction = digits.slice(1).padEnd(precision, "0");
  const exponent = digits === "" ? 0 : point - 1;
  const first = digits === "" ? "0" : digits.charAt(0);
  const number = String(Math.abs(exponent)).padStart(2, "0");
  return `${first}${fraction === "" ? "" : `.${fraction}`}${letter}${exponent < 0 ? "-" : "+"}${number}`;
}

function shortestDigits(value: number): Digits {
  if (value === 0) return { digits: "", point: 0 };
  const [mantissa = "", exponent = "0"] = value.toExponential().split("e");
  return { digits: mantissa.replace(".", ""), point: Number(exponent) + 1 };
}

// ── binary parts

interface Binary {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** `mantissa × 2^exponent` with the 53-bit mantissa that the double has. */
function binaryParts(value: number): Binary {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const stored = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  return stored === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | 0x10_0000_0000_0000n, exponent: stored - 1075 };
}

function exactDigits(value: number): Digits {
  const { mantissa, exponent } = binaryParts(value);
  return decimalOf(mantissa, exponent);
}

/** `4503599627370496p-52`. */
function binaryText(value: number): string {
  const { mantissa, exponent } = binaryParts(value);
  return `${mantissa}p${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
}

/** `0x1.8p+00`. Go: strconv/ftoa.go fmtX. */
function hexFloatText(value: number, verb: "x" | "X", precision: number | null): string {
  const text = hexFloat(value, precision);
  return verb === "x" ? text : text.toUpperCase();
}

/** Bits behind the point when all are shown: 13 hexadecimal digits. */
const fractionBits = 52;

function hexFloat(value: number, precision: number | null): string {
  let { mantissa, exponent } = binaryParts(value);
  if (mantissa !== 0n) {
    exponent += fractionBits;
    while (mantissa < 1n << BigInt(fractionBits)) {
      mantissa <<= 1n;
      exponent--;
    }
  } else {
    exponent = 0;
  }
  if (precision !== null && precision * 4 < fractionBits) {
    const shift = BigInt(fractionBits - precision * 4);
    const kept = mantissa >> shift;
    const lost = mantissa - (kept << shift);
    const half = 1n << (shift - 1n);
    const up = lost > half || (lost === half && (kept & 1n) === 1n);
    mantissa = (up ? kept + 1n : kept) << shift;
    if (mantissa >= 1n << BigInt(fractionBits + 1)) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  const all = (mantissa & ((1n << BigInt(fractionBits)) - 1n)).toString(16).padStart(fractionBits / 4, "0");
  const fraction = precision === null ? all.replace(/(?<!0)0+$/, "") : all.slice(0, precision).padEnd(precision, "0");
  const power = String(Math.abs(exponent)).padStart(2, "0");
  const leading = mantissa >> BigInt(fractionBits);
  return `0x${leading}${fraction === "" ? "" : `.${fraction}`}p${exponent < 0 ? "-" : "+"}${power}`;
}
