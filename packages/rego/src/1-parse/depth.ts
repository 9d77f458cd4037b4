// How deep a tree is. The phases that follow walk it by recursion, so a tree that is too deep for them is refused here,
// where a message can still be given: brackets are counted while parsing, but a sum of a thousand terms is deep too.

import { type Diagnostic, errorAt, type Span } from "@portcullis/lang";
import { tooDeep } from "./state.ts";

/** Nodes above one another. Each costs the deepest recursion of a phase a few hundred bytes of stack. */
const maximumHeight = 600;

interface Node {
  readonly node: object;
  readonly depth: number;
  /** Of the innermost node that has one. */
  readonly span: Span | null;
}

/** The error for a tree (or a list of trees) that is too deep, null for all others. */
export function tooDeepIn(tree: object): Diagnostic | null {
  const open: Node[] = [{ node: tree, depth: 0, span: null }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next;
    const span = (node as { readonly span?: Span }).span ?? next.span;
    if (depth > maximumHeight) return errorAt("rego_parse_error", span, tooDeep);
    const isList = Array.isArray(node);
    for (const [name, child] of Object.entries(node) as [string, unknown][]) {
      if (typeof child !== "object" || child === null || name === "span") continue;
      // Links of an else chain are walked in loops.
      open.push({ node: child, depth: isList || name === "else" ? depth : depth + 1, span });
    }
  }
  return null;
}
