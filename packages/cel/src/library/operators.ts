// The operators of the language. Those that read no argument (`&&`) and selections are code of their own in phase 3; they are
// here for their types. cel-go: common/stdlib/standard.go.

import type { Overload } from "../library.ts";
import * as math from "../runtime/arithmetic.ts";
import type { AnyDouble, Int } from "../runtime/arithmetic.ts";
import { compare, isNaNDouble } from "../runtime/compare.ts";
import { elementAt, findKey, index } from "../runtime/container.ts";
import { bareMismatch, operandMismatch } from "../runtime/dispatch.ts";
import { equals } from "../runtime/equality.ts";
import { addDuration, durationOf, subtractDuration, subtractTimestamps } from "../runtime/timestamp.ts";
import {
  CelError,
  type CelMap,
  Duration,
  type Timestamp,
  type Tree,
  type Uint,
  type Value,
  isDouble,
  isInt,
} from "../runtime/value.ts";
import { typeName, typeOfValue } from "../runtime/valuetype.ts";
import { comparison, concatenation, sizeAt } from "./cost.ts";
import { type OverloadOptions, global } from "./declare.ts";

type List = readonly Value[];
type Bytes = Uint8Array;

const timestampName = "google.protobuf.Timestamp";
const durationName = "google.protobuf.Duration";

/** An operator of cel-go's trait: the types that have it. */
function operands(name: string, ...types: readonly string[]): OverloadOptions {
  return { mismatch: operandMismatch(name, new Set(types)) };
}

const adders = operands("_+_", "bytes", "double", durationName, "int", "list", "string", timestampName, "uint");
const subtractors = operands("_-_", "double", durationName, "int", timestampName, "uint");
const multipliers = operands("_*_", "double", "int", "uint");
const dividers = operands("_/_", "double", "int", "uint");
const modders = operands("_%_", "int", "uint");
const negators: OverloadOptions = {
  ...operands("-_", "bool", "double", durationName, "int"),
  // Nothing declares it, but a duration that no type tells of is negated, too.
  takes: ([value]) => isInt(value) || isDouble(value) || value instanceof Duration,
};

const arithmetic: readonly Overload[] = [
  global("_+_(bytes, bytes) -> bytes", "add_bytes", addBytes, { ...adders, cost: concatenation }),
  global(
    "_+_(double, double) -> double",
    "add_double",
    ([a, b]: [AnyDouble, AnyDouble]) => math.addDoubles(a, b),
    adders,
  ),
  global(
    "_+_(google.protobuf.Duration, google.protobuf.Duration) -> google.protobuf.Duration",
    "add_duration_duration",
    ([a, b]: [Duration, Duration]) => durationOf(a.nanoseconds + b.nanoseconds),
    adders,
  ),
  global(
    "_+_(google.protobuf.Duration, google.protobuf.Timestamp) -> google.protobuf.Timestamp",
    "add_duration_timestamp",
    ([a, b]: [Duration, Timestamp]) => addDuration(b, a),
    adders,
  ),
  global(
    "_+_(google.protobuf.Timestamp, google.protobuf.Duration) -> google.protobuf.Timestamp",
    "add_timestamp_duration",
    ([a, b]: [Timestamp, Duration]) => addDuration(a, b),
    adders,
  ),
  global("_+_(int, int) -> int", "add_int64", ([a, b]: [Int, Int]) => math.addInts(a, b), adders),
  global(
    "_+_(list(<A>), list(<A>)) -> list(<A>)",
    "add_list",
    ([a, b]: [List, List], budget) => {
      if (a.length === 0) return b;
      if (b.length === 0) return a;
      budget.output((a.length + b.length) * 8);
      return [...a, ...b];
    },
    adders,
  ),
  global(
    "_+_(string, string) -> string",
    "add_string",
    ([a, b]: [string, string], budget) => {
      budget.output(a.length + b.length);
      return a + b;
    },
    { ...adders, cost: concatenation },
  ),
  global("_+_(uint, uint) -> uint", "add_uint64", ([a, b]: [Uint, Uint]) => math.addUints(a, b), adders),

  global(
    "_-_(double, double) -> double",
    "subtract_double",
    ([a, b]: [AnyDouble, AnyDouble]) => math.subtractDoubles(a, b),
    subtractors,
  ),
  global(
    "_-_(google.protobuf.Duration, google.protobuf.Duration) -> google.protobuf.Duration",
    "subtract_duration_duration",
    ([a, b]: [Duration, Duration]) => durationOf(a.nanoseconds - b.nanoseconds),
    subtractors,
  ),
  global("_-_(int, int) -> int", "subtract_int64", ([a, b]: [Int, Int]) => math.subtractInts(a, b), subtractors),
  global(
    "_-_(google.protobuf.Timestamp, google.protobuf.Duration) -> google.protobuf.Timestamp",
    "subtract_timestamp_duration",
    ([a, b]: [Timestamp, Duration]) => subtractDuration(a, b),
    subtractors,
  ),
  global(
    "_-_(google.protobuf.Timestamp, google.protobuf.Timestamp) -> google.protobuf.Duration",
    "subtract_timestamp_timestamp",
    ([a, b]: [Timestamp, Timestamp]) => subtractTimestamps(a, b),
    subtractors,
  ),
  global("_-_(uint, uint) -> uint", "subtract_uint64", ([a, b]: [Uint, Uint]) => math.subtractUints(a, b), subtractors),

  global(
    "_*_(double, double) -> double",
    "multiply_double",
    ([a, b]: [AnyDouble, AnyDouble]) => math.multiplyDoubles(a, b),
    multipliers,
  ),
  global("_*_(int, int) -> int", "multiply_int64", ([a, b]: [Int, Int]) => math.multiplyInts(a, b), multipliers),
  global("_*_(uint, uint) -> uint", "multiply_uint64", ([a, b]: [Uint, Uint]) => math.multiplyUints(a, b), multipliers),

  global(
    "_/_(double, double) -> double",
    "divide_double",
    ([a, b]: [AnyDouble, AnyDouble]) => math.divideDoubles(a, b),
    dividers,
  ),
  global("_/_(int, int) -> int", "divide_int64", ([a, b]: [Int, Int]) => math.divideInts(a, b), dividers),
  global("_/_(uint, uint) -> uint", "divide_uint64", ([a, b]: [Uint, Uint]) => math.divideUints(a, b), dividers),

  global("_%_(int, int) -> int", "modulo_int64", ([a, b]: [Int, Int]) => math.moduloInts(a, b), modders),
  global("_%_(uint, uint) -> uint", "modulo_uint64", ([a, b]: [Uint, Uint]) => math.moduloUints(a, b), modders),

  global("-_(double) -> double", "negate_double", ([a]: [Value]) => negate(a), negators),
  global("-_(int) -> int", "negate_int64", ([a]: [Value]) => negate(a), negators),
];

function negate(value: Value): Value | CelError {
  if (isInt(value)) return math.negateInt(value);
  return value instanceof Duration ? durationOf(-value.nanoseconds) : math.negateDouble(value as AnyDouble);
}

function addBytes([a, b]: [Bytes, Bytes], budget: { output(bytes: number): void }): Value {
  budget.output(a.length + b.length);
  const sum = new Uint8Array(a.length + b.length);
  sum.set(a);
  sum.set(b, a.length);
  return sum;
}

// ── order

interface Comparison {
  readonly name: string;
  readonly id: string;
  holds(order: number): boolean;
}

const comparisons: readonly Comparison[] = [
  { name: "_<_", id: "less", holds: (order) => order < 0 },
  { name: "_<=_", id: "less_equals", holds: (order) => order <= 0 },
  { name: "_>_", id: "greater", holds: (order) => order > 0 },
  { name: "_>=_", id: "greater_equals", holds: (order) => order >= 0 },
];

/** In the order in which cel-go declares them. */
const orderedTypes: readonly (readonly [left: string, right: string, id: string])[] = [
  ["bool", "bool", "bool"],
  ["int", "int", "int64"],
  ["int", "double", "int64_double"],
  ["int", "uint", "int64_uint64"],
  ["uint", "uint", "uint64"],
  ["uint", "double", "uint64_double"],
  ["uint", "int", "uint64_int64"],
  ["double", "double", "double"],
  ["double", "int", "double_int64"],
  ["double", "uint", "double_uint64"],
  ["string", "string", "string"],
  ["bytes", "bytes", "bytes"],
  [timestampName, timestampName, "timestamp"],
  [durationName, durationName, "duration"],
];

/** They are bound to the type of the first operand, and look at the second themselves. */
const comparers = ["bool", "bytes", "double", durationName, "int", "string", timestampName, "uint"];

/** From cel-go 0.30 on NaN is in no order; before it was an error to ask. */
function orders(celGo: 26 | 30): readonly Overload[] {
  return comparisons.flatMap(({ name, id, holds }) => {
    const run = ([a, b]: [Value, Value]): boolean | CelError => {
      if (celGo === 30 && (isNaNDouble(a) || isNaNDouble(b))) return false;
      const result = compare(a, b);
      return result instanceof CelError ? result : holds(result);
    };
    const options = { ...operands(name, ...comparers), takes: isComparable };
    return orderedTypes.map(([left, right, suffix]) => {
      const inLength = suffix === "string" || suffix === "bytes" ? { cost: comparison } : {};
      return global(`${name}(${left}, ${right}) -> bool`, `${id}_${suffix}`, run, { ...options, ...inLength });
    });
  });
}

function isComparable([value]: readonly Value[]): boolean {
  return comparers.includes(typeName(typeOfValue(value as Value)));
}

// ── logic, equality, selection

const mismatch = bareMismatch;

const logic: readonly Overload[] = [
  global("_?_:_(bool, <A>, <A>) -> <A>", "conditional", ([condition, yes, no]: [boolean, Value, Value]) =>
    condition ? yes : no,
  ),
  global("_&&_(bool, bool) -> bool", "logical_and", ([a, b]: [boolean, boolean]) => a && b, {
    nonStrict: true,
    mismatch,
  }),
  global("_||_(bool, bool) -> bool", "logical_or", ([a, b]: [boolean, boolean]) => a || b, {
    nonStrict: true,
    mismatch,
  }),
  global("!_(bool) -> bool", "logical_not", ([a]: [boolean]) => !a, { mismatch }),
  global("@not_strictly_false(bool) -> bool", "not_strictly_false", ([a]: [Value]) => a !== false, { nonStrict: true }),
  global("_==_(<A>, <A>) -> bool", "equals", ([a, b]: [Value, Value], budget) => equals(a, b, budget), {
    cost: comparison,
  }),
  global("_!=_(<A>, <A>) -> bool", "not_equals", ([a, b]: [Value, Value], budget) => !equals(a, b, budget), {
    cost: comparison,
  }),
  global("_[_](list(<A>), int) -> <A>", "index_list", ([list, at]: [List, Value]) => index(list, at)),
  global("_[_](map(<A>, <B>), <A>) -> <B>", "index_map", ([map, key]: [CelMap, Value]) => index(map, key)),
];

const membership: readonly Overload[] = [
  global(
    "@in(<A>, list(<A>)) -> bool",
    "in_list",
    ([element, list]: [Value, List], budget) => {
      for (let at = 0; at < list.length; at++) {
        budget.step();
        if (equals(element, elementAt(list, at), budget)) return true;
      }
      return false;
    },
    { mismatch, cost: (args) => sizeAt(args, 1) },
  ),
  global(
    "@in(<A>, map(<A>, <B>)) -> bool",
    "in_map",
    ([key, map]: [Value, CelMap | Tree]) => findKey(map, key) !== undefined,
    { mismatch },
  ),
];

export function operators(celGo: 26 | 30): readonly Overload[] {
  return [...logic, ...arithmetic, ...orders(celGo), ...membership];
}
