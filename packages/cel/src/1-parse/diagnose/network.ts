// cel-go's grammar as a network of states, as ANTLR makes it: an edge is a token, a rule that is called, or nothing. The
// parser itself has no use for it. It is for the words that ANTLR has for what it did not expect: which tokens may follow
// where, and how far one must look to choose between alternatives. ANTLR: ParserATNFactory.

import type { TokenKind } from "../token.ts";

type StateKind = "basic" | "blockStart" | "loopEntry" | "loopBack" | "stop";

export interface State {
  readonly id: number;
  readonly kind: StateKind;
  readonly rule: RuleName;
  /** Alternatives, where there is more than one. */
  readonly edges: Edge[];
  /** How to choose of the edges. `far`: it takes more than the next token; `near`: the last one is for all other tokens. */
  choice: "far" | "near" | "exact" | null;
}

type Edge =
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

interface Rule {
  readonly name: RuleName;
  readonly start: State;
  readonly stop: State;
  /** Where the parser may be when the rule has ended: after each of its calls. */
  readonly follows: State[];
}

export type Network = ReadonlyMap<RuleName, Rule>;

export function buildNetwork(grammar: Readonly<Record<RuleName, Part>>): Network {
  const states: State[] = [];
  const rules = new Map<RuleName, Rule>();
  for (const [name, part] of Object.entries(grammar) as [RuleName, Part][]) {
    const state: NewState = (kind) => {
      const made: State = { id: states.length, kind, rule: name, edges: [], choice: null };
      states.push(made);
      return made;
    };
    const { entry, exit } = wire(part, state);
    const stop = state("stop");
    link(exit, stop);
    rules.set(name, { name, start: entry, stop, follows: [] });
  }
  for (const { edges } of states) {
    for (const edge of edges) if (edge.kind === "rule") rules.get(edge.rule)?.follows.push(edge.to);
  }
  return rules;
}

const link = (from: State, to: State): void => void from.edges.push({ kind: "none", to });

type NewState = (kind: StateKind) => State;

/** The states of a part of a rule. */
interface Wired {
  readonly entry: State;
  readonly exit: State;
}

/** Ends in `into`, if given, so that what alternatives have in common after them is the same state. */
function wire(part: Part, state: NewState, into?: State): Wired {
  switch (part.kind) {
    case "tokens":
    case "rule":
    case "precedence": {
      const entry = state("basic");
      const to = into ?? state("basic");
      entry.edges.push(part.kind === "tokens" ? { kind: "tokens", tokens: new Set(part.tokens), to } : { ...part, to });
      return { entry, exit: to };
    }
    case "sequence":
      return wireSequence(part.parts, state, into);
    case "optional":
    case "choice":
    case "any":
    case "many": {
      const isBlock = part.kind === "optional" || part.kind === "choice";
      const { entry, exit } = isBlock ? wireBlock(part, state) : wireLoop(part, state);
      if (into !== undefined) link(exit, into);
      return { entry, exit: into ?? exit };
    }
  }
}

function wireSequence(parts: readonly Part[], state: NewState, into: State | undefined): Wired {
  const inner = parts.map((one, at) => wire(one, state, at === parts.length - 1 ? into : undefined));
  for (const [at, { exit }] of inner.entries()) {
    const next = inner[at + 1];
    if (next !== undefined) link(exit, next.entry);
  }
  const [first] = inner as [Wired];
  return { entry: first.entry, exit: (inner.at(-1) ?? first).exit };
}

function wireBlock(part: Part & { kind: "optional" | "choice" }, state: NewState): Wired {
  const entry = state("blockStart");
  const exit = state("basic");
  for (const one of part.kind === "choice" ? part.parts : [part.part]) link(entry, wire(one, state, exit).entry);
  if (part.kind === "optional") {
    link(entry, exit);
    entry.choice = "near";
  } else entry.choice = part.far ? "far" : "exact";
  return { entry, exit };
}

function wireLoop(part: Part & { kind: "any" | "many" }, state: NewState): Wired {
  const block = state("basic");
  const exit = state("basic");
  const back = state("loopBack");
  link(block, wire(part.part, state, back).entry);
  const decision = part.kind === "any" ? state("loopEntry") : back;
  if (part.kind === "any") link(back, decision);
  link(decision, block);
  link(decision, exit);
  decision.choice = part.far ? "far" : "near";
  return { entry: part.kind === "any" ? decision : block, exit };
}
