// json.patch: RFC 6902 over Rego values, sets included (an element is its own path). Values are immutable, so each operation
// copies the containers along its path and shares the rest. OPA: v1/topdown/json.go applyPatches, internal/edittree.

import { format } from "../runtime/format.ts";
import {
  RegoObject,
  RegoSet,
  type Value,
  equals,
  isArray,
  isNumber,
  isObject,
  isPlainObject,
  typeName,
} from "../runtime/value.ts";
import { integerOf } from "@portcullis/lang";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { objectOf, pathOf } from "./json.ts";

type Path = readonly Value[];

/** Ends the whole patch; the text is OPA's. Caught in `patch`, because a policy's mistake is no exception to anybody else. */
class PatchError extends Error {}

function patch(call: BuiltinCall, target: Value, operations: Value): Value | undefined {
  if (!isArray(operations)) return operandError(call, 2, operations, "array");
  let root: Value | undefined = target;
  try {
    for (const operation of operations) {
      const applied: Applied | null = apply(call, root, operation);
      if (applied === null) return undefined;
      root = applied.root;
    }
  } catch (error) {
    if (error instanceof PatchError) return call.fail(error.message);
    throw error;
  }
  return root;
}

interface Applied {
  /** Undefined once the root was removed. */
  readonly root: Value | undefined;
}

/** Null after reporting a path that is none. Throws PatchError. */
function apply(call: BuiltinCall, root: Value | undefined, operation: Value): Applied | null {
  if (!isObject(operation)) {
    throw new PatchError("must be an array of JSON-Patch objects, but at least one element is not an object");
  }
  const pathValue = required(operation, "path");
  const op = required(operation, "op");
  if (typeof op !== "string") throw new PatchError(`attribute 'op' must be a string but found: ${typeName(op)}`);
  const path = pathOf(call, pathValue);
  if (path === undefined) return null;
  switch (op) {
    case "add":
      return { root: insertAt(call, root, path, required(operation, "value")) };
    case "remove":
      return { root: deleteAt(call, root, path) };
    case "replace": {
      const rest = deleteAt(call, root, path);
      return { root: insertAt(call, rest, path, required(operation, "value")) };
    }
    case "move":
    case "copy": {
      const from = pathOf(call, required(operation, "from"));
      if (from === undefined) return null;
      const chunk = valueAt(root, from);
      const rest = op === "move" ? deleteAt(call, root, from) : root;
      return { root: insertAt(call, rest, path, chunk) };
    }
    case "test":
      testAt(root, path, operation);
      return { root };
    default:
      throw new PatchError(`unrecognized op: '${op}'`);
  }
}

function required(operation: Value, name: string): Value {
  const value = lookup(operation, name);
  if (value === undefined) throw new PatchError(`missing required attribute '${name}'`);
  return value;
}

function lookup(object: Value, key: Value): Value | undefined {
  if (object instanceof RegoObject) return object.get(key);
  return isPlainObject(object) && typeof key === "string" && Object.hasOwn(object, key) ? object[key] : undefined;
}

function testAt(root: Value | undefined, path: Path, operation: Value): void {
  const found = valueAt(root, path);
  const expected = required(operation, "value");
  if (!equals(found, expected)) {
    throw new PatchError(
      `value from EditTree != patch value.\n\nExpected: ${format(expected)}\n\nFound: ${format(found)}`,
    );
  }
}

function valueAt(root: Value | undefined, path: Path): Value {
  if (root === undefined) throw new PatchError("nil value encountered where composite value was expected");
  return path.reduce(childOf, root);
}

/** The value under one segment. OPA: EditTree.Unfold. */
function childOf(container: Value, key: Value): Value {
  if (isArray(container)) {
    const at = indexOf(container, key);
    const item = container[at];
    if (item === undefined) throw new PatchError(`path ${at} does not exist in array term ${format(container)}`);
    return item;
  }
  if (container instanceof RegoSet) {
    const member = container.get(key);
    if (member === undefined) {
      // OPA prints it as a reference, whose first part has no quotes.
      const shown = typeof key === "string" ? key : format(key);
      throw new PatchError(`path ${shown} does not exist in set term ${format(container)}`);
    }
    return member;
  }
  if (!isObject(container)) {
    const found = `${format(container)} (type: ${goType(container)})`;
    throw new PatchError(`expected composite type for path ${format(key)}, found value: ${found}`);
  }
  const child = lookup(container, key);
  if (child === undefined) {
    throw new PatchError(`path ${format(key)} does not exist in object term ${format(container)}`);
  }
  return child;
}

function insertAt(call: BuiltinCall, root: Value | undefined, path: Path, value: Value): Value {
  if (path.length === 0) return value;
  return editAt(call, root, path, (parent, key) => insert(parent, key, value));
}

function deleteAt(call: BuiltinCall, root: Value | undefined, path: Path): Value | undefined {
  if (path.length > 0) return editAt(call, root, path, remove);
  if (root === undefined) throw new PatchError("deleted node encountered during delete operation");
  return undefined;
}

/** Copies the containers down to the last segment's and changes that one. */
function editAt(
  call: BuiltinCall,
  root: Value | undefined,
  path: Path,
  edit: (parent: Value, key: Value) => Value,
): Value {
  if (root === undefined) throw new PatchError("nil value encountered where composite value was expected");
  const containers: Value[] = [root];
  for (const key of path.slice(0, -1)) containers.push(childOf(containers.at(-1) as Value, key));
  for (const container of containers) call.budget.output(sizeOf(container) * 16);
  let changed = edit(containers.at(-1) as Value, path.at(-1) as Value);
  for (let at = containers.length - 2; at >= 0; at--) {
    changed = replaceChild(containers[at] as Value, path[at] as Value, changed);
  }
  return changed;
}

function sizeOf(container: Value): number {
  if (isArray(container)) return container.length;
  if (container instanceof RegoSet || container instanceof RegoObject) return container.size;
  return isPlainObject(container) ? Object.keys(container).length : 0;
}

function replaceChild(container: Value, key: Value, value: Value): Value {
  if (isArray(container)) return container.with(indexOf(container, key), value);
  if (container instanceof RegoSet) {
    return RegoSet.of([...container.items.filter((item) => !equals(item, key)), value]);
  }
  return withEntry(container, key, value);
}

function entriesOf(object: Value): readonly (readonly [Value, Value])[] {
  return object instanceof RegoObject ? object.entries() : Object.entries(object as object);
}

function withEntry(object: Value, key: Value, value: Value): Value {
  return objectOf([...entriesOf(object).filter(([other]) => !equals(other, key)), [key, value]]);
}

/** OPA: EditTree.Insert. */
function insert(parent: Value, key: Value, value: Value): Value {
  if (isArray(parent)) {
    const at = indexOf(parent, key);
    if (at < 0 || at > parent.length) throw new PatchError("index for array insertion out of bounds");
    return parent.toSpliced(at, 0, value);
  }
  if (parent instanceof RegoSet) {
    if (!equals(key, value)) {
      throw new PatchError(`set key ${format(key)} does not equal value to be inserted ${format(value)}`);
    }
    return RegoSet.of([...parent.items, value]);
  }
  if (!isObject(parent)) throw notComposite(parent);
  return withEntry(parent, key, value);
}

/** OPA: EditTree.Delete. */
function remove(parent: Value, key: Value): Value {
  if (isArray(parent)) {
    const at = indexOf(parent, key);
    if (at < 0 || at >= parent.length) throw new PatchError("index for array delete out of bounds");
    return parent.toSpliced(at, 1);
  }
  if (!(parent instanceof RegoSet) && !isObject(parent)) throw notComposite(parent);
  const exists = parent instanceof RegoSet ? parent.has(key) : lookup(parent, key) !== undefined;
  if (!exists) throw new PatchError(`cannot delete child key ${format(key)} that does not exist`);
  if (parent instanceof RegoSet) return RegoSet.of(parent.items.filter((item) => !equals(item, key)));
  return objectOf(entriesOf(parent).filter(([other]) => !equals(other, key)));
}

function notComposite(value: Value): PatchError {
  return new PatchError(`expected composite type, found value: ${format(value)} (type: ${goType(value)})`);
}

/** The name of OPA's Go type of a scalar. */
function goType(value: Value): string {
  const name = typeName(value);
  return `ast.${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** A position in an array: a number, its digits, or `-` for the place after the last. OPA: edittree toIndex. */
function indexOf(array: readonly Value[], key: Value): number {
  if (isNumber(key)) {
    const index = integerOf(key);
    if (index === null) throw new PatchError("invalid number type for indexing");
    return Number(index);
  }
  if (typeof key !== "string") throw new PatchError("invalid type for indexing");
  if (key === "-") return array.length;
  if (!/^[+-]?\d+(?:\.0*)?$/.test(key)) throw new PatchError("invalid string for indexing");
  if (key !== "0" && key.startsWith("0")) throw new PatchError("leading zeros are not allowed in JSON paths");
  return Number(key);
}

const patchType = t.array(t.struct({ op: t.string, path: t.any }, { key: t.any, value: t.any }));

export const jsonPatchBuiltins: readonly Builtin[] = [
  { name: "json.patch", type: t.function([t.any, patchType], t.any), evaluate: patch },
];
