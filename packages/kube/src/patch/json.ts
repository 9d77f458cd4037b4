// JSON patches applied. The document is not written to: containers on the way to a change are copied once, everything
// else is shared with the result. Beyond RFC 6902 there are three options, which Kyverno has on: indices from the end,
// removing what is not there, and making the parents of what is added (arrays where the next step is a number or `-`,
// filled up with nulls).
//
// A null in the document counts as absent on the way to a value; a null that the patch itself put there does not, and
// stops the way. Texts are those of Go, because users see them.
// Behaviour from evanphx/json-patch v5 patch.go.

import { type Budget, Decimal, chargeExtent, compareNumbers } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import { isObject } from "../object.ts";
import { setOwn } from "../own.ts";
import type { JsonPatchOperation } from "./operation.ts";

export interface JsonPatchOptions {
  /** `-1` is the last element. */
  readonly negativeIndices: boolean;
  /** Removing what is not there is no error. */
  readonly allowMissingOnRemove: boolean;
  /** `add` makes the parents that are missing. */
  readonly makeParents: boolean;
  /** Charged for copies and for fillings of arrays; throws LimitError. */
  readonly budget: Budget;
}

export type JsonPatchResult = { readonly value: unknown } | { readonly error: string };

/** The patched document, or why an operation does not apply. Throws LimitError. */
export function applyJsonPatch(
  document: unknown,
  operations: readonly JsonPatchOperation[],
  options: JsonPatchOptions,
): JsonPatchResult {
  const state: State = {
    root: asContainer(document),
    original: document,
    made: new Set(),
    hard: false,
    options,
  };
  if (state.root === null && document !== null) return { error: wrongRoot(document) };
  for (const operation of operations) {
    options.budget.step();
    const problem = applyOne(state, operation);
    if (problem !== null) return { error: problem };
  }
  if (state.root === null) return { error: wrongRoot(null) };
  return { value: state.hard ? withoutHardNulls(state.root, state.made) : state.root };
}

type Container = Record<string, unknown> | unknown[];

interface State {
  /** Null for a document that is null: there is nothing in it, and nothing can be put into it. */
  root: Container | null;
  /** What the empty key of the root stands for. */
  original: unknown;
  /** Containers that this patch made, at one place each, and may write to. */
  readonly made: Set<Container>;
  /** Whether a hard null may be somewhere. */
  hard: boolean;
  readonly options: JsonPatchOptions;
}

/** A null that the patch put there. */
const hardNull: unique symbol = Symbol("null");

const missing = "missing value";
const expectedObject = "invalid value, expected object";
const invalidIndex = "invalid index referenced";
const invalidState = "invalid state detected";

function asContainer(value: unknown): Container | null {
  return Array.isArray(value) || isObject(value) ? (value as Container) : null;
}

function wrongRoot(value: unknown): string {
  if (value === null) {
    return `json: error calling MarshalJSON for type *jsonpatch.partialDoc: ${expectedObject}`;
  }
  const kind = typeof value === "boolean" ? "bool" : typeof value === "string" ? "string" : "number";
  return `json: cannot unmarshal ${kind} into Go value of type map[string]*jsonpatch.lazyNode`;
}

function applyOne(state: State, operation: JsonPatchOperation): string | null {
  switch (operation.op) {
    case "add":
      return add(state, operation);
    case "remove":
      return remove(state, operation.path);
    case "replace":
      return replace(state, operation);
    case "move":
      return move(state, operation);
    case "copy":
      return copy(state, operation);
    case "test":
      return test(state, operation);
  }
}

/** A value of YAML may share its parts, by anchors: it is charged at each place that it comes to. */
function valueOf(state: State, { value }: JsonPatchOperation): unknown {
  chargeExtent(value, state.options.budget);
  if (value !== null) return value;
  state.hard = true;
  return hardNull;
}

// ── operations

function add(state: State, operation: JsonPatchOperation): string | null {
  const { path, value } = operation;
  if (path === "") return setRoot(state, value, wrongRoot(value));
  if (state.options.makeParents) {
    const problem = makeParents(state, path);
    if (problem !== null) return problem;
  }
  const target = find(state, path);
  if (target === null) return `add operation does not apply: doc is missing path: "${path}": ${missing}`;
  const problem = addTo(target, valueOf(state, operation), state.options);
  return problem === null ? null : `error in add for path: '${path}': ${problem}`;
}

function setRoot(state: State, value: unknown, problem: string): string | null {
  const root = asContainer(value);
  if (root === null) return problem;
  state.root = root;
  state.original = value;
  return null;
}

function remove(state: State, path: string): string | null {
  const { allowMissingOnRemove } = state.options;
  const target = find(state, path);
  if (target === null) {
    return allowMissingOnRemove ? null : `remove operation does not apply: doc is missing path: "${path}": ${missing}`;
  }
  const problem = removeFrom(target, state.options);
  return problem === null ? null : `error in remove for path: '${path}': ${problem}`;
}

function replace(state: State, operation: JsonPatchOperation): string | null {
  const { path, value } = operation;
  if (path === "") {
    const problem = setRoot(state, value, "replace operation value must be object or array: %!w(<nil>)");
    state.original = undefined;
    return problem;
  }
  const target = find(state, path);
  if (target === null) return `replace operation does not apply: doc is missing path: ${path}: ${missing}`;
  const found = getFrom(state, target);
  if ("error" in found) return `replace operation does not apply: doc is missing key: ${path}: ${missing}`;
  const problem = replaceIn(target, valueOf(state, operation));
  return problem === null ? null : `error in remove for path: '${path}': ${problem}`;
}

function move(state: State, { from, path }: JsonPatchOperation): string | null {
  if (from === "") return `unable to move entire document to another path: ${invalidState}`;
  const source = find(state, from);
  if (source === null) return `move operation does not apply: doc is missing from path: ${from}: ${missing}`;
  const found = getFrom(state, source);
  if ("error" in found) return `error in move for path: '${source.key}': ${found.error}`;
  const removed = removeFrom(source, state.options);
  if (removed !== null) return `error in move for path: '${source.key}': ${removed}`;
  const target = find(state, path);
  if (target === null) return `move operation does not apply: doc is missing destination path: ${path}: ${missing}`;
  const problem = addTo(target, found.value ?? null, state.options);
  return problem === null ? null : `error in move for path: '${path}': ${problem}`;
}

function copy(state: State, { from, path }: JsonPatchOperation): string | null {
  const source = find(state, from);
  if (source === null) return `copy operation does not apply: doc is missing from path: "${from}": ${missing}`;
  const found = getFrom(state, source);
  if ("error" in found) return `error in copy for from: '${from}': ${found.error}`;
  chargeExtent(found.value, state.options.budget);
  const target = find(state, path);
  if (target === null) return `copy operation does not apply: doc is missing destination path: ${path}: ${missing}`;
  const problem = addTo(target, snapshot(found.value, state) ?? null, state.options);
  return problem === null ? null : `error while adding value during copy: ${problem}`;
}

/** A value as it is now: what this patch made is copied, since it may be written to again. */
function snapshot(value: unknown, state: State): unknown {
  const container = asContainer(value);
  if (container === null || !state.made.has(container)) return value;
  const copied = Array.isArray(container) ? [...container] : { ...container };
  state.options.budget.output(16 * Object.keys(copied).length);
  if (Array.isArray(copied)) {
    for (let at = 0; at < copied.length; at++) copied[at] = snapshot(copied[at], state);
  } else {
    for (const key of Object.keys(copied)) setOwn(copied, key, snapshot(copied[key], state));
  }
  state.made.add(copied);
  return copied;
}

function test(state: State, operation: JsonPatchOperation): string | null {
  const { path } = operation;
  const failed = `testing value ${path} failed: test failed`;
  const value = operation.value ?? null;
  if (path === "") return sameJson(state.root, value, state.options.budget) ? null : failed;
  const target = find(state, path);
  if (target === null) return `test operation does not apply: is missing path: ${path}: ${missing}`;
  const found = getFrom(state, target);
  if ("error" in found && !found.error.endsWith(missing)) return `error in test for path: '${path}': ${found.error}`;
  const present = "error" in found ? null : (found.value ?? null);
  if (present === null || value === null) return present === value ? null : failed;
  return sameJson(present, value, state.options.budget) ? null : failed;
}

// ── places

/** A container that may be written to, null for a document that is null, and the key in it. */
interface Target {
  readonly container: Container | null;
  readonly key: string;
}

/** The container that a pointer leads to; null where the way ends early. What stands before the first slash is ignored. */
function find(state: State, pointer: string): Target | null {
  const steps = pointer.split("/");
  if (steps.length < 2 && pointer !== "") return null;
  let container = ownRoot(state);
  for (const step of steps.slice(1, -1)) {
    state.options.budget.step();
    const key = decoded(step);
    const inside = step === "" ? null : ownedChild(state, { container, key });
    if (inside === null) return null;
    container = inside;
  }
  return { container, key: decoded(pointer === "" ? "" : (steps.at(-1) ?? "")) };
}

function decoded(step: string): string {
  return step.includes("~") ? step.replaceAll(/~[01]/g, (code) => (code === "~1" ? "/" : "~")) : step;
}

/** The container at a key, copied if it is not ours. */
function ownedChild(state: State, target: Target): Container | null {
  const found = getFrom(state, target);
  const child = "error" in found ? null : asContainer(found.value);
  if (child === null) return null;
  const copied = own(state, child);
  if (copied !== child) replaceIn(target, copied);
  return copied;
}

function ownRoot(state: State): Container | null {
  if (state.root !== null) state.root = own(state, state.root);
  return state.root;
}

function own(state: State, container: Container): Container {
  if (state.made.has(container)) return container;
  state.options.budget.step(Array.isArray(container) ? container.length : Object.keys(container).length);
  const copied = Array.isArray(container) ? [...container] : { ...container };
  state.made.add(copied);
  return copied;
}

type Found = { readonly value: unknown } | { readonly error: string };

/** The value at a key; undefined where the document has a null or, at the empty key, nothing. */
function getFrom(state: State, { container, key }: Target): Found {
  if (key === "") return { value: container === state.root ? state.original : undefined };
  if (container === null) return { error: expectedObject };
  if (!Array.isArray(container)) {
    if (!Object.hasOwn(container, key)) return { error: `unable to get nonexistent key: ${key}: ${missing}` };
    return { value: container[key] ?? undefined };
  }
  const index = indexOf(key);
  if (typeof index === "string") return { error: index };
  const at = index < 0 ? index + container.length : index;
  if (at < 0 || at >= container.length || (index < 0 && !state.options.negativeIndices)) {
    return { error: `Unable to access invalid index: ${index}: ${invalidIndex}` };
  }
  return { value: container[at] ?? undefined };
}

/** Go: strconv.Atoi, or its error. */
function indexOf(key: string): number | string {
  if (!/^[+-]?\d+$/.test(key)) return `strconv.Atoi: parsing ${quote(key)}: invalid syntax`;
  const index = Number(key);
  if (Math.abs(index) > 2 ** 63) return `strconv.Atoi: parsing ${quote(key)}: value out of range`;
  return index === 0 ? 0 : index;
}

function addTo({ container, key }: Target, value: unknown, options: JsonPatchOptions): string | null {
  if (container === null) return expectedObject;
  if (!Array.isArray(container)) {
    setOwn(container, key, value);
    return null;
  }
  if (key === "-") {
    container.push(value);
    return null;
  }
  const index = indexOf(key);
  if (typeof index === "string") return `value was not a proper array index: '${key}': ${index}`;
  const size = container.length + 1;
  if (index >= size || index < -size || (index < 0 && !options.negativeIndices)) {
    return `Unable to access invalid index: ${index}: ${invalidIndex}`;
  }
  options.budget.step(size >> 3);
  container.splice(index < 0 ? index + size : index, 0, value);
  return null;
}

/** Replaces what is there. */
function replaceIn({ container, key }: Target, value: unknown): string | null {
  if (container === null) return expectedObject;
  if (!Array.isArray(container)) {
    setOwn(container, key, value);
    return null;
  }
  const index = indexOf(key);
  if (typeof index === "string") return index;
  container[index < 0 ? index + container.length : index] = value;
  return null;
}

function removeFrom({ container, key }: Target, options: JsonPatchOptions): string | null {
  if (container === null) return expectedObject;
  if (!Array.isArray(container)) {
    if (Object.hasOwn(container, key)) delete container[key];
    else if (!options.allowMissingOnRemove) return `unable to remove nonexistent key: ${key}: ${missing}`;
    return null;
  }
  const index = indexOf(key);
  if (typeof index === "string") return index;
  const at = index < 0 ? index + container.length : index;
  const isInside = at >= 0 && at < container.length;
  if (!isInside && options.allowMissingOnRemove && (index >= 0 || options.negativeIndices)) return null;
  if (!isInside || (index < 0 && !options.negativeIndices)) {
    return `Unable to access invalid index: ${index}: ${invalidIndex}`;
  }
  container.splice(at, 1);
  return null;
}

// ── missing parents

function makeParents(state: State, pointer: string): string | null {
  const steps = pointer.split("/").slice(1);
  if (steps.length === 0) return null;
  let container = ownRoot(state);
  for (let at = 0; at < steps.length - 1; at++) {
    state.options.budget.step();
    const step = steps[at] as string;
    const target = { container, key: decoded(step) };
    const found = step === "" ? { value: undefined } : getFrom(state, target);
    if ("error" in found || found.value === undefined) {
      const made = makeParent(state, { container, key: step }, steps[at + 1] as string);
      if (typeof made === "string") return made;
      container = made;
      continue;
    }
    const inside = ownedChild(state, target);
    if (inside === null) return invalidState;
    container = inside;
  }
  return null;
}

/** A new array or object at a key that is taken as written, without its escapes. */
function makeParent(state: State, target: Target, next: string): Container | string {
  const index = indexOf(target.key);
  if (Array.isArray(target.container) && typeof index === "number") fill(state, target.container, index);
  const nextIndex = next === "-" ? 0 : indexOf(next);
  const isArray = typeof nextIndex === "number";
  if (isArray && nextIndex < 0 && !state.options.negativeIndices) {
    return `Unable to ensure path for invalid index: ${nextIndex}: ${invalidIndex}`;
  }
  if (isArray && nextIndex < -1) {
    return `Unable to ensure path for negative index other than -1: ${nextIndex}: ${invalidIndex}`;
  }
  const made: Container = isArray ? [] : {};
  state.made.add(made);
  // Where it cannot be added, the operation itself will say so.
  addTo(target, made, state.options);
  if (Array.isArray(made) && isArray) fill(state, made, nextIndex);
  return made;
}

/** Fills an array with nulls so that it has at least so many elements. */
function fill(state: State, array: unknown[], size: number): void {
  if (size > array.length) state.hard = true;
  while (array.length < size) {
    state.options.budget.output(8);
    array.push(hardNull);
  }
}

// ── values

/** Equal JSON; numbers by value. */
function sameJson(a: unknown, b: unknown, budget: Budget): boolean {
  budget.step();
  const left = a === hardNull ? null : (a ?? null);
  const right = b === hardNull ? null : (b ?? null);
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right) === 0;
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, at) => sameJson(item, right[at], budget));
  }
  if (!isObject(left) || !isObject(right)) return left === right;
  const keys = Object.keys(left);
  if (keys.length !== Object.keys(right).length) return false;
  return keys.every((key) => Object.hasOwn(right, key) && sameJson(left[key], right[key], budget));
}

function isNumber(value: unknown): value is number | Decimal {
  return typeof value === "number" || value instanceof Decimal;
}

/** Writes plain nulls for hard ones; they stand in containers of this patch alone. */
function withoutHardNulls(value: unknown, made: ReadonlySet<Container>): unknown {
  if (value === hardNull) return null;
  const container = asContainer(value);
  if (container === null || !made.has(container)) return value;
  if (Array.isArray(container)) {
    for (let at = 0; at < container.length; at++) container[at] = withoutHardNulls(container[at], made);
  } else {
    for (const key of Object.keys(container)) setOwn(container, key, withoutHardNulls(container[key], made));
  }
  return container;
}
