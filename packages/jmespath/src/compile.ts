// Text to Expression. This is the one file that knows the order of the phases.

import { type Out, Source, hasError } from "@portcullis/lang";
import { parse } from "./1-parse/parser.ts";
import { checkAbsentFilters } from "./2-check/absentfilter.ts";
import { checkCalls } from "./2-check/arity.ts";
import { emitBounded } from "./3-emit/bounded.ts";
import type { Node } from "./ast.ts";
import type { Dialect } from "./dialect.ts";
import type { Outcome, Run } from "./runtime/run.ts";
import type { Value } from "./runtime/value.ts";

/** A compiled expression. It holds no state: one may be evaluated any number of times. */
export interface Expression {
  readonly text: string;
  readonly tree: Node;
  /**
   * The value that the expression selects in the tree of JSON.parse, or a SearchError. The input is not changed; the
   * result may share its parts. Throws LimitError when the budget is used up, and Suspend when the world lacks a need.
   */
  search(value: unknown, run: Run): Outcome;
}

/**
 * Compiles an expression; never throws at its user. A syntax error has Go's text, `SyntaxError: Incomplete expression`, and
 * the place of the token. `name` is what diagnostics call the text.
 */
export function compile(text: string, dialect: Dialect, name = "expression"): Out<Expression | null> {
  const parsed = parse(new Source(name, text), dialect.engine);
  const tree = parsed.value;
  if (tree === null) return { value: null, diagnostics: parsed.diagnostics };
  const diagnostics = [...checkCalls(tree, dialect), ...checkAbsentFilters(tree, dialect)];
  if (hasError(diagnostics)) return { value: null, diagnostics };
  const evaluate = emitBounded(tree, dialect);
  return { value: { text, tree, search: (value, run) => evaluate(value as Value, run) }, diagnostics };
}
