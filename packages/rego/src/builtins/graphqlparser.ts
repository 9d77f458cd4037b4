// What the parsers of queries and schemas share: tokens with one in advance, comments that wait for the node behind them,
// the first error, values, arguments, directives and types. After an error everything goes on with the last token until
// the outermost loop sees it. gqlparser: parser/parser.go, query.go.

import { LimitError, type Budget } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import {
  type Argument,
  type ChildValue,
  type CommentGroup,
  type Directive,
  type GraphqlError,
  type Position,
  type TypeReference,
  type ValueNode,
  errorAt,
  valueKinds,
} from "./graphqlast.ts";
import { newNode } from "./graphqlstructs.ts";
import { type Lexer, type Token, type TokenKind, newLexer, readToken, tokenText } from "./graphqllexer.ts";

export interface Parser {
  readonly lexer: Lexer;
  readonly budget: Budget;
  error: GraphqlError | null;
  previous: Token;
  peeked: Token | null;
  /** Before the token at hand. */
  comment: CommentGroup | null;
  isInComment: boolean;
  depth: number;
}

/** About what a token costs, in steps. */
const tokenCost = 200;
/** About what a character of the text becomes, in bytes. */
const bytesPerCharacter = 64;

export function newParser(text: string, budget: Budget, isBuiltIn = false): Parser {
  budget.output(text.length * bytesPerCharacter);
  const lexer = newLexer(text, isBuiltIn);
  const position = { line: 0, column: 0, isBuiltIn };
  const previous: Token = { kind: "<Invalid>", value: "", position, error: null };
  return { lexer, budget, error: null, previous, peeked: null, comment: null, isInComment: false, depth: 0 };
}

/** The token at hand. Comments before it are put aside. */
export function peek(p: Parser): Token {
  if (p.error !== null) return p.previous;
  if (p.peeked === null) {
    p.budget.step(tokenCost);
    p.peeked = readToken(p.lexer);
    if (p.peeked.kind === "Comment") readComments(p);
  }
  return p.peeked;
}

function readComments(p: Parser): void {
  if (p.isInComment) return;
  p.isInComment = true;
  const comments: { Value: string }[] = [];
  for (let token = peek(p); token.kind === "Comment" && p.error === null; token = peek(p)) {
    comments.push(newNode("Comment", { Value: token.value }));
    next(p);
  }
  p.comment = newNode("CommentGroup", { List: comments });
  p.isInComment = false;
}

export function next(p: Parser): Token {
  const token = peek(p);
  if (p.error !== null) return p.previous;
  p.peeked = null;
  p.comment = null;
  p.previous = token;
  p.error = token.error;
  return token;
}

export function peekPosition(p: Parser): Position | null {
  return p.error === null ? peek(p).position : null;
}

export function fail(p: Parser, token: Token, text: string): void {
  p.error ??= errorAt(token.position, text);
}

export function unexpected(p: Parser, token = peek(p)): void {
  fail(p, token, `Unexpected ${tokenText(token)}`);
}

/** Takes a token of a kind; the comment before it. */
export function expect(p: Parser, kind: TokenKind): CommentGroup | null {
  const token = peek(p);
  const { comment } = p;
  if (token.kind === kind) next(p);
  else fail(p, token, `Expected ${kind}, found ${token.kind}`);
  return comment;
}

export function expectKeyword(p: Parser, word: string): CommentGroup | null {
  const token = peek(p);
  const { comment } = p;
  if (token.kind === "Name" && token.value === word) next(p);
  else fail(p, token, `Expected ${quote(word)}, found ${tokenText(token)}`);
  return comment;
}

export function skip(p: Parser, kind: TokenKind): boolean {
  if (p.error !== null || peek(p).kind !== kind) return false;
  next(p);
  return true;
}

export function parseName(p: Parser): string {
  const token = peek(p);
  expect(p, "Name");
  return p.error === null ? token.value : "";
}

export interface Brackets {
  readonly open: TokenKind;
  readonly close: TokenKind;
}

export const braces: Brackets = { open: "{", close: "}" };
export const parentheses: Brackets = { open: "(", close: ")" };
const squareBrackets: Brackets = { open: "[", close: "]" };

/** Any number of elements; none without an opening bracket. */
function many<T>(p: Parser, { open, close }: Brackets, element: () => T): T[] {
  const elements: T[] = [];
  if (!skip(p, open)) return elements;
  while (peek(p).kind !== close && p.error === null) elements.push(nested(p, element));
  next(p);
  return elements;
}

/** The same, but brackets must not be empty; and the comment before the closing one. */
export function some<T>(
  p: Parser,
  { open, close }: Brackets,
  element: () => T,
): { readonly elements: T[]; readonly comment: CommentGroup | null } {
  const elements: T[] = [];
  if (!skip(p, open)) return { elements, comment: null };
  while (peek(p).kind !== close && p.error === null) elements.push(nested(p, element));
  if (elements.length === 0) {
    fail(p, peek(p), `expected at least one definition, found ${peek(p).kind}`);
    return { elements, comment: null };
  }
  const { comment } = p;
  next(p);
  return { elements, comment };
}

/** Brackets within brackets take stack here and in all that follows. */
const depthMax = 500;

function nested<T>(p: Parser, element: () => T): T {
  p.depth++;
  if (p.depth > depthMax) throw new LimitError("depth");
  const made = element();
  p.depth--;
  return made;
}

// ── values, arguments, directives, types

export function parseArguments(p: Parser, isConstant: boolean): Argument[] {
  return some(p, parentheses, () => {
    const argument = newNode("Argument", { position: peekPosition(p), Comment: p.comment, Name: parseName(p) });
    expect(p, ":");
    argument.Value = parseValue(p, isConstant);
    return argument;
  }).elements;
}

export function parseDirectives(p: Parser, isConstant: boolean): Directive[] {
  const directives: Directive[] = [];
  while (p.error === null && peek(p).kind === "@") {
    expect(p, "@");
    const position = peekPosition(p);
    directives.push(newNode("Directive", { position, Name: parseName(p), Arguments: parseArguments(p, isConstant) }));
  }
  return directives;
}

export function parseVariable(p: Parser): string {
  expect(p, "$");
  return parseName(p);
}

const literalKinds: ReadonlyMap<TokenKind, number> = new Map([
  ["Int", valueKinds.int],
  ["Float", valueKinds.float],
  ["String", valueKinds.string],
  ["BlockString", valueKinds.block],
]);

/** A constant holds no variables. */
export function parseValue(p: Parser, isConstant: boolean): ValueNode | null {
  const token = peek(p);
  const { position } = token;
  if (token.kind === "[") return parseList(p, isConstant);
  if (token.kind === "{") return parseObject(p, isConstant);
  if (token.kind === "$" && !isConstant) {
    return newNode("Value", { position, Raw: parseVariable(p), Comment: p.comment, Kind: valueKinds.variable });
  }
  const kind = token.kind === "Name" ? nameKind(token.value) : literalKinds.get(token.kind);
  if (kind === undefined) {
    unexpected(p);
    return null;
  }
  next(p);
  return newNode("Value", { position, Raw: token.value, Kind: kind });
}

function nameKind(name: string): number {
  if (name === "true" || name === "false") return valueKinds.boolean;
  return name === "null" ? valueKinds.null : valueKinds.enum;
}

function parseList(p: Parser, isConstant: boolean): ValueNode {
  const [position, comment] = [peekPosition(p), p.comment];
  const children = many(p, squareBrackets, () => newNode("ChildValue", { Value: parseValue(p, isConstant) }));
  return newNode("Value", { position, Comment: comment, Children: children, Kind: valueKinds.list });
}

function parseObject(p: Parser, isConstant: boolean): ValueNode {
  const [position, comment] = [peekPosition(p), p.comment];
  const children = many(p, braces, (): ChildValue => {
    const field = newNode("ChildValue", { position: peekPosition(p), Comment: p.comment, Name: parseName(p) });
    expect(p, ":");
    field.Value = parseValue(p, isConstant);
    return field;
  });
  return newNode("Value", { position, Comment: comment, Children: children, Kind: valueKinds.object });
}

export function parseType(p: Parser): TypeReference {
  const made = newNode("Type");
  if (skip(p, "[")) {
    made.position = peekPosition(p);
    made.Elem = nested(p, () => parseType(p));
    expect(p, "]");
  } else {
    made.position = peekPosition(p);
    made.NamedType = parseName(p);
  }
  made.NonNull = skip(p, "!");
  return made;
}
