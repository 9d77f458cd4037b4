// What a rule that ended in the middle would have needed: the fewest tokens from there to its end. With them in their place,
// what cel-go finds in a tree that it could not finish (a macro's arguments, a reserved word) can be found, too.

import { type TokenKind, token } from "../token.ts";
import type { RuleName, State } from "./network.ts";

const completions = new Map<State, readonly TokenKind[]>();

/** From a state of the rule to its end. */
export function completionOf(state: State): readonly TokenKind[] {
  const known = completions.get(state);
  if (known !== undefined) return known;
  const found = isBeforeOperator(state) ? [] : search(state);
  completions.set(state, found);
  return found;
}

/** Nothing of the operator was taken yet. */
function isBeforeOperator({ choice, kind, rule }: State): boolean {
  return choice === "far" && kind === "blockStart" && (rule === "member" || rule === "calc");
}

interface Path {
  readonly state: State;
  readonly kinds: readonly TokenKind[];
}

/** The shortest paths first. */
function search(from: State): readonly TokenKind[] {
  const seen = new Set<State>();
  let paths: Path[] = [{ state: from, kinds: [] }];
  while (paths.length > 0) {
    const [first, ...rest] = paths.toSorted((a, b) => a.kinds.length - b.kinds.length) as [Path, ...Path[]];
    if (first.state.kind === "stop") return first.kinds;
    paths = rest;
    if (seen.has(first.state)) continue;
    seen.add(first.state);
    for (const edge of first.state.edges) {
      const taken =
        edge.kind === "rule"
          ? standIns(edge.rule)
          : edge.kind === "tokens"
            ? [Math.min(...edge.tokens) as TokenKind]
            : [];
      paths.push({ state: edge.to, kinds: [...first.kinds, ...taken] });
    }
  }
  return [];
}

function standIns(rule: RuleName): readonly TokenKind[] {
  switch (rule) {
    case "escapeIdent":
    case "optField":
      return [token.identifier];
    case "fieldInitializerList":
      return [token.identifier, token.colon, token.missing];
    case "mapInitializerList":
      return [token.missing, token.colon, token.missing];
    default:
      return [token.missing];
  }
}
