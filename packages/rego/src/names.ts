// Fresh names for locals, and what stands behind them. One counter serves all modules of a compilation, so a name says
// nothing about its module. OPA: v1/ast/compile.go localVarGenerator.

import type { Body, Module, Term } from "./ast.ts";
import { type Node, vars } from "./visit.ts";

export interface Names {
  /** A name that nothing else has: `__local3__`. */
  readonly fresh: () => string;
  /** All that `fresh` gave; a user may call a variable `__local3__`, too. */
  readonly made: ReadonlySet<string>;
  /** Fresh names of variables that the user wrote. */
  readonly written: Map<string, string>;
  /** Fresh names that stand for a whole term, which messages print in their place. */
  readonly subjects: Map<string, Term>;
}

/** Names for modules; `taken` are the trees whose variables they must not hit. */
export function moduleNames(taken: readonly Module[]): Names {
  return names("__local", taken);
}

export function queryNames(query: Body): Names {
  return names("__localq", [query]);
}

function names(prefix: string, taken: readonly Node[]): Names {
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
  return { fresh, made, written: new Map(), subjects: new Map() };
}
