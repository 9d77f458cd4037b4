// What extends lists: slices, flattening, sorting, distinct elements, ranges. cel-go: ext/lists.go, version 3.

import type { Budget } from "@portcullis/lang";
import type { Library, Overload } from "../library.ts";
import type { Int } from "../runtime/arithmetic.ts";
import { compare } from "../runtime/compare.ts";
import { elementAt } from "../runtime/container.ts";
import { operandMismatch } from "../runtime/dispatch.ts";
import { equals } from "../runtime/equality.ts";
import { goTypeName } from "../runtime/gotypename.ts";
import { reading, sizeOf } from "../runtime/size.ts";
import { CelError, type Value, isInt } from "../runtime/value.ts";
import { typeName, typeOfValue } from "../runtime/valuetype.ts";
import { typeText } from "../types.ts";
import { sizeAt } from "./cost.ts";
import { type OverloadOptions, global, method } from "./declare.ts";

type List = readonly Value[];

/** Types that have an order, in the order in which cel-go declares overloads for them. */
const comparableTypes = [
  "int",
  "uint",
  "double",
  "bool",
  "google.protobuf.Duration",
  "google.protobuf.Timestamp",
  "string",
  "bytes",
] as const;

const bytesPerElement = 8;

// ── costs

const callCost = 1;
const listCost = 10;

function allocating(factor: number, size: number): number {
  return Math.floor(size * factor) + callCost + listCost;
}

const costOfResult: OverloadOptions = {
  cost: (_, result) => allocating(1, result instanceof CelError ? 1 : sizeOf(result)),
};

const costOfDepth: OverloadOptions = {
  cost: ([list, depth = 1]) => allocating(isInt(depth) ? Math.max(0, Number(depth)) : 1, sizeAt([list as Value], 0)),
};

/** Every element with every other. */
function selfComparison(position: number): NonNullable<OverloadOptions["cost"]> {
  return (args) => {
    const list = args[position];
    if (!Array.isArray(list)) return 1;
    const first = list.length === 0 ? null : elementAt(list as List, 0);
    const isText = typeof first === "string" || first instanceof Uint8Array;
    return allocating(isText ? 2.1 : 2, list.length * list.length);
  };
}

// ── functions

function slice([list, start, end]: [List, Int, Int], budget: Budget): Value | CelError {
  const asked = `cannot slice(${start}, ${end}),`;
  if (start < 0 || end < 0) return new CelError(`${asked} negative indexes not supported`);
  if (start > end) return new CelError(`${asked} start index must be less than or equal to end index`);
  if (list.length < end) return new CelError(`${asked} list is length ${list.length}`);
  budget.output((Number(end) - Number(start)) * bytesPerElement);
  return list.slice(Number(start), Number(end));
}

/** Adds the elements to `flat`, so that no level makes a list of its own. */
function flattenInto(flat: Value[], list: List, depth: number, budget: Budget): Value[] {
  for (let at = 0; at < list.length; at++) {
    budget.output(bytesPerElement);
    const element = elementAt(list, at);
    if (depth === 0 || !Array.isArray(element)) flat.push(element);
    else flattenInto(flat, element as List, depth - 1, budget);
  }
  return flat;
}

/** Without types to guard them, these functions look at their arguments themselves. */
function flattenList([list, depth = 1]: [Value, Value?], budget: Budget): Value | CelError {
  if (!Array.isArray(list) || (typeof depth !== "number" && typeof depth !== "bigint"))
    return new CelError("no such overload");
  if (depth < 0) return new CelError("level must be non-negative");
  return flattenInto([], list as List, Number(depth), budget);
}

function flattenMismatch([list, depth]: readonly Value[]): CelError {
  const inner = depth === undefined ? "" : typeText(typeOfValue(depth));
  // Of a list this is all that cel-go says.
  if (Array.isArray(list) && depth !== undefined) {
    return new CelError(`internal error: interface conversion: ref.Val is ${goTypeName(depth)}, not types.Int`);
  }
  return new CelError(`no such overload: ${typeText(typeOfValue(list as Value))}.flatten(${inner})`);
}

const unguardedFlatten: OverloadOptions = {
  takes: ([list, depth = 1]) => Array.isArray(list) && typeName(typeOfValue(depth)) === "int",
  mismatch: flattenMismatch,
  ...costOfDepth,
};

/** The elements in the order of their keys; what has equal keys stays in order. cel-go: sortListByAssociatedKeys. */
function sortByKeys(list: List, keys: List, budget: Budget): Value | CelError {
  if (list.length !== keys.length) {
    return new CelError(
      `@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${list.length} and ${keys.length} elements respectively`,
    );
  }
  if (list.length === 0) return list;
  const type = typeName(typeOfValue(elementAt(keys, 0)));
  if (!(comparableTypes as readonly string[]).includes(type)) return new CelError("list elements must be comparable");
  const pairs = keys.map((_, at) => ({ key: elementAt(keys, at), value: elementAt(list, at) }));
  if (pairs.some(({ key }) => typeName(typeOfValue(key)) !== type)) {
    return new CelError("list elements must have the same type");
  }
  budget.output(pairs.length * bytesPerElement);
  const sorted = pairs.toSorted((a, b) => {
    budget.step(reading(a.key) + 1);
    const order = compare(a.key, b.key);
    return order instanceof CelError ? 0 : order;
  });
  return sorted.map(({ value }) => value);
}

function distinct([list]: [List], budget: Budget): Value {
  const unique: Value[] = [];
  for (let at = 0; at < list.length; at++) {
    const element = elementAt(list, at);
    budget.step(unique.length);
    if (!unique.some((other) => equals(element, other, budget))) unique.push(element);
  }
  return unique;
}

const rangeMax = 1_000_000;

function range(size: Int, celGo: 26 | 30, budget: Budget): Value | CelError {
  if (celGo === 30 && size < 0) return new CelError(`lists.range: size must be non-negative, got ${size}`);
  if (celGo === 30 && size > rangeMax) {
    return new CelError(`lists.range: size ${size} exceeds maximum allowed (${rangeMax})`);
  }
  const length = Math.max(0, Number(size));
  budget.output(length * bytesPerElement);
  return Array.from({ length }, (_, at) => at);
}

// ── declarations

/** Bound to the trait of lists, not to the types of elements. */
function unguarded(name: string): OverloadOptions {
  return {
    takes: (args) => args.every((arg) => Array.isArray(arg)),
    mismatch: operandMismatch(name, new Set(["list"])),
  };
}

const sorting: readonly Overload[] = comparableTypes.flatMap((type) => [
  method(
    `list(${type}).sort() -> list(${type})`,
    `list_${type}_sort`,
    ([list]: [List], budget) => sortByKeys(list, list, budget),
    {
      ...unguarded("sort"),
      cost: selfComparison(0),
    },
  ),
  method(
    `list(<T>).@sortByAssociatedKeys(list(${type})) -> list(<T>)`,
    `list_${type}_sortByAssociatedKeys`,
    ([list, keys]: [List, List], budget) => sortByKeys(list, keys, budget),
    { ...unguarded("@sortByAssociatedKeys"), cost: selfComparison(1) },
  ),
]);

const others: readonly Overload[] = [
  method("list(<T>).slice(int, int) -> list(<T>)", "list_slice", slice, costOfResult),
  method("list(list(<T>)).flatten() -> list(<T>)", "list_flatten", flattenList, unguardedFlatten),
  method("list(dyn).flatten(int) -> list(dyn)", "list_flatten_int", flattenList, unguardedFlatten),
  method(
    "list(<T>).reverse() -> list(<T>)",
    "list_reverse",
    ([list]: [List], budget) => {
      budget.output(list.length * bytesPerElement);
      return list.toReversed();
    },
    costOfResult,
  ),
  method("list(<T>).distinct() -> list(<T>)", "list_distinct", distinct, { cost: selfComparison(0) }),
];

export function listsLibrary(celGo: 26 | 30): Library {
  const ranges = global(
    "lists.range(int) -> list(int)",
    "lists_range",
    ([size]: [Int], budget) => range(size, celGo, budget),
    costOfResult,
  );
  return { name: "cel.lib.ext.lists", overloads: [...others, ...sorting, ranges], macros: ["sortBy:2:true"] };
}
