// Which tokens may be next. ANTLR: LL1Analyzer.Look, ATN.getExpectedTokens.

import { type TokenKind, token } from "../token.ts";
import { network } from "./grammar.ts";
import type { RuleName, State } from "./network.ts";

/** That the rule may end here. */
export const ruleEnd = -2;

export type Lookahead = ReadonlySet<TokenKind | typeof ruleEnd>;

/** A rule that is being parsed, and where its caller goes on. */
export interface Call {
  readonly rule: RuleName;
  readonly precedence: number;
  /** Null for the first rule. */
  readonly caller: Call | null;
  readonly callSite: State | null;
}

/** Where a caller goes on, and its own callers. */
interface Stack {
  readonly state: State;
  readonly below: Stack | null;
}

const within = new Map<State, Lookahead>();

/** In the rule; `ruleEnd` where it may end. */
export function nextTokens(state: State): Lookahead {
  const known = within.get(state);
  if (known !== undefined) return known;
  const found = new Set<TokenKind | typeof ruleEnd>();
  look({ found, atEnd: ruleEnd, called: new Set() }, state, null);
  within.set(state, found);
  return found;
}

/** In the rule and its callers. */
export function nextTokensIn(state: State, call: Call): Lookahead {
  let stack: Stack | null = null;
  for (const callSite of callSites(call)) stack = { state: afterCall(callSite), below: stack };
  const found = new Set<TokenKind | typeof ruleEnd>();
  look({ found, atEnd: token.end, called: new Set() }, state, stack);
  return found;
}

/** From the first rule's call to that of the rule. */
export function callSites(call: Call): readonly State[] {
  const sites: State[] = [];
  for (let at: Call | null = call; at?.callSite; at = at.caller) sites.push(at.callSite);
  return sites.toReversed();
}

/** Where the caller goes on. */
export function afterCall(callSite: State): State {
  return callSite.edges[0]?.to ?? callSite;
}

interface Search {
  readonly found: Set<TokenKind | typeof ruleEnd>;
  /** What stands for the end of the first rule. */
  readonly atEnd: typeof token.end | typeof ruleEnd;
  readonly called: Set<RuleName>;
}

function look(search: Search, state: State, stack: Stack | null): void {
  const { found, called } = search;
  if (state.kind === "stop") {
    if (stack === null) found.add(search.atEnd);
    else {
      const wasCalled = called.delete(state.rule);
      look(search, stack.state, stack.below);
      if (wasCalled) called.add(state.rule);
    }
    return;
  }
  for (const edge of state.edges) {
    if (edge.kind === "tokens") for (const kind of edge.tokens) found.add(kind);
    else if (edge.kind !== "rule") look(search, edge.to, stack);
    else if (!called.has(edge.rule)) {
      called.add(edge.rule);
      const rule = network.get(edge.rule);
      if (rule !== undefined) look(search, rule.start, { state: edge.to, below: stack });
      called.delete(edge.rule);
    }
  }
}

/** What messages say was expected. */
export function expectedTokens(state: State, call: Call): ReadonlySet<TokenKind> {
  let following = nextTokens(state);
  const expected = new Set(following);
  for (let at: Call | null = call; following.has(ruleEnd) && at?.callSite; at = at.caller) {
    following = nextTokens(afterCall(at.callSite));
    for (const kind of following) expected.add(kind);
  }
  expected.delete(ruleEnd);
  if (following.has(ruleEnd)) expected.add(token.end);
  return expected as Set<TokenKind>;
}
