// The parser's place in the text. A Place is an immutable value: the current token and everything that going back must
// undo (errors, hints); so saving is keeping it, and restoring is putting it back. Rego cannot be parsed without going
// back (`{x | y}` may be a comprehension or a set of a union), and what keeps that linear is the memory of terms by
// their offset: whoever comes back to a term gets it, or its failure, at once. OPA: v1/ast/parser.go state,
// parsedTermCache; messages and their order follow from doing it in the same order.

import { type Diagnostic, type Source, type Span, spanOf } from "@portcullis/lang";
import type { Body, Comment, Expr, RegoVersion, Term, VarTerm } from "../ast.ts";
import { allFuture, isKeywordKind, isKeywordOf, kindText, type Keywords } from "./keyword.ts";
import { continueTemplate, scan, type Token, type TokenKind } from "./lexer.ts";

export interface Place {
  readonly token: Token;
  /** The token's kind as the grammar takes it: a name that is a keyword here is that keyword. */
  readonly kind: TokenKind;
  /** Where the token before this one, white space apart, ended. */
  readonly lastEnd: number;
  /** A line ended between that token and this one. */
  readonly newline: boolean;
  readonly errors: ErrorList | null;
  readonly hints: readonly string[];
}

/** Errors, last first. */
interface ErrorList {
  readonly message: string;
  readonly offset: number;
  readonly previous: ErrorList | null;
  readonly count: number;
}

/** Errors beyond these are not kept: a hostile text can have one at every character. */
export const maximumErrors = 100;

export interface Parser {
  readonly source: Source;
  readonly text: string;
  readonly version: RegoVersion;
  readonly options: Required<ParseOptions>;
  readonly grammar: Grammar;
  place: Place;
  keywords: Keywords;
  /** `not` makes a body of its own (future.keywords.not, rego.v2). */
  notBodies: boolean;
  terms: Map<number, RememberedTerm>;
  readonly comments: Map<number, Comment>;
  readonly wildcards: Map<number, VarTerm>;
  wildcardCount: number;
  depth: number;
  /** In a try whose only result is a hint; such tries do not nest. */
  guessing: boolean;
}

interface RememberedTerm {
  readonly term: Term | null;
  readonly before: Place;
  readonly after: Place;
}

/**
 * The term that a production reads here, which runs only the first time. Coming back repeats its errors. The same word
 * taken for a keyword and for a name are two terms.
 */
export function remembered(p: Parser, production: () => Term | null): Term | null {
  const { place } = p;
  const key = place.token.start * 2 + (isKeywordKind(place.kind) ? 1 : 0);
  const known = p.terms.get(key);
  if (known === undefined) {
    const term = production();
    p.terms.set(key, { term, before: place, after: p.place });
    return term;
  }
  const { term, before, after } = known;
  if (contains(place.errors, after.errors)) {
    // Its errors were reported just now; only a rolled-back try has to report them again.
    p.place = after;
    return term;
  }
  const hints = after.hints === before.hints ? place.hints : after.hints;
  p.place = { ...after, errors: place.errors, hints };
  for (const { offset, message } of errorsSince(before.errors, after.errors)) {
    p.place = { ...p.place, errors: withError(p.place.errors, offset, message) };
  }
  p.terms.set(key, { term, before: place, after: p.place });
  return term;
}

function contains(list: ErrorList | null, part: ErrorList | null): boolean {
  if (part === null) return false;
  let link = list;
  while (link !== null && link !== part) link = link.previous;
  return link !== null;
}

/** Errors that were added to a list, first first. */
function errorsSince(before: ErrorList | null, after: ErrorList | null): ErrorList[] {
  const added: ErrorList[] = [];
  for (let link = after; link !== null && link !== before; link = link.previous) added.push(link);
  return added.toReversed();
}

export interface ParseOptions {
  /** Read `# METADATA` blocks, whose mistakes are errors; Gatekeeper does not. Default true. */
  readonly annotations?: boolean;
  /**
   * Whose grammar: Gatekeeper 3.23 compiles with OPA 1.17, in which `import future.keywords` leaves `not` as it was and
   * neither `and`/`or` nor `rego.v2` exist. Default 1.22.
   */
  readonly opa?: "1.17" | "1.22";
}

/** Productions that terms need and that need terms; `parser.ts` ties the knot. */
interface Grammar {
  readonly literal: (p: Parser) => Expr | null;
  /** A body in brackets, which `end` closes; the place is then at `end`. */
  readonly body: (p: Parser, end: TokenKind) => Body | null;
  /** A term without operators around it. */
  readonly term: (p: Parser) => Term | null;
  /** A term with operators, `k, v in xs` included. */
  readonly infix: (p: Parser) => Term | null;
  /** The same as an element of a list, where a comma ends it. */
  readonly element: (p: Parser) => Term | null;
}

/** How deeply brackets, bodies and operands may nest. OPA stops at 100000 calls, about ten to a bracket. */
const maximumDepth = 250;

/** Runs a production one level deeper; null with an error where that is too deep. */
export function nested<T>(p: Parser, production: () => T): T | null {
  if (p.depth >= maximumDepth) {
    errorHere(p, tooDeep);
    return null;
  }
  p.depth++;
  const made = production();
  p.depth--;
  return made;
}

export const tooDeep = "max parsing recursion depth exceeded";

// ── moving

/** To the next token that is not white space. */
export function advance(p: Parser): void {
  move(p, true);
}

/** To the next token, which may be white space. */
export function advanceToSpace(p: Parser): void {
  move(p, false);
}

function move(p: Parser, skipSpace: boolean): void {
  const { place } = p;
  const inSpace = place.kind === "whitespace";
  const lastEnd = inSpace ? place.lastEnd : place.token.end;
  let newline = inSpace && place.newline;
  let { errors, hints } = place;
  let at = place.token.end;
  for (;;) {
    const token = scan(p.text, at);
    at = token.end;
    for (const message of token.errors) {
      errors = withError(errors, token.start, withHints(message, hints));
      hints = [];
    }
    if (token.kind === "comment") {
      addComment(p, token);
    } else if (token.kind === "whitespace" && skipSpace) {
      newline ||= hasNewline(p.text, token);
    } else {
      newline ||= token.kind === "whitespace" && hasNewline(p.text, token);
      const kind = token.kind === "identifier" ? (p.keywords.get(token.text) ?? "identifier") : token.kind;
      p.place = { token, kind, lastEnd, newline, errors, hints };
      return;
    }
  }
}

function hasNewline(text: string, { start, end }: Token): boolean {
  for (let at = start; at < end; at++) if (text.charCodeAt(at) === 0x0a) return true;
  return false;
}

/** From the `}` that ended an expression to the part of the template string that follows it. */
export function advanceInTemplate(p: Parser, raw: boolean): void {
  const { place } = p;
  const token = continueTemplate(p.text, place.token.start, raw);
  p.place = { ...place, token, kind: token.kind, lastEnd: place.token.end, newline: false };
  for (const message of token.errors) error(p, token.start, message);
}

function addComment(p: Parser, token: Token): void {
  if (p.comments.has(token.start)) return;
  const text = token.text.slice(1).replace(/(?<!\r)\r+$/, "");
  p.comments.set(token.start, { text, span: spanOf(p.source, token.start, token.end) });
}

/** The current kind, for comparisons after a move, which TypeScript does not see. */
export function kindOf(p: Parser): TokenKind {
  return p.place.kind;
}

/** The kind of the token after this one, white space included, leaving the place as it is. */
export function peekToSpace(p: Parser): TokenKind {
  return scan(p.text, p.place.token.end).kind;
}

/** Takes the current token for a plain name. */
export function takeAsName(p: Parser): void {
  p.place = { ...p.place, kind: "identifier" };
}

/** Whether the current token is a keyword that may be a name inside of a reference. */
export function isRefKeyword(p: Parser): boolean {
  const { kind, token } = p.place;
  return isKeywordKind(kind) && (isKeywordOf(p.version, token.text) || p.keywords.has(token.text));
}

/** Takes a keyword that begins a reference (`if.x`, `not[0]`) for a name; says whether it did. */
export function takeKeywordOfRef(p: Parser): boolean {
  if (!isRefKeyword(p)) return false;
  const next = peekToSpace(p);
  if (next !== "." && next !== "[") return false;
  takeAsName(p);
  return true;
}

/** Tries a production with every future keyword known, for a hint, and leaves no trace of it. */
export function guess<T>(p: Parser, production: () => T): T | null {
  if (p.guessing) return null;
  const { place, keywords, terms } = p;
  p.guessing = true;
  p.keywords = new Map([...keywords, ...allFuture]);
  p.terms = new Map();
  const made = production();
  p.place = place;
  p.keywords = keywords;
  p.terms = terms;
  p.guessing = false;
  return made;
}

// ── spans and names

/** From an offset to the end of the last token. */
export function spanFrom(p: Parser, start: number): Span {
  return spanOf(p.source, start, Math.max(start, p.place.lastEnd));
}

/** The current token's. */
export function spanHere(p: Parser): Span {
  const { start, end } = p.place.token;
  return spanOf(p.source, start, end);
}

/** The variable at the current token; `_` is one of its own, the same each time that the parser comes by. */
export function variableHere(p: Parser): VarTerm {
  const { text, start } = p.place.token;
  const span = spanHere(p);
  if (text !== "_") return { kind: "var", name: text, span };
  const known = p.wildcards.get(start);
  if (known !== undefined) return known;
  const made = newWildcard(p, span);
  p.wildcards.set(start, made);
  return made;
}

export function newWildcard(p: Parser, span: Span): VarTerm {
  return { kind: "var", name: `$${p.wildcardCount++}`, span };
}

// ── errors

/** Adds an error, with the hints that were given since the last one. */
export function error(p: Parser, offset: number, message: string): void {
  const { place } = p;
  const errors = withError(place.errors, offset, withHints(message, place.hints));
  p.place = { ...place, errors, hints: [] };
}

function withError(previous: ErrorList | null, offset: number, message: string): ErrorList {
  const count = (previous?.count ?? 0) + 1;
  return previous !== null && count > maximumErrors ? previous : { message, offset, previous, count };
}

export function errorHere(p: Parser, message: string): void {
  error(p, p.place.token.start, message);
}

/** The current token does not belong here. */
export function unexpected(p: Parser, note = ""): void {
  const { kind } = p.place;
  if (kind === "illegal") {
    errorHere(p, "illegal token");
    return;
  }
  const what = `unexpected ${kindText(kind)} ${isKeywordKind(kind) ? "keyword" : "token"}`;
  errorHere(p, note === "" ? what : `${what}: ${note}`);
}

/** Explains the next error. */
export function hint(p: Parser, text: string): void {
  p.place = { ...p.place, hints: [...p.place.hints, text] };
}

function withHints(message: string, hints: readonly string[]): string {
  if (hints.length === 0) return message;
  return `${message} (${hints.length === 1 ? "hint" : "hints"}: ${hints.join(", ")})`;
}

/** The errors so far, in order, each with its line and a caret below it as notes. */
export function diagnosticsOf(p: Parser): Diagnostic[] {
  const all: Diagnostic[] = [];
  for (let link = p.place.errors; link !== null; link = link.previous) {
    all.push(syntaxError(p.source, link.offset, link.message));
  }
  return all.toReversed();
}

/** An error with its line as notes. */
export function syntaxError(source: Source, offset: number, message: string): Diagnostic {
  const { text } = source;
  const start = shownOffset(text, offset);
  return {
    code: "rego_parse_error",
    severity: "error",
    message,
    span: spanOf(source, start, Math.min(text.length, start + 1)),
    notes: excerpt(text, offset).map((line) => ({ message: line, span: null })),
  };
}

/** The end of the text is shown at its last character, unless that ended a line; a line's end on the next line. */
function shownOffset(text: string, offset: number): number {
  if (offset >= text.length) return text.endsWith("\n") ? text.length : Math.max(0, text.length - 1);
  return text[offset] === "\n" ? offset + 1 : offset;
}

/** Longer lines are not shown: a hostile text is one line of a megabyte. */
const longestExcerpt = 10_000;

/** The line and, below it, a caret. Columns count bytes, tabs at the start not at all. OPA: newParserErrorDetail. */
function excerpt(text: string, offset: number): readonly string[] {
  let at = Math.max(0, Math.min(offset, text.length - 1));
  while (at > 0 && isSpace(text.charCodeAt(at))) at--;
  let begin = at;
  while (begin > 0 && !isLineEnd(text.charCodeAt(begin))) begin--;
  if (isLineEnd(text.charCodeAt(begin))) begin++;
  let end = at;
  while (end < text.length && !isLineEnd(text.charCodeAt(end))) end++;
  if (end - begin > longestExcerpt) return [];
  const full = text.slice(Math.min(begin, end), end);
  const line = full.replace(/^\t+/, "");
  const tabs = full.length - line.length;
  return [line, `${" ".repeat(Math.max(0, byteLength(text, begin, at) - tabs))}^`];
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function isLineEnd(code: number): boolean {
  return code === 0x0a || code === 0x0d;
}

function byteLength(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    // A surrogate is half of four bytes.
    count += code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 2 : 3;
  }
  return count;
}
