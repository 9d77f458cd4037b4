// Demand. A reference into a partial set with a key that is partly known, `p[{"field": "image", "msg": msg}]`, needs only
// the keys with that part. Such a reference calls a variant of the rule that takes the known parts and unifies them with
// the heads before the bodies, so that a body that would scan looks up instead. The variant may give too much, never too
// little; the caller matches what it gets. OPA: v1/topdown/eval.go evalOneRulePreUnify.

import type { Term } from "../ast.ts";
import type { Operand } from "../ir.ts";
import { format } from "../runtime/format.ts";
import type { Value } from "../runtime/value.ts";
import { constantValue } from "./constants.ts";
import { type KeyPath, type Scope, depthOf } from "./scope.ts";
import { type RuleNode, isGround, isMultiValue, rulesOf } from "./tree.ts";
import { isKnown } from "./unify.ts";

export interface Demand {
  readonly path: KeyPath;
  readonly value: Operand;
}

/** Whether the rules at a node make one set. */
export function isSetOfKeys(node: RuleNode): boolean {
  return rulesOf(node).every((rule) => isMultiValue(rule) && isGround(rule));
}

/** Whether the rules at a node make one object. */
export function isPartialObject(node: RuleNode): boolean {
  return !rulesOf(node).every(isGround);
}

/**
 * The known parts of a key that is not known as a whole. Parts that change from turn to turn of a loop are left out: for
 * many keys it is cheaper to compute the set once.
 */
export function demandOf(scope: Scope, key: Term): readonly Demand[] {
  return isKnown(scope, key) ? [] : partsOf(scope, key, []);
}

function partsOf(scope: Scope, term: Term, path: KeyPath): readonly Demand[] {
  if (path.length > 0 && isKnown(scope, term)) {
    const value = scope.frame.context.value(scope, term);
    return depthOf(scope, value) === 0 ? [{ path, value }] : [];
  }
  if (term.kind === "array") return term.items.flatMap((item, at) => partsOf(scope, item, [...path, at]));
  if (term.kind !== "object") return [];
  return term.entries.flatMap(([key, item]) => {
    const name = constantValue(key);
    return name === undefined ? [] : partsOf(scope, item, [...path, name]);
  });
}

/** The part of a head's key at a path, if it can be matched before the body: a variable, a constant, or made of them. */
export function partAt(key: Term, path: KeyPath): Term | undefined {
  let term: Term | undefined = key;
  for (const step of path) term = term && childAt(term, step);
  return term !== undefined && (term.kind === "var" || constantValue(term) !== undefined) ? term : undefined;
}

function childAt(term: Term, step: Value): Term | undefined {
  if (term.kind === "array") return typeof step === "number" ? term.items[step] : undefined;
  if (term.kind !== "object") return undefined;
  return term.entries.find(([key]) => isSame(key, step))?.[1];
}

function isSame(term: Term, value: Value): boolean {
  const constant = constantValue(term);
  return constant !== undefined && format(constant) === format(value);
}
