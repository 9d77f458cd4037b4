// Bounds, multiples and ranges of numbers.
// Behaviour from k8s.io/kube-openapi pkg/validation/validate (validator.go numberValidator, values.go).

import { type AnyNumber, Decimal, compareNumbers } from "@portcullis/lang";
import { goFloatText } from "../gonumber.ts";
import { effectiveFormat } from "./format.ts";
import type { Schema } from "./schema.ts";
import { type Tally, addProblem, newTally } from "./tally.ts";

/** Checks a number against its schema. `numbers` is as in ValidateOptions. */
export function checkNumber(value: AnyNumber, schema: Schema, path: string, numbers: "json" | "float"): Tally {
  const tally = newTally(1);
  const number: Checked = { value, path, schema, isNative: numbers === "json" && isInteger(value), numbers };
  addRange(tally, number, value, "Checked");
  if (schema.multipleOf !== null) checkMultiple(tally, number, schema.multipleOf);
  if (schema.maximum !== null) checkBound(tally, number, schema.maximum, maximumBound);
  if (schema.minimum !== null) checkBound(tally, number, schema.minimum, minimumBound);
  return tally;
}

interface Checked {
  readonly value: AnyNumber;
  readonly path: string;
  readonly schema: Schema;
  /** An int64: bounds are cut to integers before the comparison. */
  readonly isNative: boolean;
  readonly numbers: "json" | "float";
}

interface Bound {
  readonly name: string;
  readonly word: string;
  readonly sign: 1 | -1;
  isExclusive(schema: Schema): boolean;
}

const maximumBound: Bound = {
  name: "Maximum boundary",
  word: "less",
  sign: 1,
  isExclusive: (schema) => schema.exclusiveMaximum,
};
const minimumBound: Bound = {
  name: "Minimum boundary",
  word: "greater",
  sign: -1,
  isExclusive: (schema) => schema.exclusiveMinimum,
};

function checkBound(tally: Tally, number: Checked, written: AnyNumber, bound: Bound): void {
  const fits = addRange(tally, number, written, bound.name);
  const asInteger = fits && number.isNative;
  const limit = asInteger ? Math.trunc(doubleOf(written)) : written;
  const exclusive = bound.isExclusive(number.schema);
  const sign = compareNumbers(number.value, limit) * bound.sign;
  if (sign < 0 || (sign === 0 && !exclusive)) return;
  const text = asInteger ? String(BigInt(limit as number)) : goFloatText(doubleOf(written));
  addWrong(tally, number, `should be ${bound.word} than ${exclusive ? "" : "or equal to "}${text}`);
}

function checkMultiple(tally: Tally, number: Checked, factor: AnyNumber): void {
  const fits = addRange(tally, number, factor, "MultipleOf");
  const asInteger = fits && number.isNative;
  const used = asInteger ? Math.trunc(doubleOf(factor)) : doubleOf(factor);
  const text = asInteger ? String(BigInt(used)) : goFloatText(used);
  if (used <= 0) {
    const message = `factor MultipleOf declared for ${number.path} must be positive: ${text}`;
    addProblem(tally, { message, path: number.path, value: used, show: "value" });
  } else if (!isMultiple(number.value, used)) addWrong(tally, number, `should be a multiple of ${text}`);
}

function addWrong(tally: Tally, { value, path, numbers }: Checked, text: string): void {
  addProblem(tally, { message: `${path} in body ${text}`, path, value: shownNumber(value, numbers), show: "value" });
}

/** Whether a number (the value or a bound) is within the range of the schema's type and format; says so if not. */
function addRange(tally: Tally, { schema, path }: Checked, value: AnyNumber, what: string): boolean {
  const range = rangeText(value, schema);
  if (range !== null)
    addProblem(tally, {
      message: `${what} value must be of type ${range} in ${path}`,
      path: "",
      value: "",
      show: "value",
    });
  return range === null;
}

function isInteger(value: AnyNumber): boolean {
  return typeof value === "number" ? Number.isInteger(value) : value.isInteger;
}

function doubleOf(value: AnyNumber): number {
  return typeof value === "number" ? value : Number(value.text);
}

/** A float64 prints as `1e+06`, an int64 as `1000000`; a Decimal with that text prints as it stands. */
export function shownNumber(value: AnyNumber, numbers: "json" | "float"): AnyNumber {
  if (numbers === "json" && isInteger(value)) return value;
  const text = goFloatText(doubleOf(value));
  return text === String(value) ? value : new Decimal(text);
}

/** The type and format that a number does not fit; null when it does. */
function rangeText(value: AnyNumber, schema: Schema): string | null {
  if (schema.intOrString) return null;
  const format = effectiveFormat(schema);
  const double = doubleOf(value);
  if (schema.type === "integer") {
    const limit = format === "int32" ? 2 ** 31 : 2 ** 63;
    if (isInteger(value) && double >= -limit && double < limit) return null;
    return `integer ${format === "" ? "(default format)" : `with format ${format}`}`;
  }
  const overflows = schema.type === "number" && format === "float" && !Number.isFinite(Math.fround(double));
  return overflows ? "number with format float" : null;
}

/** Whole numbers exactly, others within a relative 1e-9, as swag.IsFloat64AJSONInteger has it. */
function isMultiple(value: AnyNumber, factor: AnyNumber): boolean {
  if (isInteger(value) && isInteger(factor)) return BigInt(doubleOf(value)) % BigInt(doubleOf(factor)) === 0n;
  const divisor = doubleOf(factor);
  const quotient = divisor < 1 ? (1 / divisor) * doubleOf(value) : doubleOf(value) / divisor;
  const whole = Math.round(quotient);
  return (
    Math.abs(quotient) <= Number.MAX_SAFE_INTEGER &&
    Math.abs(quotient - whole) <= 1e-9 * (Math.abs(quotient) + Math.abs(whole))
  );
}
