// Tokens to a tree: a Pratt parser with go-jmespath's binding powers. A projection (`[*]`, `.*`, `[]`, `[?…]`, a slice)
// parses what follows it as its right side, up to a token that binds weaker than ten: that is its scope.
//
// The specification and Go's parser take the same grammar, but Go's also takes what is broken: it needs no comma between
// arguments or pairs, takes nearly anything before a parenthesis for a function's name, `&` anywhere, and a broken index
// at the start of an expression for an empty expression. The messages are Go's in both. Go: go-jmespath parser.go.

import { type Diagnostic, type Out, type Source, type Span, errorAt, spanOf } from "@portcullis/lang";
import { type Comparator, type Entry, type Node, childrenOf } from "../ast.ts";
import type { Dialect } from "../dialect.ts";
import { decodeJson } from "@portcullis/lang/go";
import type { Value } from "../runtime/value.ts";
import { type Token, type TokenType, tokenize } from "./lexer.ts";
import { syntaxError } from "./syntax.ts";

/** Tokens that are not named bind with zero. */
const bindingPowers: Partial<Readonly<Record<TokenType, number>>> = {
  tPipe: 1,
  tOr: 2,
  tAnd: 3,
  tEQ: 5,
  tLT: 5,
  tLTE: 5,
  tGT: 5,
  tGTE: 5,
  tNE: 5,
  tFlatten: 9,
  tStar: 20,
  tFilter: 21,
  tDot: 40,
  tNot: 45,
  tLbrace: 50,
  tLbracket: 55,
  tLparen: 60,
};

const comparators: Partial<Readonly<Record<TokenType, Comparator>>> = {
  tEQ: "==",
  tNE: "!=",
  tLT: "<",
  tLTE: "<=",
  tGT: ">",
  tGTE: ">=",
};

/** Trees are walked by recursion; nothing that a person writes is nested so deeply. */
const depthMax = 500;

/** The tree of an expression; null after an error. */
export function parse(source: Source, engine: Dialect["engine"]): Out<Node | null> {
  const { value: tokens, diagnostics } = tokenize(source, engine);
  if (tokens === null) return { value: null, diagnostics };
  try {
    return { value: new Parser(source, tokens, engine).all(), diagnostics: [] };
  } catch (error) {
    if (error instanceof Wrong) return { value: null, diagnostics: [error.diagnostic] };
    throw error;
  }
}

/** Ends the parse; never leaves this file. */
class Wrong extends Error {
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic) {
    super(diagnostic.message);
    this.diagnostic = diagnostic;
  }
}

class Parser {
  readonly #source: Source;
  readonly #tokens: readonly Token[];
  readonly #lenient: boolean;
  readonly #depths = new WeakMap<Node, number>();
  #at = 0;
  #depth = 0;

  constructor(source: Source, tokens: readonly Token[], engine: Dialect["engine"]) {
    this.#source = source;
    this.#tokens = tokens;
    this.#lenient = engine === "go-jmespath";
  }

  all(): Node {
    const node = this.#expression(0);
    if (this.#type() === "tEOF") return node;
    return this.#fail(`Unexpected token at the end of the expression: ${this.#type()}`);
  }

  #expression(power: number): Node {
    this.#depth++;
    if (this.#depth > depthMax) this.#tooDeep();
    let left = this.#prefix(this.#take());
    while (power < powerOf(this.#type())) left = this.#infix(this.#take(), left);
    this.#depth--;
    return left;
  }

  // ── what begins an expression

  #prefix(token: Token): Node {
    switch (token.type) {
      case "tJSONLiteral":
        return { kind: "literal", span: this.#from(token.start), value: this.#json(token) };
      case "tStringLiteral":
        return { kind: "literal", span: this.#from(token.start), value: token.value };
      case "tUnquotedIdentifier":
        return { kind: "field", span: this.#from(token.start), name: token.value };
      case "tQuotedIdentifier":
        if (this.#type() === "tLparen") this.#failAt(token, "Can't have quoted identifier as function Name.");
        return { kind: "field", span: this.#from(token.start), name: token.value };
      case "tStar":
        return this.#star(token);
      case "tFilter":
        return this.#filter(this.#current(token));
      case "tLbrace":
        return this.#multiHash(token.start);
      case "tFlatten":
        return this.#flatten(this.#current(token));
      case "tLbracket":
        return this.#bracket(token);
      case "tCurrent":
        return this.#current(token);
      case "tExpref":
        return this.#made({ kind: "reference", operand: this.#expression(0) }, token.start);
      case "tNot":
        return this.#made({ kind: "not", operand: this.#expression(powerOf("tNot")) }, token.start);
      case "tLparen":
        return this.#parenthesised();
      case "tEOF":
        return this.#failAt(token, "Incomplete expression");
      default:
        return this.#failAt(token, `Invalid token: ${token.type}`);
    }
  }

  /** `@`, or the value that a leading projection stands on. */
  #current(token: Token): Node {
    return { kind: "current", span: this.#from(token.start) };
  }

  #json(token: Token): Value {
    const decoded = decodeJson(token.value);
    if ("value" in decoded) return decoded.value as Value;
    // Go gives this error as the JSON decoder made it.
    throw new Wrong(errorAt("syntax", spanOf(this.#source, token.start, token.end), decoded.error));
  }

  #star(token: Token): Node {
    const left = this.#current(token);
    const right = this.#type() === "tRbracket" ? this.#identity() : this.#projected(powerOf("tStar"));
    return this.#made({ kind: "value-projection", left, right }, token.start);
  }

  #bracket(token: Token): Node {
    const type = this.#type();
    if (type === "tNumber" || type === "tColon") return this.#leadingIndex(token);
    if (type !== "tStar" || this.#type(1) !== "tRbracket") return this.#multiList(token.start);
    this.#at += 2;
    const right = this.#projected(powerOf("tStar"));
    return this.#made({ kind: "projection", left: this.#current(token), right }, token.start);
  }

  /** Go drops the error of a broken index here and goes on with an empty node where it stopped. */
  #leadingIndex(token: Token): Node {
    if (!this.#lenient) return this.#indexed(this.#current(token), this.#index());
    let right: Node;
    try {
      right = this.#index();
    } catch (error) {
      if (error instanceof Wrong) return { kind: "empty", span: this.#from(token.start) };
      throw error;
    }
    return this.#indexed(this.#current(token), right);
  }

  #parenthesised(): Node {
    const node = this.#expression(0);
    this.#match("tRparen");
    return node;
  }

  // ── what continues one

  #infix(token: Token, left: Node): Node {
    const { start } = left.span;
    switch (token.type) {
      case "tDot":
        return this.#dot(left);
      case "tPipe":
        return this.#made({ kind: "pipe", left, right: this.#expression(powerOf("tPipe")) }, start);
      case "tOr":
        return this.#made({ kind: "or", left, right: this.#expression(powerOf("tOr")) }, start);
      case "tAnd":
        return this.#made({ kind: "and", left, right: this.#expression(powerOf("tAnd")) }, start);
      case "tLparen":
        return this.#call(left);
      case "tFilter":
        return this.#filter(left);
      case "tFlatten":
        return this.#flatten(left);
      case "tLbracket":
        return this.#subscript(left);
      default: {
        const operator = comparators[token.type];
        if (operator === undefined) return this.#fail(`Unexpected token: ${token.type}`);
        return this.#made({ kind: "comparison", operator, left, right: this.#expression(powerOf(token.type)) }, start);
      }
    }
  }

  #dot(left: Node): Node {
    if (this.#type() !== "tStar") {
      return this.#made({ kind: "subexpression", left, right: this.#afterDot(powerOf("tDot")) }, left.span.start);
    }
    this.#at++;
    return this.#made({ kind: "value-projection", left, right: this.#projected(powerOf("tDot")) }, left.span.start);
  }

  #subscript(left: Node): Node {
    const type = this.#type();
    if (type === "tNumber" || type === "tColon") return this.#indexed(left, this.#index());
    this.#match("tStar");
    this.#match("tRbracket");
    return this.#made({ kind: "projection", left, right: this.#projected(powerOf("tStar")) }, left.span.start);
  }

  #flatten(operand: Node): Node {
    const { start } = operand.span;
    const left = this.#made({ kind: "flatten", operand }, start);
    return this.#made({ kind: "projection", left, right: this.#projected(powerOf("tFlatten")) }, start);
  }

  #filter(left: Node): Node {
    const condition = this.#expression(0);
    this.#match("tRbracket");
    const right = this.#type() === "tFlatten" ? this.#identity() : this.#projected(powerOf("tFilter"));
    return this.#made({ kind: "filter", left, condition, right }, left.span.start);
  }

  #call(callee: Node): Node {
    const args: Node[] = [];
    if (!this.#lenient && callee.kind !== "field") this.#fail(`Unexpected token: tLparen`);
    while (this.#type() !== "tRparen") {
      args.push(this.#expression(0));
      if (this.#type() === "tComma") {
        this.#at++;
        if (!this.#lenient && this.#type() === "tRparen") this.#fail("Invalid token: tRparen");
      } else if (!this.#lenient && this.#type() !== "tRparen") this.#match("tComma");
    }
    this.#match("tRparen");
    return this.#made({ kind: "call", name: calleeName(callee), arguments: args }, callee.span.start);
  }

  // ── parts

  #index(): Node {
    const { start } = this.#token();
    if (this.#type() === "tColon" || this.#type(1) === "tColon") return this.#slice(start);
    const index = this.#integer(this.#token());
    this.#at++;
    this.#match("tRbracket");
    return { kind: "index", span: this.#from(start), index };
  }

  #slice(start: number): Node {
    const parts: (number | null)[] = [null, null, null];
    let part = 0;
    for (let type = this.#type(); type !== "tRbracket" && part < 3; type = this.#type()) {
      if (type === "tColon") part++;
      else if (type === "tNumber") parts[part] = this.#integer(this.#token());
      else this.#fail(`Expected tColon or tNumber, received: ${type}`);
      this.#at++;
    }
    if (part > 2 && !this.#lenient) this.#fail(`Expected tRbracket, received: tColon`);
    this.#match("tRbracket");
    const [first = null, stop = null, step = null] = parts;
    return { kind: "slice", span: this.#from(start), start: first, stop, step };
  }

  #integer(token: Token): number {
    const number = Number(token.value);
    if (token.value !== "-" && Math.abs(number) < 2 ** 63) return number;
    const why = token.value === "-" ? "invalid syntax" : "value out of range";
    const message = `strconv.Atoi: parsing "${token.value}": ${why}`;
    throw new Wrong(errorAt("syntax", spanOf(this.#source, token.start, token.end), message));
  }

  /** An index; a slice projects what follows it. */
  #indexed(left: Node, right: Node): Node {
    const { start } = left.span;
    const indexed = this.#made({ kind: "subexpression", left, right }, start);
    if (right.kind !== "slice") return indexed;
    return this.#made({ kind: "projection", left: indexed, right: this.#projected(powerOf("tStar")) }, start);
  }

  #multiList(start: number): Node {
    const items: Node[] = [];
    for (;;) {
      items.push(this.#expression(0));
      if (this.#type() === "tRbracket") break;
      this.#match("tComma");
    }
    this.#match("tRbracket");
    return this.#made({ kind: "multi-list", items }, start);
  }

  #multiHash(start: number): Node {
    const entries: Entry[] = [];
    for (;;) {
      const token = this.#token();
      if (token.type !== "tUnquotedIdentifier" && token.type !== "tQuotedIdentifier") {
        this.#fail("Expected tQuotedIdentifier or tUnquotedIdentifier");
      }
      this.#at++;
      this.#match("tColon");
      entries.push({ key: token.value, value: this.#expression(0) });
      const after = this.#type();
      if (after === "tComma" || after === "tRbrace") this.#at++;
      else if (!this.#lenient) this.#match("tComma");
      if (after === "tRbrace") return this.#made({ kind: "multi-hash", entries }, start);
    }
  }

  #afterDot(power: number): Node {
    const { type, start } = this.#token();
    if (type === "tQuotedIdentifier" || type === "tUnquotedIdentifier" || type === "tStar") {
      return this.#expression(power);
    }
    if (type === "tLbracket" || type === "tLbrace") {
      this.#at++;
      return type === "tLbracket" ? this.#multiList(start) : this.#multiHash(start);
    }
    return this.#fail("Expected identifier, lbracket, or lbrace");
  }

  /** What a projection applies to each element. */
  #projected(power: number): Node {
    const type = this.#type();
    if (powerOf(type) < 10) return this.#identity();
    if (type === "tLbracket" || type === "tFilter") return this.#expression(power);
    if (type !== "tDot") return this.#fail("Error");
    this.#at++;
    return this.#afterDot(power);
  }

  #identity(): Node {
    const { end } = this.#previous();
    return { kind: "current", span: spanOf(this.#source, end, end) };
  }

  // ── tokens

  #token(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token;
  }

  #type(ahead = 0): TokenType {
    return this.#token(ahead).type;
  }

  #take(): Token {
    const token = this.#token();
    this.#at++;
    return token;
  }

  #previous(): Token {
    return this.#tokens[Math.max(this.#at - 1, 0)] as Token;
  }

  #match(type: TokenType): void {
    if (this.#type() !== type) this.#fail(`Expected ${type}, received: ${this.#type()}`);
    this.#at++;
  }

  #from(start: number): Span {
    return spanOf(this.#source, start, Math.min(this.#previous().end, this.#source.text.length));
  }

  /** Finishes a node with children and holds the tree's height down: long chains nest too. */
  #made(node: WithoutSpan<Node>, start: number): Node {
    const made = { ...node, span: this.#from(start) } as Node;
    let height = 0;
    for (const child of childrenOf(made)) height = Math.max(height, this.#depths.get(child) ?? 0);
    if (height >= depthMax) this.#tooDeep();
    this.#depths.set(made, height + 1);
    return made;
  }

  #tooDeep(): never {
    const { start, end } = this.#previous();
    throw new Wrong(errorAt("syntax", spanOf(this.#source, start, end), "the expression is nested too deeply"));
  }

  #fail(message: string): never {
    return this.#failAt(this.#token(), message);
  }

  #failAt({ start, end }: Token, message: string): never {
    throw new Wrong(syntaxError(spanOf(this.#source, start, end), message));
  }
}

type WithoutSpan<T> = T extends Node ? Omit<T, "span"> : never;

function powerOf(type: TokenType): number {
  return bindingPowers[type] ?? 0;
}

/** Go takes the text that a node carries for the name: also that of a literal or of a call. */
function calleeName(callee: Node): string | null {
  if (callee.kind === "field" || callee.kind === "call") return callee.name;
  return callee.kind === "literal" && typeof callee.value === "string" ? callee.value : null;
}
