// Fresh names for locals, and what stands behind them. One counter serves all modules of a compilation, so a name says
// nothing about its module. OPA: v1/ast/compile.go localVarGenerator.

import type { Body, Module, Term } from "./ast.ts";
import type { OpaVersion } from "./program.ts";
import { type Node, vars } from "./visit.ts";

export interface Names {
  /** A name that nothing else has: `__local3__`. */
  readonly fresh: () => string;
  /** All that `fresh` gave; a user may call a variable `__local3__`, too. */
  readonly made: ReadonlySet<string>;
  /** Fresh names of variables that the user wrote. */
  readonly written: Map<string, string>;
  /** Fresh names that stand for a whole term, which messages print in their place. */
  readonly subjects: ReadonlyMap<string, Term>;
  readonly standFor: (name: string, term: Term) => void;
}

/** Names for modules; `taken` are the trees whose variables they must not hit. */
export function moduleNames(taken: readonly Module[], opa: OpaVersion): Names {
  return names("__local", taken, opa);
}

export function queryNames(query: Body, opa: OpaVersion): Names {
  return names("__localq", [query], opa);
}

/** OPA 1.17 prints the fresh name in place of the term. */
function names(prefix: string, taken: readonly Node[], opa: OpaVersion): Names {
  const subjects = new Map<string, Term>();
  const used = new Set(taken.flatMap((node) => [...vars(node)]));
  const made = new Set<string>();
  let next = 0;
  const fresh = (): string => {
    for (;;) {
      const name = `${prefix}${next++}__`;
      if (used.has(name)) continue;
      made.add(name);
      return name;
    }
  };
  const standFor = (name: string, term: Term): void => {
    if (opa !== "1.17") subjects.set(name, term);
  };
  return { fresh, made, written: new Map(), subjects, standFor };
}
