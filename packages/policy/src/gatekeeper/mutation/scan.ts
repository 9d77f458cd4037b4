// The words of a location: names (bare or in quotes), integers and the five signs `.`, `[`, `]`, `:` and `*`. Everything
// else is an error token that keeps what was read, because the parser's message shows it.
// Gatekeeper: pkg/mutation/path/token/scanner.go.

import { quote } from "@portcullis/lang/go";

export type TokenKind = "ERROR" | "EOF" | "IDENT" | "INT" | "LBRACKET" | "RBRACKET" | "SEPARATOR" | "GLOB" | "COLON";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

/** As messages show a token: `IDENT: "spec"`. */
export function tokenText({ kind, text }: Token): string {
  return `${kind}: ${quote(text)}`;
}

const signs: ReadonlyMap<string, TokenKind> = new Map([
  [".", "SEPARATOR"],
  ["[", "LBRACKET"],
  ["]", "RBRACKET"],
  ["*", "GLOB"],
  [":", "COLON"],
]);

/** All tokens up to the end of the text, or up to the first that is none. */
export function scan(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    const read = next(text, at);
    tokens.push(read.token);
    if (read.token.kind === "EOF" || read.token.kind === "ERROR") return tokens;
    at = read.end;
  }
}

interface Read {
  readonly token: Token;
  readonly end: number;
}

function next(text: string, from: number): Read {
  const at = skip(text, from, /[ \t\r\n]*/y);
  const char = text[at];
  if (char === undefined) return { token: { kind: "EOF", text: "" }, end: at };
  const digits = skip(text, at, /[0-9]*/y);
  if (digits > at) return { token: { kind: "INT", text: text.slice(at, digits) }, end: digits };
  const name = skip(text, at, /[A-Za-z0-9_-]*/y);
  if (name > at) return { token: { kind: "IDENT", text: text.slice(at, name) }, end: name };
  if (char === '"' || char === "'") return quoted(text, at);
  const sign = signs.get(char);
  if (sign !== undefined) return { token: { kind: sign, text: char }, end: at + 1 };
  return { token: { kind: "ERROR", text: String.fromCodePoint(text.codePointAt(at) ?? 0) }, end: at };
}

function skip(text: string, from: number, pattern: RegExp): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : from;
}

/** A backslash makes the next character part of the name, whatever it is. */
function quoted(text: string, start: number): Read {
  const sign = text[start];
  let value = "";
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === sign) return { token: { kind: "IDENT", text: value }, end: at + 1 };
    if (text[at] === "\\") at++;
    value += text[at] ?? "";
  }
  return { token: { kind: "ERROR", text: value }, end: text.length };
}
