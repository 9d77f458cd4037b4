// Order, sums and positions in lists. k8s.io/apiserver: pkg/cel/library/lists.go.

import type { Budget } from "@portcullis/lang";
import { method } from "../library/declare.ts";
import type { Library, Overload } from "../library.ts";
import { addDoubles, addInts, addUints } from "../runtime/arithmetic.ts";
import { compare } from "../runtime/compare.ts";
import { elementAt } from "../runtime/container.ts";
import { bareMismatch } from "../runtime/dispatch.ts";
import { equals } from "../runtime/equality.ts";
import { reading } from "../runtime/size.ts";
import { durationOf } from "../runtime/timestamp.ts";
import { CelError, Double, Duration, Uint, type Value, isDouble, isInt } from "../runtime/value.ts";
import { typeName, typeOfValue } from "../runtime/valuetype.ts";

type List = readonly Value[];

/** Types that have an order, by the names that overloads give them. */
const comparable = [
  ["int", "int"],
  ["uint", "uint"],
  ["double", "double"],
  ["bool", "bool"],
  ["duration", "google.protobuf.Duration"],
  ["timestamp", "google.protobuf.Timestamp"],
  ["string", "string"],
  ["bytes", "bytes"],
] as const;

const comparableNames: ReadonlySet<string> = new Set(comparable.map(([, name]) => name));

/** What comes of comparing is no error as long as both have an order at all: NaN is no reason against. */
function isComparable(value: Value): boolean {
  return comparableNames.has(typeName(typeOfValue(value)));
}

function isSorted([list]: [List], budget: Budget): Value | CelError {
  for (let at = 1; at < list.length; at++) {
    const element = elementAt(list, at);
    budget.step(reading(element) + 1);
    if (!isComparable(element)) return bareMismatch();
    if (compare(elementAt(list, at - 1), element) === 1) return false;
  }
  return true;
}

/** The last of the elements that the others do not go before. */
function extreme(name: "min" | "max"): (args: [List], budget: Budget) => Value | CelError {
  const worse = name === "min" ? 1 : -1;
  return ([list], budget) => {
    if (list.length === 0) return new CelError(`${name} called on empty list`);
    let best = elementAt(list, 0);
    for (let at = 1; at < list.length; at++) {
      const element = elementAt(list, at);
      budget.step(reading(element) + 1);
      if (!isComparable(element)) return bareMismatch();
      if (compare(best, element) === worse) best = element;
    }
    return best;
  };
}

function sum([list]: [List], zero: Value, budget: Budget): Value | CelError {
  let total: Value = zero;
  for (let at = 0; at < list.length; at++) {
    budget.step();
    const next = add(total, elementAt(list, at));
    if (next instanceof CelError) return next;
    total = next;
  }
  return total;
}

/** Only the first element's type has been looked at. */
function add(a: Value, b: Value): Value | CelError {
  if (isInt(a) && isInt(b)) return addInts(a, b);
  if (isDouble(a) && isDouble(b)) return addDoubles(a, b);
  if (a instanceof Uint && b instanceof Uint) return addUints(a, b);
  if (a instanceof Duration && b instanceof Duration) return durationOf(a.nanoseconds + b.nanoseconds);
  return bareMismatch();
}

function indexOf([list, wanted]: [List, Value], budget: Budget): number {
  for (let at = 0; at < list.length; at++) {
    budget.step();
    if (equals(elementAt(list, at), wanted, budget)) return at;
  }
  return -1;
}

function lastIndexOf([list, wanted]: [List, Value], budget: Budget): number {
  for (let at = list.length - 1; at >= 0; at--) {
    budget.step();
    if (equals(elementAt(list, at), wanted, budget)) return at;
  }
  return -1;
}

const ordered: readonly Overload[] = comparable.flatMap(([name, type]) => [
  method(`list(${type}).isSorted() -> bool`, `list_${name}_is_sorted_bool`, isSorted),
  method(`list(${type}).max() -> ${type}`, `list_${name}_max_${name}`, extreme("max")),
  method(`list(${type}).min() -> ${type}`, `list_${name}_min_${name}`, extreme("min")),
]);

const sums: readonly Overload[] = (
  [
    ["int", "int", 0],
    ["uint", "uint", new Uint(0n)],
    ["double", "double", new Double(0)],
    ["duration", "google.protobuf.Duration", new Duration(0n)],
  ] as const
).map(([name, type, zero]) =>
  method(`list(${type}).sum() -> ${type}`, `list_${name}_sum_${name}`, (args: [List], budget) =>
    sum(args, zero, budget),
  ),
);

export const listsLibrary: Library = {
  name: "kubernetes.lists",
  overloads: [
    ...ordered,
    ...sums,
    method("list(<A>).indexOf(<A>) -> int", "list_a_index_of_int", indexOf),
    method("list(<A>).lastIndexOf(<A>) -> int", "list_a_last_index_of_int", lastIndexOf),
  ],
};
