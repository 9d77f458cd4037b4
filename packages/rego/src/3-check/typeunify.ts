// Whether two types have a value in common, and what a term's variables must be for it to be of a type.
// OPA: v1/ast/check.go unifies, unify1, unify2.

import type { ArrayTerm, ObjectTerm, SetTerm, Term } from "../ast.ts";
import { isComposite, sameTerms } from "../terms.ts";
import { isConstant } from "../visit.ts";
import { anyType, type ArrayType, type FunctionType, type Maybe, type ObjectType } from "./inferred.ts";
import { isAnyType, isUnknown, or, selectField, valuesOf } from "./typeorder.ts";
import { selectConstant, setVariable, type TypeEnv, typeOf } from "./typeenv.ts";

export function unifies(a: Maybe, b: Maybe): boolean {
  if (a === null || b === null) return false;
  if (a.kind === "any" && meetsUnion(a.of, b)) return true;
  if (b.kind === "any" && meetsUnion(b.of, a)) return true;
  if (a.kind === "any" || b.kind === "any") return false;
  if (a.kind === "array" && b.kind === "array") return arraysUnify(a, b);
  if (a.kind === "object" && b.kind === "object") return objectsUnify(a, b);
  // The empty set is a member of every set type.
  if (a.kind === "set" && b.kind === "set") return a.of === null || b.of === null || unifies(a.of, b.of);
  if (a.kind === "function" && b.kind === "function") return functionsUnify(a, b);
  return a.kind === b.kind;
}

function meetsUnion(of: readonly Maybe[], b: Maybe): boolean {
  if (b?.kind === "function") return false;
  return of.length === 0 || of.some((one) => unifies(one, b));
}

function functionsUnify(a: FunctionType, b: FunctionType): boolean {
  return a.args.length === b.args.length && a.args.every((arg, at) => unifies(arg, b.args[at] ?? null));
}

function arraysUnify(a: ArrayType, b: ArrayType): boolean {
  const fit = (one: ArrayType, other: ArrayType): boolean =>
    one.items.every((item, at) => unifies(item, other.items[at] ?? other.rest));
  return fit(a, b) && fit(b, a) && (a.rest === null || b.rest === null || unifies(a.rest, b.rest));
}

function objectsUnify(a: ObjectType, b: ObjectType): boolean {
  const open = a.rest !== null || b.rest !== null;
  const fit = (one: ObjectType, other: ObjectType): boolean =>
    one.fields.every(({ key, value }) => {
      const found = selectField(other, key);
      return found === null ? isOpenObject(one) || isOpenObject(other) : unifies(value, found);
    });
  if (!fit(a, b) || !fit(b, a)) return false;
  return !open || a.rest?.value == null || b.rest?.value == null || unifies(a.rest.value, b.rest.value);
}

function isOpenObject(type: ObjectType): boolean {
  return type.rest !== null && type.rest.value !== null;
}

// ── two terms

export interface Typed {
  readonly term: Term;
  readonly type: Maybe;
}

/** Makes two terms one, giving types to variables that have none yet. */
export function unifyTerms(env: TypeEnv, a: Typed, b: Typed): boolean {
  const [unknownA, unknownB] = [isUnknown(a.type), isUnknown(b.type)];
  if (unknownA && !unknownB) return unifyWith(env, a.term, b.type);
  if (unknownB && !unknownA) return unifyWith(env, b.term, a.type);
  if (!unknownA && !unknownB) return unifies(a.type, b.type);
  const shaped = unifyShapes(env, a, b);
  if (shaped !== null) return shaped;
  if (a.term.kind === "var" && a.type === null && b.type !== null) return unifyWith(env, a.term, b.type);
  if (b.term.kind === "var" && b.type === null && a.type !== null) return unifyWith(env, b.term, a.type);
  return false;
}

/** Both types are unknown in part; null when the shapes say nothing either. */
function unifyShapes(env: TypeEnv, a: Typed, b: Typed): boolean | null {
  if (a.term.kind === "array") return unifyArrayTerm(env, a.term, b.term);
  if (a.term.kind === "object") return unifyObjectTerm(env, a.term, b.term);
  if (a.term.kind !== "var") return null;
  if (b.term.kind === "var") {
    return unifyWith(env, a.term, anyType) && unifyWith(env, b.term, typeOf(env, a.term));
  }
  if (b.term.kind === "array") return unifyArrayTerm(env, b.term, a.term);
  return b.term.kind === "object" ? unifyObjectTerm(env, b.term, a.term) : null;
}

function typed(env: TypeEnv, term: Term): Typed {
  return { term, type: typeOf(env, term) };
}

function unifyArrayTerm(env: TypeEnv, a: ArrayTerm, b: Term): boolean {
  if (b.kind === "array") {
    if (a.items.length !== b.items.length) return false;
    return a.items.every((item, at) => unifyTerms(env, typed(env, item), typed(env, b.items[at] as Term)));
  }
  return b.kind === "var" && unifyVariable(env, a, b);
}

function unifyObjectTerm(env: TypeEnv, a: ObjectTerm, b: Term): boolean {
  if (b.kind !== "object") return b.kind === "var" && unifyVariable(env, a, b);
  if (a.entries.length !== b.entries.length) return false;
  const pairs = a.entries.flatMap(([key, value]) => {
    const other = b.entries.find(([otherKey]) => sameTerms(key, otherKey));
    return other === undefined ? [] : [[value, other[1]] as const];
  });
  if (pairs.length !== a.entries.length) return false;
  return pairs.every(([one, other]) => unifyTerms(env, typed(env, one), typed(env, other)));
}

function unifyVariable(env: TypeEnv, composite: Term, variable: Term): boolean {
  return unifyWith(env, composite, anyType) && unifyWith(env, variable, typeOf(env, composite));
}

// ── a term and a type

/** `union`: the type is one of several that the term may be of, so variables gather them. */
export function unifyWith(env: TypeEnv, term: Term, type: Maybe, union = false): boolean {
  if (isComposite(term)) return unifyComposite(env, term, { type, union });
  return term.kind === "var" ? giveType(env, term, { type, union }) : unifies(typeOf(env, term), type);
}

interface Wanted {
  readonly type: Maybe;
  readonly union: boolean;
}

function giveType(env: TypeEnv, term: Term, { type, union }: Wanted): boolean {
  const known = typeOf(env, term);
  if (union) setVariable(env, term, or(known, type));
  else if (known !== null) return unifies(known, type);
  else setVariable(env, term, type);
  return true;
}

function unifyComposite(env: TypeEnv, term: ArrayTerm | ObjectTerm | SetTerm, { type, union }: Wanted): boolean {
  if (type?.kind === "any") {
    if (isAnyType(type)) {
      const members = term.kind === "object" ? term.entries.flat() : term.items;
      for (const member of members) unifyWith(env, member, anyType, true);
      return true;
    }
    // Each alternative is tried, so that variables learn of all of them.
    return type.of.map((one) => unifyWith(env, term, one, true)).includes(true);
  }
  if (term.kind === "array" && type?.kind === "array") {
    if (term.items.length !== type.items.length && type.rest === null) return false;
    return term.items.every((item, at) => unifyWith(env, item, type.items[at] ?? type.rest, union));
  }
  if (term.kind === "object" && type?.kind === "object") return unifyEntries(env, term, { type, union });
  if (term.kind !== "set" || type?.kind !== "set") return false;
  const of = valuesOf(type);
  return term.items.every((item) => unifyWith(env, item, of, union));
}

function unifyEntries(
  env: TypeEnv,
  term: ObjectTerm,
  { type, union }: { readonly type: ObjectType; readonly union: boolean },
): boolean {
  if (term.entries.length !== type.fields.length && type.rest === null) return false;
  return term.entries.every(([key, value]) => {
    if (!isConstant(key)) {
      unifyWith(env, value, anyType, union);
      return true;
    }
    const found = selectConstant(type, key);
    return found !== null && unifyWith(env, value, found, union);
  });
}
