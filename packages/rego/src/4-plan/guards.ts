// Guards: literals of a rule that only look at the input or at base documents, such as `input.kind == "Pod"`, with what was
// hoisted for them, such as `x = input.kind` for `x in {"Pod"}`. They are tried before everything else in the body. That is
// quicker, and it is what OPA's rule index amounts to: a rule whose guards fail is not evaluated, so that no error can come
// from it. OPA: v1/ast/index.go baseDocEqIndex.

import type { Body, Expr, RefTerm, Term } from "../ast.ts";
import { callsBuiltin, isComposite } from "../terms.ts";
import { constantValue } from "./constants.ts";
import type { PlanContext } from "./scope.ts";
import { type RuleNode, childOf } from "./tree.ts";

/** The body with its guards in front. A trace shows bodies in the order in which they were written. */
export function guardsFirst(context: PlanContext, body: Body): Body {
  if (context.trace || context.prints) return body;
  const guards = new Set(body.filter((expr) => isGuard(context.tree, expr)));
  for (const expr of memberships(context.tree, body)) guards.add(expr);
  if (guards.size === 0) return body;
  return [...body.filter((expr) => guards.has(expr)), ...body.filter((expr) => !guards.has(expr))];
}

/** `input.x in {1, 2}` and `1 in input.xs`, each with the literal that its reference was hoisted to. */
function memberships(tree: RuleNode, body: Body): readonly Expr[] {
  const tests = body.filter((expr) => callsBuiltin(expr, "internal.member_2")).filter(isPlain);
  if (tests.length === 0) return [];
  const references = new Map<string, Expr>();
  for (const expr of body) {
    const sides = sidesOf(expr);
    const name = sides.find((side) => side.kind === "var");
    if (name !== undefined && sides.some((side) => isBaseReference(tree, side))) references.set(name.name, expr);
  }
  return tests.flatMap((expr) => {
    const [member, collection, more] = expr.args;
    if (member === undefined || collection === undefined || more !== undefined) return [];
    const isCollection = isComposite(collection) && constantValue(collection) !== undefined;
    const looked = isCollection ? member : isScalar(member) && !isComposite(member) ? collection : null;
    const reference = looked?.kind === "var" ? references.get(looked.name) : undefined;
    return reference === undefined ? [] : [reference, expr];
  });
}

function isGuard(tree: RuleNode, expr: Expr): boolean {
  if (expr.kind === "term") return isPlain(expr) && isBaseReference(tree, expr.term);
  const sides = sidesOf(expr);
  return sides.some((side) => isBaseReference(tree, side)) && sides.some(isScalar);
}

/** A reference that must be defined for a body to hold, and the length it must have, if any. */
export interface Needed {
  readonly reference: RefTerm;
  readonly length: number | null;
}

/**
 * References that the body compares with something, whatever it is: `x := input.a`, `[x, y] = input.a`. Looking at them
 * first also takes them out of the loops that they stand in.
 */
export function neededReferences(context: PlanContext, body: Body): readonly Needed[] {
  if (context.trace || context.prints) return [];
  return body.flatMap((expr) => {
    const sides = sidesOf(expr);
    return sides.flatMap((side, at) => {
      const other = sides[1 - at] as Term;
      const needed = side.kind === "ref" && isBaseReference(context.tree, side);
      if (!needed || !(isScalar(other) || isFlatPattern(other))) return [];
      return [{ reference: side, length: other.kind === "array" ? other.items.length : null }];
    });
  });
}

/** Both sides of a plain `=`; none for other literals. */
function sidesOf(expr: Expr): readonly Term[] {
  if (expr.kind !== "call" || expr.args.length !== 2 || !isPlain(expr)) return [];
  const { head, path } = expr.operator;
  const isEquality = path.length === 0 && head.kind === "var" && (head.name === "eq" || head.name === "equal");
  return isEquality ? expr.args : [];
}

function isPlain(expr: Expr): boolean {
  return !expr.negated && expr.with.length === 0;
}

function isScalar(term: Term): boolean {
  return constantValue(term) !== undefined && term.kind !== "set" && term.kind !== "object";
}

/** What OPA's index takes as the other side: a variable, or an array of variables and scalars. */
function isFlatPattern(term: Term): boolean {
  if (term.kind === "array") return term.items.every((item) => item.kind === "var" || isScalar(item));
  return term.kind === "var";
}

/** A reference of constants into the input or below data where no rule is. */
function isBaseReference(tree: RuleNode, term: Term): boolean {
  if (
    term.kind !== "ref" ||
    term.head.kind !== "var" ||
    !term.path.every((part) => constantValue(part) !== undefined)
  ) {
    return false;
  }
  if (term.head.name === "input") return true;
  if (term.head.name !== "data") return false;
  let node: RuleNode | undefined = tree;
  for (const part of term.path) {
    node = childOf(node, constantValue(part) ?? null);
    if (node === undefined) return true;
    if (node.rules.length > 0) return false;
  }
  return false;
}
