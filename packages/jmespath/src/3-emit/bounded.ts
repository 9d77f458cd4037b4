// A whole expression as a closure. What it gives out is bounded where the expression made it: parts of the input, and lists
// of them, are no larger than the input is.

import { boundExtent } from "@portcullis/lang";
import { type Node, childrenOf } from "../ast.ts";
import type { Dialect } from "../dialect.ts";
import { type Evaluate, SearchError } from "../runtime/run.ts";
import { emit } from "./closures.ts";

export function emitBounded(tree: Node, dialect: Dialect): Evaluate {
  const evaluate = emit(tree, dialect);
  if (!makesValues(tree)) return evaluate;
  return (value, run) => {
    const outcome = evaluate(value, run);
    if (typeof outcome === "object" && !(outcome instanceof SearchError)) boundExtent(outcome, run.budget);
    return outcome;
  };
}

function makesValues(node: Node): boolean {
  const { kind } = node;
  return kind === "multi-list" || kind === "multi-hash" || kind === "call" || childrenOf(node).some(makesValues);
}
