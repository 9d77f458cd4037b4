// Terms to operands. Planning a term appends the statements that compute it and gives the operand that holds it; where
// it is undefined the block fails. Constants go to the plan's table, comprehensions become collecting blocks.

import type { Span } from "@portcullis/lang";
import type { CallTerm, Comprehension, Term } from "../ast.ts";
import type { Operand } from "../ir.ts";
import { callValue } from "./calls.ts";
import { constantValue } from "./constants.ts";
import { referenceValue, rootDocument } from "./references.ts";
import {
  type Scope,
  add,
  constant,
  deepest,
  defined,
  depthOf,
  innerScope,
  localOperand,
  newLocal,
  site,
  unbound,
} from "./scope.ts";

/** The operand of a term whose variables are bound; references in it may bind more. */
export function planValue(scope: Scope, term: Term): Operand {
  const value = constantValue(term);
  if (value !== undefined) return constant(scope.frame.context, value);
  switch (term.kind) {
    case "var":
      return variable(scope, term.name, term.span);
    case "ref":
      return defined(scope, referenceValue(scope, term));
    case "array":
    case "set":
      return defined(scope, { kind: term.kind, items: term.items.map((item) => planValue(scope, item)) });
    case "object":
      return objectValue(scope, term.entries);
    case "array-comprehension":
    case "set-comprehension":
    case "object-comprehension":
      return comprehension(scope, term);
    case "call":
      return defined(scope, callOf(scope, term));
    case "template-string":
      throw new Error("a template string was not rewritten before planning");
    case "null":
    case "boolean":
    case "number":
    case "string":
      return constant(scope.frame.context, null);
    default:
      return term satisfies never;
  }
}

function variable(scope: Scope, name: string, span: Span): Operand {
  const bound = scope.bound.get(name);
  if (bound !== undefined) return bound;
  const root = rootDocument(scope, name);
  if (root !== undefined) return defined(scope, root);
  return unbound(scope, `var ${name} requires evaluation`, span);
}

function callOf(scope: Scope, term: CallTerm): ReturnType<typeof callValue> {
  return callValue(scope, term.operator, term.args, term.span);
}

function objectValue(scope: Scope, entries: readonly (readonly [Term, Term])[]): Operand {
  const operands = entries.map(([key, value]) => [planValue(scope, key), planValue(scope, value)] as const);
  return defined(scope, { kind: "object", entries: operands });
}

const collected = {
  "array-comprehension": "array",
  "set-comprehension": "set",
  "object-comprehension": "object",
} as const;

function comprehension(scope: Scope, term: Comprehension): Operand {
  const { context } = scope.frame;
  const what = collected[term.kind];
  const inner = innerScope(scope, what === "array");
  // It depends on whatever was bound outside when it begins, at most; cheaper to find than its free variables.
  const local = newLocal(scope, outerDepth(scope, term));
  const { block } = inner;
  context.body(inner, term.body, (leaf) => {
    const key = term.kind === "object-comprehension" ? planValue(leaf, term.key) : null;
    const value = planValue(leaf, term.kind === "object-comprehension" ? term.value : term.term);
    const depth =
      what === "array" ? leaf.depth : Math.max(deepest(leaf, [value]), key === null ? 0 : depthOf(leaf, key));
    const at = site(context, term.kind === "object-comprehension" ? term.key.span : term.span);
    add(leaf, { kind: "append", to: local, what, key, value, depth, site: at });
  });
  add(scope, { kind: "collect", what, local, block });
  return localOperand(local);
}

function outerDepth(scope: Scope, _term: Comprehension): number {
  return scope.depth;
}
