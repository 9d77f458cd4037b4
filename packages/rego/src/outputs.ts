// What a literal binds. A literal's outputs are the variables that have a value after it, given those that have one
// before it (`safe`): keys that a reference enumerates, sides of a unification, the extra last argument of a call.
// OPA: v1/ast/compile.go outputVarsForExpr and v1/ast/unify.go.

import type { Body, CallExpr, Expr, RefTerm, Term } from "./ast.ts";
import { isComprehension, isEquality, isGround, sameTerms } from "./terms.ts";
import { type Visitor, type VarsOptions, vars, walkExpr, walkTerm } from "./visit.ts";

/** The number of arguments of a function; -1 when there is no such function. */
export type Arity = (operator: RefTerm) => number;

export type Names = ReadonlySet<string>;

const empty: Names = new Set();

/** Variables that have a value from the start. */
export const reservedNames: Names = new Set(["input", "data"]);

/** Positions where a value flows in, so that a variable there is bound. */
const boundPositions: VarsOptions = { skipRefHeads: true, skipObjectKeys: true, skipClosures: true };

/** What a safety check looks at: closures and operators aside. OPA: SafetyCheckVisitorParams. */
export const safetyOptions: VarsOptions = { skipCallHeads: true, skipClosures: true };

/** What a body binds beyond `safe`. */
export function outputsOfBody(body: Body, arity: Arity, safe: Names): Set<string> {
  const known = new Set(safe);
  for (const expr of body) for (const name of outputsOfExpr(expr, arity, known)) known.add(name);
  return known.difference(safe);
}

export function outputsOfExpr(expr: Expr, arity: Arity, safe: Names): Names {
  if (expr.negated) return empty;
  for (const modifier of expr.with) {
    for (const name of vars(modifier, safetyOptions)) if (!safe.has(name)) return empty;
  }
  switch (expr.kind) {
    case "term":
      return outputsOfReferences(expr, safe);
    case "call":
      if (isEquality(expr)) return outputsOfEquality(expr, safe);
      return outputsOfCall(expr, arity(expr.operator), safe);
    case "every":
      return outputsOfReferences(expr, safe);
    case "some":
    case "not":
    case "logic":
      break;
  }
  return empty;
}

/** What `left = right` binds; `:=` binds its left side from its right side only. */
export function outputsOfEquality(expr: CallExpr & { readonly args: readonly [Term, Term] }, safe: Names): Set<string> {
  const [left, right] = expr.args;
  const found = outputsOfReferences(expr, safe);
  const assigned: Names = expr.assignment === true ? vars(left) : empty;
  for (const name of assigned) found.delete(name);
  // `safe` is asked and not copied: it may hold the variables of thousands of literals.
  const known: Lookup = { has: (name) => found.has(name) || (safe.has(name) && !assigned.has(name)) };
  const outputs = new Set<string>();
  for (const names of [found, unify(known, left, right)]) {
    for (const name of names) if (!safe.has(name)) outputs.add(name);
  }
  return outputs;
}

type Lookup = Pick<Names, "has">;

function outputsOfCall(expr: CallExpr, arity: number, safe: Names): Set<string> {
  if (arity < 0) return new Set();
  const outputs = outputsOfReferences(expr, safe);
  if (arity >= expr.args.length) return outputs;
  for (const name of varsAt(expr.args.slice(0, arity))) if (!outputs.has(name) && !safe.has(name)) return new Set();
  addAll(outputs, varsAt(expr.args.slice(arity)));
  return outputs;
}

function varsAt(args: readonly Term[]): Names {
  return varsOfTerms(args, { ...boundPositions, skipSets: true });
}

/** Variables in the paths of references whose head has a value. */
function outputsOfReferences(expr: Expr, safe: Names): Set<string> {
  const outputs = new Set<string>();
  const visitor: Visitor = {
    term: (term) => {
      if (isComprehension(term) || term.kind === "template-string") return false;
      if (term.kind !== "ref") return undefined;
      if (!isReferenceSafe(term, safe)) return false;
      if (!isGround(term)) for (const name of vars(term, { skipRefHeads: true })) outputs.add(name);
      return undefined;
    },
  };
  if (expr.kind === "every") walkTerm(expr.domain, visitor);
  else walkExpr(expr, visitor);
  return outputs;
}

function isReferenceSafe(ref: RefTerm, safe: Lookup): boolean {
  if (ref.head.kind === "var") return safe.has(ref.head.name);
  return isSafe(ref.head, safe);
}

function isSafe(term: Term, safe: Lookup): boolean {
  for (const name of vars(term, safetyOptions)) if (!safe.has(name)) return false;
  return true;
}

// ── unification

interface Unifier {
  readonly safe: Lookup;
  readonly unified: Set<string>;
  /** Variables that have a value as soon as all those they wait for have one. */
  readonly waiting: Map<string, Set<string>>;
}

/** The variables that `a = b` gives a value, when those in `safe` have one. */
function unify(safe: Lookup, a: Term, b: Term): Names {
  const unifier: Unifier = { safe, unified: new Set(), waiting: new Map() };
  unifyTerms(unifier, a, b);
  return unifier.unified;
}

function unifyTerms(unifier: Unifier, a: Term, b: Term): void {
  if (a.kind === "var") {
    unifyVariable(unifier, a.name, b);
    return;
  }
  if (b.kind === "var") {
    unifyVariable(unifier, b.name, a);
    return;
  }
  if (fillsLeft(unifier.safe, a, b)) {
    markAll(unifier, a);
  } else if (fillsRight(unifier.safe, a, b)) {
    markAll(unifier, b);
  } else if (a.kind === "array" && b.kind === "array") {
    if (a.items.length === b.items.length)
      a.items.forEach((item, at) => unifyTerms(unifier, item, b.items[at] as Term));
  } else if (a.kind === "object" && b.kind === "object" && a.entries.length === b.entries.length) {
    for (const [key, value] of a.entries) {
      const other = b.entries.find(([otherKey]) => sameTerms(key, otherKey));
      if (other !== undefined) unifyTerms(unifier, value, other[1]);
    }
  }
}

function unifyVariable(unifier: Unifier, name: string, other: Term): void {
  if (other.kind === "var") {
    unifyVariables(unifier, name, other.name);
  } else if (other.kind === "array" || other.kind === "object") {
    unifyComposite(unifier, name, other);
  } else if (!isOpenSource(other) || isSource(other, unifier.safe)) {
    mark(unifier, name);
  }
}

function unifyVariables(unifier: Unifier, name: string, other: string): void {
  if (hasValue(unifier, other)) {
    mark(unifier, name);
  } else if (hasValue(unifier, name)) {
    mark(unifier, other);
  } else {
    wait(unifier, name, other);
    wait(unifier, other, name);
  }
}

/** A term that has a value only when something in it has. */
function isOpenSource(term: Term): boolean {
  return term.kind === "ref" || term.kind === "call";
}

function unifyComposite(unifier: Unifier, name: string, composite: Term): void {
  if (hasValue(unifier, name)) {
    markAll(unifier, composite);
    return;
  }
  const open = [...vars(composite, boundPositions)].filter((inner) => !hasValue(unifier, inner));
  if (open.length === 0) mark(unifier, name);
  else for (const inner of open) wait(unifier, name, inner);
}

/** A reference or call with a value of its own, which fills the variables of an array or object on the other side. */
function isSource(term: Term, safe: Lookup): boolean {
  return term.kind === "ref" ? isReferenceSafe(term, safe) : term.kind === "call" && isSafe(term, safe);
}

/** OPA looks at the sides in turn, and not at both in the same way: any comprehension fills an array on its left, … */
function fillsLeft(safe: Lookup, left: Term, right: Term): boolean {
  if (left.kind === "array") return isSource(right, safe) || isComprehension(right);
  return left.kind === "object" && isSource(right, safe);
}

/** … and one on its right only where it makes such a thing itself; an object on its left it never fills. */
function fillsRight(safe: Lookup, left: Term, right: Term): boolean {
  if (right.kind === "array") return isSource(left, safe) || left.kind === "array-comprehension";
  return right.kind === "object" && (isSource(left, safe) || left.kind === "object-comprehension");
}

function hasValue(unifier: Unifier, name: string): boolean {
  return unifier.safe.has(name) || unifier.unified.has(name);
}

function wait(unifier: Unifier, name: string, on: string): void {
  const waits = unifier.waiting.get(name);
  if (waits === undefined) unifier.waiting.set(name, new Set([on]));
  else waits.add(on);
}

function markAll(unifier: Unifier, term: Term): void {
  for (const name of vars(term, boundPositions)) mark(unifier, name);
}

/** Gives a variable a value, and with it the parts it waits for, and those that waited for it alone. */
function mark(unifier: Unifier, name: string): void {
  unifier.unified.add(name);
  const parts = unifier.waiting.get(name);
  unifier.waiting.delete(name);
  for (const part of parts ?? []) mark(unifier, part);
  for (const [other, waits] of unifier.waiting) {
    if (waits.delete(name) && waits.size === 0) mark(unifier, other);
  }
}

// ── operands without braces

/** What a safety check looks at in a literal, with what `not`, `and` and `or` without braces need from outside. */
export function safetyVars(expr: Expr, arity: Arity): Set<string> {
  const names = vars(expr, safetyOptions);
  if (expr.kind === "not" && !expr.explicit) addAll(names, neededByImplicit(expr.body, arity));
  if (expr.kind === "logic" && !expr.leftExplicit) addAll(names, neededByImplicit(expr.left, arity));
  if (expr.kind === "logic" && !expr.rightExplicit) addAll(names, neededByImplicit(expr.right, arity));
  return names;
}

/** Variables of several terms. */
export function varsOfTerms(terms: Iterable<Term>, options: VarsOptions = {}): Set<string> {
  const names = new Set<string>();
  for (const term of terms) addAll(names, vars(term, options));
  return names;
}

export function addAll(into: Set<string>, names: Iterable<string>): void {
  for (const name of names) into.add(name);
}

/**
 * What an operand without braces needs from the body around it: all of a single literal's variables; of several (a
 * rewrite made them), those that none binds and those that only one mentions. OPA: unsafeImplicitBodyVars.
 */
function neededByImplicit(body: Body, arity: Arity): Names {
  const mentions = new Map<string, number>();
  for (const expr of body) {
    for (const name of vars(expr, safetyOptions)) mentions.set(name, (mentions.get(name) ?? 0) + 1);
  }
  if (body.length === 1) return new Set(mentions.keys());
  const bound = boundInside(body, arity, new Set(mentions.keys()));
  const needed = new Set<string>();
  for (const [name, count] of mentions) if (!bound.has(name) || count === 1) needed.add(name);
  return needed;
}

function boundInside(body: Body, arity: Arity, mentioned: Names): Names {
  const safe = new Set([...reservedNames, ...mentioned]);
  const equalities = body.filter(isEquality);
  for (const equality of equalities) for (const side of equality.args) if (side.kind === "var") safe.delete(side.name);
  const bound = new Set<string>();
  for (let size = -1; size !== bound.size;) {
    size = bound.size;
    for (const equality of equalities) {
      for (const name of outputsOfEquality(equality, safe)) {
        bound.add(name);
        safe.add(name);
      }
    }
  }
  for (const expr of body) {
    if (expr.kind !== "call" || isEquality(expr)) continue;
    const count = arity(expr.operator);
    if (count < 0) continue;
    addAll(bound, varsAt(expr.args.slice(count)));
  }
  return bound;
}
