// Comparison, unification and membership. The compiler plans `=`, `:=` and `==` itself and mostly in-lines the rest; what is
// here answers when an operator is called as a function. OPA: v1/topdown/comparison.go, aggregates.go.

import { compare } from "../runtime/compare.ts";
import {
  type PlainObject,
  RegoObject,
  RegoSet,
  type Value,
  equals,
  isArray,
  isNumber,
  isObject,
} from "../runtime/value.ts";
import { integerOf } from "@portcullis/lang";
import { t } from "../types.ts";
import type { Builtin, BuiltinCall } from "./builtin.ts";

const anyTwo = t.function([t.any, t.any], t.boolean);

function ordered(name: string, infix: string, holds: (order: number) => boolean): Builtin {
  return { name, infix, type: anyTwo, evaluate: (_call, a, b) => holds(compare(a, b)) };
}

function isMember(call: BuiltinCall, value: Value, collection: Value): boolean {
  if (collection instanceof RegoSet) return collection.has(value);
  const members = isArray(collection) ? collection : isObject(collection) ? objectValues(collection) : [];
  call.budget.step(members.length);
  return members.some((member) => equals(value, member));
}

function isMemberAt(_call: BuiltinCall, key: Value, value: Value, collection: Value): boolean {
  if (collection instanceof RegoSet) return collection.has(key) && equals(key, value);
  const found = memberAt(collection, key);
  return found !== undefined && equals(value, found);
}

/** The member of an array or the value of an object at a key. */
export function memberAt(collection: Value, key: Value): Value | undefined {
  if (isArray(collection)) {
    if (!isNumber(key)) return undefined;
    const at = integerOf(key);
    return at === null || at < 0n ? undefined : collection[Number(at)];
  }
  return isObject(collection) ? objectValue(collection, key) : undefined;
}

/** The value of either form of object at a key. */
export function objectValue(object: PlainObject | RegoObject, key: Value): Value | undefined {
  if (object instanceof RegoObject) return object.get(key);
  return typeof key === "string" && Object.hasOwn(object, key) ? object[key] : undefined;
}

function objectValues(object: PlainObject | RegoObject): readonly Value[] {
  return object instanceof RegoObject ? object.entries().map(([, value]) => value) : Object.values(object);
}

export const comparisonBuiltins: readonly Builtin[] = [
  { name: "eq", infix: "=", type: anyTwo, evaluate: (_call, a, b) => equals(a, b) },
  { name: "assign", infix: ":=", type: anyTwo, evaluate: (_call, a, b) => equals(a, b) },
  { name: "equal", infix: "==", type: anyTwo, evaluate: (_call, a, b) => equals(a, b) },
  { name: "neq", infix: "!=", type: anyTwo, evaluate: (_call, a, b) => !equals(a, b) },
  ordered("gt", ">", (order) => order > 0),
  ordered("gte", ">=", (order) => order >= 0),
  ordered("lt", "<", (order) => order < 0),
  ordered("lte", "<=", (order) => order <= 0),
  { name: "internal.member_2", infix: "in", type: anyTwo, evaluate: isMember },
  {
    name: "internal.member_3",
    infix: "in",
    type: t.function([t.any, t.any, t.any], t.boolean),
    evaluate: isMemberAt,
  },
];
