// Validation of a JSON tree. Every schema gives its errors and a score, which says how much of it fitted: where none of the
// alternatives of anyOf or oneOf holds, the errors of the best one are reported too. Errors come in gojsonschema's order,
// objects' keys in Rego's. OPA: internal/gojsonschema/validation.go, result.go, locales.go.

import { type AnyNumber, type Budget, Decimal, LimitError, compareNumbers } from "@portcullis/lang";
import { formatFloat } from "@portcullis/lang/go";
import { sortedKeys } from "../runtime/compare.ts";
import { type PlainObject, type Value, isArray, isNumber, isPlainObject } from "../runtime/value.ts";
import { hasFormat } from "./jsonschemaformats.ts";
import { type Schema, type TypeName, comparableText } from "./jsonschemaparse.ts";

export interface ValidationError {
  readonly type: string;
  readonly field: string;
  readonly description: string;
}

/** The errors of a document; none when it is valid. Throws LimitError. */
export function validate(schema: Schema, document: Value, budget: Budget): readonly ValidationError[] {
  const result: Result = { errors: [], score: 0 };
  check({ schema, value: document, field: "(Root)", result, budget, depth: 0 });
  return result.errors;
}

interface Result {
  readonly errors: ValidationError[];
  score: number;
}

/** One schema on one value. */
interface Visit {
  readonly schema: Schema;
  readonly value: Value;
  readonly field: string;
  readonly result: Result;
  readonly budget: Budget;
  readonly depth: number;
}

function report({ result, field }: Visit, type: string, description: string): void {
  result.errors.push({ type, field, description });
  result.score -= 2;
}

function checkApart(visit: Visit, schema: Schema, value: Value = visit.value, field: string = visit.field): Result {
  const result: Result = { errors: [], score: 0 };
  check({ ...visit, schema, value, field, result, depth: visit.depth + 1 });
  return result;
}

function mergeResult({ result }: Visit, other: Result): void {
  result.errors.push(...other.errors);
  result.score += other.score;
}

function below(field: string, key: string | number): string {
  return field === "(Root)" ? String(key) : `${field}.${key}`;
}

function check(visit: Visit): void {
  const { schema, value, result, budget, depth } = visit;
  budget.output(64);
  if (depth > budget.depthMax) throw new LimitError("depth");
  if (schema.pass !== null) {
    if (!schema.pass) report(visit, "false", "False always fails validation");
    return;
  }
  if (schema.reference !== null) {
    check({ ...visit, schema: schema.reference, depth: depth + 1 });
    return;
  }
  const given = typeOf(value);
  const fits = schema.types.includes(given) || (given === "integer" && schema.types.includes("number"));
  if (schema.types.length > 0 && !fits) {
    const expected = schema.types.length === 1 ? String(schema.types[0]) : `[${schema.types.join(",")}]`;
    report(visit, "invalid_type", `Invalid type. Expected: ${expected}, given: ${given}`);
    return;
  }
  checkCombinations(visit);
  if (isArray(value)) checkArray(visit, value);
  else if (isPlainObject(value)) checkObject(visit, value);
  else if (isNumber(value)) checkNumber(visit, value);
  checkCommon(visit);
  if (typeof value === "string") checkString(visit, value);
  else if (isPlainObject(value)) checkProperties(visit, value);
  result.score++;
}

function typeOf(value: Value): TypeName {
  if (value === null) return "null";
  if (isNumber(value)) return isInteger(value) ? "integer" : "number";
  if (isArray(value)) return "array";
  return typeof value === "object" ? "object" : (typeof value as "boolean" | "string");
}

function isInteger(value: AnyNumber): boolean {
  return typeof value === "number" ? Number.isInteger(value) : value.isInteger;
}

/** The result that fitted best; the first of equals. */
function bestOf(results: readonly Result[]): Result | null {
  return results.reduce<Result | null>((best, next) => (best === null || next.score > best.score ? next : best), null);
}

function checkCombinations(visit: Visit): void {
  const { schema, result } = visit;
  checkAnyOf(visit);
  checkOneOf(visit);
  if (schema.allOf.length > 0) {
    const results = schema.allOf.map((part) => checkApart(visit, part));
    for (const one of results) mergeResult(visit, one);
    if (results.some((one) => one.errors.length > 0)) {
      report(visit, "number_all_of", "Must validate all the schemas (allOf)");
    }
  }
  if (schema.notSchema !== null && checkApart(visit, schema.notSchema).errors.length === 0) {
    report(visit, "number_not", "Must not validate the schema (not)");
  }
  checkDependencies(visit);
  checkCondition(visit);
  result.score++;
}

function checkAnyOf(visit: Visit): void {
  const failed: Result[] = [];
  for (const part of visit.schema.anyOf) {
    const one = checkApart(visit, part);
    if (one.errors.length === 0) return;
    failed.push(one);
  }
  const best = bestOf(failed);
  if (best === null) return;
  report(visit, "number_any_of", "Must validate at least one schema (anyOf)");
  mergeResult(visit, best);
}

function checkOneOf(visit: Visit): void {
  const { oneOf } = visit.schema;
  if (oneOf.length === 0) return;
  const results = oneOf.map((part) => checkApart(visit, part));
  const valid = results.filter((one) => one.errors.length === 0).length;
  if (valid === 1) return;
  report(visit, "number_one_of", "Must validate one and only one schema (oneOf)");
  const best = valid === 0 ? bestOf(results) : null;
  if (best !== null) mergeResult(visit, best);
}

function checkDependencies(visit: Visit): void {
  const { schema, value, depth } = visit;
  if (!isPlainObject(value) || schema.dependencies.size === 0) return;
  for (const key of sortedKeys(value)) {
    const dependency = schema.dependencies.get(key);
    if (dependency === undefined) continue;
    if ("pass" in dependency) {
      check({ ...visit, schema: dependency, depth: depth + 1 });
      continue;
    }
    for (const name of dependency) {
      if (!Object.hasOwn(value, name)) report(visit, "missing_dependency", `Has a dependency on ${name}`);
    }
  }
}

function checkCondition(visit: Visit): void {
  const { ifSchema, thenSchema, elseSchema } = visit.schema;
  if (ifSchema === null) return;
  const holds = checkApart(visit, ifSchema).errors.length === 0;
  const branch = holds ? thenSchema : elseSchema;
  if (branch === null) return;
  const outcome = checkApart(visit, branch);
  if (outcome.errors.length === 0) return;
  if (holds) report(visit, "condition_then", 'Must validate "then" as "if" was valid');
  else report(visit, "condition_else", 'Must validate "else" as "if" was not valid');
  mergeResult(visit, outcome);
}

function checkCommon(visit: Visit): void {
  const { schema, value, field, budget, result } = visit;
  if (schema.const !== null && comparableText(value, budget) !== schema.const) {
    report(visit, "const", `${field} does not match: ${schema.const}`);
  }
  if (schema.enum !== null && !schema.enum.includes(comparableText(value, budget))) {
    report(visit, "enum", `${field} must be one of the following: ${schema.enum.join(", ")}`);
  }
  if (schema.format !== null && typeof value === "string" && !hasFormat(schema.format, value)) {
    report(visit, "format", `Does not match format '${schema.format}'`);
  }
  result.score++;
}

function checkArray(visit: Visit, items: readonly Value[]): void {
  const { schema, result } = visit;
  checkItems(visit, items);
  if (schema.minItems !== null && items.length < schema.minItems) {
    report(visit, "array_min_items", `Array must have at least ${schema.minItems} items`);
  }
  if (schema.maxItems !== null && items.length > schema.maxItems) {
    report(visit, "array_max_items", `Array must have at most ${schema.maxItems} items`);
  }
  if (schema.uniqueItems) checkUnique(visit, items);
  if (schema.contains !== null) checkContains(visit, schema.contains, items);
  result.score++;
}

function checkItems(visit: Visit, items: readonly Value[]): void {
  const { schema, field } = visit;
  const one = schema.oneForAll ? schema.items[0] : undefined;
  for (const [at, item] of items.entries()) {
    const part = one ?? schema.items[at] ?? (schema.items.length > 0 ? schema.additionalItems : null);
    if (part !== null && typeof part === "object") mergeResult(visit, checkApart(visit, part, item, below(field, at)));
  }
  const isLonger = one === undefined && schema.items.length > 0 && schema.items.length < items.length;
  if (isLonger && schema.additionalItems === false) {
    report(visit, "array_no_additional_items", "No additional items allowed on array");
  }
}

function checkUnique(visit: Visit, items: readonly Value[]): void {
  const seen = new Map<string, number>();
  for (const [at, item] of items.entries()) {
    const text = comparableText(item, visit.budget);
    const before = seen.get(text);
    if (before !== undefined) report(visit, "unique", `array items[${before},${at}] must be unique`);
    seen.set(text, at);
  }
}

function checkContains(visit: Visit, contains: Schema, items: readonly Value[]): void {
  const failed: Result[] = [];
  for (const [at, item] of items.entries()) {
    const one = checkApart(visit, contains, item, below(visit.field, at));
    if (one.errors.length === 0) return;
    failed.push(one);
  }
  report(visit, "contains", "At least one of the items must match");
  const best = bestOf(failed);
  if (best !== null) mergeResult(visit, best);
}

function checkObject(visit: Visit, object: PlainObject): void {
  const { schema, result } = visit;
  const keys = sortedKeys(object);
  if (schema.minProperties !== null && keys.length < schema.minProperties) {
    report(visit, "array_min_properties", `Must have at least ${schema.minProperties} properties`);
  }
  if (schema.maxProperties !== null && keys.length > schema.maxProperties) {
    report(visit, "array_max_properties", `Must have at most ${schema.maxProperties} properties`);
  }
  for (const name of schema.required) {
    if (Object.hasOwn(object, name)) result.score++;
    else report(visit, "required", `${name} is required`);
  }
  const described = new Set(schema.properties.map(([name]) => name));
  for (const key of keys) checkMember(visit, object, key, described.has(key));
  if (schema.propertyNames !== null) {
    for (const key of keys) {
      const one = checkApart(visit, schema.propertyNames, key);
      if (one.errors.length === 0) continue;
      report(visit, "invalid_property_name", `Property name of "${key}" does not match`);
      mergeResult(visit, one);
    }
  }
  result.score++;
}

/** Pattern properties, and what neither name nor pattern describes. */
function checkMember(visit: Visit, object: PlainObject, key: string, described: boolean): void {
  const { schema, field, result } = visit;
  const value = object[key] as Value;
  let matched = false;
  for (const [regex, part] of schema.patternProperties) {
    if (!regex.test(key)) continue;
    matched = true;
    mergeResult(visit, checkApart(visit, part, value, below(field, key)));
  }
  if (matched) result.score++;
  if (described || matched) return;
  const additional = schema.additionalProperties;
  if (additional === false) {
    report(visit, "additional_property_not_allowed", `Additional property ${key} is not allowed`);
  } else if (additional !== null && additional !== true) {
    mergeResult(visit, checkApart(visit, additional, value, below(field, key)));
  }
}

function checkProperties(visit: Visit, object: PlainObject): void {
  const { schema, field, depth } = visit;
  for (const [name, part] of schema.properties) {
    if (!Object.hasOwn(object, name)) continue;
    check({ ...visit, schema: part, value: object[name] as Value, field: below(field, name), depth: depth + 1 });
  }
}

function checkString(visit: Visit, text: string): void {
  const { schema, result } = visit;
  const length = Array.from(text).length;
  if (schema.minLength !== null && length < schema.minLength) {
    report(visit, "string_gte", `String length must be greater than or equal to ${schema.minLength}`);
  }
  if (schema.maxLength !== null && length > schema.maxLength) {
    report(visit, "string_lte", `String length must be less than or equal to ${schema.maxLength}`);
  }
  if (schema.pattern !== null && !schema.pattern.regex.test(text)) {
    report(visit, "pattern", `Does not match pattern '${schema.pattern.text}'`);
  }
  result.score++;
}

function checkNumber(visit: Visit, value: AnyNumber): void {
  const { schema, result } = visit;
  const { multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum } = schema;
  if (multipleOf !== null && !isMultiple(value, multipleOf)) {
    report(visit, "multiple_of", `Must be a multiple of ${floatText(multipleOf)}`);
  }
  if (maximum !== null && compareNumbers(value, maximum) > 0) {
    report(visit, "number_lte", `Must be less than or equal to ${floatText(maximum)}`);
  }
  if (exclusiveMaximum !== null && compareNumbers(value, exclusiveMaximum) >= 0) {
    report(visit, "number_lt", `Must be less than ${floatText(exclusiveMaximum)}`);
  }
  if (minimum !== null && compareNumbers(value, minimum) < 0) {
    report(visit, "number_gte", `Must be greater than or equal to ${floatText(minimum)}`);
  }
  if (exclusiveMinimum !== null && compareNumbers(value, exclusiveMinimum) <= 0) {
    report(visit, "number_gt", `Must be greater than ${floatText(exclusiveMinimum)}`);
  }
  result.score++;
}

function isMultiple(value: AnyNumber, of: AnyNumber): boolean {
  const a = partsOf(value);
  const b = partsOf(of);
  const shared = Math.min(a.exponent, b.exponent);
  return (a.digits * 10n ** BigInt(a.exponent - shared)) % (b.digits * 10n ** BigInt(b.exponent - shared)) === 0n;
}

function partsOf(value: AnyNumber): Decimal["parts"] {
  return typeof value === "number" ? new Decimal(String(value)).parts : value.parts;
}

/** A bound as Go's big.Float prints it. */
function floatText(value: AnyNumber): string {
  return formatFloat(Number(String(value)), "g", null);
}
