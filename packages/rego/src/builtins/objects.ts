// Objects: access, key selection, merging and the subset relation. Objects whose keys are all strings stay plain.
// OPA: v1/topdown/object.go, subset.go.

import {
  type PlainObject,
  RegoObject,
  RegoSet,
  type Value,
  equals,
  isArray,
  isObject,
  isPlainObject,
  newObject,
} from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { memberAt, objectValue } from "./comparison.ts";
import { elementError } from "./operand.ts";

type AnyObject = PlainObject | RegoObject;

// ── both forms of object

function entriesOf(object: AnyObject): readonly (readonly [Value, Value])[] {
  return object instanceof RegoObject ? object.entries() : Object.entries(object);
}

function sizeOf(object: AnyObject): number {
  return object instanceof RegoObject ? object.size : Object.keys(object).length;
}

/** An object of entries, plain when every key is a string. */
function objectOf(entries: readonly (readonly [Value, Value])[]): AnyObject {
  if (!entries.every(([key]) => typeof key === "string")) return RegoObject.of(entries);
  const result = newObject();
  for (const [key, value] of entries) result[key as string] = value;
  return result;
}

/** About what one entry takes. */
const entryBytes = 16;

function charge(call: BuiltinCall, entries: number): void {
  call.budget.output(entries * entryBytes);
  call.budget.step(entries);
}

// ── get, keys, remove, filter

function get(call: BuiltinCall, object: Value, path: Value, otherwise: Value): Value | undefined {
  if (!isObject(object)) return operandError(call, 1, object, "object");
  if (!isArray(path)) {
    // A null that is there is no default.
    const value = objectValue(object, path);
    return value === undefined ? otherwise : value;
  }
  call.budget.step(path.length);
  let current: Value | undefined = object;
  for (const key of path) {
    current = current instanceof RegoSet ? (current.has(key) ? key : undefined) : memberAt(current, key);
    if (current === undefined) return otherwise;
  }
  return current;
}

function keys(call: BuiltinCall, object: Value): Value | undefined {
  if (!isObject(object)) return operandError(call, 1, object, "object");
  charge(call, sizeOf(object));
  return RegoSet.of(entriesOf(object).map(([key]) => key));
}

/** Keeps the entries whose key is, or is not, among the keys given by an object, a set or an array. */
function select(wanted: boolean): (call: BuiltinCall, object: Value, names: Value) => Value | undefined {
  return (call, object, names) => {
    if (!isObject(object)) return operandError(call, 1, object, "object");
    const chosen = keySet(names);
    if (chosen === null) return operandError(call, 2, names, "object", "set", "array");
    const entries = entriesOf(object);
    charge(call, entries.length + chosen.size);
    return objectOf(entries.filter(([key]) => chosen.has(key) === wanted));
  };
}

function keySet(names: Value): RegoSet | null {
  if (names instanceof RegoSet) return names;
  if (isArray(names)) return RegoSet.of(names);
  return isObject(names) ? RegoSet.of(entriesOf(names).map(([key]) => key)) : null;
}

// ── union

function union(call: BuiltinCall, a: Value, b: Value): Value | undefined {
  if (!isObject(a)) return operandError(call, 1, a, "object");
  if (!isObject(b)) return operandError(call, 2, b, "object");
  return merge(call, a, b);
}

/** The second wins, except that two objects are merged. Shares with both what it does not change. */
function merge(call: BuiltinCall, a: AnyObject, b: AnyObject): AnyObject {
  const [left, right] = [entriesOf(a), entriesOf(b)];
  if (left.length === 0) return b;
  if (right.length === 0) return a;
  charge(call, left.length + right.length);
  const merged = right.map(([key, value]) => [key, mergeValues(call, objectValue(a, key), value)] as const);
  return objectOf([...left.filter(([key]) => objectValue(b, key) === undefined), ...merged]);
}

function mergeValues(call: BuiltinCall, a: Value | undefined, b: Value): Value {
  return isObject(a) && isObject(b) ? merge(call, a, b) : b;
}

function unionAll(call: BuiltinCall, objects: Value): Value | undefined {
  if (!isArray(objects)) return operandError(call, 1, objects, "array");
  const wrong = objects.find((object) => !isObject(object));
  if (wrong !== undefined) return elementError(call, 1, objects, wrong, "object");
  if (objects.every((object) => isPlainObject(object))) return unionPlain(call, objects);
  return (objects as readonly AnyObject[]).reduce((result, object) => merge(call, result, object), newObject());
}

/** One result that grows, so that many small objects do not copy it each time. */
function unionPlain(call: BuiltinCall, objects: readonly PlainObject[]): Value {
  const result = newObject();
  const ours = new Set<Value>([result]);
  for (const object of objects) mergeInto(call, result, object, ours);
  return result;
}

function mergeInto(call: BuiltinCall, target: Record<string, Value>, source: PlainObject, ours: Set<Value>): void {
  const names = Object.keys(source);
  charge(call, names.length);
  for (const name of names) {
    const value = source[name] as Value;
    const old = target[name];
    if (isPlainObject(old) && isPlainObject(value)) {
      const copy = ours.has(old) ? old : Object.assign(newObject(), old);
      ours.add(copy);
      mergeInto(call, copy, value, ours);
      target[name] = copy;
    } else {
      target[name] = mergeValues(call, old, value);
    }
  }
}

// ── subset

function subset(call: BuiltinCall, whole: Value, part: Value): Value | undefined {
  if (isArray(whole) && part instanceof RegoSet) return arrayHoldsSet(call, whole, part);
  return (
    holds(call, whole, part) ?? call.failType("both arguments object.subset must be of the same type or array and set")
  );
}

/** Whether a container holds another of its type; undefined when they are not two containers of one type. */
function holds(call: BuiltinCall, whole: Value, part: Value): boolean | undefined {
  if (isObject(whole) && isObject(part)) return objectHolds(call, whole, part);
  if (whole instanceof RegoSet && part instanceof RegoSet) {
    call.budget.step(part.size);
    return part.items.every((item) => whole.has(item));
  }
  return isArray(whole) && isArray(part) ? arrayHolds(call, whole, part) : undefined;
}

function objectHolds(call: BuiltinCall, whole: AnyObject, part: AnyObject): boolean {
  const entries = entriesOf(part);
  call.budget.step(entries.length);
  return entries.every(([key, value]) => {
    const other = objectValue(whole, key);
    if (other === undefined) return false;
    return equals(value, other) || holds(call, other, value) === true;
  });
}

/** The part stands somewhere in the whole, without gaps. */
function arrayHolds(call: BuiltinCall, whole: readonly Value[], part: readonly Value[]): boolean {
  const starts = whole.length - part.length + 1;
  for (let start = 0; start < starts; start++) {
    let matched = 0;
    while (matched < part.length && equals(whole[start + matched] as Value, part[matched] as Value)) matched++;
    call.budget.step(matched + 1);
    if (matched === part.length) return true;
  }
  return false;
}

/** OPA counts the members of the array that are in the set, a repeated one each time. OPA: arraySetSubset. */
function arrayHoldsSet(call: BuiltinCall, whole: readonly Value[], part: RegoSet): boolean {
  call.budget.step(whole.length);
  let unmatched = part.size;
  for (const item of whole) {
    if (part.has(item)) unmatched--;
    if (unmatched === 0) return true;
  }
  return false;
}

const anyObject = t.object(t.any, t.any);
const anyKeys = t.union(t.array(t.any), anyObject, t.set(t.any));

export const objectBuiltins: readonly Builtin[] = [
  { name: "object.get", type: t.function([anyObject, t.any, t.any], t.any), evaluate: get },
  { name: "object.keys", type: t.function([anyObject], t.set(t.any)), evaluate: keys },
  { name: "object.remove", type: t.function([anyObject, anyKeys], anyObject), evaluate: select(false) },
  { name: "object.filter", type: t.function([anyObject, anyKeys], anyObject), evaluate: select(true) },
  { name: "object.union", type: t.function([anyObject, anyObject], anyObject), evaluate: union },
  { name: "object.union_n", type: t.function([t.array(anyObject)], anyObject), evaluate: unionAll },
  { name: "object.subset", type: t.function([anyKeys, anyKeys], t.boolean), evaluate: subset },
];
