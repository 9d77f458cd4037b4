// What the types of terms are, given what is known of variables and documents. Environments are nested: a body sees what
// is known around it and adds what it infers. OPA: v1/ast/env.go TypeEnv.

import type { Body, Comprehension, ObjectTerm, RefTerm, Term } from "../ast.ts";
import type { Value } from "../runtime/value.ts";
import type { OpaVersion } from "../program.ts";
import { termKey } from "../ruletree.ts";
import { isRootName, refTerms } from "../terms.ts";
import { isConstant } from "../visit.ts";
import {
  anyType,
  booleanType,
  type DynamicField,
  type Maybe,
  nullType,
  numberType,
  type ObjectField,
  objectType,
  stringType,
} from "./inferred.ts";
import { childNode, newTypeNode, type TypeNode } from "./typetree.ts";
import { or, select, valuesOf } from "./typeorder.ts";
import { isTooLarge } from "./typesize.ts";

export interface TypeEnv {
  readonly tree: TypeNode;
  /** Where types inferred for variables go: `tree`, except under a `with`, whose variables outlive it. */
  readonly vars: TypeNode;
  readonly next: TypeEnv | null;
  /** How often `vars` has changed, by which it is known whether what was inferred before still stands. */
  readonly changes: { count: number };
  readonly opa: OpaVersion;
  /** Types a closure's body in an environment of its own; null when the body has errors. */
  readonly closure: (env: TypeEnv, body: Body) => TypeEnv | null;
}

export function rootEnv(closure: TypeEnv["closure"], opa: OpaVersion): TypeEnv {
  const tree = newTypeNode();
  return { tree, vars: tree, next: null, changes: { count: 0 }, opa, closure };
}

export function innerEnv(env: TypeEnv): TypeEnv {
  const tree = newTypeNode();
  return { tree, vars: tree, next: env, changes: { count: 0 }, opa: env.opa, closure: env.closure };
}

/** An environment for one literal: what it infers of variables goes to the one around it. */
export function withTree(env: TypeEnv, tree: TypeNode = newTypeNode()): TypeEnv {
  return { tree, vars: env.vars, next: env, changes: env.changes, opa: env.opa, closure: env.closure };
}

export function setVariable(env: TypeEnv, name: Term, type: Maybe): void {
  const { vars } = env;
  env.changes.count++;
  const known = childNode(vars, name);
  if (known === undefined) {
    const node = newTypeNode(name);
    node.type = type;
    vars.children.set(termKey(name), node);
  } else known.type = type;
}

/** Grows with every change of a variable in the environment or around it. */
export function changesIn(env: TypeEnv): number {
  let count = 0;
  for (let one: TypeEnv | null = env; one !== null; one = one.next) count += one.changes.count;
  return count;
}

/** The type of a term; unknown where the type of a collection is larger than anybody compares. */
export function typeOf(env: TypeEnv, term: Term): Maybe {
  const type = typeOfTerm(env, term);
  return isTooLarge(type) ? anyType : type;
}

function typeOfTerm(env: TypeEnv, term: Term): Maybe {
  switch (term.kind) {
    case "null":
      return nullType;
    case "boolean":
      return booleanType;
    case "number":
      return numberType;
    case "string":
    case "template-string":
      return stringType;
    case "array":
      return { kind: "array", items: term.items.map((item) => typeOf(env, item)), rest: ofEmpty(env, term.items) };
    case "object":
      return typeOfObject(env, term.entries);
    case "set":
      return {
        kind: "set",
        of: term.items.reduce<Maybe>((found, item) => or(found, typeOf(env, item)), ofEmpty(env, term.items)),
      };
    case "var":
      return typeOfVariable(env, term);
    case "ref":
      return typeOfReference(env, term);
    case "array-comprehension":
    case "set-comprehension":
    case "object-comprehension":
      return typeOfComprehension(env, term);
    case "call":
      break;
  }
  return null;
}

/** For OPA 1.17 an empty collection may hold anything; later it holds nothing. */
function ofEmpty(env: TypeEnv, members: readonly unknown[]): Maybe {
  return env.opa === "1.17" && members.length === 0 ? anyType : null;
}

function typeOfObject(env: TypeEnv, entries: readonly (readonly [Term, Term])[]): Maybe {
  const fields: ObjectField[] = [];
  const empty = ofEmpty(env, entries);
  let rest: DynamicField | null = empty === null ? null : { key: empty, value: empty };
  for (const [key, value] of entries) {
    const known = constantValue(key);
    if (known !== undefined) fields.push({ key: known, value: typeOf(env, value) });
    else rest = { key: typeOf(env, key), value: typeOf(env, value) };
  }
  return objectType(fields, rest);
}

function typeOfComprehension(env: TypeEnv, term: Comprehension): Maybe {
  const inner = env.closure(env, term.body);
  if (inner === null) return null;
  if (term.kind === "object-comprehension") {
    return objectType([], { key: typeOf(inner, term.key), value: typeOf(inner, term.value) });
  }
  const of = typeOf(inner, term.term);
  return term.kind === "set-comprehension" ? { kind: "set", of } : { kind: "array", items: [], rest: of };
}

function typeOfVariable(start: TypeEnv, term: Term): Maybe {
  for (let env: TypeEnv | null = start; env !== null; env = env.next) {
    const node = childNode(env.tree, term);
    if (node !== undefined) return node.type;
  }
  return null;
}

// ── references

export function typeOfReference(env: TypeEnv, ref: RefTerm): Maybe {
  return typeOfPath(env, refTerms(ref));
}

export function typeOfPath(env: TypeEnv, path: readonly Term[]): Maybe {
  const node = childNode(env.tree, path[0] as Term);
  return node === undefined ? elsewhere(env, path) : typeBelow(env, node, { path, at: 1 });
}

/** In the environment around; a document of which nothing is known may be anything. */
function elsewhere(env: TypeEnv, path: readonly Term[]): Maybe {
  if (env.next !== null) return typeOfPath(env.next, path);
  const head = path[0];
  return head?.kind === "var" && isRootName(head.name) ? anyType : null;
}

interface Rest {
  readonly path: readonly Term[];
  readonly at: number;
}

function typeBelow(env: TypeEnv, node: TypeNode, { path, at }: Rest): Maybe {
  const term = path[at];
  if (term === undefined) return typeOfNode(node);
  if (node.type !== null) {
    const below = childNode(node, term);
    return below === undefined ? selectPath(node.type, path.slice(at)) : typeBelow(env, below, { path, at: at + 1 });
  }
  if (!isConstant(term)) return selectPath(typeOfNode(node), path.slice(at));
  const below = childNode(node, term);
  return below === undefined ? elsewhere(env, path) : typeBelow(env, below, { path, at: at + 1 });
}

/** A package is an object of its documents, which base documents may add to. */
export function typeOfNode(node: TypeNode): Maybe {
  if (node.type !== null) return node.type;
  const fields: ObjectField[] = [];
  for (const child of node.children.values()) {
    const { key } = child;
    if (key?.kind === "string" || key?.kind === "number" || key?.kind === "boolean") {
      fields.push({ key: key.value, value: typeOfNode(child) });
    }
  }
  return objectType(fields, { key: stringType, value: anyType });
}

function selectPath(type: Maybe, path: readonly Term[]): Maybe {
  let found = type;
  for (const term of path) {
    if (found === null) return null;
    found = isOpen(term) ? valuesOf(found) : selectConstant(found, term);
  }
  return found;
}

function isOpen(term: Term): boolean {
  return (
    term.kind === "var" || term.kind === "ref" || term.kind === "array" || term.kind === "object" || term.kind === "set"
  );
}

/** The type under a constant key; null when there is none. */
export function selectConstant(type: Maybe, term: Term): Maybe {
  const key = constantValue(term);
  return key === undefined ? null : select(type, key);
}

/** The JSON value of a constant; a set is a list in it. Undefined for what is no constant. */
function constantValue(term: Term): Value | undefined {
  if (term.kind === "null") return null;
  if (term.kind === "boolean" || term.kind === "string") return term.value;
  if (term.kind === "number") return typeof term.value === "number" ? term.value : term.value.canonical;
  if (term.kind === "array" || term.kind === "set") {
    const items = term.items.map(constantValue);
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  return term.kind === "object" ? constantObject(term) : undefined;
}

function constantObject(term: ObjectTerm): Value | undefined {
  const entries: [string, Value][] = [];
  for (const [key, item] of term.entries) {
    const value = constantValue(item);
    if (key.kind !== "string" || value === undefined) return undefined;
    entries.push([key.value, value]);
  }
  return Object.fromEntries(entries);
}
