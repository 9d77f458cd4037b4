// Which constants a variable of a body can hold, where that is plain from the literals ahead of it: after `some root in
// ["foo", "bar"]`, the reference `data[root].p` means two rules and not every rule called p. Only the literals of the
// body itself are read, and only the first binding of a variable. OPA: v1/ast/compile.go orderedVarBindings, refValues.

import type { Body, Expr, Term } from "./ast.ts";
import { compareTerms, isEquality } from "./terms.ts";
import { isConstant } from "./visit.ts";

/** A variable with the values that it can have, and the literal that binds it. */
export interface Binding {
  readonly index: number;
  readonly name: string;
  readonly values: readonly Term[];
}

export type Known = ReadonlyMap<string, readonly Term[]>;

/** More references than this are not told apart. */
const maxExpansion = 64;

export function constantBindings(body: Body): readonly Binding[] {
  const bindings: Binding[] = [];
  const known = new Map<string, readonly Term[]>();
  for (const [index, expr] of body.entries()) {
    const binding = bindingOf(expr, known);
    if (binding === null || known.has(binding.name)) continue;
    known.set(binding.name, binding.values);
    bindings.push({ index, ...binding });
  }
  return bindings;
}

export function knownBefore(bindings: readonly Binding[], index: number): Known {
  return new Map(bindings.filter((one) => one.index < index).map((one) => [one.name, one.values]));
}

function bindingOf(expr: Expr, known: Known): { readonly name: string; readonly values: readonly Term[] } | null {
  if (!isEquality(expr) || expr.negated || expr.with.length > 0) return null;
  const [left, right] = expr.args;
  const fromRight = left.kind === "var" ? valuesOf(right, known) : null;
  if (left.kind === "var" && fromRight !== null) return { name: left.name, values: fromRight };
  const fromLeft = right.kind === "var" ? valuesOf(left, known) : null;
  return right.kind === "var" && fromLeft !== null ? { name: right.name, values: fromLeft } : null;
}

/** Null when nothing is known; empty when there can be no value. */
function valuesOf(term: Term, known: Known): readonly Term[] | null {
  if (term.kind === "var") return known.get(term.name) ?? null;
  if (term.kind !== "ref") return isConstant(term) ? [term] : null;
  let values = valuesOf(term.head, known);
  for (const part of term.path) {
    if (values === null) return null;
    values = isConstant(part) ? values.flatMap((value) => member(value, part)) : everyMember(values);
    if (values !== null && values.length > maxExpansion) return null;
  }
  return values;
}

function everyMember(values: readonly Term[]): readonly Term[] | null {
  const members = values.map(membersOf);
  return members.includes(null) ? null : members.flatMap((some) => some ?? []);
}

/** Elements of an array or set, values of an object; null for anything else. */
export function membersOf(value: Term): readonly Term[] | null {
  if (value.kind === "array" || value.kind === "set") return value.items;
  return value.kind === "object" ? value.entries.map(([, item]) => item) : null;
}

function member(value: Term, key: Term): readonly Term[] {
  const same = (other: Term): boolean => compareTerms(other, key) === 0;
  if (value.kind === "object") return value.entries.filter(([other]) => same(other)).map(([, item]) => item);
  if (value.kind === "set") return value.items.filter(same);
  if (value.kind !== "array" || key.kind !== "number" || typeof key.value !== "number") return [];
  const item = value.items[key.value];
  return item === undefined ? [] : [item];
}

/** The references that one may be, with known variables replaced; never none, and never fewer than it may mean. */
export function expandReference(reference: readonly Term[], known: Known): readonly (readonly Term[])[] {
  let expanded: readonly (readonly Term[])[] = [reference];
  for (const [at, term] of reference.entries()) {
    if (at === 0 || isConstant(term)) continue;
    const values = valuesOf(term, known);
    if (values === null || values.length === 0 || expanded.length * values.length > maxExpansion) continue;
    expanded = expanded.flatMap((one) => values.map((value) => one.with(at, value)));
  }
  return expanded;
}
