// Assertion trees: what must be there of an object. A map names the keys that it looks at, a list is as long as the one it is
// compared with, anything else is equal. A key may be an expression in parentheses, whose value then stands for the key's;
// `~` before it asks for every item, `->name` behind it binds the value; a leaf in parentheses is an expression as well.
// Behaviour: kyverno-json assertion trees, as chainsaw's documentation describes them.

import { Decimal } from "@portcullis/lang";
import { type Bindings, evaluate, expressionIn } from "./expression.ts";

/** What differs, each with its path; none when the tree holds. */
export function differences(tree: unknown, value: unknown, bindings: Bindings, path = ""): readonly string[] {
  if (Array.isArray(tree)) return listDifferences(tree, value, bindings, path);
  if (isMap(tree)) {
    return Object.entries(tree).flatMap(([key, below]) => keyDifferences({ key, below, value, bindings, path }));
  }
  const wanted = leaf(tree, value, bindings);
  return isSame(wanted, value) ? [] : [`${path}: ${show(value)} is not ${show(wanted)}`];
}

function listDifferences(
  tree: readonly unknown[],
  value: unknown,
  bindings: Bindings,
  path: string,
): readonly string[] {
  if (!Array.isArray(value)) return [`${path}: ${show(value)} is not a list`];
  if (value.length !== tree.length) return [`${path}: ${value.length} items, not ${tree.length}: ${show(value)}`];
  return tree.flatMap((item, at) => differences(item, value[at], bindings, `${path}[${at}]`));
}

interface Entry {
  readonly key: string;
  readonly below: unknown;
  readonly value: unknown;
  readonly bindings: Bindings;
  readonly path: string;
}

function keyDifferences({ key, below, value, bindings, path }: Entry): readonly string[] {
  const { name, each, binding } = readKey(key);
  const here = `${path}.${name}`;
  const found = valueOf(name, value, bindings);
  if (found === undefined) return [`${here}: is not there`];
  const bound = binding === null ? bindings : new Map([...bindings, [binding, found]]);
  if (!each) return differences(below, found, bound, here);
  if (Array.isArray(found)) return found.flatMap((item, at) => differences(below, item, bound, `${here}[${at}]`));
  if (!isMap(found)) return [`${here}: ${show(found)} has no items`];
  return Object.entries(found).flatMap(([of, item]) => differences(below, item, bound, `${here}.${of}`));
}

/** `~index.(expression)->binding`: all but the expression may be absent. */
function readKey(key: string): { readonly name: string; readonly each: boolean; readonly binding: string | null } {
  const [, front = "", name = "", binding = null] = /^(~\w*\.?)?(.*?)(?:->(\w+))?$/s.exec(key) ?? [];
  return { name, each: front !== "", binding };
}

function valueOf(name: string, value: unknown, bindings: Bindings): unknown {
  const escaped = /^\\(.+)\\$/s.exec(name)?.[1];
  const expression = escaped === undefined ? expressionIn(name) : null;
  if (expression !== null) return evaluate(expression, value, bindings);
  const key = escaped ?? name;
  // `~` alone asks for every item of what is there.
  if (key === "") return value;
  return isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function leaf(tree: unknown, value: unknown, bindings: Bindings): unknown {
  if (typeof tree !== "string") return tree;
  const expression = expressionIn(tree);
  return expression === null ? tree : evaluate(expression, value, bindings);
}

/** By value: an expression may have made a list or a map. Numbers are equal whatever their notation was. */
function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(plain(left)) === JSON.stringify(plain(right));
}

function plain(value: unknown): unknown {
  return value instanceof Decimal ? Number(value.text) : (value ?? null);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Decimal);
}

function show(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
