// Numbers. Doubles that hold safe integers are computed as such; other integers exactly, at any size; whatever has a
// fraction goes through a binary float with a 64-bit mantissa and comes back as the shortest text for it, so that
// 0.1 + 0.2 is 0.3. OPA: v1/topdown/arithmetic.go, numbers.go, builtins/builtins.go FloatToNumber.

import { type AnyNumber, integerOf, numberOf, numberOfInteger, numberText } from "@portcullis/lang";
import {
  type BigFloat,
  addFloats,
  bigFloatOf,
  bigFloatText,
  divideFloats,
  isIntegral,
  multiplyFloats,
  parseBigFloat,
  subtractFloats,
  truncateFloat,
} from "@portcullis/lang/go";
import { RegoSet, type Value, isNumber } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { bigIntOperand } from "./operand.ts";
import { difference } from "./sets.ts";

// ── shared with the aggregates

/** A number as a 64-bit float. Undefined after reporting one that OPA would not have read. OPA: NumberToFloat. */
export function floatOperand(call: BuiltinCall, value: AnyNumber): BigFloat | undefined {
  const large = typeof value !== "number" && value.isTooLarge;
  return large ? call.fail("number too big") : (parseBigFloat(numberText(value)) ?? undefined);
}

/** OPA: FloatToNumber. */
export function numberOfFloat(value: BigFloat): AnyNumber {
  return numberOf(bigFloatText(value));
}

/** Charges, before it is done, for work on integers that grows with the product of their lengths. */
export function chargeIntegers(call: BuiltinCall, x: bigint, y: bigint): void {
  if (isSmall(x) && isSmall(y)) return;
  const left = digitsOf(x);
  const right = digitsOf(y);
  chargeDigits(call, left + right);
  call.budget.step(Math.ceil((left * right) / 64));
}

/** About the decimal digits of an integer, at a cost that does not grow with them more than it must. */
function digitsOf(value: bigint): number {
  return value.toString(32).length * 1.5;
}

/** Charges for an integer of so many digits; printing one takes more than linear time, hence a large one costs more. */
export function chargeDigits(call: BuiltinCall, digits: number): void {
  call.budget.output(Math.ceil(digits * (1 + digits / 2000)));
}

const small = 2n ** 64n;

function isSmall(value: bigint): boolean {
  return value < small && value > -small;
}

// ── infix operators

interface Operation {
  /** On doubles that are safe integers; only a safe result counts. */
  readonly fast: (x: number, y: number) => number;
  readonly exact: (x: bigint, y: bigint) => bigint;
  readonly float: (x: BigFloat, y: BigFloat) => BigFloat;
}

const plus: Operation = { fast: (x, y) => x + y, exact: (x, y) => x + y, float: addFloats };
const minus: Operation = { fast: (x, y) => x - y, exact: (x, y) => x - y, float: subtractFloats };
const times: Operation = { fast: (x, y) => x * y, exact: (x, y) => x * y, float: multiplyFloats };

function calculate(call: BuiltinCall, operation: Operation, a: AnyNumber, b: AnyNumber): AnyNumber | undefined {
  if (typeof a === "number" && typeof b === "number" && Number.isInteger(a) && Number.isInteger(b)) {
    const result = operation.fast(a, b);
    // Adding zero turns a negative zero, which no integer is, into zero.
    if (Number.isSafeInteger(result)) return result + 0;
  }
  const x = integerOf(a);
  const y = integerOf(b);
  if (x !== null && y !== null) {
    chargeIntegers(call, x, y);
    return numberOfInteger(operation.exact(x, y));
  }
  const left = floatOperand(call, a);
  const right = left === undefined ? undefined : floatOperand(call, b);
  return left === undefined || right === undefined ? undefined : numberOfFloat(operation.float(left, right));
}

function binary(operation: Operation): (call: BuiltinCall, a: Value, b: Value) => Value | undefined {
  return (call, a, b) => {
    if (!isNumber(a)) return operandError(call, 1, a, "number");
    if (!isNumber(b)) return operandError(call, 2, b, "number");
    return calculate(call, operation, a, b);
  };
}

/** Subtraction, or the difference of two sets. */
function subtract(call: BuiltinCall, a: Value, b: Value): Value | undefined {
  if (isNumber(a) && isNumber(b)) return calculate(call, minus, a, b);
  if (a instanceof RegoSet && b instanceof RegoSet) return difference(call, a, b);
  if (!isNumber(a) && !(a instanceof RegoSet)) return operandError(call, 1, a, "number", "set");
  return operandError(call, 2, b, isNumber(b) ? "set" : "number");
}

function divide(call: BuiltinCall, a: Value, b: Value): Value | undefined {
  if (!isNumber(a)) return operandError(call, 1, a, "number");
  if (!isNumber(b)) return operandError(call, 2, b, "number");
  const quick = isSafe(a) && isSafe(b) && a !== 0 && b !== 0 ? quickQuotient(a, b) : null;
  if (quick !== null) return quick;
  const left = floatOperand(call, a);
  const right = left === undefined ? undefined : floatOperand(call, b);
  if (left === undefined || right === undefined) return undefined;
  if (right.mantissa === 0n) return call.fail("divide by zero");
  return numberOfFloat(divideFloats(left, right));
}

/**
 * The quotient of safe integers where a double has it exactly and prints it as Go would: an integer, or at most eight binary
 * places and fifteen digits, neither of which a 64-bit mantissa changes.
 */
function quickQuotient(a: number, b: number): number | null {
  const result = a / b;
  if (a % b === 0) return result;
  const size = Math.abs(result);
  const [scaled, dividend] = [result * 256, a * 256];
  const exact = Number.isSafeInteger(scaled) && Number.isSafeInteger(dividend) && scaled * b === dividend;
  return exact && size >= 1e-4 && size < 1e6 ? result : null;
}

function remainder(call: BuiltinCall, a: Value, b: Value): Value | undefined {
  if (!isNumber(a)) return operandError(call, 1, a, "number");
  if (!isNumber(b)) return operandError(call, 2, b, "number");
  const x = integerOf(a);
  const y = integerOf(b);
  if (x === null || y === null) return call.fail("modulo on floating-point number");
  if (y === 0n) return call.fail("modulo by zero");
  if (isSafe(a) && isSafe(b)) return (a % b) + 0;
  chargeIntegers(call, x, y);
  return numberOfInteger(x % y);
}

function isSafe(value: AnyNumber): value is number {
  return Number.isSafeInteger(value);
}

// ── rounding

/** Safe integers are their own rounding; the rest goes through a float, which rounds large integers as OPA does. */
function unary(
  ofSafe: (x: number) => number,
  ofFloat: (x: BigFloat) => BigFloat,
): (call: BuiltinCall, a: Value) => Value | undefined {
  return (call, a) => {
    if (!isNumber(a)) return operandError(call, 1, a, "number");
    const integer = integerOf(a);
    if (integer !== null && Number.isSafeInteger(Number(integer))) return ofSafe(Number(integer));
    const float = floatOperand(call, a);
    return float === undefined ? undefined : numberOfFloat(ofFloat(float));
  };
}

const identity = (x: number): number => x;
const half = bigFloatOrZero("0.5");

function bigFloatOrZero(text: string): BigFloat {
  return parseBigFloat(text) ?? bigFloatOf(0n);
}

function roundFloat(x: BigFloat): BigFloat {
  return bigFloatOf(truncateFloat(x.negative ? subtractFloats(x, half) : addFloats(x, half)));
}

/** -0.5 becomes 1: OPA looks for the sign of the truncated value, which is gone at zero. OPA: arithCeil. */
function ceilFloat(x: BigFloat): BigFloat {
  const whole = bigFloatOf(truncateFloat(x));
  return whole.negative || isIntegral(x) ? whole : addFloats(whole, bigFloatOf(1n));
}

/** -0.5 becomes 0, for the same reason. OPA: arithFloor. */
function floorFloat(x: BigFloat): BigFloat {
  const whole = bigFloatOf(truncateFloat(x));
  return !whole.negative || isIntegral(x) ? whole : subtractFloats(whole, bigFloatOf(1n));
}

// ── ranges

/** About what one number in a range takes. */
const numberBytes = 8;

function range(call: BuiltinCall, from: Value, to: Value): Value | undefined {
  const start = bigIntOperand(call, 1, from);
  if (start === undefined) return undefined;
  const stop = bigIntOperand(call, 2, to);
  return stop === undefined ? undefined : numbersBetween(call, start, stop, 1n);
}

function rangeStep(call: BuiltinCall, from: Value, to: Value, by: Value): Value | undefined {
  const start = bigIntOperand(call, 1, from);
  if (start === undefined) return undefined;
  const stop = bigIntOperand(call, 2, to);
  if (stop === undefined) return undefined;
  const step = bigIntOperand(call, 3, by);
  if (step === undefined) return undefined;
  // The name stands twice in OPA's text.
  if (step <= 0n) return call.fail("numbers.range_step: step must be a positive integer");
  return numbersBetween(call, start, stop, step);
}

function numbersBetween(call: BuiltinCall, start: bigint, stop: bigint, step: bigint): Value {
  const distance = start <= stop ? stop - start : start - stop;
  const count = Number(distance / step) + 1;
  call.budget.output(count * numberBytes);
  call.budget.step(count);
  const signed = start <= stop ? step : -step;
  const [first, by, last] = [Number(start), Number(signed), Number(stop)];
  const safe = [first, by, last].every(Number.isSafeInteger);
  const result: AnyNumber[] = [];
  for (let at = 0; at < count; at++) {
    result.push(safe ? first + at * by : numberOfInteger(start + BigInt(at) * signed));
  }
  return result;
}

const twoNumbers = t.function([t.number, t.number], t.number);
const oneNumber = t.function([t.number], t.number);
const numberOrSet = t.union(t.number, t.set(t.any));

export const numberBuiltins: readonly Builtin[] = [
  { name: "plus", infix: "+", type: twoNumbers, evaluate: binary(plus) },
  {
    name: "minus",
    infix: "-",
    type: t.function([numberOrSet, numberOrSet], numberOrSet),
    evaluate: subtract,
  },
  { name: "mul", infix: "*", type: twoNumbers, evaluate: binary(times) },
  { name: "div", infix: "/", type: twoNumbers, evaluate: divide },
  { name: "rem", infix: "%", type: twoNumbers, evaluate: remainder },
  { name: "abs", type: oneNumber, evaluate: unary(Math.abs, (x) => ({ ...x, negative: false })) },
  { name: "round", type: oneNumber, evaluate: unary(identity, roundFloat) },
  { name: "ceil", type: oneNumber, evaluate: unary(identity, ceilFloat) },
  { name: "floor", type: oneNumber, evaluate: unary(identity, floorFloat) },
  { name: "numbers.range", type: t.function([t.number, t.number], t.array(t.number)), evaluate: range },
  {
    name: "numbers.range_step",
    type: t.function([t.number, t.number, t.number], t.array(t.number)),
    evaluate: rangeStep,
  },
];
