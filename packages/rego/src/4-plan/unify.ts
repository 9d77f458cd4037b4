// Unification, decided when planning. Every variable is either bound here or not, so `a = b` falls apart into bindings
// (no code at all), tests of equality, and the taking apart of arrays and objects. Two patterns are unified element by
// element, in an order in which each step finds one side known. OPA: v1/topdown/eval.go biunify.

import type { Term } from "../ast.ts";
import type { Operand } from "../ir.ts";
import { constantValue } from "./constants.ts";
import { format } from "../runtime/format.ts";
import { type Scope, add, defined } from "./scope.ts";

/** Whether all variables of a term are bound, so that it can be computed without binding more. */
export function isKnown(scope: Scope, term: Term): boolean {
  switch (term.kind) {
    case "var":
      return scope.bound.has(term.name) || term.name === "input" || term.name === "data";
    case "ref":
      return isKnown(scope, term.head) && term.path.every((part) => isKnown(scope, part));
    case "array":
    case "set":
      return term.items.every((item) => isKnown(scope, item));
    case "object":
      return term.entries.every((entry) => entry.every((part) => isKnown(scope, part)));
    case "call":
      return term.args.every((arg) => isKnown(scope, arg));
    case "null":
    case "boolean":
    case "number":
    case "string":
    case "array-comprehension":
    case "set-comprehension":
    case "object-comprehension":
    case "template-string":
      return true;
    default:
      return term satisfies never;
  }
}

/** Plans `left = right`. */
export function unify(scope: Scope, left: Term, right: Term): void {
  const pairs: (readonly [Term, Term])[] = [[left, right]];
  while (pairs.length > 0) {
    const ready = pairs.findIndex(([a, b]) => isReady(scope, a, b));
    const [[a, b]] = pairs.splice(Math.max(ready, 0), 1) as [readonly [Term, Term]];
    pairs.unshift(...unifyPair(scope, a, b));
  }
}

/** Whether one side can be computed now, or both can be taken apart. */
function isReady(scope: Scope, a: Term, b: Term): boolean {
  return isKnown(scope, a) || isKnown(scope, b) || bothTakenApart(a, b);
}

function bothTakenApart(a: Term, b: Term): boolean {
  return (a.kind === "array" && b.kind === "array") || (a.kind === "object" && b.kind === "object");
}

/** Plans one pair, or gives the pairs that it consists of. */
function unifyPair(scope: Scope, a: Term, b: Term): readonly (readonly [Term, Term])[] {
  if (bothTakenApart(a, b)) return takeApart(scope, a, b);
  // The side that is taken apart comes second: where it does not fit, nothing in it is computed.
  const [whole, pattern] = isPattern(scope, a) || (isComposite(a) && !isPattern(scope, b)) ? [b, a] : [a, b];
  if (pattern.kind !== "var" && whole.kind !== "ref" && !isKnown(scope, whole)) never(scope);
  else matchPattern(scope, pattern, scope.frame.context.value(scope, whole));
  return [];
}

/** What is not bound in a set or a key equals nothing: sets are compared, not taken apart. */
function never(scope: Scope): void {
  add(scope, { kind: "test", test: { kind: "never" } });
}

/** A term that must be matched, because it holds unbound variables that are not found by a reference. */
function isPattern(scope: Scope, term: Term): boolean {
  return term.kind !== "ref" && !isKnown(scope, term);
}

/** An array or object that can be matched part by part; one of constants is compared as a whole. */
function isComposite(term: Term): boolean {
  if (constantValue(term) !== undefined) return false;
  if (term.kind === "array") return true;
  return term.kind === "object" && term.entries.every(([key]) => constantValue(key) !== undefined);
}

function takeApart(scope: Scope, a: Term, b: Term): readonly (readonly [Term, Term])[] {
  if (a.kind === "array" && b.kind === "array") {
    if (a.items.length === b.items.length) return a.items.map((item, at) => [item, b.items[at] as Term] as const);
  } else if (a.kind === "object" && b.kind === "object" && a.entries.length === b.entries.length) {
    const pairs = objectPairs(scope, a.entries, b.entries);
    if (pairs !== null) return pairs;
    // A key that is only known at run time: the known object is made and the other one matched against it.
    const pattern = b.entries.every(([, value]) => isKnown(scope, value)) ? a : b;
    matchPattern(scope, pattern, scope.frame.context.value(scope, pattern === a ? b : a));
    return [];
  }
  never(scope);
  return [];
}

type Entries = readonly (readonly [Term, Term])[];

/** Pairs of values with equal constant keys; null where a key is not a constant. */
function objectPairs(scope: Scope, a: Entries, b: Entries): readonly (readonly [Term, Term])[] | null {
  const right = new Map<string, Term>();
  for (const [key, value] of b) {
    const text = constantKey(key);
    if (text === null) return null;
    right.set(text, value);
  }
  const pairs: (readonly [Term, Term])[] = [];
  for (const [key, value] of a) {
    const text = constantKey(key);
    if (text === null) return null;
    const other = right.get(text);
    if (other === undefined) never(scope);
    else pairs.push([value, other]);
  }
  return pairs;
}

function constantKey(term: Term): string | null {
  const value = constantValue(term);
  return value === undefined ? null : format(value);
}

/** Plans the matching of a term against a value: binds its unbound variables, tests the rest. */
export function matchPattern(scope: Scope, pattern: Term, value: Operand): void {
  if (pattern.kind === "var" && !isKnown(scope, pattern)) {
    scope.bound.set(pattern.name, value);
  } else if (pattern.kind === "set" && !isKnown(scope, pattern)) {
    never(scope);
  } else if (!isComposite(pattern) && (isKnown(scope, pattern) || pattern.kind !== "object")) {
    const other = scope.frame.context.value(scope, pattern);
    add(scope, { kind: "test", test: { kind: "equal", left: value, right: other, negated: false } });
  } else if (pattern.kind === "array") {
    matchArray(scope, pattern.items, value);
  } else if (pattern.kind === "object") {
    matchObject(scope, pattern.entries, value);
  }
}

function matchArray(scope: Scope, items: readonly Term[], value: Operand): void {
  add(scope, { kind: "test", test: { kind: "array", value, length: items.length } });
  const pairs = items.map((item, at) => [item, defined(scope, { kind: "element", of: value, at })] as const);
  matchAll(scope, pairs);
}

function matchObject(scope: Scope, entries: Entries, value: Operand): void {
  if (!entries.every(([key]) => isKnown(scope, key))) {
    never(scope);
    return;
  }
  add(scope, { kind: "test", test: { kind: "object", value, size: entries.length } });
  const pairs = entries.map(([key, pattern]) => {
    const found = element(scope, value, scope.frame.context.value(scope, key));
    return [pattern, found] as const;
  });
  matchAll(scope, pairs);
}

/** First what binds variables without looking at others, so that `[x, f(x)]` finds x bound. */
function matchAll(scope: Scope, pairs: readonly (readonly [Term, Operand])[]): void {
  const later: (readonly [Term, Operand])[] = [];
  for (const pair of pairs) {
    const [pattern, value] = pair;
    if (pattern.kind === "ref" && !isKnown(scope, pattern)) later.push(pair);
    else matchPattern(scope, pattern, value);
  }
  for (const [pattern, value] of later) matchPattern(scope, pattern, value);
}

function element(scope: Scope, of: Operand, key: Operand): Operand {
  return defined(scope, { kind: "path", base: of, keys: [key] });
}
