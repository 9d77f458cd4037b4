// Trees that are written to while patches are prepared and merged: kustomize's nodes, as far as their behaviour shows.
// Scalars are compared by their text, so that a port 8080 is the port "8080". A field that held quoted text keeps its
// quotes when another scalar takes its place, hence 5 put into an annotation that was "1" becomes "5".
// Behaviour from kustomize kyaml/yaml (rnode.go, fns.go).

import { type Budget, LimitError } from "@portcullis/lang";
import { GoInteger } from "@portcullis/jmespath";
import { byCodePoints, setOwn } from "@portcullis/kube";
import { isMap } from "../pattern/govalue.ts";

export type Node = MapNode | ListNode | ScalarNode;

export interface MapNode {
  readonly kind: "map";
  fields: Map<string, Node>;
}

export interface ListNode {
  readonly kind: "list";
  items: Node[];
}

interface ScalarNode {
  readonly kind: "scalar";
  /** A string, a number of lang, a boolean or null. */
  value: unknown;
  /** A null that was there before and stays. */
  kept?: boolean;
}

/** What kustomize says about a patch that does not fit. */
export class MergeError extends Error {}

/** Fields by name, as Kyverno hands them over. Charges steps; throws LimitError for a tree that is nested too deeply. */
export function nodeOf(tree: unknown, budget: Budget, depth = 0): Node {
  budget.step();
  if (depth > budget.depthMax) throw new LimitError("depth");
  if (Array.isArray(tree)) return { kind: "list", items: tree.map((item) => nodeOf(item, budget, depth + 1)) };
  if (isMap(tree)) {
    const fields = new Map<string, Node>();
    for (const key of Object.keys(tree).toSorted(byCodePoints)) fields.set(key, nodeOf(tree[key], budget, depth + 1));
    return { kind: "map", fields };
  }
  return { kind: "scalar", value: tree instanceof GoInteger ? tree.value : (tree ?? null) };
}

export function treeOf(node: Node): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(treeOf);
  const tree: Record<string, unknown> = {};
  for (const [key, value] of node.fields) setOwn(tree, key, treeOf(value));
  return tree;
}

export function copyOf(node: Node): Node {
  if (node.kind === "scalar") return { ...node };
  if (node.kind === "list") return { kind: "list", items: node.items.map(copyOf) };
  return { kind: "map", fields: new Map([...node.fields].map(([key, value]) => [key, copyOf(value)])) };
}

/** Absent, or null. */
export function isMissing(node: Node | null | undefined): node is null | undefined {
  return node === null || node === undefined || isNull(node);
}

export function isNull(node: Node): boolean {
  return node.kind === "scalar" && node.value === null;
}

/** Missing, or a map without fields. */
export function isEmptyMap(node: Node | null | undefined): boolean {
  return isMissing(node) || (node.kind === "map" && node.fields.size === 0);
}

/** Missing, or a map or list with nothing in it. */
export function isEmpty(node: Node | null | undefined): boolean {
  return isEmptyMap(node) || (node?.kind === "list" && node.items.length === 0);
}

/** The text of a scalar; "" for maps and lists. */
export function textOf(node: Node): string {
  return node.kind === "scalar" ? String(node.value) : "";
}

/** A field of a map; undefined for what is absent and for what is no map. */
export function fieldOf(node: Node | null | undefined, key: string): Node | undefined {
  return node?.kind === "map" ? node.fields.get(key) : undefined;
}

/** The names of a map's fields, none for null. Throws MergeError for anything else. */
export function fieldNames(node: Node | null): readonly string[] {
  expectKind(node, "map");
  return node?.kind === "map" ? [...node.fields.keys()] : [];
}

/** The elements of a list, none for null. Throws MergeError for anything else. */
export function elementsOf(node: Node | null | undefined): readonly Node[] {
  expectKind(node ?? null, "list");
  return node?.kind === "list" ? node.items : [];
}

/** Sets a field of a map; null clears it. A scalar that takes the place of text becomes text. */
export function setField(node: MapNode, key: string, value: Node | null): void {
  if (value === null || (isNull(value) && !(value.kind === "scalar" && value.kept === true))) {
    node.fields.delete(key);
    return;
  }
  const before = node.fields.get(key);
  const isQuoted = before?.kind === "scalar" && typeof before.value === "string";
  if (isQuoted && value.kind === "scalar" && value.value !== null) value.value = textOf(value);
  node.fields.set(key, value);
}

/** Gives a field another name at the same place. */
export function renameField(node: MapNode, key: string, name: string): void {
  if (!node.fields.has(key)) return;
  const fields = new Map<string, Node>();
  for (const [old, value] of node.fields) {
    const kept = old === key ? name : old;
    if (!fields.has(kept)) fields.set(kept, value);
  }
  node.fields = fields;
}

const kindNames = { map: "MappingNode", list: "SequenceNode", scalar: "ScalarNode" } as const;

/** Null and absence are of every kind. Throws MergeError. */
export function expectKind(node: Node | null, kind: Node["kind"]): void {
  if (isMissing(node) || node.kind === kind) return;
  throw new MergeError(
    `wrong node kind: expected ${kindNames[kind]} but got ${kindNames[node.kind]}: node contents:\n${flowText(node)}\n`,
  );
}

/** A node as YAML on one line. */
function flowText(node: Node): string {
  if (node.kind === "list") return `[${node.items.map(flowText).join(", ")}]`;
  if (node.kind === "map")
    return `{${[...node.fields].map(([key, value]) => `${JSON.stringify(key)}: ${flowText(value)}`).join(", ")}}`;
  return typeof node.value === "string" ? JSON.stringify(node.value) : String(node.value);
}
