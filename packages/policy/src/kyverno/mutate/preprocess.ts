// What happens to the anchors of a strategic merge patch before it is merged. Conditions are tried on the object: where
// one does not hold, the whole patch is dropped (`(k)` in maps and `<(k)` anywhere) or the element of a list. `+(k)` stays
// if the object has no such field. An element with conditions becomes one element per element of the object that
// fulfils them, tied to it by its name; then everything that only served as a condition is removed.
//
// The removal walks lists by the places that elements had before, so that after one removal it hits the neighbour; empty
// maps go too. Policies were written against this, so it stays, except where Kyverno runs beyond the list's end.
// Behaviour from Kyverno pkg/engine/mutate/patch/strategicPreprocessing.go.

import type { Budget } from "@portcullis/lang";
import { type Anchor, anchorOf, anchorText, isConditional } from "../pattern/anchor.ts";
import { compilePattern } from "../pattern/compile.ts";
import { matchCompiled } from "../pattern/match.ts";
import {
  type ListNode,
  type MapNode,
  type Node,
  copyOf,
  elementsOf,
  fieldNames,
  fieldOf,
  isEmpty,
  renameField,
  setField,
  textOf,
  treeOf,
} from "./node.ts";

/** How a patch's conditions came out: a failure of either kind drops the patch, or the element it stands in. */
type Outcome = "holds" | "condition" | "global";

/** Prepares the patch in place; false where its conditions do not hold. Throws MergeError, LimitError. */
export function preparePatch(patch: Node, object: Node, budget: Budget): boolean {
  if (prepare(patch, object, budget) !== "holds") return false;
  removeConditions(patch);
  return true;
}

/** `object` is null where there is nothing; a null in the object is a node. */
function prepare(patch: Node, object: Node | null, budget: Budget): Outcome {
  budget.step();
  if (patch.kind === "map") return prepareMap(patch, object, budget);
  return patch.kind === "list" ? prepareList(patch, object, budget) : "holds";
}

function prepareMap(patch: MapNode, object: Node | null, budget: Budget): Outcome {
  settleAdditions(patch, object);
  if (!conditionsHold(patch, object, isGlobal, budget)) return "global";
  if (!conditionsHold(patch, object, isCondition, budget)) return "condition";
  const names = [...patch.fields.keys()].filter((name) => !isPatchAnchor(anchorOf(name)));
  for (const name of names) {
    const value = patch.fields.get(name);
    if (value === undefined) continue;
    const outcome = prepare(value, fieldOf(object, name) ?? null, budget);
    if (outcome !== "holds") return outcome;
  }
  return "holds";
}

const isGlobal = (anchor: Anchor): boolean => anchor.mark === "<";
const isCondition = (anchor: Anchor): boolean => anchor.mark === "";
const isAddition = (anchor: Anchor): boolean => anchor.mark === "+";

/** The anchors that mean something in a patch. */
function isPatchAnchor(anchor: Anchor | null): boolean {
  return anchor !== null && (isConditional(anchor) || isAddition(anchor));
}

function anchorsOf(node: Node, matches: (anchor: Anchor) => boolean): readonly Anchor[] {
  if (node.kind !== "map") return [];
  return [...node.fields.keys()].flatMap((name) => {
    const anchor = anchorOf(name);
    return anchor !== null && matches(anchor) ? [anchor] : [];
  });
}

/** Drops `+(k)` where the object has the field, and makes a plain field of it elsewhere. Returns how many there were. */
function settleAdditions(patch: Node, object: Node | null): number {
  const additions = anchorsOf(patch, isAddition);
  if (patch.kind !== "map") return 0;
  for (const anchor of additions) {
    if (fieldOf(object, anchor.key) === undefined) renameField(patch, anchorText(anchor), anchor.key);
    else patch.fields.delete(anchorText(anchor));
  }
  return additions.length;
}

function conditionsHold(
  patch: MapNode,
  object: Node | null,
  matches: (anchor: Anchor) => boolean,
  budget: Budget,
): boolean {
  for (const anchor of anchorsOf(patch, matches)) {
    const condition = patch.fields.get(anchorText(anchor));
    const value = fieldOf(object, anchor.key);
    if (value === undefined) return false;
    // White space around an anchor hides it from Kyverno's second look, which then fails.
    if (condition === undefined) return false;
    if (settleAdditions(condition, value) > 0) continue;
    const pattern = compilePattern(comparable(condition));
    const { result } = matchCompiled(comparable(value), pattern, { budget, numbers: "float64" });
    if (result !== "match") return false;
  }
  return true;
}

/** A scalar alone is compared as text. */
function comparable(node: Node): unknown {
  return node.kind === "scalar" ? textOf(node) : treeOf(node);
}

// ── lists

function prepareList(patch: ListNode, object: Node | null, budget: Budget): Outcome {
  if (patch.items[0]?.kind !== "map") return "holds";
  const elements = elementsOf(object);
  // What elements become is added to the list, and is not prepared again.
  const items = patch.items.filter((item) => hasAnchors(item, isPatchAnchor));
  for (const item of items) {
    const outcome = prepareElement({ item, patch, elements, isAbsent: object === null }, budget);
    if (outcome !== "holds") return outcome;
  }
  return "holds";
}

interface ElementOfPatch {
  readonly item: Node;
  /** The list that the item stands in; what it becomes is added here. */
  readonly patch: ListNode;
  /** Of the object. */
  readonly elements: readonly Node[];
  readonly isAbsent: boolean;
}

/** One copy serves for all elements, so that a `+(k)` that one of them settles is settled for the rest. */
function prepareElement({ item, patch, elements, isAbsent }: ElementOfPatch, budget: Budget): Outcome {
  const isForRule = hasAnchors(item, (anchor) => anchor !== null && isGlobal(anchor));
  const copy = copyOf(item);
  let passed = false;
  let globalFailed = false;
  for (const element of elements) {
    const outcome = prepare(copy, element, budget);
    if (outcome === "global") globalFailed = true;
    if (outcome !== "holds") continue;
    if (isForRule) passed = true;
    else addNamed(patch, copy, element);
  }
  if (isAbsent) {
    const outcome = prepare(copy, null, budget);
    if (outcome === "global") return "global";
    if (outcome === "holds" && isForRule) passed = true;
    if (outcome === "condition") return "holds";
  }
  return globalFailed && !passed ? "global" : "holds";
}

/** Adds what remains of an element, tied to the object's element by its name; nothing for elements without one. */
function addNamed(patch: ListNode, item: Node, element: Node): void {
  const name = fieldOf(element, "name");
  if (name === undefined || isEmpty(name)) return;
  const added = copyOf(item);
  if (isRemovable(added, true)) return;
  if (added.kind === "map") setField(added, "name", copyOf(name));
  patch.items.push(added);
}

function hasAnchors(node: Node, matches: (anchor: Anchor | null) => boolean): boolean {
  if (node.kind === "scalar") return isConditional(anchorOf(textOf(node)));
  if (node.kind === "list") return node.items.some((item) => hasAnchors(item, matches));
  for (const [name, value] of node.fields) {
    if (matches(anchorOf(name))) return true;
    if (!isEmpty(value) && hasAnchors(value, matches)) return true;
  }
  return false;
}

// ── removing what only served as a condition

function removeConditions(patch: Node): void {
  for (const name of fieldNames(patch)) {
    const value = fieldOf(patch, name);
    if (value === undefined || patch.kind !== "map") continue;
    if (isRemovable(value, isConditional(anchorOf(name)))) patch.fields.delete(name);
  }
}

/** Removes conditions below a node; whether nothing is left of it then. Kyverno: deleteAnchors. */
function isRemovable(node: Node, scalarsToo: boolean): boolean {
  if (node.kind === "map") return stripMap(node);
  return node.kind === "list" ? stripList(node) : scalarsToo;
}

function stripMap(node: MapNode): boolean {
  let remain = false;
  for (const anchor of anchorsOf(node, isConditional)) {
    const name = anchorText(anchor);
    const value = node.fields.get(name);
    if (value === undefined) continue;
    if (isRemovable(value, true)) node.fields.delete(name);
    else remain = true;
  }
  if (remain) {
    for (const anchor of anchorsOf(node, isConditional)) renameField(node, anchorText(anchor), anchor.key);
  }
  let isLeft = false;
  for (const [name, value] of node.fields) {
    if (isRemovable(value, false)) node.fields.delete(name);
    else isLeft = true;
  }
  return !isLeft;
}

function stripList(node: ListNode): boolean {
  const before = [...node.items];
  const removable = before.map((item) => hasAnchors(item, isPatchAnchor) || isRemovable(item, false));
  let isBeyond = false;
  for (const [at, isGone] of removable.entries()) {
    if (!isGone) continue;
    isBeyond ||= at >= node.items.length;
    node.items.splice(at, 1);
  }
  // Here Kyverno ends in a panic, so nothing depends on the neighbours that it would remove.
  if (isBeyond) node.items = before.filter((_, at) => removable[at] === false);
  return before.length > 0 && node.items.length === 0;
}
