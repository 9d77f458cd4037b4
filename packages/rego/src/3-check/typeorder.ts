// Comparing, joining and taking apart types. OPA: v1/types/types.go Compare, Or, Select, Keys, Values, Nil.

import { isNumber, type Value } from "../runtime/value.ts";
import { compare } from "../runtime/compare.ts";
import type { FunctionType, Inferred, Maybe, ObjectType } from "./inferred.ts";

const rank: { readonly [K in Inferred["kind"]]: number } = {
  null: 0,
  boolean: 1,
  number: 2,
  string: 3,
  array: 4,
  object: 5,
  set: 6,
  any: 7,
  function: 8,
};

export function compareTypes(a: Maybe, b: Maybe): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? -1 : 1;
  if (a.kind === "array" && b.kind === "array") {
    return presence(a.rest, b.rest) || compareTypes(a.rest, b.rest) || compareLists(a.items, b.items);
  }
  if (a.kind === "object" && b.kind === "object") return compareObjects(a, b);
  if (a.kind === "set" && b.kind === "set") return compareTypes(a.of, b.of);
  if (a.kind === "any" && b.kind === "any") return compareLists(a.of, b.of);
  if (a.kind === "function" && b.kind === "function") {
    return (
      a.args.length - b.args.length ||
      compareLists(a.args, b.args) ||
      compareTypes(a.result, b.result) ||
      compareTypes(a.variadic, b.variadic)
    );
  }
  return rank[a.kind] - rank[b.kind];
}

function compareObjects(a: ObjectType, b: ObjectType): number {
  const byRest =
    presence(a.rest, b.rest) ||
    compareTypes(a.rest?.key ?? null, b.rest?.key ?? null) ||
    compareTypes(a.rest?.value ?? null, b.rest?.value ?? null);
  if (byRest !== 0) return byRest;
  for (const [at, field] of a.fields.entries()) {
    const other = b.fields[at];
    if (other === undefined) return 1;
    const order = compare(field.key, other.key) || compareTypes(field.value, other.value);
    if (order !== 0) return order;
  }
  return a.fields.length - b.fields.length;
}

function presence(a: unknown, b: unknown): number {
  return Number(a !== null) - Number(b !== null);
}

function compareLists(a: readonly Maybe[], b: readonly Maybe[]): number {
  for (const [at, item] of a.entries()) {
    if (at >= b.length) return 1;
    const order = compareTypes(item, b[at] ?? null);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

export function isAnyType(type: Maybe): boolean {
  return type !== null && type.kind === "any" && type.of.length === 0;
}

/** Whether a is b or a union with b in it. */
export function contains(a: Maybe, b: Maybe): boolean {
  if (a === null || a.kind !== "any") return compareTypes(a, b) === 0;
  if (b?.kind === "function") return false;
  return a.of.length === 0 || a.of.some((one) => compareTypes(one, b) === 0);
}

/** The type of what is one or the other; functions join with functions only. */
export function or(a: Maybe, b: Maybe): Maybe {
  if (a === null) return b;
  if (b === null) return a;
  if (a.kind === "function" && b.kind === "function") return joinFunctions(a, b);
  if (a.kind === "function" || b.kind === "function") return null;
  if (a.kind === "any") return mergeUnion(a.of, b);
  if (b.kind === "any") return mergeUnion(b.of, a);
  return compareTypes(a, b) === 0 ? a : { kind: "any", of: [a, b].toSorted(compareTypes) };
}

function mergeUnion(of: readonly Inferred[], other: Inferred): Inferred {
  if (of.length === 0) return { kind: "any", of };
  if (other.kind === "any" && other.of.length === 0) return other;
  const added = other.kind === "any" ? other.of : [other];
  const fresh = added.filter((one) => !of.some((known) => compareTypes(known, one) === 0));
  return { kind: "any", of: [...of, ...fresh].toSorted(compareTypes) };
}

function joinFunctions(a: FunctionType, b: FunctionType): Maybe {
  if (a.args.length !== b.args.length || (a.variadic === null) !== (b.variadic === null)) return null;
  return {
    kind: "function",
    args: a.args.map((arg, at) => or(arg, b.args[at] ?? null)),
    variadic: or(a.variadic, b.variadic),
    result: or(a.result, b.result),
  };
}

/** The type of the element or member under a known key; null when there is none. */
export function select(type: Maybe, key: Value): Maybe {
  switch (type?.kind) {
    case "array":
      return typeof key === "number" && Number.isInteger(key) && key >= 0 ? (type.items[key] ?? type.rest) : null;
    case "object":
      return selectField(type, key);
    case "set": {
      const own = typeOfValue(key);
      if (compareTypes(type.of, own) === 0) return type.of;
      return type.of?.kind === "any" && contains(type.of, own) ? own : null;
    }
    case "any": {
      if (type.of.length === 0) return type;
      return type.of.reduce<Maybe>((found, one) => or(select(one, key), found), null);
    }
    case "function":
    case undefined:
    case "null":
    case "boolean":
    case "number":
    case "string":
      break;
  }
  return null;
}

export function selectField(type: ObjectType, key: Value): Maybe {
  const field = type.fields.find((one) => compare(one.key, key) === 0);
  if (field !== undefined) return field.value;
  return type.rest !== null && contains(type.rest.key, typeOfValue(key)) ? type.rest.value : null;
}

/** The type of the keys that a reference enumerates; null for what has none. */
export function keysOf(type: Maybe): Maybe {
  return enumerated(type, "key");
}

/** The type of what a reference enumerates; null for what has nothing. */
export function valuesOf(type: Maybe): Maybe {
  return enumerated(type, "value");
}

function enumerated(type: Maybe, part: "key" | "value"): Maybe {
  switch (type?.kind) {
    case "array":
      return part === "key" ? { kind: "number" } : or(type.items.reduce(or, null), type.rest);
    case "object": {
      const fixed = type.fields
        .map(({ key, value }) => (part === "key" ? typeOfValue(key) : value))
        .reduce<Maybe>(or, null);
      return type.rest === null ? fixed : or(fixed, type.rest[part]);
    }
    case "set":
      return type.of;
    case "any":
      return type.of.length === 0 ? type : type.of.map((one) => enumerated(one, part)).reduce<Maybe>(or, null);
    case "function":
    case undefined:
    case "null":
    case "boolean":
    case "number":
    case "string":
      break;
  }
  return null;
}

/** Whether any part of the type is unknown. */
export function isUnknown(type: Maybe): boolean {
  switch (type?.kind) {
    case undefined:
      return true;
    case "function":
      return type.args.some(isUnknown) || isUnknown(type.result);
    case "array":
      return type.items.some(isUnknown) || (type.rest !== null && isUnknown(type.rest));
    case "object":
      if (type.fields.some(({ value }) => isUnknown(value))) return true;
      return type.rest !== null && (isUnknown(type.rest.key) || isUnknown(type.rest.value));
    case "set":
      return isUnknown(type.of);
    case "any":
    case "null":
    case "boolean":
    case "number":
    case "string":
      break;
  }
  return false;
}

/** The type of a JSON value, as keys of objects are. */
function typeOfValue(value: Value): Inferred {
  if (value === null) return { kind: "null" };
  if (typeof value === "string") return { kind: "string" };
  if (typeof value === "boolean") return { kind: "boolean" };
  if (isNumber(value)) return { kind: "number" };
  if (Array.isArray(value)) {
    return { kind: "array", items: (value as readonly Value[]).map(typeOfValue), rest: null };
  }
  const fields = Object.entries(value as Readonly<Record<string, Value>>);
  return {
    kind: "object",
    fields: fields.map(([key, item]) => ({ key, value: typeOfValue(item) })).toSorted((a, b) => compare(a.key, b.key)),
    rest: null,
  };
}
