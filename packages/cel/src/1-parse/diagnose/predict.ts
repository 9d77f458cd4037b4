// Which alternative the next tokens choose. All alternatives are followed at once: a configuration is a state, the alternative
// it belongs to, and where the rules that were called on the way go on. First without the callers of the rule, so that after
// its end come all places where it may be called; what is found then is kept, by decision. If that leaves more than one
// alternative in the same place, it is done again with the callers. A configuration that has left the rule decides for its
// alternative, if nothing goes on: what is wrong is then found later, where it can be named better.
// ANTLR: ParserATNSimulator, PredictionMode.

import { type TokenKind, token } from "../token.ts";
import { network } from "./grammar.ts";
import { type Call, afterCall, callSites } from "./lookahead.ts";
import type { State } from "./network.ts";

/** The stack of a configuration; each is made once, so that they can be compared. */
interface Stack {
  readonly id: number;
  readonly state: State;
  readonly below: Stack | null;
}

interface Configuration {
  readonly state: State;
  readonly alternative: number;
  readonly stack: Stack | null;
  /** It has left the rule without knowing who called it. */
  readonly left: boolean;
  /** The rule was called where any operator may follow; such configurations are not the same as the loop's own. */
  readonly leftOperand: boolean;
}

/** By key. */
type Configurations = ReadonlyMap<string, Configuration>;

export interface Decision {
  readonly state: State;
  /** The loop of a rule with operators. */
  readonly isOperators: boolean;
  readonly call: Call;
}

/** The alternative, from 1; or the number of tokens ahead at which all fail. */
export type Prediction = { readonly alternative: number } | { readonly failedAhead: number };

/** `peek(0)` is the next token. */
export function predict(decision: Decision, peek: (ahead: number) => TokenKind): Prediction {
  if (stacks.size >= stacksMax) forget();
  let known = knownStart(decision);
  for (let ahead = 0; ; ahead++) {
    const kind = peek(ahead);
    const next = knownNext(known, kind);
    if (next === null) {
      const finished = finishedAlternative(known.configurations);
      return finished === undefined ? { failedAhead: ahead } : { alternative: finished };
    }
    if (next.needsCallers) return predictWithCallers(decision, peek);
    if (next.alternative !== undefined) return { alternative: next.alternative };
    known = next;
  }
}

function predictWithCallers(decision: Decision, peek: (ahead: number) => TokenKind): Prediction {
  let configurations = startOf(decision, stackOf(decision.call), true);
  for (let ahead = 0; ; ahead++) {
    const kind = peek(ahead);
    const next = reach(configurations, kind, true);
    if (next === null) {
      const finished = finishedAlternative(configurations);
      return finished === undefined ? { failedAhead: 0 } : { alternative: finished };
    }
    const chosen = uniqueAlternative(next) ?? resolvedAlternative(next);
    if (chosen !== undefined) return { alternative: chosen };
    configurations = next;
  }
}

// ── what was found before

interface Known {
  readonly configurations: Configurations;
  readonly next: Map<TokenKind, Known | null>;
  readonly alternative: number | undefined;
  readonly needsCallers: boolean;
}

const starts = new Map<string, Known>();

function knownStart(decision: Decision): Known {
  const key = `${decision.state.id}:${decision.call.precedence}`;
  const found = starts.get(key);
  if (found !== undefined) return found;
  const started = startOf(decision, null, false);
  const configurations = decision.isOperators ? withoutOuterLoops(started) : started;
  const known: Known = { configurations, next: new Map(), alternative: undefined, needsCallers: false };
  starts.set(key, known);
  return known;
}

function knownNext(known: Known, kind: TokenKind): Known | null {
  const found = known.next.get(kind);
  if (found !== undefined) return found;
  const configurations = reach(known.configurations, kind, false);
  const next = configurations === null ? null : interned(configurations);
  known.next.set(kind, next);
  return next;
}

const interns = new Map<string, Known>();

/** There are a few hundred; were there more, all are found anew. */
const knownMax = 5000;

/** Each set of configurations is kept once, so that a long text needs no more of them than a short one. */
function interned(configurations: Configurations): Known {
  const key = Array.from(configurations.keys()).toSorted().join(" ");
  const found = interns.get(key);
  if (found !== undefined) return found;
  if (interns.size >= knownMax) forget();
  const alternative = uniqueAlternative(configurations);
  const needsCallers = alternative === undefined && isConflict(configurations);
  const made: Known = { configurations, next: new Map(), alternative, needsCallers };
  interns.set(key, made);
  return made;
}

/** That an operator may also belong to a caller of the same rule does not count: it belongs to the innermost. */
function withoutOuterLoops(configurations: Configurations): Configurations {
  const own = new Map<State, Stack | null>();
  for (const { alternative, state, stack } of configurations.values()) if (alternative === 1) own.set(state, stack);
  const kept = new Map<string, Configuration>();
  for (const [key, one] of configurations) {
    const { alternative, leftOperand, state, stack } = one;
    const isOuter = alternative !== 1 && !leftOperand && own.has(state) && own.get(state) === stack;
    if (!isOuter) kept.set(key, one);
  }
  return kept;
}

function forget(): void {
  interns.clear();
  starts.clear();
  stacks.clear();
}

// ── following

const stacks = new Map<string, Stack>();

function push(state: State, below: Stack | null): Stack {
  const key = `${state.id}:${below === null ? "" : below.id}`;
  const found = stacks.get(key);
  if (found !== undefined) return found;
  const made = { id: ++stackCount, state, below };
  stacks.set(key, made);
  return made;
}

/** Those of deeply nested texts are not kept for good. */
const stacksMax = 20_000;
let stackCount = 0;

function stackOf(call: Call): Stack | null {
  let stack: Stack | null = null;
  for (const callSite of callSites(call)) stack = push(afterCall(callSite), stack);
  return stack;
}

interface Closure {
  readonly found: Map<string, Configuration>;
  readonly seen: Set<string>;
  readonly withCallers: boolean;
  /** The precedence of the rule, while it is asked; null later. */
  readonly precedence: number | null;
  readonly rule: State["rule"];
  /** At the end of the text, which a rule may go past. */
  readonly atEnd: boolean;
}

const keyOf = ({ state, alternative, stack, left, leftOperand }: Configuration): string =>
  `${state.id}:${alternative}:${stack === null ? "" : stack.id}:${left ? 1 : 0}${leftOperand ? 1 : 0}`;

function startOf({ state, call }: Decision, stack: Stack | null, withCallers: boolean): Configurations {
  const closure: Closure = {
    found: new Map(),
    seen: new Set(),
    withCallers,
    precedence: call.precedence,
    rule: state.rule,
    atEnd: false,
  };
  for (const [at, edge] of state.edges.entries()) {
    follow(closure, { state: edge.to, alternative: at + 1, stack, left: false, leftOperand: false }, 0);
  }
  return closure.found;
}

/** Everywhere that a configuration gets to without a token. */
function follow(closure: Closure, one: Configuration, depth: number): void {
  const key = keyOf(one);
  if (closure.seen.has(key)) return;
  closure.seen.add(key);
  const { state, stack } = one;
  if (state.kind === "stop") {
    if (stack !== null) follow(closure, { ...one, state: stack.state, stack: stack.below }, depth);
    else followEnd(closure, one, key, depth);
    return;
  }
  if (state.edges.some(({ kind }) => kind === "tokens")) closure.found.set(key, one);
  for (const edge of state.edges) {
    if (edge.kind === "none") follow(closure, { ...one, state: edge.to }, depth);
    else if (edge.kind === "precedence") {
      const isOpen = closure.precedence === null || depth !== 0 || edge.precedence >= closure.precedence;
      if (isOpen) follow(closure, { ...one, state: edge.to }, depth);
    } else if (edge.kind === "rule") {
      const rule = network.get(edge.rule);
      const below = push(edge.to, stack);
      if (rule !== undefined)
        follow(closure, { ...one, state: rule.start, stack: below }, depth < 0 ? depth : depth + 1);
    } else if (closure.atEnd && edge.tokens.has(token.end)) follow(closure, { ...one, state: edge.to }, depth);
  }
}

/** At the end of a rule of which it is not known who called it. */
function followEnd(closure: Closure, one: Configuration, key: string, depth: number): void {
  const rule = network.get(one.state.rule);
  if (closure.withCallers || rule === undefined || rule.follows.length === 0) {
    closure.found.set(key, one);
    return;
  }
  for (const to of rule.follows) {
    // A call that any operator may follow is none from within the rule itself.
    const leftOperand = one.leftOperand || (one.state.rule === closure.rule && to.rule !== closure.rule);
    follow(closure, { ...one, state: to, left: true, leftOperand }, depth - 1);
  }
}

/** What is left after a token; null if nothing is. */
function reach(configurations: Configurations, kind: TokenKind, withCallers: boolean): Configurations | null {
  const atEnd = kind === token.end;
  const ended: Configuration[] = [];
  const taken: Configuration[] = [];
  for (const one of configurations.values()) {
    if (one.state.kind === "stop") {
      if (withCallers || atEnd) ended.push(one);
      continue;
    }
    for (const edge of one.state.edges) {
      if (edge.kind === "tokens" && edge.tokens.has(kind)) taken.push({ ...one, state: edge.to });
    }
  }
  const [first] = taken;
  const isClear =
    !atEnd && ended.length === 0 && first !== undefined && taken.every((one) => one.alternative === first.alternative);
  if (isClear) return new Map(taken.map((one) => [keyOf(one), one]));
  const closure: Closure = { found: new Map(), seen: new Set(), withCallers, precedence: null, rule: "start", atEnd };
  for (const one of taken) follow(closure, one, 0);
  const { found } = closure;
  if (atEnd) for (const [key, one] of found) if (one.state.kind !== "stop") found.delete(key);
  const hasEnd = Array.from(found.values()).some(({ state }) => state.kind === "stop");
  if (!withCallers || !hasEnd) for (const one of ended) found.set(keyOf(one), one);
  return found.size === 0 ? null : found;
}

// ── choosing

function uniqueAlternative(configurations: Configurations): number | undefined {
  let found: number | undefined;
  for (const { alternative } of configurations.values()) {
    if (found !== undefined && found !== alternative) return undefined;
    found = alternative;
  }
  return found;
}

/** The lowest of the alternatives that have left the rule. */
function finishedAlternative(configurations: Configurations): number | undefined {
  let lowest: number | undefined;
  for (const { alternative, left, state, stack } of configurations.values()) {
    const finished = left || (state.kind === "stop" && stack === null);
    if (finished && (lowest === undefined || alternative < lowest)) lowest = alternative;
  }
  return lowest;
}

/** The alternatives of each place: a state with the stacks that an alternative has there. */
function alternativesByPlace(configurations: Configurations): readonly ReadonlySet<number>[] {
  const stacksOf = new Map<
    string,
    { readonly state: State; readonly alternative: number; readonly stacks: Set<number> }
  >();
  for (const { state, alternative, stack } of configurations.values()) {
    const key = `${state.id}:${alternative}`;
    const known = stacksOf.get(key) ?? { state, alternative, stacks: new Set() };
    known.stacks.add(stack === null ? 0 : stack.id);
    stacksOf.set(key, known);
  }
  const places = new Map<string, Set<number>>();
  for (const { state, alternative, stacks: all } of stacksOf.values()) {
    // Not knowing who called takes in all who may have.
    const shown = all.has(0)
      ? "0"
      : Array.from(all)
          .toSorted((a, b) => a - b)
          .join(",");
    const key = `${state.id}:${shown}`;
    const known = places.get(key) ?? new Set();
    known.add(alternative);
    places.set(key, known);
  }
  return Array.from(places.values());
}

/** Whether alternatives have met for good. */
function isConflict(configurations: Configurations): boolean {
  const all = Array.from(configurations.values());
  if (all.every(({ state }) => state.kind === "stop")) return true;
  if (!alternativesByPlace(configurations).some(({ size }) => size > 1)) return false;
  const byState = new Map<State, Set<number>>();
  for (const { state, alternative } of all) {
    const known = byState.get(state) ?? new Set();
    known.add(alternative);
    byState.set(state, known);
  }
  return Array.from(byState.values()).every(({ size }) => size > 1);
}

/** The lowest alternative, if it is that of each place. */
function resolvedAlternative(configurations: Configurations): number | undefined {
  const lowest = new Set(alternativesByPlace(configurations).map((alternatives) => Math.min(...alternatives)));
  const [only] = lowest;
  return lowest.size === 1 ? only : undefined;
}
