// Text to tokens. Token names are go-jmespath's, because its messages show them. Both engines share the lexical grammar, except
// that in raw strings of the specification a backslash behind a backslash does not escape the quote. Go: go-jmespath lexer.go.

import { type Diagnostic, type Out, type Source, errorAt, spanOf } from "@portcullis/lang";
import { decodeJson } from "@portcullis/lang/go";
import type { Dialect } from "../dialect.ts";
import { syntaxError } from "./syntax.ts";

export type TokenType =
  | "tUnknown"
  | "tStar"
  | "tDot"
  | "tFilter"
  | "tFlatten"
  | "tLparen"
  | "tRparen"
  | "tLbracket"
  | "tRbracket"
  | "tLbrace"
  | "tRbrace"
  | "tOr"
  | "tPipe"
  | "tNumber"
  | "tUnquotedIdentifier"
  | "tQuotedIdentifier"
  | "tComma"
  | "tColon"
  | "tLT"
  | "tLTE"
  | "tGT"
  | "tGTE"
  | "tEQ"
  | "tNE"
  | "tJSONLiteral"
  | "tStringLiteral"
  | "tCurrent"
  | "tExpref"
  | "tAnd"
  | "tNot"
  | "tEOF";

export interface Token {
  readonly type: TokenType;
  /** The identifier, the digits, or the text inside a literal. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** Longest first where one begins with another. */
const operators: readonly (readonly [string, TokenType])[] = [
  ["[?", "tFilter"],
  ["[]", "tFlatten"],
  ["[", "tLbracket"],
  ["||", "tOr"],
  ["|", "tPipe"],
  ["<=", "tLTE"],
  ["<", "tLT"],
  [">=", "tGTE"],
  [">", "tGT"],
  ["!=", "tNE"],
  ["!", "tNot"],
  ["==", "tEQ"],
  ["=", "tUnknown"],
  ["&&", "tAnd"],
  ["&", "tExpref"],
  [".", "tDot"],
  ["*", "tStar"],
  [",", "tComma"],
  [":", "tColon"],
  ["{", "tLbrace"],
  ["}", "tRbrace"],
  ["]", "tRbracket"],
  ["(", "tLparen"],
  [")", "tRparen"],
  ["@", "tCurrent"],
];

const spaces = /[ \t\n\r]*/y;
const identifier = /[A-Za-z_][A-Za-z0-9_]*/y;
const digits = /-?\d*/y;

/** The tokens with `tEOF` as the last; null after an error. */
export function tokenize(source: Source, engine: Dialect["engine"]): Out<readonly Token[] | null> {
  const { text } = source;
  const tokens: Token[] = [];
  for (let at = matchAt(spaces, text, 0).length; at < text.length; at += matchAt(spaces, text, at).length) {
    const token = nextToken(source, at, engine);
    if (!("type" in token)) return { value: null, diagnostics: [token] };
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ type: "tEOF", value: "", start: text.length, end: text.length });
  return { value: tokens, diagnostics: [] };
}

function nextToken(source: Source, start: number, engine: Dialect["engine"]): Token | Diagnostic {
  const { text } = source;
  const name = matchAt(identifier, text, start);
  if (name !== "") return { type: "tUnquotedIdentifier", value: name, start, end: start + name.length };
  const character = text.charAt(start);
  if (/[-\d]/.test(character)) {
    const value = matchAt(digits, text, start);
    return { type: "tNumber", value, start, end: start + value.length };
  }
  if (character === '"') return quotedIdentifier(source, start);
  if (character === "'") return rawString(source, start, engine);
  if (character === "`") return jsonLiteral(source, start);
  const operator = operators.find(([sign]) => text.startsWith(sign, start));
  if (operator === undefined) {
    const code = text.codePointAt(start) ?? 0;
    const length = code > 0xffff ? 2 : 1;
    return syntaxError(spanOf(source, start, start + length), `Unknown char: ${quotedRune(code)}`);
  }
  return { type: operator[1], value: operator[0], start, end: start + operator[0].length };
}

/** Go: strconv.QuoteRuneToASCII. */
function quotedRune(code: number): string {
  if (code >= 0x20 && code < 0x7f) return code === 0x5c ? String.raw`'\\'` : `'${String.fromCodePoint(code)}'`;
  const named = controls[code];
  if (named !== undefined) return `'${named}'`;
  if (code <= 0x7f) return `'\\x${code.toString(16).padStart(2, "0")}'`;
  const hex = code.toString(16);
  return code > 0xffff ? `'\\U${hex.padStart(8, "0")}'` : `'\\u${hex.padStart(4, "0")}'`;
}

const controls: Readonly<Record<number, string>> = { 7: "\\a", 8: "\\b", 11: "\\v", 12: "\\f" };

function quotedIdentifier(source: Source, start: number): Token | Diagnostic {
  const end = delimitedEnd(source, start);
  if (typeof end !== "number") return end;
  const decoded = decodeJson(source.text.slice(start, end));
  // Go gives this error as the JSON decoder made it, without naming it a syntax error.
  if ("error" in decoded) return errorAt("syntax", spanOf(source, start, end), decoded.error);
  return { type: "tQuotedIdentifier", value: decoded.value as string, start, end };
}

function jsonLiteral(source: Source, start: number): Token | Diagnostic {
  const end = delimitedEnd(source, start);
  if (typeof end !== "number") return end;
  const value = source.text.slice(start + 1, end - 1).replaceAll("\\`", "`");
  return { type: "tJSONLiteral", value, start, end };
}

/** Behind the delimiter that closes what begins here; a backslash keeps the next character from closing it. */
function delimitedEnd(source: Source, start: number): number | Diagnostic {
  const { text } = source;
  const delimiter = text.charAt(start);
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === delimiter) return at + 1;
    if (text[at] === "\\") at++;
  }
  return unclosed(source, delimiter);
}

function rawString(source: Source, start: number, engine: Dialect["engine"]): Token | Diagnostic {
  const { text } = source;
  let value = "";
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "'") return { type: "tStringLiteral", value, start, end: at + 1 };
    const escaped = text.charAt(at + 1);
    if (character === "\\" && escaped === "'") {
      value += escaped;
      at++;
    } else if (character === "\\" && escaped === "\\" && engine === "specification") {
      value += "\\\\";
      at++;
    } else value += character;
  }
  return unclosed(source, "'");
}

function unclosed(source: Source, delimiter: string): Diagnostic {
  const { length } = source.text;
  return syntaxError(spanOf(source, length, length), `Unclosed delimiter: ${delimiter}`);
}

function matchAt(expression: RegExp, text: string, at: number): string {
  expression.lastIndex = at;
  return expression.exec(text)?.[0] ?? "";
}
