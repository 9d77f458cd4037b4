// Which fields of an object an expression looks at. The expression's tree is walked with the paths that the current value
// may have: a projection goes to the items of a list, a filter looks at fields of its items, and names that the rule
// defines (`element`, its context variables) stand for what they were made of. What is computed has no path.

import type { Node } from "@portcullis/jmespath";
import { compile, kyvernoDialect } from "@portcullis/jmespath/kyverno";

/** What a name at the top stands for: paths of the context, such as `request.object.spec`. */
export type Names = ReadonlyMap<string, readonly string[]>;

export interface Looked {
  /** Fields of the object: `spec.containers[].image`. */
  readonly fields: readonly string[];
  /** Where the expression's own value lies in the context. */
  readonly values: readonly string[];
}

/** The fields of the object that a query looks at; none for one that does not parse. */
export function fieldsOfQuery(text: string, names: Names): Looked {
  const { value: expression } = compile(text.trim(), kyvernoDialect);
  if (expression === null) return { fields: [], values: [] };
  const seen = new Set<string>();
  const values = pathsOf(expression.tree, { current: [""], names, seen });
  for (const value of values) seen.add(value);
  const fields = [...seen].flatMap(fieldOf);
  return { fields: [...new Set(fields)].filter((path) => !fields.some((other) => isDeeper(other, path))), values };
}

function isDeeper(path: string, than: string): boolean {
  return path !== than && (path.startsWith(`${than}.`) || path.startsWith(`${than}[`));
}

const containers = ["containers", "initContainers", "ephemeralContainers"];

/** A path of the context as a field of the object; `images` is made of the containers' images. */
function fieldOf(path: string): readonly string[] {
  const match = /^request\.(?:object|oldObject)\.(.+)$/.exec(path);
  if (match !== null) return [(match[1] ?? "").replace(/\[\]$/, "")];
  if (!/^images(?:\.|$)/.test(path)) return [];
  const named = containers.filter((name) => path.startsWith(`images.${name}`));
  return (named.length === 0 ? containers : named).map((name) => `spec.${name}[].image`);
}

interface Walk {
  readonly current: readonly string[];
  readonly names: Names;
  readonly seen: Set<string>;
}

function pathsOf(node: Node, walk: Walk): readonly string[] {
  switch (node.kind) {
    case "field":
      return walk.current.flatMap((path) => below(path, node.name, walk.names));
    case "current":
      return walk.current;
    case "index":
    case "slice":
      return walk.current.map((path) => `${path}[]`);
    case "subexpression":
    case "pipe":
      return pathsOf(node.right, { ...walk, current: pathsOf(node.left, walk) });
    case "flatten":
      return pathsOf(node.operand, walk);
    case "projection":
      return pathsOf(node.right, { ...walk, current: itemsOf(node.left, walk) });
    case "value-projection":
      return pathsOf(node.right, { ...walk, current: pathsOf(node.left, walk).map((path) => `${path}.*`) });
    case "filter":
      return filtered(node, walk);
    case "or":
    case "and":
      return [...pathsOf(node.left, walk), ...pathsOf(node.right, walk)];
    case "call":
      return called(node, walk);
    case "not":
      return consumed([node.operand], walk);
    case "comparison":
      return consumed([node.left, node.right], walk);
    case "multi-list":
      return node.items.flatMap((item) => pathsOf(item, walk));
    case "multi-hash":
      return consumed(
        node.entries.map(({ value }) => value),
        walk,
      );
    case "reference":
    case "literal":
    case "empty":
      return [];
  }
}

function below(path: string, name: string, names: Names): readonly string[] {
  if (path !== "") return [`${path}.${name}`];
  return names.get(name) ?? [name];
}

function itemsOf(list: Node, walk: Walk): readonly string[] {
  return pathsOf(list, walk).map((path) => `${path}[]`);
}

function filtered({ left, condition, right }: Extract<Node, { kind: "filter" }>, walk: Walk): readonly string[] {
  const items = { ...walk, current: itemsOf(left, walk) };
  consumed([condition], items);
  return pathsOf(right, items);
}

/** What is looked at, and then is no part of the object any more. */
function consumed(nodes: readonly Node[], walk: Walk): readonly string[] {
  for (const node of nodes) for (const path of pathsOf(node, walk)) walk.seen.add(path);
  return [];
}

/** `map(&f, list)` and its like look at the items of their list. */
function called(node: Extract<Node, { kind: "call" }>, walk: Walk): readonly string[] {
  const lists = node.arguments.filter(({ kind }) => kind !== "reference");
  consumed(lists, walk);
  for (const argument of node.arguments) {
    if (argument.kind !== "reference") continue;
    consumed([argument.operand], { ...walk, current: lists.flatMap((list) => itemsOf(list, walk)) });
  }
  return [];
}
