// Calls that cannot succeed: unknown functions and wrong numbers of arguments. The specification lets an implementation
// refuse them before it evaluates; go-jmespath notices only when it comes to the call, so that
// `a || nonsense()` works where `a` is there. There they are warnings, and the call fails when it is reached.

import { type Diagnostic, errorAt, warningAt } from "@portcullis/lang";
import { type Node, childrenOf } from "../ast.ts";
import type { Dialect } from "../dialect.ts";
import type { SearchError } from "../runtime/run.ts";
import { arityError, arityFits, unknownFunction } from "../functions/function.ts";

/** One diagnostic per such call, in the order of the text. */
export function checkCalls(node: Node, dialect: Dialect): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const report = dialect.engine === "specification" ? errorAt : warningAt;
  const visit = (at: Node): void => {
    const wrong = at.kind === "call" ? wrongCall(at, dialect) : null;
    if (wrong !== null) found.push(report(wrong.kind, at.span, wrong.message));
    for (const child of childrenOf(at)) visit(child);
  };
  visit(node);
  return found;
}

function wrongCall(call: Extract<Node, { kind: "call" }>, dialect: Dialect): SearchError | null {
  if (call.name === null) return null;
  const fn = dialect.functions.get(call.name);
  if (fn === undefined) return unknownFunction(call.name);
  const count = call.arguments.length;
  return arityFits(fn, count, dialect.engine) ? null : arityError(fn, count, dialect.engine);
}
