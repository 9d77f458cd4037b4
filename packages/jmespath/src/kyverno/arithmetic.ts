// Arithmetic over numbers, quantities (`500m`, `1Gi`) and durations (`1h30m`). A text is a quantity if it can be one, so `1m`
// is a thousandth and not a minute. Which pairs go together is in the comments of each operation.
// Kyverno: pkg/engine/jmespath/arithmetic.go.

import { addQuantities, quantityText, subtractQuantities } from "@portcullis/kube";
import { durationText, parseDuration } from "@portcullis/lang/go";
import type { JmesFunction } from "../functions/function.ts";
import { goFloatText } from "../runtime/gotext.ts";
import { type Outcome, SearchError } from "../runtime/run.ts";
import { ObjectList, type Value, numberOf } from "../runtime/value.ts";
import {
  type Amount,
  amountText,
  approximate,
  divideAmounts,
  multiplyAmounts,
  parseAmount,
  quantityOf,
} from "./amount.ts";
import { functionError, libraryError } from "./failure.ts";
import { toInt64, wrapInt64 } from "./gofloat.ts";
import { anything, list, number } from "./signature.ts";

type Evaluate = JmesFunction["evaluate"];

type Operand =
  | { readonly kind: "scalar"; readonly value: number }
  | { readonly kind: "quantity"; readonly value: Amount }
  /** Nanoseconds. */
  | { readonly kind: "duration"; readonly value: bigint };

function operandOf(value: Value, name: string): Operand | SearchError {
  const scalar = numberOf(value);
  if (scalar !== null) return { kind: "scalar", value: scalar };
  if (typeof value === "string") {
    const amount = parseAmount(value);
    if (!("error" in amount)) return { kind: "quantity", value: amount };
    const duration = parseDuration(value);
    if (typeof duration === "bigint") return { kind: "duration", value: duration };
  }
  return functionError(name, "invalid operand");
}

type Operation = (left: Operand, right: Operand, name: string) => Outcome;

function apply(name: string, operation: Operation, left: Value, right: Value): Outcome {
  const first = operandOf(left, name);
  if (first instanceof SearchError) return first;
  const second = operandOf(right, name);
  return second instanceof SearchError ? second : operation(first, second, name);
}

function operator(name: string, operation: Operation): JmesFunction {
  const evaluate: Evaluate = ({ budget }, left = null, right = null) => {
    budget.step(sizeOf(left) + sizeOf(right));
    return apply(name, operation, left, right);
  };
  return { name, parameters: [anything, anything], evaluate };
}

/** Reading long digits takes more than linear time. */
function sizeOf(value: Value): number {
  return typeof value === "string" ? value.length : 1;
}

function mismatch(name: string): SearchError {
  return functionError(name, "Types mismatch");
}

function zeroDivisor(name: string): SearchError {
  return functionError(name, "Zero divisor passed");
}

// ── equals with equals

const add: Operation = (left, right, name) => {
  if (left.kind === "scalar" && right.kind === "scalar") return left.value + right.value;
  if (left.kind === "duration" && right.kind === "duration") return durationText(wrapInt64(left.value + right.value));
  if (left.kind !== "quantity" || right.kind !== "quantity") return mismatch(name);
  return quantityText(addQuantities(quantityOf(left.value), quantityOf(right.value)));
};

const subtract: Operation = (left, right, name) => {
  if (left.kind === "scalar" && right.kind === "scalar") return left.value - right.value;
  if (left.kind === "duration" && right.kind === "duration") return durationText(wrapInt64(left.value - right.value));
  if (left.kind !== "quantity" || right.kind !== "quantity") return mismatch(name);
  return quantityText(subtractQuantities(quantityOf(left.value), quantityOf(right.value)));
};

const modulo: Operation = (left, right, name) => {
  if (left.kind === "duration" && right.kind === "duration") {
    return right.value === 0n ? zeroDivisor(name) : durationText(left.value % right.value);
  }
  if (left.kind === "duration" || left.kind !== right.kind) return mismatch(name);
  const [first, second] = [doubleOf(left), doubleOf(right)];
  const [dividend, divisor] = [toInt64(first), toInt64(second)];
  if (Number(dividend) !== first || Number(divisor) !== second) {
    return functionError(name, "Non-integer argument(s) passed for modulo");
  }
  if (divisor === 0n) return zeroDivisor(name);
  const rest = dividend % divisor;
  return left.kind === "scalar" ? Number(rest) : amountText({ unscaled: rest, scale: 0, format: left.value.format });
};

function doubleOf(operand: Operand): number {
  if (operand.kind === "quantity") return approximate(operand.value);
  return Number(operand.value);
}

// ── by a number

/** One side must be a number. */
const multiply: Operation = (left, right, name) => {
  if (left.kind === "scalar" && right.kind === "scalar") return left.value * right.value;
  const [measure, scalar] = left.kind === "scalar" ? [right, left] : [left, right];
  if (scalar.kind !== "scalar") return mismatch(name);
  if (measure.kind === "duration") return scaledDuration(secondsOf(measure.value) * scalar.value);
  if (measure.kind !== "quantity") return mismatch(name);
  const factor = parseAmount(goFloatText(scalar.value));
  return "error" in factor ? libraryError(factor.error) : amountText(multiplyAmounts(measure.value, factor));
};

/** A quantity or a duration by its like gives a number, by a number its like. */
const divide: Operation = (left, right, name) => {
  if (left.kind === "quantity") return divideQuantity(left.value, right, name);
  if (left.kind === "duration") return divideDuration(left.value, right, name);
  if (right.kind !== "scalar") return mismatch(name);
  return right.value === 0 ? zeroDivisor(name) : left.value / right.value;
};

function divideQuantity(left: Amount, right: Operand, name: string): Outcome {
  if (right.kind === "quantity") {
    const divisor = approximate(right.value);
    return divisor === 0 ? zeroDivisor(name) : approximate(left) / divisor;
  }
  if (right.kind !== "scalar") return mismatch(name);
  if (right.value === 0) return zeroDivisor(name);
  const divisor = parseAmount(goFloatText(right.value));
  return "error" in divisor ? libraryError(divisor.error) : amountText(divideAmounts(left, divisor));
}

function divideDuration(left: bigint, right: Operand, name: string): Outcome {
  if (right.kind === "duration") {
    return right.value === 0n ? zeroDivisor(name) : secondsOf(left) / secondsOf(right.value);
  }
  if (right.kind !== "scalar") return mismatch(name);
  return right.value === 0 ? zeroDivisor(name) : scaledDuration(secondsOf(left) / right.value);
}

const second = 1_000_000_000n;

/** Go: Duration.Seconds. */
function secondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds / second) + Number(nanoseconds % second) / 1e9;
}

function scaledDuration(seconds: number): string {
  return durationText(toInt64(seconds * 1e9));
}

// ── over lists

const sum: Evaluate = ({ budget }, items) => {
  if (items instanceof ObjectList) return mismatch("sum");
  const [first, ...rest] = items as readonly Value[];
  if (first === undefined) return functionError("sum", "at least one element in the array is required");
  let total: Value = first;
  for (const item of rest) {
    budget.step(sizeOf(item) + 1);
    const next = apply("sum", add, total, item);
    if (next instanceof SearchError) return next;
    total = next;
  }
  return total;
};

/** Half away from zero, at so many decimal places. Kyverno: jpRound. */
const round: Evaluate = (_run, value, places) => {
  const digits = numberOf(places ?? null) ?? 0;
  if (!Number.isInteger(digits) || Math.abs(digits) >= 2 ** 63) {
    return functionError("round", "Non-integer argument(s) passed for round off");
  }
  // Kyverno forgets to give this text its two numbers.
  if (digits < 0) return functionError("round", "%!d(MISSING) argument is out of bounds (%!d(MISSING))");
  const shift = digits > 308 ? Infinity : Number(`1e${digits}`);
  const scaled = (numberOf(value ?? null) ?? 0) * shift;
  const whole = Math.trunc(scaled);
  const rounded = Math.abs(scaled - whole) >= 0.5 ? whole + Math.sign(scaled) : whole;
  return rounded / shift;
};

export const arithmeticFunctions: readonly JmesFunction[] = [
  operator("add", add),
  operator("subtract", subtract),
  operator("multiply", multiply),
  operator("divide", divide),
  operator("modulo", modulo),
  { name: "sum", parameters: [list], evaluate: sum },
  { name: "round", parameters: [number, number], evaluate: round },
];
