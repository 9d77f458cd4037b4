// Bounds, multiples and ranges of numbers.
// Behaviour from k8s.io/kube-openapi pkg/validation/validate (validator.go numberValidator, values.go).

import { type AnyNumber, Decimal, compareNumbers } from "@portcullis/lang";
import { goFloatText } from "../gonumber.ts";
import { effectiveFormat } from "./format.ts";
import type { Schema } from "./schema.ts";
import { type Problem, type Tally, addProblem, newTally } from "./tally.ts";

/** Checks a number against its schema. `numbers` is as in ValidateOptions. */
export function checkNumber(value: AnyNumber, schema: Schema, path: string, numbers: "json" | "float"): Tally {
  const tally = newTally(1);
  const problem = (message: string): Problem => ({ message, path, value: shownNumber(value, numbers), show: "value" });
  const text = (bound: AnyNumber) => boundText(bound, numbers === "json" && isInteger(value));
  const range = rangeProblem(value, schema, path);
  if (range !== null) addProblem(tally, { message: range, path: "", value: "", show: "value" });
  const { multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum } = schema;
  if (multipleOf !== null && !isMultiple(value, multipleOf)) {
    const positive = compareNumbers(multipleOf, 0) > 0;
    const message = positive
      ? `${path} in body should be a multiple of ${text(multipleOf)}`
      : `factor MultipleOf declared for ${path} must be positive: ${text(multipleOf)}`;
    addProblem(tally, positive ? problem(message) : { ...problem(message), value: multipleOf });
  }
  if (maximum !== null) {
    const sign = compareNumbers(value, maximum);
    if (sign > 0 || (exclusiveMaximum && sign === 0))
      addProblem(
        tally,
        problem(`${path} in body should be less than ${exclusiveMaximum ? "" : "or equal to "}${text(maximum)}`),
      );
  }
  if (minimum !== null) {
    const sign = compareNumbers(value, minimum);
    if (sign < 0 || (exclusiveMinimum && sign === 0))
      addProblem(
        tally,
        problem(`${path} in body should be greater than ${exclusiveMinimum ? "" : "or equal to "}${text(minimum)}`),
      );
  }
  return tally;
}

function isInteger(value: AnyNumber): boolean {
  return typeof value === "number" ? Number.isInteger(value) : value.isInteger;
}

function doubleOf(value: AnyNumber): number {
  return typeof value === "number" ? value : Number(value.text);
}

/** A float64 prints as `1e+06`, an int64 as `1000000`; a Decimal with that text prints as it stands. */
function shownNumber(value: AnyNumber, numbers: "json" | "float"): AnyNumber {
  if (numbers === "json" && isInteger(value)) return value;
  const text = goFloatText(doubleOf(value));
  return text === String(value) ? value : new Decimal(text);
}

function boundText(bound: AnyNumber, asInteger: boolean): string {
  return asInteger ? String(BigInt(Math.trunc(doubleOf(bound)))) : goFloatText(doubleOf(bound));
}

function rangeProblem(value: AnyNumber, schema: Schema, path: string): string | null {
  if (schema.intOrString) return null;
  const format = effectiveFormat(schema);
  const double = doubleOf(value);
  if (schema.type === "integer") {
    const limit = format === "int32" ? 2 ** 31 : 2 ** 63;
    if (isInteger(value) && double >= -limit && double < limit) return null;
    const named = format === "" ? "(default format)" : `with format ${format}`;
    return `Checked value must be of type integer ${named} in ${path}`;
  }
  if (schema.type === "number" && format === "float" && !Number.isFinite(Math.fround(double)))
    return `Checked value must be of type number with format float in ${path}`;
  return null;
}

/** Whole numbers exactly, others within a relative 1e-9, as swag.IsFloat64AJSONInteger has it. */
function isMultiple(value: AnyNumber, factor: AnyNumber): boolean {
  if (compareNumbers(factor, 0) <= 0) return false;
  if (isInteger(value) && isInteger(factor)) return BigInt(doubleOf(value)) % BigInt(doubleOf(factor)) === 0n;
  const divisor = doubleOf(factor);
  const quotient = divisor < 1 ? (1 / divisor) * doubleOf(value) : doubleOf(value) / divisor;
  const whole = Math.round(quotient);
  return (
    Math.abs(quotient) <= Number.MAX_SAFE_INTEGER &&
    Math.abs(quotient - whole) <= 1e-9 * (Math.abs(quotient) + Math.abs(whole))
  );
}
