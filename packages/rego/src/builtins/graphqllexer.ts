// GraphQL text to tokens. Columns count characters, as Go counts runes; a string's column is that of its first character
// (not of its quote), and a block string's is counted on its last line, as gqlparser counts them. Commas are space.
// gqlparser: lexer/lexer.go, blockstring.go.

import { encodeUtf8, quote } from "@portcullis/lang/go";
import { GraphqlError, type Position, placedText } from "./graphqlast.ts";

/** As messages name them. */
export type TokenKind =
  | "<Invalid>"
  | "<EOF>"
  | "!"
  | "$"
  | "&"
  | "("
  | ")"
  | "..."
  | ":"
  | "="
  | "@"
  | "["
  | "]"
  | "{"
  | "}"
  | "|"
  | "Name"
  | "Int"
  | "Float"
  | "String"
  | "BlockString"
  | "Comment";

export interface Token {
  readonly kind: TokenKind;
  readonly value: string;
  readonly position: Position;
  /** Of an invalid one. */
  readonly error: GraphqlError | null;
}

export interface Lexer {
  readonly text: string;
  readonly isBuiltIn: boolean;
  at: number;
  /** Characters before `at`. */
  runes: number;
  line: number;
  /** Characters before the line. */
  lineStart: number;
}

export function newLexer(text: string, isBuiltIn: boolean): Lexer {
  return { text, isBuiltIn, at: 0, runes: 0, line: 1, lineStart: 0 };
}

/** `Name "x"`. */
export function tokenText({ kind, value }: Token): string {
  return value === "" ? kind : `${kind} ${quote(value)}`;
}

const punctuation: ReadonlySet<string> = new Set("!$&():=@[]{}|");

export function readToken(lexer: Lexer): Token {
  skipSpace(lexer);
  const start = { at: lexer.at, runes: lexer.runes };
  const character = lexer.text[lexer.at];
  if (character === undefined) return tokenFrom(lexer, "<EOF>", start.runes, "");
  if (punctuation.has(character)) {
    move(lexer, 1);
    return tokenFrom(lexer, character as TokenKind, start.runes, "");
  }
  if (lexer.text.startsWith("...", lexer.at)) {
    move(lexer, 3);
    return tokenFrom(lexer, "...", start.runes, "");
  }
  if (character === "#") return readMatch(lexer, /[\t\u0020-\u{10ffff}]*/uy, "Comment");
  if (/[_A-Za-z]/.test(character)) return readMatch(lexer, /\w+/y, "Name");
  if (/[-0-9]/.test(character)) return readNumber(lexer);
  if (character === '"') return lexer.text.startsWith('"""', lexer.at) ? readBlock(lexer) : readString(lexer);
  return unexpected(lexer, character);
}

function unexpected(lexer: Lexer, character: string): Token {
  if (character < " ") return invalid(lexer, `Cannot contain the invalid character "${escaped(character)}"`);
  if (character === "'") {
    return invalid(lexer, `Unexpected single quote character ('), did you mean to use a double quote (")?`);
  }
  return invalid(lexer, `Cannot parse the unexpected character "${firstByte(lexer)}".`);
}

/** gqlparser takes the first byte of a character for one. */
function firstByte({ text, at }: Lexer): string {
  const [byte = 0] = encodeUtf8(String.fromCodePoint(text.codePointAt(at) ?? 0));
  return String.fromCharCode(byte);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function skipSpace(lexer: Lexer): void {
  for (;;) {
    const character = lexer.text[lexer.at];
    if (character === "\n" || character === "\r") {
      move(lexer, 1);
      newLine(lexer);
      if (character === "\r" && lexer.text[lexer.at] === "\n") move(lexer, 1);
    } else if (character === "\t" || character === " " || character === "," || character === "\uFEFF") {
      move(lexer, 1);
    } else {
      return;
    }
  }
}

function newLine(lexer: Lexer): void {
  lexer.line++;
  lexer.lineStart = lexer.runes;
}

/** Over units that are characters of their own. */
function move(lexer: Lexer, count: number): void {
  lexer.at += count;
  lexer.runes += count;
}

function moveCharacter(lexer: Lexer): string {
  const character = String.fromCodePoint(lexer.text.codePointAt(lexer.at) ?? 0);
  lexer.at += character.length;
  lexer.runes++;
  return character;
}

function tokenFrom(lexer: Lexer, kind: TokenKind, runes: number, value: string): Token {
  const { line, lineStart, isBuiltIn } = lexer;
  return { kind, value, position: { line, column: runes - lineStart + 1, isBuiltIn }, error: null };
}

function invalid(lexer: Lexer, text: string): Token {
  const position = { line: lexer.line, column: lexer.runes - lexer.lineStart + 1, isBuiltIn: lexer.isBuiltIn };
  return { kind: "<Invalid>", value: "", position, error: new GraphqlError(placedText(position, text)) };
}

function readMatch(lexer: Lexer, pattern: RegExp, kind: "Comment" | "Name"): Token {
  pattern.lastIndex = lexer.at;
  const value = pattern.exec(lexer.text)?.[0] ?? "";
  const start = lexer.runes;
  lexer.at += value.length;
  lexer.runes += kind === "Name" ? value.length : Array.from(value).length;
  return tokenFrom(lexer, kind, start, value);
}

// ── numbers

function readNumber(lexer: Lexer): Token {
  const start = { at: lexer.at, runes: lexer.runes };
  const expected = (): Token => invalid(lexer, `Invalid number, expected digit but got: ${describeNext(lexer)}.`);
  accept(lexer, "-");
  if (accept(lexer, "0")) {
    if (isDigit(lexer)) return invalid(lexer, `Invalid number, unexpected digit after 0: ${describeNext(lexer)}.`);
  } else if (!acceptDigits(lexer)) {
    return expected();
  }
  const hasPoint = accept(lexer, ".");
  if (hasPoint && !acceptDigits(lexer)) return expected();
  const hasExponent = accept(lexer, "eE");
  if (hasExponent) accept(lexer, "-+");
  if (hasExponent && !acceptDigits(lexer)) return expected();
  const value = lexer.text.slice(start.at, lexer.at);
  return tokenFrom(lexer, hasPoint || hasExponent ? "Float" : "Int", start.runes, value);
}

function accept(lexer: Lexer, characters: string): boolean {
  const next = lexer.text[lexer.at];
  if (next === undefined || !characters.includes(next)) return false;
  move(lexer, 1);
  return true;
}

function isDigit(lexer: Lexer): boolean {
  return /[0-9]/.test(lexer.text[lexer.at] ?? "");
}

function acceptDigits(lexer: Lexer): boolean {
  if (!isDigit(lexer)) return false;
  while (isDigit(lexer)) move(lexer, 1);
  return true;
}

function describeNext(lexer: Lexer): string {
  return lexer.at < lexer.text.length ? `"${firstByte(lexer)}"` : "<EOF>";
}

// ── strings

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["/", "/"],
  ["\\", "\\"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

function readString(lexer: Lexer): Token {
  move(lexer, 1);
  const start = lexer.runes;
  const parts: string[] = [];
  for (;;) {
    const character = lexer.text[lexer.at];
    if (character === undefined || character === "\n" || character === "\r") {
      return invalid(lexer, "Unterminated string.");
    }
    if (character < " " && character !== "\t") {
      return invalid(lexer, `Invalid character within String: "${escaped(character)}".`);
    }
    if (character === '"') {
      const token = tokenFrom(lexer, "String", start, parts.join(""));
      move(lexer, 1);
      return token;
    }
    const part = character === "\\" ? readEscape(lexer) : moveCharacter(lexer);
    if (typeof part !== "string") return part;
    parts.push(part);
  }
}

/** What the escape at a backslash stands for. */
function readEscape(lexer: Lexer): string | Token {
  const { text, at } = lexer;
  const wrong = (sequence: string): Token => {
    move(lexer, 1);
    return invalid(lexer, `Invalid character escape sequence${sequence}.`);
  };
  const letter = text[at + 1];
  if (letter === undefined) return wrong("");
  if (letter === "u") {
    if (at + 6 >= text.length) return wrong(`: \\${text.slice(at + 1)}`);
    const digits = text.slice(at + 2, at + 6);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) return wrong(`: \\${text.slice(at + 1, at + 6)}`);
    move(lexer, 6);
    // Halves of a pair are no characters, and gqlparser joins none.
    return String.fromCharCode(Number.parseInt(digits, 16)).toWellFormed();
  }
  const meaning = escapes.get(letter);
  if (meaning === undefined) return wrong(`: \\${letter}`);
  move(lexer, 2);
  return meaning;
}

function readBlock(lexer: Lexer): Token {
  move(lexer, 3);
  const start = lexer.runes;
  const parts: string[] = [];
  for (;;) {
    const { text, at } = lexer;
    const character = text[at];
    if (character === undefined) return invalid(lexer, "Unterminated string.");
    if (character === '"') {
      const quotes = quotesAt(text, at);
      if (quotes >= 3) {
        parts.push('"'.repeat(quotes - 3));
        const token = tokenFrom(lexer, "BlockString", start, blockValue(parts.join("")));
        move(lexer, quotes);
        return token;
      }
    }
    if (character < " " && !"\t\n\r".includes(character)) {
      return invalid(lexer, `Invalid character within String: "${escaped(character)}".`);
    }
    parts.push(blockPart(lexer, character));
  }
}

function quotesAt(text: string, at: number): number {
  let end = at;
  while (text[end] === '"') end++;
  return end - at;
}

function blockPart(lexer: Lexer, character: string): string {
  if (lexer.text.startsWith('\\"""', lexer.at)) {
    move(lexer, 4);
    return '"""';
  }
  if (character !== "\r" && character !== "\n") return moveCharacter(lexer);
  move(lexer, character === "\r" && lexer.text[lexer.at + 1] === "\n" ? 2 : 1);
  newLine(lexer);
  return "\n";
}

/** Without the indent that all lines but the first share, and without empty lines at both ends. */
function blockValue(raw: string): string {
  const lines = raw.split("\n");
  const indents = lines.map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
  const filled = indents.filter((indent, at) => indent < (lines[at] ?? "").length);
  const common = filled.reduce((least, indent) => Math.min(least, indent), Infinity);
  const cut = lines.map((line, at) => (at === 0 || common === Infinity ? line : line.slice(common)));
  const isBlank = (line: string): boolean => /^[ \t]*$/.test(line);
  const first = cut.findIndex((line) => !isBlank(line));
  const last = cut.findLastIndex((line) => !isBlank(line));
  return first === -1 ? "" : cut.slice(first, last + 1).join("\n");
}
