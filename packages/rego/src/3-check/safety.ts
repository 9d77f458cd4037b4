// Safety: a variable must be bound before it is read. A body's written order does not matter, so it is not rejected for
// its order: every literal whose inputs are bound is taken, its outputs are added, and so on until nothing can be taken.
// What is left is unsafe, and the message names the variables. The order found here is the order of evaluation.
// OPA: v1/ast/compile.go reorderBodyForSafety.

import type { Body, Comprehension, Expr, Term } from "../ast.ts";
import { addAll, type Arity, outputsOfBody, outputsOfExpr, safetyVars } from "../outputs.ts";
import { isComposite, isComprehension, mapMembers } from "../terms.ts";
import { rewriteExpr, type Rewriter, rewriteTerm, vars, walkExpr } from "../visit.ts";

/** The variables that keep a literal from being safe. */
export type Unsafe = Map<Expr, Set<string>>;

export interface Ordered {
  readonly body: Body;
  readonly unsafe: Unsafe;
}

/**
 * Orders a body, and the bodies in it, given the variables that are bound around it.
 *
 * OPA forgets what a literal itself needs once it has looked at its closures: it lets `not [x | …] == [z]` through with z
 * unbound, or evaluates it before what binds z. We do not; but a body that both refuse is refused in OPA's words.
 */
export function orderForSafety(body: Body, arity: Arity, globals: ReadonlySet<string>): Ordered {
  const ordered = orderBody(body, globals, { arity, forgets: false });
  if (ordered.unsafe.size === 0) return ordered;
  const asOpa = orderBody(body, globals, { arity, forgets: true });
  return asOpa.unsafe.size === 0 ? ordered : asOpa;
}

interface Ordering {
  readonly arity: Arity;
  /** Whether a literal with closures forgets what it needs beside them. */
  readonly forgets: boolean;
}

function orderBody(body: Body, globals: ReadonlySet<string>, ordering: Ordering): Ordered {
  const { arity } = ordering;
  const { ordered, unsafe } = orderLiterals(body, globals, ordering);
  const known = new Set(globals);
  const done = ordered.map((expr, at) => {
    const before = ordered[at - 1];
    if (before !== undefined) addAll(known, safetyVars(before, arity));
    return orderInside(expr, { ...ordering, known, unsafe });
  });
  return { body: done, unsafe };
}

function orderLiterals(
  body: Body,
  globals: ReadonlySet<string>,
  { arity, forgets }: Ordering,
): { readonly ordered: Body; readonly unsafe: Unsafe } {
  const bodyVars = new Set<string>();
  const needs = new Map<Expr, Set<string>>();
  for (const expr of body) {
    const names = safetyVars(expr, arity);
    addAll(bodyVars, names);
    needs.set(expr, names);
  }
  const safe = bodyVars.intersection(globals);
  const unsafe: Unsafe = new Map();
  for (const expr of body) {
    const open = (needs.get(expr) as Set<string>).difference(safe);
    if (open.size > 0) unsafe.set(expr, open);
  }
  const ordered: Expr[] = [];
  const news = createNews();
  let waiting: Body = body;
  for (let before = -1; before !== ordered.length;) {
    before = ordered.length;
    waiting = waiting.filter((expr) => {
      if (!news.concern(expr)) return true;
      const outputs = outputsOfExpr(expr, arity, safe);
      const verdict = closureVerdict(expr, { arity, safe, globals, bodyVars, ordered, outputs });
      if (verdict === "self") return true;
      if (verdict !== null) unsafe.set(expr, verdict);
      const isOpen = (name: string): boolean => !outputs.has(name) && !safe.has(name);
      let left = new Set([...(unsafe.get(expr) ?? [])].filter(isOpen));
      if (left.size === 0 && !forgets) left = new Set([...(needs.get(expr) ?? [])].filter(isOpen));
      if (left.size > 0) {
        unsafe.set(expr, left);
        return true;
      }
      unsafe.delete(expr);
      ordered.push(expr);
      addAll(safe, outputs);
      news.add(outputs);
      return false;
    });
  }
  return { ordered, unsafe };
}

interface News {
  /** Variables became safe. */
  add(names: Iterable<string>): void;
  /** Whether one of a literal's variables did since this was last asked about it. */
  concern(expr: Expr): boolean;
}

/** So that a long body whose literals stand in the reverse order is not worked through again for each of them. */
function createNews(): News {
  const since = new Map<string, number>();
  const asked = new Map<Expr, { readonly names: ReadonlySet<string>; at: number }>();
  let now = 0;
  return {
    add: (names) => {
      now++;
      for (const name of names) since.set(name, now);
    },
    concern: (expr) => {
      const known = asked.get(expr);
      if (known === undefined) {
        asked.set(expr, { names: vars(expr), at: now });
        return true;
      }
      const isNew = known.names.values().some((name) => (since.get(name) ?? 0) > known.at);
      known.at = now;
      return isNew;
    },
  };
}

interface Closing {
  readonly arity: Arity;
  readonly safe: ReadonlySet<string>;
  readonly globals: ReadonlySet<string>;
  readonly bodyVars: ReadonlySet<string>;
  readonly ordered: Body;
  readonly outputs: ReadonlySet<string>;
}

/** What a literal's closures read that nothing taken so far binds; "self" when the literal itself would bind it. */
function closureVerdict(expr: Expr, closing: Closing): Set<string> | "self" | null {
  const closed = varsInClosures(expr).intersection(closing.bodyVars).difference(closing.globals);
  if (closed.size === 0) return null;
  const bound = outputsOfBody(closing.ordered, closing.arity, closing.safe);
  const open = closed.difference(bound);
  if (open.size === 0) return null;
  return sameSet(open, closing.outputs) ? "self" : open;
}

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && a.isSubsetOf(b);
}

/** Variables in comprehensions and in bodies of every, not, and, or. OPA: unsafeVarsInClosures. */
function varsInClosures(expr: Expr): Set<string> {
  const found = new Set<string>();
  walkExpr(expr, {
    term: (term) => {
      if (!isComprehension(term)) return undefined;
      addAll(found, vars(term));
      return false;
    },
    expr: (inner) => {
      if (inner.kind === "every" || inner.kind === "not") addAll(found, vars(inner.body));
      else if (inner.kind === "logic") {
        addAll(found, vars(inner.left));
        addAll(found, vars(inner.right));
      } else return undefined;
      return false;
    },
  });
  return found;
}

// ── bodies inside a literal

interface Inside extends Ordering {
  readonly known: Set<string>;
  readonly unsafe: Unsafe;
}

function orderInside(expr: Expr, inside: Inside): Expr {
  const rewriter: Rewriter = {
    expr: (inner, descend) => {
      if (inner.kind === "every") {
        addAll(inside.known, vars(inner.value));
        if (inner.key !== null) addAll(inside.known, vars(inner.key));
      }
      if (inner.kind === "every" || inner.kind === "not") {
        return { ...inner, body: orderClosure(inner.body, [], expr, inside) };
      }
      if (inner.kind !== "logic") return descend(inner);
      const left = orderClosure(inner.left, [], expr, inside);
      return { ...inner, left, right: orderClosure(inner.right, [], expr, inside) };
    },
    term: (term, descend) => {
      if (isComprehension(term)) return orderComprehension(term, expr, inside);
      return isComposite(term) ? mapMembers(term, (member) => rewriteTerm(member, rewriter)) : descend(term);
    },
  };
  return rewriteExpr(expr, rewriter);
}

function orderComprehension(term: Comprehension, around: Expr, inside: Inside): Term {
  const given = term.kind === "object-comprehension" ? [term.key, term.value] : [term.term];
  return { ...term, body: orderClosure(term.body, given, around, inside) };
}

/** `given` are the terms that the closure gives out, which its body or the literals before must bind. */
function orderClosure(body: Body, given: readonly Term[], around: Expr, inside: Inside): Body {
  const { arity, known, unsafe } = inside;
  const bound = new Set(known);
  for (const expr of body) addAll(bound, safetyVars(expr, arity));
  for (const term of given) {
    for (const name of vars(term)) if (!bound.has(name)) addUnsafe(unsafe, around, [name]);
  }
  const { body: ordered, unsafe: within } = orderBody(body, known, inside);
  for (const [expr, names] of within) addUnsafe(unsafe, expr, names);
  return within.size === 0 ? ordered : body;
}

function addUnsafe(unsafe: Unsafe, expr: Expr, names: Iterable<string>): void {
  const open = unsafe.get(expr) ?? new Set();
  addAll(open, names);
  unsafe.set(expr, open);
}
