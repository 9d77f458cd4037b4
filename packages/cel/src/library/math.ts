// Extremes, rounding and bits of numbers. `math.least` and `math.greatest` are macros, which call `math.@min` and `math.@max`.
// cel-go: ext/math.go, version 3.

import type { Budget } from "@portcullis/lang";
import type { Library, Overload } from "../library.ts";
import { type AnyDouble, type Int, integerOverflow } from "../runtime/arithmetic.ts";
import { compare, isNumeric } from "../runtime/compare.ts";
import { elementAt } from "../runtime/container.ts";
import { CelError, Uint, type Value, doubleOf, intOf, isInt, numberOfDouble } from "../runtime/value.ts";
import { sizeAt } from "./cost.ts";
import { global } from "./declare.ts";

type List = readonly Value[];

// ── extremes

interface Extreme {
  readonly name: "min" | "max";
  /** What comparing says when the second goes before the first. */
  readonly worse: 1 | -1;
}

function better(first: Value, second: Value, { name, worse }: Extreme): Value | CelError {
  const order = compare(first, second);
  if (order instanceof CelError) return suffixed(order, name);
  return order === worse ? second : first;
}

function suffixed({ message }: CelError, name: string): CelError {
  return new CelError(message === "no such overload" ? `no such overload: math.@${name}` : message);
}

function bestOf(list: List, extreme: Extreme, budget: Budget): Value | CelError {
  if (list.length === 0) return new CelError(`math.@${extreme.name}(list) argument must not be empty`);
  let best = elementAt(list, 0);
  for (let at = 1; at < list.length; at++) {
    budget.step();
    const next = better(best, elementAt(list, at), extreme);
    if (next instanceof CelError) return next;
    best = next;
  }
  return isNumeric(best) ? best : new CelError(`no such overload: math.@${extreme.name}`);
}

const numeric = ["double", "int", "uint"] as const;

function extremes(extreme: Extreme): readonly Overload[] {
  const { name } = extreme;
  const single = numeric.map((type) =>
    global(`math.@${name}(${type}) -> ${type}`, `math_@${name}_${type}`, ([value]: [Value]) => value),
  );
  const pairs = numeric.flatMap((first) =>
    numeric.map((second) =>
      global(
        `math.@${name}(${first}, ${second}) -> ${first === second ? first : "dyn"}`,
        `math_@${name}_${first}_${second}`,
        ([a, b]: [Value, Value]) => better(a, b, extreme),
      ),
    ),
  );
  const lists = numeric.map((type) =>
    global(
      `math.@${name}(list(${type})) -> ${type}`,
      `math_@${name}_list_${type}`,
      ([list]: [List], budget) => bestOf(list, extreme, budget),
      { cost: (args) => sizeAt(args, 0) + 1 },
    ),
  );
  return [...single, ...pairs, ...lists];
}

// ── doubles

/** Halves away from zero; what is just below a half is none, though adding a half to it makes one. Go: math.Round. */
function round(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
}

const rounding: readonly Overload[] = (
  [
    ["ceil", Math.ceil],
    ["floor", Math.floor],
    ["round", round],
    ["trunc", Math.trunc],
  ] as const
).map(([name, run]) =>
  global(`math.${name}(double) -> double`, `math_${name}_double`, ([value]: [AnyDouble]) =>
    doubleOf(run(numberOfDouble(value))),
  ),
);

const questions: readonly Overload[] = (
  [
    ["isInf", (value: number) => Math.abs(value) === Infinity],
    ["isNaN", Number.isNaN],
    ["isFinite", Number.isFinite],
  ] as const
).map(([name, holds]) =>
  global(`math.${name}(double) -> bool`, `math_${name}_double`, ([value]: [AnyDouble]) => holds(numberOfDouble(value))),
);

function absOfInt([value]: [Int]): Value | CelError {
  if (BigInt(value) === -(2n ** 63n)) return integerOverflow;
  return value < 0 ? intOf(-BigInt(value)) : value;
}

/** Zero has the sign zero, whatever its sign is. */
function signOfDouble(value: number): number {
  return Number.isNaN(value) ? value : value > 0 ? 1 : value < 0 ? -1 : 0;
}

const magnitudes: readonly Overload[] = [
  global("math.abs(double) -> double", "math_abs_double", ([value]: [AnyDouble]) =>
    doubleOf(Math.abs(numberOfDouble(value))),
  ),
  global("math.abs(int) -> int", "math_abs_int", absOfInt),
  global("math.abs(uint) -> uint", "math_abs_uint", ([value]: [Uint]) => value),
  global("math.sign(double) -> double", "math_sign_double", ([value]: [AnyDouble]) =>
    doubleOf(signOfDouble(numberOfDouble(value))),
  ),
  global("math.sign(int) -> int", "math_sign_int", ([value]: [Int]) => (value > 0 ? 1 : value < 0 ? -1 : 0)),
  global("math.sign(uint) -> uint", "math_sign_uint", ([{ value }]: [Uint]) => new Uint(value === 0n ? 0n : 1n)),
  global("math.sqrt(double) -> double", "math_sqrt_double", ([value]: [AnyDouble]) =>
    doubleOf(Math.sqrt(numberOfDouble(value))),
  ),
  global("math.sqrt(int) -> double", "math_sqrt_int", ([value]: [Int]) => doubleOf(Math.sqrt(Number(value)))),
  global("math.sqrt(uint) -> double", "math_sqrt_uint", ([{ value }]: [Uint]) => doubleOf(Math.sqrt(Number(value)))),
];

// ── bits

type Integer = Int | Uint;

const bitsOf = (value: Integer): bigint => (value instanceof Uint ? value.value : BigInt(value));

/** The lower 64 bits, as the type of `like`. */
function wrapped(bits: bigint, like: Integer): Value {
  return isInt(like) ? intOf(BigInt.asIntN(64, bits)) : new Uint(BigInt.asUintN(64, bits));
}

function shift(name: string, by: (bits: bigint, offset: bigint) => bigint): (args: [Integer, Int]) => Value | CelError {
  return ([value, offset]) => {
    if (offset < 0) return new CelError(`math.${name}() negative offset: ${offset}`);
    // Whatever is shifted by 64 bits is gone.
    if (offset >= 64) return wrapped(0n, value);
    return wrapped(by(BigInt.asUintN(64, bitsOf(value)), BigInt(offset)), value);
  };
}

const integers = ["int", "uint"] as const;

const bitwise: readonly Overload[] = (
  [
    ["bitAnd", (a: bigint, b: bigint) => a & b],
    ["bitOr", (a: bigint, b: bigint) => a | b],
    ["bitXor", (a: bigint, b: bigint) => a ^ b],
  ] as const
).flatMap(([name, combine]) =>
  integers.map((type) =>
    global(`math.${name}(${type}, ${type}) -> ${type}`, `math_${name}_${type}_${type}`, ([a, b]: [Integer, Integer]) =>
      wrapped(combine(bitsOf(a), bitsOf(b)), a),
    ),
  ),
);

const shifts: readonly Overload[] = integers.flatMap((type) => [
  global(`math.bitNot(${type}) -> ${type}`, `math_bitNot_${type}_${type}`, ([value]: [Integer]) =>
    wrapped(~bitsOf(value), value),
  ),
  global(
    `math.bitShiftLeft(${type}, int) -> ${type}`,
    `math_bitShiftLeft_${type}_int`,
    shift("bitShiftLeft", (bits, offset) => bits << offset),
  ),
  global(
    `math.bitShiftRight(${type}, int) -> ${type}`,
    `math_bitShiftRight_${type}_int`,
    shift("bitShiftRight", (bits, offset) => bits >> offset),
  ),
]);

/** @internal */
export const mathLibrary: Library = {
  name: "cel.lib.ext.math",
  overloads: [
    ...extremes({ name: "min", worse: 1 }),
    ...extremes({ name: "max", worse: -1 }),
    ...rounding,
    ...questions,
    ...magnitudes,
    ...bitwise,
    ...shifts,
  ],
  macros: ["least:*:true", "greatest:*:true"],
};
