// What cel-go says of a text that is no expression. Its parser is ANTLR's, which goes on after an error: it leaves out or makes
// up a token where that helps, or drops tokens up to one with which a rule around may go on, and until a token fits again it
// says nothing more. So the text is parsed a second time, without making anything, as ANTLR does it. cel-go:
// parser/parser.go, with limits of its own; ANTLR: DefaultErrorStrategy.

import type { Issue } from "../../issue.ts";
import type { Range, Tokens } from "../lexer.ts";
import { type Token, type TokenKind, token, tokenNames } from "../token.ts";
import { completionOf } from "./complete.ts";
import { network } from "./grammar.ts";
import { type Call, afterCall, expectedTokens, nextTokens, nextTokensIn, ruleEnd } from "./lookahead.ts";
import type { RuleName, State } from "./network.ts";
import { predict } from "./predict.ts";

/** Errors from which the parser recovers, and tokens that it drops for one of them. */
const recoveriesMax = 30;
const dropsMax = 256;
/** Rules of one kind within each other. */
const depthMax = 250;
const errorsMax = 100;

export interface Diagnosis {
  readonly issues: readonly Issue[];
  /** The tokens as ANTLR took them, without those it dropped and with those it missed; null if it gave up. */
  readonly repaired: readonly Token[] | null;
}

/** The syntax errors of a text, beside those of the scanner. */
export function diagnose(text: string, { tokens, unknown, placeOf }: Tokens): Diagnosis {
  const parser: Parser = {
    text,
    tokens,
    unknown,
    placeOf,
    issues: [],
    at: 0,
    state: network.get("start")?.start as State,
    recovering: false,
    lastErrorAt: -1,
    lastErrorStates: new Set(),
    recoveries: 0,
    dropsLeft: Infinity,
    depths: new Map(),
    repaired: [],
  };
  try {
    walk(parser);
    return { issues: parser.issues, repaired: parser.repaired };
  } catch (stop) {
    if (!(stop instanceof GivenUp)) throw stop;
    if (stop.message !== "") parser.issues.push({ place: -1, message: stop.message });
    return { issues: parser.issues, repaired: null };
  }
}

/** Ends it; never leaves this file. The message is of the text as a whole. */
class GivenUp extends Error {}

/** Ends a rule; never leaves this file. */
class Unexpected extends Error {}

interface Parser {
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly unknown: readonly Range[];
  readonly placeOf: (offset: number) => number;
  readonly issues: Issue[];
  at: number;
  state: State;
  /** Whether an error was told and no token has fitted since. */
  recovering: boolean;
  lastErrorAt: number;
  lastErrorStates: Set<State>;
  recoveries: number;
  dropsLeft: number;
  readonly depths: Map<RuleName, number>;
  readonly repaired: Token[];
}

const last = ({ tokens }: Parser): Token => tokens.at(-1) as Token;
const tokenAt = (parser: Parser, ahead = 0): Token => parser.tokens[parser.at + ahead] ?? last(parser);
const peek = (parser: Parser, ahead = 0): TokenKind => tokenAt(parser, ahead).kind;

function consume(parser: Parser): void {
  if (parser.dropsLeft-- <= 0) throw new GivenUp(`error recovery token lookahead limit exceeded: ${dropsMax}`);
  if (peek(parser) !== token.end) parser.at++;
}

/** A token that fits. */
function take(parser: Parser): void {
  parser.repaired.push(tokenAt(parser));
  consume(parser);
}

/** A token that is not there. */
function makeUp(parser: Parser, kind: TokenKind): Token {
  const { start } = tokenAt(parser);
  return { kind, start, end: start };
}

// ── rules

/** A rule that is open, at the place where it was called. */
function enter(parser: Parser, rule: RuleName, precedence: number, caller: Call | null): Call {
  const callSite = caller === null ? null : parser.state;
  const depth = (parser.depths.get(rule) ?? 0) + 1;
  parser.depths.set(rule, depth);
  if (depth > depthMax) throw new GivenUp(`expression recursion limit exceeded: ${depthMax}`);
  parser.state = network.get(rule)?.start ?? parser.state;
  return { rule, precedence, caller, callSite };
}

function walk(parser: Parser): void {
  let next: Call | null = enter(parser, "start", 0, null);
  while (next !== null) {
    const call: Call = next;
    try {
      next = step(parser, call);
    } catch (error) {
      if (!(error instanceof Unexpected)) throw error;
      tell(parser, Number(error.cause), error.message);
      for (const kind of completionOf(parser.state)) parser.repaired.push({ ...makeUp(parser, kind), completes: true });
      recover(parser, call);
      parser.state = network.get(call.rule)?.stop ?? parser.state;
    }
  }
}

/** Past one state; gives the rule that is open then. */
function step(parser: Parser, call: Call): Call | null {
  const { state } = parser;
  if (state.kind === "stop") {
    parser.depths.set(call.rule, (parser.depths.get(call.rule) ?? 1) - 1);
    if (call.callSite !== null) parser.state = afterCall(call.callSite);
    return call.caller;
  }
  if (state.choice !== null || state.kind === "loopBack") {
    sync(parser, call);
    // After a turn of a loop it is chosen where the loop begins.
    const decision = state.choice === null ? (state.edges[0]?.to ?? state) : state;
    parser.state = decision.edges[choose(parser, decision, call) - 1]?.to ?? state;
    return call;
  }
  const [edge] = state.edges;
  if (edge === undefined) return null;
  if (edge.kind === "rule") return enter(parser, edge.rule, edge.precedence, call);
  if (edge.kind === "tokens") match(parser, edge.tokens, call);
  parser.state = edge.to;
  return call;
}

/** The number of an edge, from 1. */
function choose(parser: Parser, state: State, call: Call): number {
  if (state.choice !== "far") {
    const count = state.edges.length - (state.choice === "near" ? 1 : 0);
    const at = state.edges.findIndex(({ to }, index) => index < count && nextTokens(to).has(peek(parser)));
    if (at < 0 && state.choice === "exact") throw noViable(parser, 0);
    return at < 0 ? state.edges.length : at + 1;
  }
  const isOperators = state.kind === "loopEntry" && ["relation", "calc", "member"].includes(state.rule);
  const prediction = predict({ state, isOperators, call }, (ahead) => peek(parser, ahead));
  if ("failedAhead" in prediction) throw noViable(parser, prediction.failedAhead);
  return prediction.alternative;
}

function match(parser: Parser, kinds: ReadonlySet<TokenKind>, call: Call): void {
  if (kinds.has(peek(parser))) {
    fits(parser);
    take(parser);
    return;
  }
  withDrops(parser, () => {
    if (dropOne(parser, call)) take(parser);
    else if (!couldBeMissing(parser, call)) throw mismatched(parser, call);
    else parser.repaired.push(makeUp(parser, Math.min(...kinds) as TokenKind));
  });
}

function fits(parser: Parser): void {
  parser.recovering = false;
  parser.lastErrorAt = -1;
  parser.lastErrorStates = new Set();
}

// ── errors

function shown(text: string): string {
  return `'${text.replaceAll("\t", "\\t").replaceAll("\n", "\\n").replaceAll("\r", "\\r")}'`;
}

function tokenText(parser: Parser): string {
  const { kind, start, end } = tokenAt(parser);
  return shown(kind === token.end ? "<EOF>" : parser.text.slice(start, end));
}

function expected(parser: Parser, call: Call): string {
  const kinds = Array.from(expectedTokens(parser.state, call)).toSorted((a, b) => a - b);
  const names = kinds.map((kind) => tokenNames[kind]);
  return names.length === 1 ? (names[0] ?? "") : `{${names.join(", ")}}`;
}

function mismatched(parser: Parser, call: Call): Unexpected {
  const message = `mismatched input ${tokenText(parser)} expecting ${expected(parser, call)}`;
  return new Unexpected(message, { cause: parser.at });
}

/** Without what is no token. */
function textBetween({ text, unknown }: Parser, start: number, end: number): string {
  let known = "";
  let from = start;
  for (const range of unknown) {
    if (range.start < from || range.start >= end) continue;
    known += text.slice(from, range.start);
    from = range.end;
  }
  return known + text.slice(from, end);
}

function noViable(parser: Parser, ahead: number): Unexpected {
  const start = tokenAt(parser);
  const input = start.kind === token.end ? "<EOF>" : textBetween(parser, start.start, tokenAt(parser, ahead).end);
  const reserved = /^.(true|false|null)$/.exec(input)?.[1];
  const message =
    reserved === undefined
      ? `no viable alternative at input ${shown(input)}`
      : `mismatched input '${reserved}' expecting IDENTIFIER`;
  return new Unexpected(message, { cause: parser.at + ahead });
}

/** Unless an error was told just before. */
function tell(parser: Parser, index: number, message: string): void {
  if (parser.recovering) return;
  parser.recovering = true;
  note(parser, parser.tokens[index] ?? last(parser), message);
}

function note({ issues, placeOf }: Parser, { start }: Token, message: string): void {
  const isTooMany = issues.length >= errorsMax;
  const shownMessage = isTooMany ? `More than ${errorsMax} syntax errors` : message;
  issues.push({ place: placeOf(start), message: `Syntax error: ${shownMessage}` });
  if (isTooMany) throw new GivenUp("");
}

// ── going on

/** One attempt to recover, in which only so many tokens may be dropped. */
function withDrops(parser: Parser, attempt: () => void): void {
  if (parser.recoveries === recoveriesMax) {
    note(parser, tokenAt(parser), `error recovery attempt limit exceeded: ${recoveriesMax}`);
    throw new GivenUp("");
  }
  parser.recoveries++;
  parser.dropsLeft = dropsMax;
  try {
    attempt();
  } finally {
    parser.dropsLeft = Infinity;
  }
}

/** Drops tokens up to one with which a caller may go on. */
function recover(parser: Parser, call: Call): void {
  withDrops(parser, () => {
    if (parser.lastErrorAt === parser.at && parser.lastErrorStates.has(parser.state)) consume(parser);
    parser.lastErrorAt = parser.at;
    parser.lastErrorStates.add(parser.state);
    dropUntil(parser, followingCalls(call));
  });
}

function followingCalls(call: Call): Set<TokenKind> {
  const found = new Set<TokenKind>();
  for (let at: Call | null = call; at?.callSite; at = at.caller) {
    for (const kind of nextTokens(afterCall(at.callSite))) if (kind !== ruleEnd) found.add(kind);
  }
  return found;
}

function dropUntil(parser: Parser, kinds: ReadonlySet<TokenKind>): void {
  while (peek(parser) !== token.end && !kinds.has(peek(parser))) consume(parser);
}

/** Before a choice or a loop: whether the next token fits, and if not, whether the one after it does. */
function sync(parser: Parser, call: Call): void {
  if (parser.recovering) return;
  const next = nextTokens(parser.state);
  if (next.has(ruleEnd) || next.has(peek(parser))) return;
  if (parser.state.kind === "loopBack") {
    tell(parser, parser.at, `extraneous input ${tokenText(parser)} expecting ${expected(parser, call)}`);
    dropUntil(parser, new Set([...expectedTokens(parser.state, call), ...followingCalls(call)]));
  } else if (!dropOne(parser, call)) throw mismatched(parser, call);
}

/** Drops the next token if the one after it fits. */
function dropOne(parser: Parser, call: Call): boolean {
  if (!expectedTokens(parser.state, call).has(peek(parser, 1))) return false;
  tell(parser, parser.at, `extraneous input ${tokenText(parser)} expecting ${expected(parser, call)}`);
  consume(parser);
  fits(parser);
  return true;
}

/** Whether the next token fits after the one that is missing. */
function couldBeMissing(parser: Parser, call: Call): boolean {
  const after = parser.state.edges[0]?.to;
  if (after === undefined || !nextTokensIn(after, call).has(peek(parser))) return false;
  tell(parser, parser.at, `missing ${expected(parser, call)} at ${tokenText(parser)}`);
  return true;
}
