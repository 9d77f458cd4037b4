// cel-go's grammar as a network of states, as ANTLR makes it: an edge is a token, a rule that is called, or nothing. The
// parser itself has no use for it. It is for the words that ANTLR has for what it did not expect: which tokens may follow
// where, and how far one must look to choose between alternatives. ANTLR: ParserATNFactory.

import type { TokenKind } from "../token.ts";

export type StateKind = "basic" | "blockStart" | "loopEntry" | "loopBack" | "stop";

export interface State {
  readonly id: number;
  readonly kind: StateKind;
  readonly rule: RuleName;
  readonly edges: Edge[];
}

export type Edge =
  | { readonly kind: "none"; readonly to: State }
  | { readonly kind: "tokens"; readonly tokens: ReadonlySet<TokenKind>; readonly to: State }
  | { readonly kind: "rule"; readonly rule: RuleName; readonly precedence: number; readonly to: State }
  /** Open while the rule was called with at most this precedence. */
  | { readonly kind: "precedence"; readonly precedence: number; readonly to: State };

export type RuleName =
  | "start"
  | "expr"
  | "conditionalOr"
  | "conditionalAnd"
  | "relation"
  | "calc"
  | "unary"
  | "member"
  | "primary"
  | "exprList"
  | "listInit"
  | "fieldInitializerList"
  | "optField"
  | "mapInitializerList"
  | "escapeIdent"
  | "optExpr"
  | "literal";

/** What a rule is made of. `far`: it takes more than the next token to choose. */
export type Part =
  | { readonly kind: "tokens"; readonly tokens: readonly TokenKind[] }
  | { readonly kind: "rule"; readonly rule: RuleName; readonly precedence: number }
  | { readonly kind: "precedence"; readonly precedence: number }
  | { readonly kind: "sequence"; readonly parts: readonly Part[] }
  | { readonly kind: "optional"; readonly part: Part }
  | { readonly kind: "choice"; readonly parts: readonly Part[]; readonly far: boolean }
  | { readonly kind: "any"; readonly part: Part; readonly far: boolean }
  | { readonly kind: "many"; readonly part: Part; readonly far: boolean };

/** A part with its states. `decision` is where it is chosen whether or how to go on, `back` where after one turn of a loop. */
export interface Wired {
  readonly part: Part;
  readonly inner: readonly Wired[];
  readonly entry: State;
  readonly exit: State;
  readonly decision: State;
  readonly back: State;
}

export interface Rule {
  readonly name: RuleName;
  readonly start: State;
  readonly stop: State;
  readonly body: Wired;
  /** Where the parser may be when the rule has ended: after each of its calls. */
  readonly follows: Edge[];
}

export type Network = ReadonlyMap<RuleName, Rule>;

export function buildNetwork(grammar: Readonly<Record<RuleName, Part>>): Network {
  let count = 0;
  const state = (rule: RuleName, kind: StateKind): State => ({ id: count++, kind, rule, edges: [] });
  const rules = new Map<RuleName, Rule>();
  for (const [name, part] of Object.entries(grammar) as [RuleName, Part][]) {
    const body = wire(part, name, state);
    const stop = state(name, "stop");
    link(body.exit, stop);
    rules.set(name, { name, start: body.entry, stop, body, follows: [] });
  }
  for (const { body } of rules.values()) collectCalls(body, rules);
  return rules;
}

const link = (from: State, to: State): void => void from.edges.push({ kind: "none", to });

type NewState = (rule: RuleName, kind: StateKind) => State;

/** Ends in `into`, if given, so that what alternatives have in common after them is the same state. */
function wire(part: Part, rule: RuleName, state: NewState, into?: State): Wired {
  switch (part.kind) {
    case "tokens":
    case "rule":
    case "precedence": {
      const entry = state(rule, "basic");
      const exit = into ?? state(rule, "basic");
      const edge: Edge =
        part.kind === "tokens" ? { kind: "tokens", tokens: new Set(part.tokens), to: exit } : { ...part, to: exit };
      entry.edges.push(edge);
      return { part, inner: [], entry, exit, decision: entry, back: entry };
    }
    case "sequence": {
      const inner = part.parts.map((one, at) =>
        wire(one, rule, state, at === part.parts.length - 1 ? into : undefined),
      );
      for (const [at, one] of inner.entries()) {
        const next = inner[at + 1];
        if (next !== undefined) link(one.exit, next.entry);
      }
      const [first] = inner as [Wired];
      return {
        part,
        inner,
        entry: first.entry,
        exit: (inner.at(-1) ?? first).exit,
        decision: first.entry,
        back: first.entry,
      };
    }
    case "optional":
    case "choice":
    case "any":
    case "many": {
      const wired =
        part.kind === "optional" || part.kind === "choice" ? wireBlock(part, rule, state) : wireLoop(part, rule, state);
      if (into !== undefined) link(wired.exit, into);
      return into === undefined ? wired : { ...wired, exit: into };
    }
  }
}

function wireBlock(part: Part & { kind: "optional" | "choice" }, rule: RuleName, state: NewState): Wired {
  const entry = state(rule, "blockStart");
  const exit = state(rule, "basic");
  const inner = (part.kind === "choice" ? part.parts : [part.part]).map((one) => wire(one, rule, state, exit));
  for (const one of inner) link(entry, one.entry);
  if (part.kind === "optional") link(entry, exit);
  return { part, inner, entry, exit, decision: entry, back: entry };
}

function wireLoop(part: Part & { kind: "any" | "many" }, rule: RuleName, state: NewState): Wired {
  const block = state(rule, "blockStart");
  const exit = state(rule, "basic");
  const back = state(rule, "loopBack");
  const inner = wire(part.part, rule, state, back);
  const entry = part.kind === "any" ? state(rule, "loopEntry") : block;
  link(block, inner.entry);
  const decision = part.kind === "any" ? entry : back;
  if (part.kind === "any") link(back, entry);
  link(decision, block);
  link(decision, exit);
  return { part, inner: [inner], entry, exit, decision, back };
}

function collectCalls({ part, inner, exit }: Wired, rules: ReadonlyMap<RuleName, Rule>): void {
  if (part.kind === "rule") rules.get(part.rule)?.follows.push({ kind: "none", to: exit });
  for (const one of inner) collectCalls(one, rules);
}
