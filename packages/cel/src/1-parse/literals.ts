// What literals mean: numbers within their ranges, and strings and bytes without their quotes and escapes. In bytes, `\x` and
// octal escapes are bytes, and in strings code points; line breaks are `\n` in both. cel-go: parser/unescape.go,
// parser/parser.go VisitInt, VisitUint, VisitDouble.

import { encodeUtf8 } from "@portcullis/lang/go";
import { Uint, type Value, doubleOf, intOf } from "../runtime/value.ts";

/** Undefined where it is out of range. The text may begin with a minus. */
export function readInt(text: string): Value | undefined {
  const negative = text.startsWith("-");
  const magnitude = BigInt(negative ? text.slice(1) : text);
  const value = negative ? -magnitude : magnitude;
  return value >= -(2n ** 63n) && value < 2n ** 63n ? intOf(value) : undefined;
}

/** With its suffix. */
export function readUint(text: string): Value | undefined {
  const value = BigInt(text.slice(0, -1));
  return value < 2n ** 64n ? new Uint(value) : undefined;
}

export function readDouble(text: string): Value | undefined {
  const value = Number(text);
  return Number.isFinite(value) ? doubleOf(value) : undefined;
}

/** What is between the quotes, and whether its escapes count. */
interface Quoted {
  readonly body: string;
  readonly raw: boolean;
}

function unquote(literal: string): Quoted {
  const text = literal.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
  const raw = text.startsWith("r") || text.startsWith("R");
  const quoted = raw ? text.slice(1) : text;
  const isLong = quoted.length >= 6 && (quoted.startsWith('"""') || quoted.startsWith("'''"));
  const quotes = isLong ? 3 : 1;
  return { body: quoted.slice(quotes, -quotes), raw };
}

const simpleEscapes: Readonly<Partial<Record<string, string>>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const escapeLengths: Readonly<Partial<Record<string, number>>> = { x: 2, X: 2, u: 4, U: 8 };

/** The text, or what is wrong with it. The scanner has seen to it that escapes have their digits. */
export function readString(literal: string): { text: string } | { wrong: string } {
  const { body, raw } = unquote(literal);
  if (raw || !body.includes("\\")) return { text: body };
  const parts: string[] = [];
  for (let at = 0; at < body.length;) {
    const { plain, code, end } = readPart(body, at);
    if (code === undefined) parts.push(plain);
    else if (!isCodePoint(code)) return { wrong: "invalid unicode code point" };
    else parts.push(String.fromCodePoint(code));
    at = end;
  }
  return { text: parts.join("") };
}

/** Without its `b`. */
export function readBytes(literal: string): { bytes: Uint8Array } | { wrong: string } {
  const { body, raw } = unquote(literal);
  if (raw || !body.includes("\\")) return { bytes: encodeUtf8(body) };
  const bytes: number[] = [];
  for (let at = 0; at < body.length;) {
    const { plain, code, end, isText } = readPart(body, at);
    if (isText) return { wrong: "unable to unescape string" };
    if (code === undefined) bytes.push(...encodeUtf8(plain));
    else bytes.push(code);
    at = end;
  }
  return { bytes: Uint8Array.from(bytes) };
}

/** A character, or an escape, of which `code` is the number and `isText` says that it cannot be a byte. */
interface Part {
  readonly plain: string;
  readonly code?: number;
  readonly end: number;
  readonly isText: boolean;
}

function readPart(body: string, at: number): Part {
  const char = body[at] ?? "";
  if (char !== "\\") {
    const plain = String.fromCodePoint(body.codePointAt(at) ?? 0);
    return { plain, end: at + plain.length, isText: false };
  }
  const escape = body[at + 1] ?? "";
  if (escape >= "0" && escape <= "3") {
    return { plain: "", code: Number.parseInt(body.slice(at + 1, at + 4), 8), end: at + 4, isText: false };
  }
  const digits = escapeLengths[escape];
  if (digits === undefined) return { plain: simpleEscapes[escape] ?? escape, end: at + 2, isText: false };
  const end = at + 2 + digits;
  return { plain: "", code: Number.parseInt(body.slice(at + 2, end), 16), end, isText: digits > 2 };
}

function isCodePoint(code: number): boolean {
  return code <= 0x10_ff_ff && !(code >= 0xd8_00 && code <= 0xdf_ff);
}
