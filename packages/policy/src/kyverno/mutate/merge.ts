// The strategic merge of two trees, as kustomize does it: the whole object is walked with the patch beside it. Maps merge
// by field, null removes, `$patch` replaces or deletes; lists that merge by keys are handled in keyedlist.ts, all others
// are replaced. What the patch adds is walked too, with itself as the object, which removes the nulls in it.
// Behaviour from kustomize kyaml/yaml/walk and kyaml/yaml/merge2.

import { type Budget, LimitError } from "@portcullis/lang";
import { byCodePoints } from "@portcullis/kube";
import { mergeList } from "./keyedlist.ts";
import { type Shape, shapeOfKind } from "./mergekeys.ts";
import {
  type ListNode,
  type MapNode,
  MergeError,
  type Node,
  expectKind,
  fieldNames,
  fieldOf,
  isEmpty,
  isMissing,
  isNull,
  setField,
  textOf,
} from "./node.ts";

/** The object's node and the patch's; null where one has none. */
export interface Pair {
  readonly dest: Node | null;
  readonly origin: Node | null;
}

export interface MergePlace {
  readonly shape: Shape | null;
  /** Of a list: its merge keys; null for a list that is replaced. */
  readonly keys: readonly string[] | null;
  readonly budget: Budget;
  readonly depth: number;
}

export type MergeStep = (pair: Pair, place: MergePlace) => Node | null;

/** The merged node, null for one that is to be removed. Writes to both trees. Throws MergeError, LimitError. */
export const mergeNodes: MergeStep = (pair, place) => {
  place.budget.step();
  if (place.depth > place.budget.depthMax) throw new LimitError("depth");
  const { dest, origin } = pair;
  const kind = isMissing(dest) ? (isMissing(origin) ? "map" : origin.kind) : dest.kind;
  expectKind(dest, kind);
  expectKind(origin, kind);
  // The shape of a list says nothing about a map in its place.
  if (kind === "map") return mergeMap(pair, place.keys === null ? (place.shape ?? shapeOf(pair)) : null, place);
  if (kind === "scalar" || place.keys === null) return origin ?? dest;
  return mergeKeyedList(pair, place);
};

/** By apiVersion and kind of the first node that has both: objects inside of objects have shapes too. */
function shapeOf({ dest, origin }: Pair): Shape | null {
  for (const node of [dest, origin]) {
    const apiVersion = fieldOf(node, "apiVersion");
    const kind = fieldOf(node, "kind");
    if (isEmpty(apiVersion) || isEmpty(kind) || apiVersion === undefined || kind === undefined) continue;
    const shape = shapeOfKind(textOf(apiVersion), textOf(kind));
    if (shape !== null) return shape;
  }
  return null;
}

function mergeMap(pair: Pair, shape: Shape | null, place: MergePlace): Node | null {
  const dest = chooseMap(pair);
  if (dest === null || dest.kind !== "map") return dest;
  const { origin } = pair;
  if (origin === null) {
    for (const [name, value] of dest.fields) {
      if (value.kind === "scalar") continue;
      const merged = mergeNodes({ dest: value, origin: null }, placeOf(name, shape, place));
      if (merged !== value) setField(dest, name, merged);
    }
    return dest;
  }
  const names = new Set([...fieldNames(dest), ...fieldNames(origin)]);
  for (const name of [...names].toSorted(byCodePoints)) {
    const inside = { dest: dest.fields.get(name) ?? null, origin: fieldOf(origin, name) ?? null };
    setField(dest, name, mergeNodes(inside, placeOf(name, shape, place)));
  }
  return dest;
}

function placeOf(name: string, shape: Shape | null, { budget, depth }: MergePlace): MergePlace {
  const field = shape?.get(name);
  return { shape: field?.shape ?? null, keys: field?.keys ?? null, budget, depth: depth + 1 };
}

/** Kustomize: Merger.VisitMap. */
function chooseMap({ dest, origin }: Pair): Node | null {
  if (isMissing(dest)) {
    if (origin?.kind === "map" && leniently(origin) === "delete") return null;
    if (origin === null && dest !== null && dest !== undefined) return { kind: "scalar", value: null, kept: true };
    return origin;
  }
  if (origin === null) return dest;
  if (isNull(origin)) return null;
  const directive = origin.kind === "map" ? takeMapDirective(origin) : "merge";
  if (directive === "delete") return null;
  return directive === "replace" ? origin : dest;
}

type Directive = "replace" | "delete" | "merge";

/** Where there is nothing to merge with, an unknown directive is a field like others. */
function leniently(node: MapNode): Directive {
  const directive = fieldOf(node, "$patch");
  return directive !== undefined && isDirective(textOf(directive)) ? takeMapDirective(node) : "merge";
}

function isDirective(text: string): text is Directive {
  return text === "replace" || text === "delete" || text === "merge";
}

function takeMapDirective(node: MapNode): Directive {
  const directive = fieldOf(node, "$patch");
  if (directive === undefined) return "merge";
  const text = textOf(directive);
  if (!isDirective(text)) throw new MergeError(`unknown patch strategy '${text}'`);
  node.fields.delete("$patch");
  return text;
}

/** Kustomize: Merger.VisitList and walkAssociativeSequence. */
function mergeKeyedList({ dest, origin }: Pair, place: MergePlace): Node | null {
  if (isMissing(dest)) {
    if (origin?.kind !== "list") return origin;
    return mergeList({ dest: origin, origin }, place, mergeNodes);
  }
  if (origin !== null && isNull(origin)) return null;
  if (dest.kind !== "list") return dest;
  const list = origin?.kind === "list" ? origin : null;
  const directive = list === null ? "merge" : takeListDirective(list);
  if (directive === "delete") return null;
  const kept = directive === "replace" && list !== null ? list : dest;
  return mergeList({ dest: kept, origin: list }, place, mergeNodes);
}

/** A directive of a list is an element that holds nothing else. */
function takeListDirective(list: ListNode): Directive {
  const element = list.items.find((item) => fieldOf(item, "$patch") !== undefined);
  if (element?.kind !== "map" || element.fields.size > 1) return "merge";
  const text = textOf(element.fields.get("$patch") as Node);
  if (!isDirective(text)) throw new MergeError(`unknown patch strategy '${text}'`);
  list.items = list.items.filter((item) => {
    if (isMissing(item) || (item.kind === "map" && item.fields.size === 0)) return false;
    const directive = fieldOf(item, "$patch");
    return directive === undefined || textOf(directive) !== text;
  });
  return text;
}
