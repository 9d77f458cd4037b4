// Warns where a dialect counts what a filter leaves of a list that may be absent: the length is 0 then, where Kyverno ends
// with an error. Whoever relied on the error must know.

import { type Diagnostic, warningAt } from "@portcullis/lang";
import { type Node, childrenOf } from "../ast.ts";
import { measuredFilter, withoutLength } from "../absent.ts";
import type { Dialect } from "../dialect.ts";

/** One warning per place, in the order of the text. */
export function checkAbsentFilters(node: Node, dialect: Dialect): readonly Diagnostic[] {
  if (dialect.absentFilterIsEmpty !== true) return [];
  const found: Diagnostic[] = [];
  const visit = (at: Node): void => {
    const measures =
      (at.kind === "call" && measuredFilter(at) !== null) || (at.kind === "pipe" && withoutLength(at) !== null);
    if (measures) found.push(warningAt("length-of-absent-filter", at.span, message, hint));
    for (const child of childrenOf(at)) visit(child);
  };
  visit(node);
  return found;
}

const message = "the length of this filter is 0 where its list is absent; Kyverno reports an error there";
const hint = "write `(list || `[]`)[?…]` to mean the same everywhere";
