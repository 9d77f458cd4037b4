// Text to tokens. At each place the longest token counts, and where none fits, the text up to and with the character at
// which all failed is reported and left out, as ANTLR does: `a =3` has the tokens `a` only. So each scanner below says how
// far it came, also where it failed. cel-go: parser/gen/CEL.g4, with the error texts of ANTLR's Lexer.

import type { Issue } from "../issue.ts";
import { type Token, type TokenKind, token } from "./token.ts";

export interface Tokens {
  /** The last one is `end`. */
  readonly tokens: readonly Token[];
  readonly issues: readonly Issue[];
  /** What was left out, in UTF-16 units. */
  readonly unknown: readonly Range[];
  /** Code points from the start of the text, of a place in UTF-16 units. */
  readonly placeOf: (offset: number) => number;
}

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Where a token ends, or with `failed` the place of the character with which it cannot go on. */
interface Scan {
  readonly kind: TokenKind;
  readonly end: number;
  readonly failed: boolean;
}

/** At more, the rest of the text is not looked at. */
export const issuesMax = 100;

export function tokenize(text: string): Tokens {
  const placeOf = placesOf(text);
  const tokens: Token[] = [];
  const issues: Issue[] = [];
  const unknown: Range[] = [];
  let at = 0;
  for (;;) {
    at = skipBlanks(text, at);
    if (at >= text.length) break;
    const { kind, end, failed } = scanToken(text, at);
    if (!failed) {
      tokens.push({ kind, start: at, end });
      at = end;
      continue;
    }
    const after = end < text.length ? end + String.fromCodePoint(text.codePointAt(end) ?? 0).length : end;
    const isTooMany = issues.length >= issuesMax;
    const message = isTooMany
      ? `More than ${issuesMax} syntax errors`
      : `token recognition error at: '${text.slice(at, after)}'`;
    issues.push({ place: placeOf(at), message: `Syntax error: ${message}` });
    if (isTooMany) break;
    unknown.push({ start: at, end: after });
    at = after;
  }
  tokens.push({ kind: token.end, start: text.length, end: text.length });
  return { tokens, issues, unknown, placeOf };
}

/** Places differ from offsets only after characters beyond the first plane. */
function placesOf(text: string): (offset: number) => number {
  const pairs: number[] = [];
  for (let at = 0; at < text.length; at++) {
    if ((text.codePointAt(at) ?? 0) > 0xff_ff) {
      pairs.push(at);
      at++;
    }
  }
  if (pairs.length === 0) return (offset) => offset;
  return (offset) => {
    let low = 0;
    let high = pairs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[middle] ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return offset - low;
  };
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  for (;;) {
    const char = text[at];
    if (char === " " || char === "\n" || char === "\t" || char === "\r" || char === "\f") at++;
    else if (char === "/" && text[at + 1] === "/") {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end;
    } else return at;
  }
}

const found = (kind: TokenKind, end: number): Scan => ({ kind, end, failed: false });
const failedAt = (end: number): Scan => ({ kind: token.end, end, failed: true });

const single: Readonly<Partial<Record<string, TokenKind>>> = {
  "[": token.openBracket,
  "]": token.closeBracket,
  "{": token.openBrace,
  "}": token.closeBrace,
  "(": token.openParenthesis,
  ")": token.closeParenthesis,
  ",": token.comma,
  "-": token.minus,
  "?": token.question,
  ":": token.colon,
  "+": token.plus,
  "*": token.star,
  "/": token.slash,
  "%": token.percent,
};

function scanToken(text: string, at: number): Scan {
  const char = text[at] ?? "";
  const kind = single[char];
  if (kind !== undefined) return found(kind, at + 1);
  if (isNameStart(char)) return scanPrefixed(text, at);
  if (isDigit(char)) return scanNumber(text, at);
  const next = text[at + 1];
  switch (char) {
    case '"':
    case "'":
      return scanString(text, at, false, token.string);
    case ".":
      return isDigit(next) ? scanFraction(text, at) : found(token.dot, at + 1);
    case "=":
      return next === "=" ? found(token.equals, at + 2) : failedAt(at + 1);
    case "!":
      return next === "=" ? found(token.notEquals, at + 2) : found(token.not, at + 1);
    case "<":
      return next === "=" ? found(token.lessEquals, at + 2) : found(token.less, at + 1);
    case ">":
      return next === "=" ? found(token.greaterEquals, at + 2) : found(token.greater, at + 1);
    case "&":
      return next === "&" ? found(token.and, at + 2) : failedAt(at + 1);
    case "|":
      return next === "|" ? found(token.or, at + 2) : failedAt(at + 1);
    case "`":
      return scanEscapedName(text, at);
    default:
      return failedAt(at);
  }
}

/** A name, or a string with `r`, `b` or `br` before it; where the string does not end, the prefix is a name. */
function scanPrefixed(text: string, at: number): Scan {
  let end = at + 1;
  while (isNamePart(text[end])) end++;
  const next = text[end];
  if ((next === '"' || next === "'") && end - at <= 2) {
    const prefix = text.slice(at, end).toLowerCase();
    if (prefix === "r" || prefix === "b" || prefix === "br") {
      const scan = scanString(text, end, prefix !== "b", prefix === "r" ? token.string : token.bytes);
      if (!scan.failed) return scan;
    }
  }
  return found(keywords.get(text.slice(at, end)) ?? token.identifier, end);
}

const keywords: ReadonlyMap<string, TokenKind> = new Map([
  ["in", token.in],
  ["true", token.true],
  ["false", token.false],
  ["null", token.null],
]);

/** From the quote. A string in three quotes that does not end is an empty string, and what follows it. */
function scanString(text: string, at: number, raw: boolean, kind: TokenKind): Scan {
  const quote = text[at] ?? "";
  if (text[at + 1] === quote && text[at + 2] === quote) {
    const scan = scanQuoted(text, at + 3, quote.repeat(3), raw, kind);
    return scan.failed ? found(kind, at + 2) : scan;
  }
  return scanQuoted(text, at + 1, quote, raw, kind);
}

function scanQuoted(text: string, from: number, quotes: string, raw: boolean, kind: TokenKind): Scan {
  let at = from;
  while (at < text.length) {
    if (text.startsWith(quotes, at)) return found(kind, at + quotes.length);
    const char = text[at];
    if (char === "\\" && !raw) {
      const scan = scanEscape(text, at + 1);
      if (scan.failed) return scan;
      at = scan.end;
    } else if (quotes.length === 1 && (char === "\n" || char === "\r")) return failedAt(at);
    else at++;
  }
  return failedAt(text.length);
}

/** How many digits follow, and of which kind. */
const escapeDigits: Readonly<Partial<Record<string, number>>> = { x: 2, X: 2, u: 4, U: 8 };

/** After the backslash. */
function scanEscape(text: string, at: number): Scan {
  const char = text[at] ?? "";
  const isDigitOf = char >= "0" && char <= "3" ? isOctal : isHex;
  const digits = isDigitOf === isOctal ? 2 : escapeDigits[char];
  if (digits === undefined)
    return char !== "" && "abfnrtv\"'\\?`".includes(char) ? found(token.string, at + 1) : failedAt(at);
  for (let digit = at + 1; digit <= at + digits; digit++) if (!isDigitOf(text[digit])) return failedAt(digit);
  return found(token.string, at + 1 + digits);
}

function scanNumber(text: string, at: number): Scan {
  if (text[at] === "0" && text[at + 1] === "x" && isHex(text[at + 2])) {
    let end = at + 3;
    while (isHex(text[end])) end++;
    return withSuffix(text, end);
  }
  const end = skipDigits(text, at);
  if (text[end] === "." && isDigit(text[end + 1])) return scanFraction(text, end);
  const exponent = skipExponent(text, end);
  return exponent === end ? withSuffix(text, end) : found(token.double, exponent);
}

function withSuffix(text: string, end: number): Scan {
  const char = text[end];
  return char === "u" || char === "U" ? found(token.uint, end + 1) : found(token.int, end);
}

/** From the point. */
function scanFraction(text: string, at: number): Scan {
  return found(token.double, skipExponent(text, skipDigits(text, at + 1)));
}

function skipDigits(text: string, from: number): number {
  let at = from;
  while (isDigit(text[at])) at++;
  return at;
}

function skipExponent(text: string, at: number): number {
  if (text[at] !== "e" && text[at] !== "E") return at;
  const digits = text[at + 1] === "+" || text[at + 1] === "-" ? at + 2 : at + 1;
  return isDigit(text[digits]) ? skipDigits(text, digits) : at;
}

function scanEscapedName(text: string, at: number): Scan {
  let end = at + 1;
  while (isNamePart(text[end]) || (text[end] !== undefined && ".-/ ".includes(text[end] ?? ""))) end++;
  return text[end] === "`" && end > at + 1 ? found(token.escapedIdentifier, end + 1) : failedAt(end);
}

function isNameStart(char: string | undefined): boolean {
  return char !== undefined && ((char >= "a" && char <= "z") || (char >= "A" && char <= "Z") || char === "_");
}

function isNamePart(char: string | undefined): boolean {
  return isNameStart(char) || isDigit(char);
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "9";
}

function isOctal(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "7";
}

function isHex(char: string | undefined): boolean {
  return isDigit(char) || (char !== undefined && ((char >= "a" && char <= "f") || (char >= "A" && char <= "F")));
}
