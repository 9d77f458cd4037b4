// Walks over nested values and graphs. `walk` gives every [path, value] in pre-order, objects and sets in Rego's order; the
// whole list is made at once, so it is charged per node and per path element before it grows.
// OPA: v1/topdown/walk.go, reachable.go.

import { LimitError } from "@portcullis/lang";
import { compare, sortedEntries } from "../runtime/compare.ts";
import { type PlainObject, RegoObject, RegoSet, type Value, isObject } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { membersOf } from "./operand.ts";

function walk(call: BuiltinCall, root: Value): Value {
  const found: Value[] = [];
  // A stack of its own, so that a deep value cannot exhaust JavaScript's.
  const pending: { readonly path: readonly Value[]; readonly value: Value }[] = [{ path: [], value: root }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { path, value } = next;
    call.budget.output(64 + path.length * 8);
    found.push([path, value]);
    const children = childrenOf(value);
    for (let at = children.length - 1; at >= 0; at--) {
      const [key, child] = children[at] as readonly [Value, Value];
      call.budget.step(path.length + 1);
      pending.push({ path: [...path, key], value: child });
    }
  }
  return found;
}

function childrenOf(value: Value): readonly (readonly [Value, Value])[] {
  if (Array.isArray(value)) return (value as readonly Value[]).map((item, at) => [at, item] as const);
  if (value instanceof RegoSet) return value.sorted(compare).map((item) => [item, item] as const);
  return isObject(value) ? sortedEntries(value) : [];
}

/** The neighbours of a node; null when the graph does not have the node. */
function edgesOf(graph: PlainObject | RegoObject, node: Value): readonly Value[] | null {
  const edges = graph instanceof RegoObject ? graph.get(node) : ownValue(graph, node);
  return edges === undefined ? null : (membersOf(edges) ?? []);
}

function ownValue(object: PlainObject, key: Value): Value | undefined {
  return typeof key === "string" && Object.hasOwn(object, key) ? object[key] : undefined;
}

interface Search {
  readonly graph: PlainObject | RegoObject;
  readonly initial: readonly Value[];
}

/** Undefined after reporting. */
function searchOf(call: BuiltinCall, graph: Value, initial: Value): Search | undefined {
  if (!isObject(graph)) return operandError(call, 1, graph, "object");
  const members = membersOf(initial);
  if (members !== null) return { graph, initial: members };
  // OPA names both types as one, braces included.
  return operandError(call, 2, initial, "{array, set}" as "array");
}

function reachable(call: BuiltinCall, graphValue: Value, initialValue: Value): Value | undefined {
  const search = searchOf(call, graphValue, initialValue);
  if (search === undefined) return undefined;
  const reached = new RegoSet();
  const queue = [...search.initial];
  for (let at = 0; at < queue.length; at++) {
    const node = queue[at] as Value;
    if (reached.has(node)) continue;
    const edges = edgesOf(search.graph, node);
    if (edges === null) continue;
    call.budget.output(16 + edges.length * 8);
    call.budget.step(1 + edges.length);
    reached.add(node);
    for (const edge of edges) if (!reached.has(edge)) queue.push(edge);
  }
  return reached;
}

/** Every path from an initial node until a node that ends it: no edges, not in the graph, or on the path already. */
function reachablePaths(call: BuiltinCall, graphValue: Value, initialValue: Value): Value | undefined {
  const search = searchOf(call, graphValue, initialValue);
  if (search === undefined) return undefined;
  const paths = new RegoSet();
  const commit = (path: readonly Value[]): void => {
    call.budget.output(16 + path.length * 8);
    paths.add(path);
  };
  const extend = (node: Value, path: readonly Value[], onPath: RegoSet): void => {
    call.budget.step(1 + path.length);
    const edges = edgesOf(search.graph, node);
    if (edges === null) return commit(path);
    const longer = [...path, node];
    if (edges.length === 0) return commit(longer);
    if (longer.length > call.budget.depthMax) throw new LimitError("depth");
    const visited = RegoSet.of(onPath).add(node);
    for (const edge of edges) {
      if (visited.has(edge)) commit(longer);
      else extend(edge, longer, visited);
    }
    return undefined;
  };
  for (const node of search.initial) {
    const edges = edgesOf(search.graph, node);
    if (edges === null) continue;
    if (edges.length === 0) commit([node]);
    const start = RegoSet.of([node]);
    for (const edge of edges) extend(edge, [node], start);
  }
  return paths;
}

const vertices = t.union(t.array(t.any), t.set(t.any));
const graphType = t.object(t.any, vertices);

export const graphBuiltins: readonly Builtin[] = [
  {
    name: "walk",
    type: t.function([t.any], t.tuple(t.array(t.any), t.any)),
    relation: true,
    evaluate: walk,
  },
  {
    name: "graph.reachable",
    type: t.function([graphType, vertices], t.set(t.any)),
    evaluate: reachable,
  },
  {
    name: "graph.reachable_paths",
    type: t.function([graphType, vertices], t.set(t.array(t.any))),
    evaluate: reachablePaths,
  },
];
