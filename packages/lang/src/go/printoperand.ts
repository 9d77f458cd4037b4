// One operand of Go's Printf under one verb, with flags, width and precision. Go: fmt/format.go, fmt/print.go printArg,
// math/big/intconv.go Format.

import { canBackquote, isPrint, quote, quoteRune, quoteToAscii, runeText } from "./quote.ts";
import { type FloatVerb, formatFloat } from "./strconv.ts";
import { encodeUtf8 } from "./utf8.ts";

/** A float64 whose value a JavaScript number would show as an integer: 1.0. */
export class GoFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/**
 * What OPA passes: string; int64 (a number that is a safe integer, or a bigint in its range); *big.Int (a larger bigint);
 * float64 (GoFloat, or a number that is no integer).
 */
export type Operand = string | number | bigint | GoFloat;

export interface PrintState {
  plus: boolean;
  minus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  /** `%+v` and `%#v`: the flags are moved here, because they mean something else there. */
  plusV: boolean;
  sharpV: boolean;
  width: number | null;
  precision: number | null;
  readonly charge: (characters: number) => void;
  readonly integer: IntegerType;
}

/** What `%T` and bad verbs call an integer: OPA passed an int before it passed an int64. */
export type IntegerType = "int" | "int64";

export function newState(
  flags: string,
  charge: (characters: number) => void,
  integer: IntegerType = "int64",
): PrintState {
  return {
    plus: flags.includes("+"),
    minus: flags.includes("-"),
    sharp: flags.includes("#"),
    space: flags.includes(" "),
    zero: flags.includes("0"),
    plusV: false,
    sharpV: false,
    width: null,
    precision: null,
    charge,
    integer,
  };
}

/** The operand as Go's type name. */
export function typeText(operand: Operand, integer: IntegerType): string {
  if (typeof operand === "string") return "string";
  if (operand instanceof GoFloat || (typeof operand === "number" && !Number.isInteger(operand))) return "float64";
  return typeof operand === "bigint" && !isInt64(operand) ? "*big.Int" : integer;
}

function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

export function printOperand(operand: Operand, verb: string, state: PrintState): string {
  if (verb === "v" || verb === "w") {
    state.sharpV = state.sharp;
    state.sharp = false;
    state.plusV = state.plus;
    state.plus = false;
  }
  if (verb === "T") return printText(typeText(operand, state.integer), state);
  if (typeof operand === "string") return printString(operand, verb, state);
  if (operand instanceof GoFloat) return printFloat(operand.value, verb, state);
  if (typeof operand === "bigint") {
    return isInt64(operand) ? printInteger(operand, verb, state) : printBigInteger(operand, verb, state);
  }
  return Number.isInteger(operand) ? printInteger(BigInt(operand), verb, state) : printFloat(operand, verb, state);
}

/** `%!d(string=x)`: the value is printed with `%v` under the same flags. Go: badVerb. */
function badVerb(operand: Operand, verb: string, state: PrintState): string {
  return `%!${verb}(${typeText(operand, state.integer)}=${printPlain(operand, state)})`;
}

function printPlain(operand: Operand, state: PrintState): string {
  if (typeof operand === "string") return state.sharpV ? printQuoted(operand, state) : printText(operand, state);
  if (operand instanceof GoFloat) return printFloat(operand.value, "v", state);
  if (typeof operand === "bigint" && !isInt64(operand)) return bigStruct(operand);
  if (typeof operand === "number" && !Number.isInteger(operand)) return printFloat(operand, "v", state);
  return printInteger(BigInt(operand), "v", state);
}

// ── padding

/** To the width, on the left unless `-`; zeros where `zero` says so. Go: pad, writePadding. */
function pad(text: string, state: PrintState, zero: boolean): string {
  const length = codePointCount(text);
  const missing = Math.max(0, (state.width ?? 0) - length);
  state.charge(text.length + missing);
  if (missing === 0) return text;
  if (state.minus) return text + " ".repeat(missing);
  return (zero && state.zero ? "0" : " ").repeat(missing) + text;
}

function codePointCount(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) as number;
    if (code > 0xffff) at++;
    count++;
  }
  return count;
}

// ── strings

function printString(text: string, verb: string, state: PrintState): string {
  switch (verb) {
    case "v":
      return state.sharpV ? printQuoted(text, state) : printText(text, state);
    case "s":
      return printText(text, state);
    case "q":
      return printQuoted(text, state);
    case "x":
      return printHex(text, state, false);
    case "X":
      return printHex(text, state, true);
    default:
      return badVerb(text, verb, state);
  }
}

function printText(text: string, state: PrintState): string {
  return pad(truncate(text, state), state, true);
}

function printQuoted(text: string, state: PrintState): string {
  const shown = truncate(text, state);
  state.charge(shown.length);
  if (state.sharp && canBackquote(shown)) return pad(`\`${shown}\``, state, true);
  return pad(state.plus ? quoteToAscii(shown) : quote(shown), state, true);
}

/** To the precision, in code points. */
function truncate(text: string, { precision }: PrintState): string {
  if (precision === null || text.length <= precision) return text;
  let end = 0;
  for (let left = precision; left > 0 && end < text.length; left--) {
    end += (text.codePointAt(end) as number) > 0xffff ? 2 : 1;
  }
  return text.slice(0, end);
}

/** The bytes of UTF-8 in hexadecimal; `% x` puts spaces between them, `%# x` prefixes each. Go: fmtSbx. */
function printHex(text: string, state: PrintState, upper: boolean): string {
  state.charge(text.length * 6);
  const all = encodeUtf8(text);
  const bytes = state.precision !== null && state.precision < all.length ? all.subarray(0, state.precision) : all;
  const prefix = upper ? "0X" : "0x";
  const digits = Array.from(bytes, (byte) => {
    const pair = byte.toString(16).padStart(2, "0");
    return upper ? pair.toUpperCase() : pair;
  });
  if (digits.length === 0) return pad("", state, true);
  if (!state.space) return pad((state.sharp ? prefix : "") + digits.join(""), state, true);
  return pad(digits.map((pair) => (state.sharp ? prefix + pair : pair)).join(" "), state, true);
}

// ── integers

const bases: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

function printInteger(value: bigint, verb: string, state: PrintState): string {
  const base = Object.hasOwn(bases, verb) ? bases[verb] : undefined;
  if (base !== undefined) return integerText(value, base, verb, state);
  const code = value < 0n || value > 0x10ffffn ? -1 : Number(value);
  switch (verb) {
    case "c":
      return pad(runeText(code), state, true);
    case "q":
      return pad(quoteRune(code, state.plus), state, true);
    case "U":
      return pad(unicodeText(BigInt.asUintN(64, value), state), state, false);
    default:
      return badVerb(BigInt.asIntN(64, value), verb, state);
  }
}

function integerText(value: bigint, base: number, verb: string, state: PrintState): string {
  const negative = value < 0n;
  if (state.precision === 0 && value === 0n) return pad("", state, false);
  let least = state.precision ?? 0;
  if (state.precision === null && state.zero && !state.minus && state.width !== null) {
    least = state.width - (negative || state.plus || state.space ? 1 : 0);
  }
  state.charge(least);
  let digits = (negative ? -value : value).toString(base).padStart(least, "0");
  if (verb === "X") digits = digits.toUpperCase();
  if (state.sharp) digits = basePrefix(base, verb, digits) + digits;
  if (verb === "O") digits = `0o${digits}`;
  const sign = negative ? "-" : state.plus ? "+" : state.space ? " " : "";
  return pad(sign + digits, state, false);
}

function basePrefix(base: number, verb: string, digits: string): string {
  if (base === 2) return "0b";
  if (base === 8) return digits.startsWith("0") ? "" : "0";
  return base === 16 ? `0${verb === "X" ? "X" : "x"}` : "";
}

/** `U+0041`, with `#` also the character. Go: fmtUnicode. */
function unicodeText(value: bigint, state: PrintState): string {
  const least = Math.max(state.precision ?? 4, 4);
  state.charge(least);
  const text = `U+${value.toString(16).toUpperCase().padStart(least, "0")}`;
  const character = value <= 0x10ffffn ? runeText(Number(value)) : "";
  return state.sharp && isPrint(character) ? `${text} '${character}'` : text;
}

/** Go: math/big Int.Format. */
function printBigInteger(value: bigint, verb: string, state: PrintState): string {
  if (verb === "w") return badVerb(value, verb, state);
  const base = verb === "s" ? 10 : Object.hasOwn(bases, verb) ? bases[verb] : undefined;
  if (base === undefined) return `%!${verb}(big.Int=${value})`;
  const negative = value < 0n;
  const sign = negative ? "-" : state.plus || state.plusV ? "+" : state.space ? " " : "";
  const sharp = (state.sharp || state.sharpV) && verb !== "O";
  let digits = (negative ? -value : value).toString(base);
  if (verb === "X") digits = digits.toUpperCase();
  const prefix = verb === "O" ? "0o" : sharp ? basePrefix(base, verb, "") : "";
  const bare = sign.length + prefix.length;
  let least = state.precision ?? 0;
  if (!state.minus && state.zero && state.precision === null) least = (state.width ?? 0) - bare;
  state.charge(Math.max(least, digits.length));
  return pad(sign + prefix + digits.padStart(least, "0"), state, false);
}

/** What Go prints where it may not call the number's own method: the fields of the struct behind the pointer. */
function bigStruct(value: bigint): string {
  const words: bigint[] = [];
  for (let rest = value < 0n ? -value : value; rest > 0n; rest >>= 64n) words.push(BigInt.asUintN(64, rest));
  return `&{${value < 0n} [${words.join(" ")}]}`;
}

// ── floats

const defaultPrecisions: Readonly<Record<string, number | null>> = {
  v: null,
  b: null,
  g: null,
  G: null,
  x: null,
  X: null,
  f: 6,
  F: 6,
  e: 6,
  E: 6,
};

function printFloat(value: number, verb: string, state: PrintState): string {
  if (!Object.hasOwn(defaultPrecisions, verb)) return badVerb(new GoFloat(value), verb, state);
  const format = (verb === "v" ? "g" : verb === "F" ? "f" : verb) as FloatVerb;
  const precision = state.precision ?? defaultPrecisions[verb] ?? null;
  state.charge(precision ?? 0);
  const text = formatFloat(value, format, precision);
  const negative = text.startsWith("-");
  const sign = negative ? "-" : state.plus ? "+" : state.space ? " " : "";
  const unsigned = negative ? text.slice(1) : text;
  const body = state.sharp && format !== "b" ? withPoint(unsigned, format, precision) : unsigned;
  const signed = sign !== "" && state.zero && !state.minus && state.width !== null;
  if (!signed) return pad(sign + body, state, true);
  const zeros = Math.max(0, (state.width ?? 0) - body.length - 1);
  state.charge(zeros);
  return sign + "0".repeat(zeros) + body;
}

/** `%#g` keeps the point and trailing zeros. Go: fmtFloat. */
function withPoint(text: string, verb: FloatVerb, precision: number | null): string {
  const hex = verb === "x" || verb === "X";
  const [number = ""] = (hex ? /^[^pP]*/ : /^[^eE]*/).exec(text) ?? [];
  const tail = text.slice(number.length);
  let missing = verb === "g" || verb === "G" || verb === "x" ? (precision ?? 6) : 0;
  const shown = number.replace(".", "").replace(/^0+/, "");
  missing -= shown.length;
  let result = number;
  if (!number.includes(".")) {
    if (number === "0") missing--;
    result += ".";
  }
  return result + "0".repeat(Math.max(0, missing)) + tail;
}
