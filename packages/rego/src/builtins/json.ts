// JSON as text (json.marshal, json.unmarshal, json.is_valid) and JSON by paths (json.filter, json.remove).
// Paths are first joined to a tree whose leaves are null; filtering and removing walk value and tree together.
// OPA: v1/topdown/encoding.go, json.go; v1/ast/term.go Object.Filter.

import { compare, sortedEntries } from "../runtime/compare.ts";
import { format } from "../runtime/format.ts";
import {
  type PlainObject,
  RegoObject,
  RegoSet,
  type Value,
  isArray,
  isObject,
  newObject,
  typeName,
} from "../runtime/value.ts";
import { type Type, t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError, operandFailure } from "./builtin.ts";
import { type Indentation, decodeJson, encodeJson, isJson } from "./jsontext.ts";
import { membersOf, onString } from "./operand.ts";

function marshal(call: BuiltinCall, value: Value): Value {
  return encodeJson(value, call.budget);
}

function marshalWithOptions(call: BuiltinCall, value: Value, options: Value): Value | undefined {
  if (!isObject(options)) return operandError(call, 2, options, "object");
  const read: { prefix?: string; indent?: string; pretty?: boolean } = {};
  for (const [position, [key, option]] of sortedEntries(options).entries()) {
    const wrong = readOption(read, position, key, option);
    if (wrong !== null) return operandFailure(call, 2, wrong);
  }
  const pretty = read.pretty ?? (read.prefix !== undefined || read.indent !== undefined);
  if (!pretty) return encodeJson(value, call.budget);
  const indentation: Indentation = { prefix: read.prefix ?? "", indent: read.indent ?? "\t" };
  // Go does not write the prefix of the first line, OPA does.
  return indentation.prefix + encodeJson(value, call.budget, indentation);
}

/** Null, or what is wrong with the option. */
function readOption(
  read: { prefix?: string; indent?: string; pretty?: boolean },
  position: number,
  key: Value,
  option: Value,
): string | null {
  if (typeof key !== "string") {
    const type = `operand ${position} must be string but got ${typeName(key)}`;
    return `failed to stringify key ${format(key)} at index ${position}: ${type}`;
  }
  if (key === "pretty") {
    if (typeof option !== "boolean") return "key pretty failed cast to bool";
    read.pretty = option;
    return null;
  }
  if (key !== "prefix" && key !== "indent") return `object contained unknown key ${format(key)}`;
  if (typeof option !== "string") {
    return `key ${key} failed cast to string: operand ${position} must be string but got ${typeName(option)}`;
  }
  read[key] = option;
  return null;
}

function unmarshal(call: BuiltinCall, text: string): Value | undefined {
  call.budget.output(text.length);
  const decoded = decodeJson(text);
  return "error" in decoded ? call.fail(decoded.error) : decoded.value;
}

// ── paths

/** The segments of a path: a text cut at slashes and unescaped, or an array of any values. Undefined after reporting. */
export function pathOf(call: BuiltinCall, path: Value): readonly Value[] | undefined {
  if (isArray(path)) return path;
  if (typeof path !== "string") {
    return operandFailure(
      call,
      2,
      `must be one of {set, array} containing string paths or array of path segments but got ${typeName(path)}`,
    );
  }
  if (path === "") return [];
  const segments = path.replace(/^\/+/, "").split("/");
  return segments.map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Paths as a tree: null is the end of a path. */
type PathTree = RegoObject;

/** Undefined after reporting. */
function pathTree(call: BuiltinCall, paths: Value): PathTree | undefined {
  const members = membersOf(paths);
  if (members === null) return operandError(call, 2, paths, "set", "array");
  const root = new RegoObject();
  for (const member of members) {
    const path = pathOf(call, member);
    if (path === undefined) return undefined;
    call.budget.output(path.length * 64);
    addPath(root, path);
  }
  return root;
}

/** A path below one that ends already adds nothing; one that ends above others replaces them. */
function addPath(root: PathTree, path: readonly Value[]): void {
  if (path.length === 0) return;
  let node = root;
  for (const segment of path.slice(0, -1)) {
    const child = node.get(segment);
    if (child === null) return;
    if (child instanceof RegoObject) {
      node = child;
    } else {
      const created = new RegoObject();
      node.set(segment, created);
      node = created;
    }
  }
  node.set(path.at(-1) as Value, null);
}

function remove(call: BuiltinCall, value: Value, paths: Value): Value | undefined {
  if (!isObject(value)) return operandError(call, 1, value, "object");
  const tree = pathTree(call, paths);
  return tree === undefined ? undefined : removeTree(call, value, tree);
}

/** What is left of the value; undefined when it is removed itself. */
function removeTree(call: BuiltinCall, value: Value, tree: Value | undefined): Value | undefined {
  if (tree === null) return undefined;
  if (!(tree instanceof RegoObject)) return value;
  if (isArray(value)) {
    call.budget.output(value.length * 8);
    // Segments are texts, so an array's index is looked up as text.
    const kept = value.map((item, at) => removeTree(call, item, tree.get(String(at))));
    return kept.filter((item) => item !== undefined);
  }
  if (value instanceof RegoSet) {
    call.budget.output(value.size * 8);
    const kept = value.sorted(compare).map((item) => removeTree(call, item, tree.get(item)));
    return RegoSet.of(kept.filter((item) => item !== undefined));
  }
  if (!isObject(value)) return value;
  return rebuild(call, value, (key, item) => removeTree(call, item, tree.get(key)));
}

function filter(call: BuiltinCall, value: Value, paths: Value): Value | undefined {
  if (!isObject(value)) return operandError(call, 1, value, "object");
  const tree = pathTree(call, paths);
  return tree === undefined ? undefined : filterTree(call, value, tree);
}

/** What the tree selects of the value; undefined for nothing. */
function filterTree(call: BuiltinCall, value: Value, tree: Value | undefined): Value | undefined {
  if (tree === undefined) return undefined;
  if (tree === null || !(tree instanceof RegoObject)) return value;
  if (isArray(value)) {
    call.budget.output(value.length * 8);
    const kept = value.map((item, at) => filterTree(call, item, tree.get(String(at))));
    return kept.filter((item) => item !== undefined);
  }
  if (value instanceof RegoSet) {
    call.budget.output(value.size * 8);
    const kept = value.sorted(compare).map((item) => filterTree(call, item, tree.get(item)));
    return RegoSet.of(kept.filter((item) => item !== undefined));
  }
  if (!isObject(value)) return value;
  return rebuild(call, value, (key, item) => filterTree(call, item, tree.get(key)));
}

/** A new object of the entries for which `change` gives a value. */
function rebuild(
  call: BuiltinCall,
  object: PlainObject | RegoObject,
  change: (key: Value, value: Value) => Value | undefined,
): Value {
  const entries = object instanceof RegoObject ? object.entries() : Object.entries(object);
  call.budget.output(entries.length * 16);
  const kept: [Value, Value][] = [];
  for (const [key, item] of entries) {
    const changed = change(key, item);
    if (changed !== undefined) kept.push([key, changed]);
  }
  return objectOf(kept);
}

/** A plain object when all keys are strings. */
export function objectOf(entries: readonly (readonly [Value, Value])[]): Value {
  if (entries.some(([key]) => typeof key !== "string")) return RegoObject.of(entries);
  const result = newObject();
  for (const [key, value] of entries) result[key as string] = value;
  return result;
}

const anyObject = t.object(t.any, t.any);
const onePath: Type = t.union(t.string, t.array(t.any));
const somePaths: Type = t.union(t.array(onePath), t.set(onePath));
const marshalOptions: Type = t.struct(
  { indent: t.string, prefix: t.string, pretty: t.boolean },
  { key: t.string, value: t.any },
);

export const jsonBuiltins: readonly Builtin[] = [
  { name: "json.marshal", type: t.function([t.any], t.string), evaluate: marshal },
  {
    name: "json.marshal_with_options",
    type: t.function([t.any, marshalOptions], t.string),
    evaluate: marshalWithOptions,
  },
  { name: "json.unmarshal", type: t.function([t.string], t.any), evaluate: onString(unmarshal) },
  {
    name: "json.is_valid",
    type: t.function([t.string], t.boolean),
    evaluate: (call, text) => {
      if (typeof text !== "string") return false;
      call.budget.output(text.length);
      return isJson(text);
    },
  },
  { name: "json.filter", type: t.function([anyObject, somePaths], anyObject), evaluate: filter },
  { name: "json.remove", type: t.function([anyObject, somePaths], anyObject), evaluate: remove },
];
