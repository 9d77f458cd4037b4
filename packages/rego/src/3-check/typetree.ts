// The types of documents by path, as a tree: `data.a.p` and its value's type hang at [data, a, p], a local at its name.
// Putting an object type below or above others joins them. OPA: v1/ast/env.go typeTreeNode.

import type { Term } from "../ast.ts";
import { termKey } from "../ruletree.ts";
import { type Inferred, type Maybe, type ObjectType, objectType } from "./inferred.ts";
import { or } from "./typeorder.ts";

export interface TypeNode {
  readonly key: Term | null;
  type: Maybe;
  readonly children: Map<string, TypeNode>;
}

export function newTypeNode(key: Term | null = null): TypeNode {
  return { key, type: null, children: new Map() };
}

export function childNode(node: TypeNode, key: Term): TypeNode | undefined {
  return node.children.get(termKey(key));
}

/** Replaces what is at the path. */
export function put(root: TypeNode, path: readonly Term[], type: Maybe): void {
  let node = root;
  for (const term of path) node = made(node, term);
  node.type = type;
}

function made(node: TypeNode, key: Term): TypeNode {
  const known = childNode(node, key);
  if (known !== undefined) return known;
  const fresh = newTypeNode(key);
  node.children.set(termKey(key), fresh);
  return fresh;
}

/** Adds a rule's type: several rules of one name join, objects on the way take the new value in. */
export function insert(root: TypeNode, path: readonly Term[], type: Inferred, typeOf: (term: Term) => Maybe): void {
  let node = root;
  for (const [at, term] of path.entries()) {
    const known = childNode(node, term);
    if (known?.type?.kind === "object" && at + 1 < path.length) {
      known.type = insertIntoObject(known.type, path.slice(at + 1), type, typeOf);
    }
    node = made(node, term);
  }
  node.type = mergeTypes(node.type, type);
  if (type.kind !== "object") return;
  for (const { path: below, type: leaf } of leaves(node)) {
    if (node.type?.kind === "object") node.type = insertIntoObject(node.type, below, leaf, typeOf);
  }
}

interface Leaf {
  readonly path: readonly Term[];
  readonly type: Inferred;
}

function leaves(node: TypeNode): readonly Leaf[] {
  return [...node.children.values()].flatMap((below): readonly Leaf[] => {
    const key = below.key as Term;
    if (below.type !== null) return [{ path: [key], type: below.type }];
    return leaves(below).map(({ path, type }) => ({ path: [key, ...path], type }));
  });
}

function insertIntoObject(
  object: ObjectType,
  path: readonly Term[],
  type: Inferred,
  typeOf: (term: Term) => Maybe,
): ObjectType {
  const [first, ...rest] = path;
  if (first === undefined) return object;
  const key = typeOf(first);
  const value = rest.length === 0 ? type : insertIntoObject(objectType([], null), rest, type, typeOf);
  const known = object.rest;
  return objectType(object.fields, {
    key: known === null ? key : or(known.key, key),
    value: known === null ? value : or(known.value, value),
  });
}

/** The type of a document that several rules define. */
function mergeTypes(a: Maybe, b: Maybe): Maybe {
  if (a === null) return b;
  if (b === null) return a;
  if (a.kind === "object" && a.fields.length === 0) {
    if (b.kind === "object" && b.fields.length === 0) return mergeObjects(a, b);
    const merged = b.kind === "any" ? mergeIntoUnion(a, b.of) : null;
    if (merged !== null) return merged;
  }
  if (a.kind === "set" && b.kind === "set") return { kind: "set", of: or(a.of, b.of) };
  if (a.kind === "any" && b.kind !== "any") return mergeTypes(b, a);
  return or(a, b);
}

function mergeObjects(a: ObjectType, b: ObjectType): ObjectType {
  if (a.rest === null) return b;
  if (b.rest === null) return a;
  return objectType([], { key: or(a.rest.key, b.rest.key), value: mergeTypes(a.rest.value, b.rest.value) });
}

/** An object without known fields joins the first such object of a union. */
function mergeIntoUnion(object: ObjectType, of: readonly Inferred[]): Maybe {
  const { rest } = object;
  if (rest === null) return null;
  const at = of.findIndex((one) => one.kind === "object" && one.fields.length === 0 && one.rest !== null);
  const known = of[at];
  if (known?.kind !== "object" || known.rest === null) return null;
  const joined = objectType([], { key: or(known.rest.key, rest.key), value: or(known.rest.value, rest.value) });
  return { kind: "any", of: of.with(at, joined) };
}
