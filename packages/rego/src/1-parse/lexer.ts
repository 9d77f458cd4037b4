// Text to tokens, one at a time from a given offset, without state: the parser goes back and forth in the text, reads
// the same word as a keyword here and as a name there, and continues template strings in the middle. White space runs
// are tokens too, because `a.b` and `a .b` differ. What a malformed token is called, and that such a token spoils only
// itself, is OPA's (v1/ast/internal/scanner/scanner.go): it looks one character ahead, so a forbidden character is
// blamed on the token before it.

/** Tokens by the names that OPA's messages give them; `logical-and` and `logical-or` print as `and` and `or`. */
export type TokenKind =
  | ("illegal" | "eof" | "whitespace" | "identifier" | "comment" | "number" | "string")
  | ("template-string-part" | "template-string-end" | "raw-template-string-part" | "raw-template-string-end")
  | ("[" | "]" | "{" | "}" | "(" | ")" | "," | ":" | "." | ";")
  | ("plus" | "minus" | "mul" | "div" | "rem" | "and" | "or")
  | ("eq" | "equal" | "assign" | "neq" | "gt" | "lt" | "gte" | "lte")
  | Keyword;

export type Keyword =
  | ("package" | "import" | "as" | "default" | "else" | "not" | "some" | "with" | "null" | "true" | "false")
  | ("in" | "every" | "contains" | "if" | "logical-and" | "logical-or");

export interface Token {
  readonly kind: TokenKind;
  /** Offsets of UTF-16 units. */
  readonly start: number;
  readonly end: number;
  /**
   * Names and numbers as written; strings with their delimiters. In parts of template strings `\{` is `{` already, and
   * the first and last character are delimiters.
   */
  readonly text: string;
  /** What is wrong with it; the kind is then `illegal`. */
  readonly errors: readonly string[];
}

const noErrors: readonly string[] = [];

const identifier = /[A-Za-z_][A-Za-z_0-9\p{Nd}]*/uy;
const whitespace = /[ \t\r\n]+/y;
const digits = /[0-9]*/y;
const letters = /[A-Za-z_0-9\p{Nd}]*/uy;
const byteOrderMark = "\uFEFF";

const symbols: ReadonlyMap<string, TokenKind> = new Map<string, TokenKind>([
  ["[", "["],
  ["]", "]"],
  ["{", "{"],
  ["}", "}"],
  ["(", "("],
  [")", ")"],
  [",", ","],
  [".", "."],
  [";", ";"],
  ["+", "plus"],
  ["-", "minus"],
  ["*", "mul"],
  ["/", "div"],
  ["%", "rem"],
  ["&", "and"],
  ["|", "or"],
  [":", ":"],
  ["=", "eq"],
  [">", "gt"],
  ["<", "lt"],
  [":=", "assign"],
  ["==", "equal"],
  [">=", "gte"],
  ["<=", "lte"],
  ["!=", "neq"],
]);

/** The token at an offset; names are `identifier` even where they are keywords. */
export function scan(text: string, start: number): Token {
  if (start >= text.length) return checked(text, { kind: "eof", start: text.length, end: text.length });
  const char = text.charAt(start);
  if (char === " " || char === "\n" || char === "\t" || char === "\r") {
    return checked(text, { kind: "whitespace", start, end: match(whitespace, text, start) });
  }
  if (isLetter(char)) return scanName(text, start);
  if (isDecimal(char)) return scanNumber(text, start);
  if (char === "#") return checked(text, { kind: "comment", start, end: lineEnd(text, start) });
  if (char === '"') return scanString(text, start);
  if (char === "`") return scanRawString(text, start);
  if (char === "$") return scanTemplateStart(text, start);
  const pair = symbols.get(text.slice(start, start + 2));
  if (pair !== undefined && text.length > start + 1) return checked(text, { kind: pair, start, end: start + 2 });
  const single = symbols.get(char);
  if (single !== undefined) return checked(text, { kind: single, start, end: start + 1 });
  return scanIllegal(text, start);
}

/**
 * OPA's scanner takes the first bytes of a character that is not ASCII along, which makes the name no keyword: of
 * `not x` with a space that does not break, only the space is wrong.
 */
function scanName(text: string, start: number): Token {
  const token = checked(text, { kind: "identifier", start, end: match(identifier, text, start) });
  const next = text.codePointAt(token.end) ?? 0;
  if (next < 0x80) return token;
  const more = next < 0x800 ? 1 : next < 0x10000 ? 2 : 3;
  return { ...token, text: token.text + "\uFFFD".repeat(more) };
}

function scanIllegal(text: string, start: number): Token {
  const point = text.codePointAt(start) ?? 0;
  const end = start + (point > 0xffff ? 2 : 1);
  if (point === 0x21) return checked(text, { kind: "illegal", start, end, errors: ["illegal ! character"] });
  if (point !== 0xa0) return checked(text, { kind: "illegal", start, end });
  const message = "illegal non-breaking space character, use a regular space instead";
  return checked(text, { kind: "illegal", start, end, errors: [message] });
}

function scanNumber(text: string, start: number): Token {
  const errors: string[] = [];
  let end = match(digits, text, start);
  if (text[end] === ".") {
    const fraction = match(digits, text, end + 1);
    if (fraction === end + 1) errors.push("expected fraction");
    end = fraction;
  }
  if (text[end] === "e" || text[end] === "E") {
    const sign = text[end + 1] === "+" || text[end + 1] === "-" ? 1 : 0;
    const exponent = match(digits, text, end + 1 + sign);
    if (exponent === end + 1 + sign) errors.push("expected exponent");
    end = exponent;
  }
  if (isLetter(text.charAt(end))) {
    // `0a2b` is one wrong number, not a number and a name.
    errors.push("illegal number format");
    end = match(letters, text, end);
  }
  // OPA's scanner takes the first bytes of a character that is not ASCII along, which makes it no number.
  if (text.charCodeAt(end) > 0x7f) end++;
  return checked(text, { kind: "number", start, end, errors });
}

function scanString(text: string, start: number): Token {
  const errors: string[] = [];
  const { end, closed } = scanCharacters(text, start + 1, { errors, template: false, removed: [] });
  if (!closed) errors.push("non-terminated string");
  return checked(text, { kind: "string", start, end, errors });
}

function scanRawString(text: string, start: number): Token {
  const close = text.indexOf("`", start + 1);
  if (close !== -1) return checked(text, { kind: "string", start, end: close + 1 });
  return checked(text, { kind: "string", start, end: text.length, errors: ["non-terminated string"] });
}

function scanTemplateStart(text: string, start: number): Token {
  const quote = text[start + 1];
  if (quote === '"' || quote === "`") return scanTemplate(text, { start, from: start + 2, raw: quote === "`" });
  return checked(text, { kind: "illegal", start, end: start + 1, errors: ["illegal $ character"] });
}

/** The part of a template string that follows an expression; `brace` is the offset of the `}` that ended it. */
export function continueTemplate(text: string, brace: number, raw: boolean): Token {
  return scanTemplate(text, { start: brace + 1, from: brace + 1, raw });
}

interface TemplateRange {
  readonly start: number;
  /** Offset of the first character of content; the delimiter stands before it. */
  readonly from: number;
  readonly raw: boolean;
}

function scanTemplate(text: string, { start, from, raw }: TemplateRange): Token {
  const errors: string[] = [];
  const removed: number[] = [];
  const scanned = raw
    ? scanRawTemplate(text, from, removed)
    : scanCharacters(text, from, { errors, template: true, removed });
  if (!scanned.closed) errors.push("non-terminated string");
  const ended = scanned.closed && text[scanned.end - 1] !== "{";
  const kind = `${raw ? "raw-" : ""}template-string-${ended ? "end" : "part"}` as const;
  return {
    ...checked(text, { kind, start, end: scanned.end, errors }),
    text: without(text, from - 1, scanned.end, removed),
  };
}

interface Scanned {
  readonly end: number;
  readonly closed: boolean;
}

interface Characters {
  readonly errors: string[];
  readonly template: boolean;
  /** Offsets of backslashes to leave out. */
  readonly removed: number[];
}

/** Up to and including the closing quote, or the `{` that opens an expression of a template. */
function scanCharacters(text: string, from: number, { errors, template, removed }: Characters): Scanned {
  let at = from;
  while (at < text.length) {
    const char = text[at];
    if (char === "\n") return { end: at, closed: false };
    at++;
    if (char === '"' || (template && char === "{")) return { end: at, closed: true };
    if (char !== "\\") continue;
    const escaped = text[at];
    if (escaped === "u") {
      // Whatever these four characters are: the check of the string's value finds them wrong.
      for (let count = 0; count < 5 && at < text.length; count++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    } else if (escaped !== undefined && '\\"/bfnrt'.includes(escaped)) {
      at++;
    } else if (template && escaped === "{") {
      removed.push(at - 1);
      at++;
    } else {
      errors.push("illegal escape sequence");
    }
  }
  return { end: at, closed: false };
}

function scanRawTemplate(text: string, from: number, removed: number[]): Scanned {
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === "`" || char === "{") return { end: at + 1, closed: true };
    if (char === "\\" && text[at + 1] === "{") removed.push(at++);
  }
  return { end: text.length, closed: false };
}

function without(text: string, start: number, end: number, removed: readonly number[]): string {
  if (removed.length === 0) return text.slice(start, end);
  const pieces: string[] = [];
  let from = start;
  for (const offset of removed) {
    pieces.push(text.slice(from, offset));
    from = offset + 1;
  }
  pieces.push(text.slice(from, end));
  return pieces.join("");
}

interface Draft {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
  readonly errors?: readonly string[];
}

function checked(text: string, { kind, start, end, errors = noErrors }: Draft): Token {
  const found = forbidden(text, start, end);
  const all = found.length === 0 ? errors : [...errors, ...found];
  const value = kind === "eof" || kind === "whitespace" ? "" : text.slice(start, end);
  return { kind: all.length === 0 ? kind : "illegal", start, end, text: value, errors: all };
}

/** Characters that no text may hold, from the second one of the token to the one that follows it. */
function forbidden(text: string, start: number, end: number): readonly string[] {
  if (start > 0 && end - start < 2) {
    // Nearly every token ends here: one look at the character that follows.
    const code = text.charCodeAt(end);
    if (code !== 0 && code !== 0xfeff) return noErrors;
  }
  const found: string[] = [];
  for (let at = start === 0 ? 0 : start + 1; at <= end && at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0) found.push("illegal null character");
    else if (code === 0xfeff && at > 0) found.push("illegal byte-order mark");
  }
  return found;
}

/** Where the first token starts: after a byte-order mark. */
export function textStart(text: string): number {
  return text.startsWith(byteOrderMark) ? 1 : 0;
}

function match(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : start;
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end === -1 ? text.length : end;
}

function isLetter(char: string): boolean {
  return (char >= "a" && char <= "z") || (char >= "A" && char <= "Z") || char === "_";
}

function isDecimal(char: string): boolean {
  return char >= "0" && char <= "9";
}
