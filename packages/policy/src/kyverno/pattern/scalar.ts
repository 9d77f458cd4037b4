// Scalar patterns: what a leaf of a pattern says about one value. Text is a small language: alternatives with `|`, each a
// conjunction with `&`, of operands with an operator (`>5Mi`, `!latest`) or of ranges (`1-5`, `1!-5`). An operand is
// compared as a duration if both sides are durations, else as a quantity if both are, else as text with wildcards. All of
// that is parsed once per pattern; texts that recur are remembered, because patterns with variables are new every time.
// Behaviour from Kyverno pkg/engine/pattern/pattern.go and pkg/engine/operator.

import type { Budget } from "@portcullis/lang";
import { formatFloat, parseDuration } from "@portcullis/lang/go";
import { type Quantity, compareQuantities, parseQuantity } from "@portcullis/kube";
import {
  type GoNumber,
  type Numbers,
  goNumber,
  isMap,
  parseFloat64,
  parseInt64,
  trimBlanks,
  trimSpace,
  truncated,
} from "./govalue.ts";
import { matchesWildcard } from "./wildcard.ts";

export interface ScalarOptions {
  /** How numbers of the object are read. */
  readonly numbers: Numbers;
  /** How those of the pattern are; as the object's when absent. */
  readonly patternNumbers?: Numbers;
  readonly budget: Budget;
}

export type ScalarTest = (value: unknown, options: ScalarOptions) => boolean;

/** The test that a pattern's leaf stands for. A map as a leaf only asks for a map, a list matches nothing. */
export function compileScalar(pattern: unknown): ScalarTest {
  if (typeof pattern === "string") return compileText(pattern);
  if (typeof pattern === "boolean") return (value) => value === pattern;
  if (pattern === null || pattern === undefined) return matchesNull;
  if (Array.isArray(pattern)) return () => false;
  if (isMap(pattern)) return isMap;
  return (value, options) => matchesNumber(value, pattern, options);
}

/** Zero values and absence; maps and lists never. */
const matchesNull: ScalarTest = (value, { numbers }) => {
  if (value === null || value === undefined || value === "" || value === false) return true;
  const number = goNumber(value, numbers);
  return number === 0 || number === 0n;
};

function matchesNumber(value: unknown, pattern: unknown, { numbers, patternNumbers }: ScalarOptions): boolean {
  const wanted = goNumber(pattern, patternNumbers ?? numbers);
  if (typeof wanted === "bigint") {
    if (typeof value === "string") return parseInt64(value) === wanted;
    const number = goNumber(value, numbers);
    if (typeof number === "number") return Math.trunc(number) === number && truncated(number) === wanted;
    return number === wanted;
  }
  if (wanted === null) return false;
  if (typeof value === "string") return parseFloat64(value) === wanted;
  const number = goNumber(value, numbers);
  if (typeof number === "bigint") return Math.trunc(wanted) === wanted && truncated(wanted) === number;
  return number === wanted;
}

// ── text

export type PatternOperator = "" | ">=" | "<=" | "!" | ">" | "<" | "-" | "!-";

const endpoint = String.raw`([-|+]?\d+(?:\.\d+)?[A-Za-z]*)`;
const inRange = new RegExp(`^${endpoint}-${endpoint}$`);
const notInRange = new RegExp(`^${endpoint}!-${endpoint}$`);

/** The operator that a text pattern starts with, or the kind of range that it is. */
export function operatorOf(pattern: string): PatternOperator {
  if (pattern.length < 2) return "";
  const two = pattern.slice(0, 2);
  if (two === ">=" || two === "<=") return two;
  const one = pattern.charAt(0);
  if (one === ">" || one === "<" || one === "!") return one;
  if (notInRange.test(pattern)) return "!-";
  return inRange.test(pattern) ? "-" : "";
}

/** Texts remembered; when there are more, the memory starts again. */
const remembered = 4096;
const longestRemembered = 256;
const memory = new Map<string, ScalarTest>();

function compileText(pattern: string): ScalarTest {
  const known = memory.get(pattern);
  if (known !== undefined) return known;
  const test = parseText(pattern);
  if (pattern.length <= longestRemembered) {
    if (memory.size >= remembered) memory.clear();
    memory.set(pattern, test);
  }
  return test;
}

function parseText(pattern: string): ScalarTest {
  const alternatives = pattern.split("|").map((text) => {
    const operands = trimBlanks(text).split("&");
    return allOf(operands.map((operand) => compileOperand(trimBlanks(operand))));
  });
  const any = anyOf(alternatives);
  return (value, options) => value === pattern || any(value, options);
}

function allOf(tests: readonly ScalarTest[]): ScalarTest {
  return tests.length === 1
    ? (tests[0] as ScalarTest)
    : (value, options) => tests.every((test) => test(value, options));
}

function anyOf(tests: readonly ScalarTest[]): ScalarTest {
  return tests.length === 1 ? (tests[0] as ScalarTest) : (value, options) => tests.some((test) => test(value, options));
}

function compileOperand(text: string): ScalarTest {
  const operator = operatorOf(text);
  if (operator === "-") {
    const [, low = "", high = ""] = inRange.exec(text) ?? [];
    return allOf([compileComparison(">=", low), compileComparison("<=", high)]);
  }
  if (operator === "!-") {
    const [, low = "", high = ""] = notInRange.exec(text) ?? [];
    return anyOf([compileComparison("<", low), compileComparison(">", high)]);
  }
  return compileComparison(operator, trimSpace(text.slice(operator.length)));
}

type Comparison = Exclude<PatternOperator, "-" | "!-">;

function compileComparison(operator: Comparison, operand: string): ScalarTest {
  const duration = durationOf(operand);
  const quantity = quantityOf(operand);
  const asText = compileTextComparison(operator, operand);
  if (duration === null && quantity === null) return asText;
  return (value, options) => {
    const text = comparableText(value, options.numbers);
    if (text === null) return asText(value, options);
    options.budget.step(1 + (text.length >> 3));
    const valueDuration = duration === null ? null : durationOf(text);
    if (duration !== null && valueDuration !== null)
      return holds(operator, valueDuration < duration ? -1 : valueDuration > duration ? 1 : 0);
    const valueQuantity = quantity === null ? null : quantityOf(text);
    if (quantity !== null && valueQuantity !== null) return holds(operator, compareQuantities(valueQuantity, quantity));
    return asText(value, options);
  };
}

/** Most texts that are held against a pattern are names: what no duration begins with is not parsed. */
const beginsDuration = /^[-+.\d]/;

export function durationOf(text: string): bigint | null {
  if (!beginsDuration.test(text)) return null;
  const duration = parseDuration(text);
  return typeof duration === "bigint" ? duration : null;
}

export function quantityOf(text: string): Quantity | null {
  const quantity = parseQuantity(text);
  return "error" in quantity ? null : quantity;
}

function holds(operator: Comparison, order: -1 | 0 | 1): boolean {
  switch (operator) {
    case "":
      return order === 0;
    case "!":
      return order !== 0;
    case ">":
      return order > 0;
    case "<":
      return order < 0;
    case ">=":
      return order >= 0;
    case "<=":
      return order <= 0;
  }
}

/** The value as text that may be a duration or a quantity; absence counts as zero, a float has six decimals. */
function comparableText(value: unknown, numbers: Numbers): string | null {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "0";
  const number = goNumber(value, numbers);
  if (number === null) return null;
  return typeof number === "bigint" ? String(number) : formatFloat(number, "f", 6);
}

function compileTextComparison(operator: Comparison, operand: string): ScalarTest {
  if (operator !== "" && operator !== "!") return () => false;
  const wanted = operator === "";
  return (value, { numbers, budget }) => {
    const text = plainText(value, numbers);
    return text !== null && matchesWildcard(operand, text, budget) === wanted;
  };
}

/** The value as text for wildcards; a float as Go's `E` format writes it. */
function plainText(value: unknown, numbers: Numbers): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  const number: GoNumber | null = goNumber(value, numbers);
  if (number === null) return null;
  return typeof number === "bigint" ? String(number) : formatFloat(number, "E", null);
}
