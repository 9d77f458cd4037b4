// A value against a schema, with the texts that an API server gives for custom resources. Checks run in the order type,
// combinations, string, format, number, list, enum, object; each counts, because of several alternatives under `anyOf`
// or `oneOf` the one with most checks passed is the one whose errors are shown. Members are visited in sorted order
// (Go's order is random), so equal input gives equal text.
// Behaviour from k8s.io/kube-openapi pkg/validation/validate and k8s.io/apiextensions-apiserver
// pkg/apiserver/validation/validation.go (kubeOpenAPIResultToFieldErrors).

import { Decimal } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import { byCodePoints, type FieldError, invalid } from "../fielderror.ts";
import { isObject } from "../object.ts";
import { effectiveFormat, formatCheck } from "./format.ts";
import { checkNumber, shownNumber } from "./number.ts";
import { type PatternCompiler, re2Patterns } from "./pattern.ts";
import type { Schema } from "./schema.ts";
import { type Problem, type Tally, addProblem, merge, newTally } from "./tally.ts";

export interface ValidateOptions {
  /** What stands before every path: `[]` for Gatekeeper's constraints, `""` for none. */
  readonly field: string;
  /** RE2 by default. */
  readonly patterns?: PatternCompiler;
  /**
   * `json`: integers are integers. `float`: every number arrived as a float64, as in Gatekeeper's check of constraints,
   * so that the type of 5 is called `number`.
   */
  readonly numbers: "json" | "float";
}

/** What is wrong with a value; an empty list means valid. */
export function validateValue(value: unknown, schema: Schema, options: ValidateOptions): FieldError[] {
  const tally = check({ ...options, depth: 0 }, value, schema, "");
  return tally.problems.map((problem) => fieldErrorOf(problem, options.field));
}

interface Context extends ValidateOptions {
  readonly depth: number;
}

/** Values nested more deeply than their reader allows never get here; this bounds recursive combinations. */
const maxDepth = 2000;

function check(context: Context, value: unknown, schema: Schema, path: string): Tally {
  const tally = newTally();
  if (context.depth > maxDepth) return tally;
  if (value === null || value === undefined) {
    merge(tally, checkType(context, null, schema, path));
    merge(tally, checkEnum(context, null, schema, path));
    return tally;
  }
  const inner = { ...context, depth: context.depth + 1 };
  const steps: Tally[] = [checkType(inner, value, schema, path), checkCombinations(inner, value, schema, path)];
  if (typeof value === "string") {
    steps.push(checkString(inner, value, schema, path));
    const format = checkFormat(value, schema, path);
    if (format !== null) steps.push(format);
  }
  if (typeof value === "number" || value instanceof Decimal)
    steps.push(checkNumber(value, schema, path, inner.numbers));
  if (Array.isArray(value)) steps.push(checkList(inner, value, schema, path));
  steps.push(checkEnum(inner, value, schema, path));
  if (isObject(value)) steps.push(checkObject(inner, value, schema, path));
  for (const step of steps) merge(tally, step);
  tally.matches += steps.length + 1;
  return tally;
}

function typesOf(schema: Schema): readonly string[] {
  if (schema.intOrString) return ["integer", "string"];
  return schema.type === "" ? [] : [schema.type];
}

function checkType(context: Context, value: unknown, schema: Schema, path: string): Tally {
  const types = typesOf(schema);
  const format = effectiveFormat(schema);
  const tally = newTally(1);
  if (value === null) {
    return types.length > 0 && !types.includes("null") && !schema.nullable
      ? typeProblem(path, types.join(","), "null")
      : tally;
  }
  if (types.length === 0 && format === "") return newTally();
  const { type, numberFormat, isFloatInteger } = typeOf(value, context.numbers);
  const numeric = types.includes("number") || types.includes("integer");
  const fits =
    types.includes(type) ||
    (isFloatInteger && types.includes("integer")) ||
    (type === "integer" && types.includes("number"));
  const isText = typeof value === "string" || Array.isArray(value);
  if (!isText && format !== "" && !fits && numberFormat !== format) return typeProblem(path, format, numberFormat);
  if (!numeric && format !== "" && isText) return tally;
  return fits ? tally : typeProblem(path, types.join(","), type);
}

interface ValueType {
  readonly type: string;
  /** What the implementation calls the format of a number. */
  readonly numberFormat: string;
  readonly isFloatInteger: boolean;
}

function typeOf(value: unknown, numbers: "json" | "float"): ValueType {
  if (typeof value === "number" || value instanceof Decimal) {
    const isInteger = typeof value === "number" ? Number.isInteger(value) : value.isInteger;
    if (isInteger && numbers === "json" && !beyondInt64(value))
      return { type: "integer", numberFormat: "int64", isFloatInteger: false };
    const double = Number(typeof value === "number" ? value : value.text);
    return { type: "number", numberFormat: "float64", isFloatInteger: isInteger && Number.isSafeInteger(double) };
  }
  const plain = (type: string) => ({ type, numberFormat: "", isFloatInteger: false });
  if (typeof value === "string") return plain("string");
  if (typeof value === "boolean") return plain("boolean");
  return plain(Array.isArray(value) ? "array" : "object");
}

function beyondInt64(value: number | Decimal): boolean {
  return Math.abs(Number(typeof value === "number" ? value : value.text)) >= 2 ** 63;
}

function typeProblem(path: string, expected: string, found: string): Tally {
  const message = `${path} in body must be of type ${expected}: ${quote(found)}`;
  return newTally(0, [{ message, path, value: found, show: "value" }]);
}

function checkString(context: Context, value: string, schema: Schema, path: string): Tally {
  const { maxLength, minLength, pattern } = schema;
  const problem = (message: string, show: Problem["show"] = "value", limit = -1) =>
    newTally(0, [{ message: `${path} in body ${message}`, path, value, show, limit }]);
  const length = maxLength !== null || minLength !== null ? codePoints(value) : 0;
  if (maxLength !== null && length > maxLength)
    return problem(`should be at most ${maxLength} chars long`, "too long", maxLength);
  if (minLength !== null && length < minLength) return problem(`should be at least ${minLength} chars long`);
  if (pattern === "") return newTally();
  const test = (context.patterns ?? re2Patterns)(pattern);
  if (typeof test !== "function") return problem(`should match '${pattern}, but pattern is invalid: ${test.error}'`);
  return test(value) ? newTally() : problem(`should match '${pattern}'`);
}

function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xd800) count--;
  return count;
}

function checkFormat(value: string, schema: Schema, path: string): Tally | null {
  const format = effectiveFormat(schema);
  const test = format === "" ? null : formatCheck(format);
  if (test === null) return null;
  return test(value) ? newTally() : typeProblem(path, format, value);
}

function checkList(context: Context, value: readonly unknown[], schema: Schema, path: string): Tally {
  const tally = newTally(1);
  const { items, minItems, maxItems } = schema;
  if (items !== null)
    for (const [index, element] of value.entries()) merge(tally, check(context, element, items, `${path}[${index}]`));
  const size = value.length;
  if (minItems !== null && size < minItems) {
    const message = `${path} in body should have at least ${minItems} items`;
    addProblem(tally, { message, path, value: size, show: "value" });
  }
  if (maxItems !== null && size > maxItems) {
    const message = `${path} in body should have at most ${maxItems} items`;
    addProblem(tally, { message, path, value: size, show: "too many", limit: maxItems });
  }
  if (
    schema.uniqueItems &&
    value.some((element, index) => value.slice(0, index).some((other) => equal(other, element)))
  ) {
    const message = `${path} in body shouldn't contain duplicates`;
    addProblem(tally, { message, path, value: "", show: "value" });
  }
  return tally;
}

function checkEnum(context: Context, value: unknown, schema: Schema, path: string): Tally {
  if (schema.enum.length === 0 || schema.enum.some((allowed) => equal(value, allowed))) return newTally();
  const listed = schema.enum.map((allowed) => (typeof allowed === "string" ? allowed : JSON.stringify(allowed)));
  const message = `${path} in body should be one of [${listed.join(" ")}]`;
  const isNumber = typeof value === "number" || value instanceof Decimal;
  const shown = isNumber ? shownNumber(value, context.numbers) : value;
  return newTally(0, [{ message, path, value: shown, show: "enum", allowed: listed }]);
}

function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a instanceof Decimal || b instanceof Decimal) return String(a) === String(b);
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((element, index) => equal(element, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}

function checkObject(context: Context, value: Readonly<Record<string, unknown>>, schema: Schema, path: string): Tally {
  const tally = newTally();
  const keys = Object.keys(value).toSorted(byCodePoints);
  const { minProperties, maxProperties, properties, additionalProperties } = schema;
  if (minProperties !== null && keys.length < minProperties) {
    const message = `${path} in body should have at least ${minProperties} properties`;
    addProblem(tally, { message, path, value: keys.length, show: "value" });
  }
  if (maxProperties !== null && keys.length > maxProperties) {
    const message = `${path} in body should have at most ${maxProperties} properties`;
    addProblem(tally, { message, path, value: keys.length, show: "too many", limit: maxProperties });
  }
  for (const key of keys) {
    if (properties.has(key) || additionalProperties === null) continue;
    if (!additionalProperties.allows) {
      const message = `${path}.${key} in body is a forbidden property`;
      addProblem(tally, { message, path, value: key, show: "value" });
    } else if (additionalProperties.schema !== null)
      merge(tally, check(context, value[key], additionalProperties.schema, `${path}.${key}`));
  }
  for (const key of keys) {
    const property = properties.get(key);
    if (property !== undefined)
      merge(tally, check(context, value[key], property, path === "" ? key : `${path}.${key}`));
  }
  for (const key of schema.required)
    if (!Object.hasOwn(value, key)) {
      const at = `${path}.${key}`;
      addProblem(tally, { message: `${at} in body is required`, path: at, value: undefined, show: "required" });
    }
  return tally;
}

function checkCombinations(context: Context, value: unknown, schema: Schema, path: string): Tally {
  const tally = newTally();
  if (schema.anyOf.length > 0) checkAnyOf(tally, context, value, { schema, path });
  if (schema.oneOf.length > 0) checkOneOf(tally, context, value, { schema, path });
  if (schema.allOf.length > 0) {
    const results = schema.allOf.map((part) => check(context, value, part, path));
    for (const result of results) merge(tally, result);
    const valid = results.filter((result) => result.problems.length === 0).length;
    if (valid < results.length)
      addCombined(tally, path, `must validate all the schemas (allOf)${valid === 0 ? ". None validated" : ""}`);
  }
  if (schema.not !== null && check(context, value, schema.not, path).problems.length === 0)
    addCombined(tally, path, "must not validate the schema (not)");
  tally.matches++;
  return tally;
}

interface Place {
  readonly schema: Schema;
  readonly path: string;
}

function checkAnyOf(tally: Tally, context: Context, value: unknown, { schema, path }: Place): void {
  let best: Tally | null = null;
  for (const part of schema.anyOf) {
    const result = check(context, value, part, path);
    if (result.problems.length === 0) {
      merge(tally, result);
      return;
    }
    if (best === null || result.matches > best.matches) best = result;
  }
  addCombined(tally, path, "must validate at least one schema (anyOf)");
  if (best !== null) merge(tally, best);
}

function checkOneOf(tally: Tally, context: Context, value: unknown, { schema, path }: Place): void {
  let best: Tally | null = null;
  let first: Tally | null = null;
  let valid = 0;
  for (const part of schema.oneOf) {
    const result = check(context, value, part, path);
    if (result.problems.length === 0) {
      valid++;
      best = null;
      first ??= result;
    } else if (valid === 0 && (best === null || result.matches > best.matches)) best = result;
  }
  if (valid === 1 && first !== null) {
    merge(tally, first);
    return;
  }
  const found = valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`;
  addCombined(tally, path, `must validate one and only one schema (oneOf). ${found}`);
  if (best !== null) merge(tally, best);
}

function addCombined(tally: Tally, path: string, text: string): void {
  addProblem(tally, { message: `${quote(path)} ${text}`, path: "", value: "", show: "value" });
}

function fieldErrorOf(problem: Problem, root: string): FieldError {
  const name = problem.path.startsWith(".") ? problem.path.slice(1) : problem.path;
  const field = name === "" ? root : root === "" ? name : `${root}.${name}`;
  switch (problem.show) {
    case "required":
      return { type: "Required value", field, detail: "" };
    case "enum": {
      const detail = `supported values: ${(problem.allowed ?? []).map((one) => quote(one)).join(", ")}`;
      return { type: "Unsupported value", field, value: problem.value, detail };
    }
    case "too long": {
      const limit = problem.limit ?? 0;
      return { type: "Too long", field, detail: `may not be more than ${limit} ${limit === 1 ? "byte" : "bytes"}` };
    }
    case "too many": {
      const limit = problem.limit ?? 0;
      const detail = `must have at most ${limit} ${limit === 1 ? "item" : "items"}`;
      return { type: "Too many", field, value: problem.value, detail };
    }
    case "value":
    default:
      return invalid(field, problem.value ?? "", problem.message);
  }
}
