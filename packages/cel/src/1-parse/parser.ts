// Tokens to a tree, by recursive descent with one function for each rule of cel-go's grammar. Nodes are made on the way, in the
// order in which cel-go numbers them, and macros are expanded where they are called. What is no syntax error (a reserved
// word, a number out of range, bad arguments of a macro) is noted, and parsing goes on; at the first syntax error it ends,
// and `diagnose` finds the texts that cel-go has for it. Nesting is bounded as in cel-go: by rule while parsing, and by the
// height of the tree afterwards. cel-go: parser/parser.go, parser/gen/CEL.g4.

import type { Expression, MapEntry, Parsed, StructField } from "../ast.ts";
import type { Dialect } from "../dialect.ts";
import type { Issue } from "../issue.ts";
import type { Value } from "../runtime/value.ts";
import { issuesMax, tokenize } from "./lexer.ts";
import { readBytes, readDouble, readInt, readString, readUint } from "./literals.ts";
import { type MacroError, findMacro } from "./macros.ts";
import { type Nodes, balance, call, constant, createNodes, dropId, memberCall, name, newId } from "./nodes.ts";
import { diagnose } from "./diagnose/diagnose.ts";
import { type Token, type TokenKind, token } from "./token.ts";

export interface ParseOptions {
  /** Signatures of the macros that there are: `map:2:true`. */
  readonly macros: ReadonlySet<string>;
  readonly dialect: Dialect;
}

export interface Parse {
  /** Null if there are errors. */
  readonly value: Parsed | null;
  readonly errors: readonly Issue[];
}

/** Code points. */
const textMax = 100_000;
/** Rules of one kind within each other, and nodes above each other. */
const depthMax = 250;
/** Numbers of nodes; macros that copy their arguments could make more than there is memory for. */
const nodesMax = 100_000;

export function parse(text: string, options: ParseOptions): Parse {
  const lexed = tokenize(text);
  const { tokens, issues, placeOf } = lexed;
  const size = placeOf(text.length);
  if (size > textMax) {
    const message = `expression code point size exceeds limit: size: ${size}, limit ${textMax}`;
    return { value: null, errors: [{ place: -1, message }] };
  }
  if (issues.length > issuesMax) return { value: null, errors: issues };
  const { value, errors, stop } = attempt(text, tokens, placeOf, options);
  if (stop === null)
    return issues.length + errors.length > 0 ? { value: null, errors: [...issues, ...errors] } : { value, errors };
  const diagnosis = diagnose(text, lexed);
  const found = diagnosis.issues.length === 0 ? [{ place: -1, message: stop.message }] : diagnosis.issues;
  // What is wrong beside the syntax, cel-go finds in what it could make of it.
  const { repaired } = diagnosis;
  const others = repaired === null ? [] : attempt(text, repaired, placeOf, options).errors;
  return { value: null, errors: [...issues, ...found, ...others] };
}

interface Attempt extends Parse {
  readonly stop: Stop | null;
}

function attempt(
  text: string,
  tokens: readonly Token[],
  placeOf: (offset: number) => number,
  options: ParseOptions,
): Attempt {
  const nodes = createNodes();
  const errors: Issue[] = [];
  const state: State = { ...options, text, tokens, placeOf, nodes, errors, at: 0, height: 0, depths: [0, 0, 0] };
  try {
    const expression = parseExpression(state);
    expect(state, token.end);
    if (state.height > depthMax) errors.push({ place: -1, message: "max recursion depth exceeded" });
    return { value: { expression, places: nodes.places }, errors, stop: null };
  } catch (stop) {
    if (!(stop instanceof Stop)) throw stop;
    return { value: null, errors, stop };
  }
}

/** Ends the parse; never leaves this file. Without a message, at a syntax error. */
class Stop extends Error {}

interface State extends ParseOptions {
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly placeOf: (offset: number) => number;
  readonly nodes: Nodes;
  readonly errors: Issue[];
  /** Index of the next token. */
  at: number;
  /** Of the tree of the last rule that ended: operators, selections, calls and conditionals above each other. */
  height: number;
  /** How many expressions, relations and calculations are open. */
  readonly depths: [number, number, number];
}

const peek = (state: State, ahead = 0): TokenKind => state.tokens[state.at + ahead]?.kind ?? token.end;

function take(state: State): Token {
  const next = state.tokens[state.at] ?? { kind: token.end, start: state.text.length, end: state.text.length };
  state.at++;
  return next;
}

function takeIf(state: State, kind: TokenKind): Token | undefined {
  return peek(state) === kind ? take(state) : undefined;
}

function expect(state: State, kind: TokenKind): Token {
  const next = takeIf(state, kind);
  if (next === undefined) throw new Stop();
  return next;
}

const textOf = (state: State, { start, end }: Token): string => state.text.slice(start, end);
const idAt = (state: State, { start }: Token): number => newId(state.nodes, state.placeOf(start));

/** Notes what is wrong, and gives a node that stands in for what could not be made. */
function report(state: State, place: number, message: string): Expression {
  state.errors.push({ place, message });
  return constant(newId(state.nodes, place), "null", null);
}

const reportAt = (state: State, { start }: Token, message: string): Expression =>
  report(state, state.placeOf(start), message);

function enter({ depths }: State, rule: 0 | 1 | 2): void {
  depths[rule]++;
  if (depths[rule] > depthMax) throw new Stop(`expression recursion limit exceeded: ${depthMax}`);
}

function leave({ depths }: State, rule: 0 | 1 | 2): void {
  depths[rule]--;
}

function parseExpression(state: State): Expression {
  enter(state, 0);
  let result = parseChain(state, token.or);
  const question = takeIf(state, token.question);
  if (question !== undefined) {
    let height = state.height;
    const id = idAt(state, question);
    const yes = parseChain(state, token.or);
    height = Math.max(height, state.height);
    expect(state, token.colon);
    const no = parseExpression(state);
    state.height = Math.max(height, state.height) + 1;
    result = operate(state, id, "_?_:_", [result, yes, no]);
  }
  leave(state, 0);
  return result;
}

/** `a || b || c`, of chains of `&&`, of relations. */
function parseChain(state: State, operator: typeof token.or | typeof token.and): Expression {
  const part = (): Expression => (operator === token.or ? parseChain(state, token.and) : parseRelation(state));
  const terms = [part()];
  const ids: number[] = [];
  let height = state.height;
  for (let next = takeIf(state, operator); next !== undefined; next = takeIf(state, operator)) {
    terms.push(part());
    ids.push(idAt(state, next));
    height = Math.max(height, state.height);
  }
  state.height = height;
  return balance(operator === token.or ? "_||_" : "_&&_", terms, ids);
}

const relations: Readonly<Partial<Record<TokenKind, string>>> = {
  [token.less]: "_<_",
  [token.lessEquals]: "_<=_",
  [token.greater]: "_>_",
  [token.greaterEquals]: "_>=_",
  [token.equals]: "_==_",
  [token.notEquals]: "_!=_",
  [token.in]: "@in",
};

function parseRelation(state: State): Expression {
  enter(state, 1);
  let left = parseCalculation(state, 1);
  for (let operator = relations[peek(state)]; operator !== undefined; operator = relations[peek(state)]) {
    const height = state.height;
    const id = idAt(state, take(state));
    enter(state, 1);
    const right = parseCalculation(state, 1);
    leave(state, 1);
    state.height = Math.max(height, state.height) + 1;
    left = operate(state, id, operator, [left, right]);
  }
  leave(state, 1);
  return left;
}

const calculations: Readonly<Partial<Record<TokenKind, readonly [operator: string, power: number]>>> = {
  [token.plus]: ["_+_", 1],
  [token.minus]: ["_-_", 1],
  [token.star]: ["_*_", 2],
  [token.slash]: ["_/_", 2],
  [token.percent]: ["_%_", 2],
};

/** Operators that bind at least so strongly. */
function parseCalculation(state: State, power: number): Expression {
  enter(state, 2);
  let left = parseUnary(state);
  for (;;) {
    const operation = calculations[peek(state)];
    if (operation === undefined || operation[1] < power) break;
    const height = state.height;
    const id = idAt(state, take(state));
    const right = parseCalculation(state, operation[1] + 1);
    state.height = Math.max(height, state.height) + 1;
    left = operate(state, id, operation[0], [left, right]);
  }
  leave(state, 2);
  return left;
}

/** Two of `!` or `-` are none. A minus right before a number belongs to the number. */
function parseUnary(state: State): Expression {
  const kind = peek(state);
  if (kind !== token.not && kind !== token.minus) return parseMember(state);
  if (kind === token.minus && isNumber(peek(state, 1))) return parseMember(state);
  const first = take(state);
  let count = 1;
  while (takeIf(state, kind) !== undefined) count++;
  if (count % 2 === 0) return parseMember(state);
  const id = idAt(state, first);
  return operate(state, id, kind === token.not ? "!_" : "-_", [parseMember(state)]);
}

const isNumber = (kind: TokenKind): boolean => kind === token.int || kind === token.double;

function parseMember(state: State): Expression {
  let operand = parsePrimary(state);
  for (;;) {
    const next = peek(state);
    if (next === token.dot) operand = parseSelection(state, operand);
    else if (next === token.openBracket) operand = parseIndex(state, operand);
    else return operand;
  }
}

function parseSelection(state: State, operand: Expression): Expression {
  const { height } = state;
  const dot = take(state);
  const optional = takeIf(state, token.question) !== undefined;
  if (!optional && peek(state) === token.identifier && peek(state, 1) === token.openParenthesis) {
    const method = textOf(state, take(state));
    const id = idAt(state, take(state));
    const args = parseArguments(state);
    state.height = Math.max(height, state.height) + 1;
    return callOrMacro(state, id, method, operand, args);
  }
  const fieldToken = take(state);
  const field = fieldName(state, fieldToken, fieldToken);
  state.height = height + 1;
  if (!optional) return { kind: "selection", id: idAt(state, dot), operand, field, tests: false };
  const literal = constant(idAt(state, fieldToken), "string", field);
  return call(idAt(state, dot), "_?._", [operand, literal]);
}

/** What is wrong with it is reported at `place`. */
function fieldName(state: State, field: Token, place: Token): string {
  if (field.completes === true) reportAt(state, place, "unsupported ident kind");
  if (field.kind === token.identifier) return textOf(state, field);
  if (field.kind !== token.escapedIdentifier) throw new Stop();
  if (state.dialect.celGo >= 30) return textOf(state, field).slice(1, -1);
  reportAt(state, place, "unsupported syntax: '`'");
  return "";
}

function parseIndex(state: State, operand: Expression): Expression {
  const { height } = state;
  const id = idAt(state, take(state));
  const optional = takeIf(state, token.question) !== undefined;
  const index = parseExpression(state);
  expect(state, token.closeBracket);
  state.height = Math.max(height, state.height) + 1;
  return operate(state, id, optional ? "_[?_]" : "_[_]", [operand, index]);
}

/** After the parenthesis. */
function parseArguments(state: State): readonly Expression[] {
  state.height = 0;
  if (takeIf(state, token.closeParenthesis) !== undefined) return [];
  const args: Expression[] = [];
  let height = 0;
  do {
    args.push(parseExpression(state));
    height = Math.max(height, state.height);
  } while (takeIf(state, token.comma) !== undefined);
  expect(state, token.closeParenthesis);
  state.height = height;
  return args;
}

function parsePrimary(state: State): Expression {
  state.height = 0;
  switch (peek(state)) {
    case token.openParenthesis: {
      take(state);
      const inner = parseExpression(state);
      expect(state, token.closeParenthesis);
      return inner;
    }
    case token.openBracket:
      return parseList(state);
    case token.openBrace: {
      const id = idAt(state, take(state));
      return { kind: "map", id, entries: parseItems(state, token.closeBrace, parseEntry) };
    }
    case token.dot:
    case token.identifier:
      return parseName(state);
    default:
      return parseLiteral(state);
  }
}

function parseList(state: State): Expression {
  const id = idAt(state, take(state));
  const optionals = new Set<number>();
  const elements = parseItems(state, token.closeBracket, (_, index) => {
    if (takeIf(state, token.question) !== undefined) optionals.add(index);
    return parseExpression(state);
  });
  return { kind: "list", id, elements, optionals };
}

type Item<T> = (state: State, index: number, first: Token) => T;

/** Up to what closes them; a comma may stand after the last, and alone. */
function parseItems<T>(state: State, close: TokenKind, item: Item<T>): readonly T[] {
  const items: T[] = [];
  let height = 0;
  if (peek(state) !== close && peek(state) !== token.comma) {
    const first = state.tokens[state.at] as Token;
    do {
      items.push(item(state, items.length, first));
      height = Math.max(height, state.height);
    } while (peek(state, 1) !== close && takeIf(state, token.comma) !== undefined);
  }
  takeIf(state, token.comma);
  expect(state, close);
  state.height = height;
  return items;
}

function parseEntry(state: State): MapEntry {
  const id = newId(state.nodes, -1);
  const { length } = state.errors;
  const optional = takeIf(state, token.question) !== undefined;
  const key = parseExpression(state);
  const { height } = state;
  parseColon(state, id, length);
  const value = parseExpression(state);
  state.height = Math.max(height, state.height);
  return { id, key, value, optional };
}

/** What is wrong with its name is reported where the first field is. */
function parseField(state: State, _index: number, first: Token): StructField {
  const id = newId(state.nodes, -1);
  const { length } = state.errors;
  const optional = takeIf(state, token.question) !== undefined;
  const field = take(state);
  const named = fieldName(state, field, first);
  parseColon(state, id, length);
  return { id, name: named, value: parseExpression(state), optional };
}

/** An entry or field without a colon is none: what was found wrong with it since is not told. */
function parseColon(state: State, id: number, errorsBefore: number): void {
  const colon = expect(state, token.colon);
  if (colon.completes === true) state.errors.length = errorsBefore;
  state.nodes.places[id] = state.placeOf(colon.start);
}

/** A variable, a call, or a struct. */
function parseName(state: State): Expression {
  const dot = takeIf(state, token.dot);
  const prefix = dot === undefined ? "" : ".";
  const first = expect(state, token.identifier);
  const structEnd = findStruct(state);
  if (structEnd !== undefined) {
    let type = prefix + textOf(state, first);
    while (state.at < structEnd) type += textOf(state, take(state));
    const id = idAt(state, take(state));
    return { kind: "struct", id, type, fields: parseItems(state, token.closeBrace, parseField) };
  }
  const text = textOf(state, first);
  const open = takeIf(state, token.openParenthesis);
  if (reservedWords.has(text)) {
    // What a call of it is given is not looked at.
    const { length } = state.errors;
    if (open !== undefined) parseArguments(state);
    state.errors.length = length;
    state.height = 0;
    return reportAt(state, dot ?? first, `reserved identifier: ${text}`);
  }
  if (open === undefined) return name(idAt(state, first), prefix + text);
  const id = idAt(state, open);
  const args = parseArguments(state);
  return callOrMacro(state, id, prefix + text, null, args);
}

/** The index of the brace, if names and dots lead to one. */
function findStruct(state: State): number | undefined {
  let ahead = 0;
  while (peek(state, ahead) === token.dot && peek(state, ahead + 1) === token.identifier) ahead += 2;
  return peek(state, ahead) === token.openBrace ? state.at + ahead : undefined;
}

const reservedWords: ReadonlySet<string> = new Set(
  "as break const continue else for function if import let loop package namespace return var void while".split(" "),
);

function parseLiteral(state: State): Expression {
  const start = take(state);
  const signed = start.kind === token.minus;
  const literal = signed ? take(state) : start;
  if (signed && !isNumber(literal.kind)) throw new Stop();
  const text = (signed ? "-" : "") + textOf(state, literal);
  const made = (type: "int" | "uint" | "double", value: Value | undefined): Expression =>
    value === undefined ? reportAt(state, start, `invalid ${type} literal`) : constant(idAt(state, start), type, value);
  switch (literal.kind) {
    case token.int:
      return made("int", readInt(text));
    case token.uint:
      return made("uint", readUint(text));
    case token.double:
      return made("double", readDouble(text));
    case token.string: {
      const read = readString(text);
      if ("wrong" in read) reportAt(state, start, read.wrong);
      return constant(idAt(state, start), "string", "text" in read ? read.text : text);
    }
    case token.bytes: {
      const read = readBytes(text.slice(1));
      if ("wrong" in read) reportAt(state, start, read.wrong);
      return constant(idAt(state, start), "bytes", "bytes" in read ? read.bytes : new Uint8Array());
    }
    case token.true:
    case token.false:
      return constant(idAt(state, start), "bool", literal.kind === token.true);
    case token.null:
    case token.missing:
      return constant(idAt(state, start), "null", null);
    default:
      throw new Stop();
  }
}

const operate = (state: State, id: number, operator: string, args: readonly Expression[]): Expression =>
  callOrMacro(state, id, operator, null, args);

function callOrMacro(
  state: State,
  id: number,
  operator: string,
  target: Expression | null,
  args: readonly Expression[],
): Expression {
  const { nodes } = state;
  const expand = findMacro(state.macros, { function: operator, args: args.length, receiver: target !== null });
  const place = nodes.places[id] ?? -1;
  if (expand !== undefined) {
    const made = nodes.places.length > nodesMax ? tooMany(id, operator) : expand({ nodes, place, target, args });
    const checked = nodes.places.length > nodesMax ? tooMany(id, operator) : made;
    if (checked !== null) {
      const at = "at" in checked ? (nodes.places[checked.at] ?? -1) : -1;
      dropId(nodes, id);
      return "at" in checked ? report(state, at, checked.message) : checked;
    }
  }
  return target === null ? call(id, operator, args) : memberCall(id, operator, target, args);
}

const tooMany = (at: number, macro: string): MacroError => ({
  at,
  message: `expression count exceeds limit of ${nodesMax} while expanding macro '${macro}'`,
});
