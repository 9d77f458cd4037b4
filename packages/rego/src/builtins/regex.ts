// Regular expressions: Go's syntax, meaning and errors, in linear time. OPA: v1/topdown/regex.go, regex_template.go.

import {
  type Regex,
  compileRegex,
  globsIntersect,
  groupText,
  quote,
  quoteMeta,
  replaceByRegex,
  splitByRegex,
  utf8Length,
} from "@portcullis/lang/go";
import type { Value } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { intOperand } from "./operand.ts";

/** Compiles a pattern. Undefined after reporting. */
function regexOperand(call: BuiltinCall, pattern: string): Regex | undefined {
  call.budget.step(pattern.length);
  const compiled = compileRegex(pattern);
  return "error" in compiled ? call.fail(compiled.error) : compiled.regex;
}

/** Charges for the work as it is done. */
function stepOf(call: BuiltinCall): (steps: number) => void {
  return (steps) => call.budget.step(steps);
}

function match(call: BuiltinCall, pattern: Value, text: Value): Value | undefined {
  if (typeof pattern !== "string") return operandError(call, 1, pattern, "string");
  if (typeof text !== "string") return operandError(call, 2, text, "string");
  return regexOperand(call, pattern)?.test(text, stepOf(call));
}

function isValid(call: BuiltinCall, pattern: Value): Value | undefined {
  if (typeof pattern !== "string") return false;
  call.budget.step(pattern.length);
  return "regex" in compileRegex(pattern);
}

function split(call: BuiltinCall, pattern: Value, text: Value): Value | undefined {
  if (typeof pattern !== "string") return operandError(call, 1, pattern, "string");
  if (typeof text !== "string") return operandError(call, 2, text, "string");
  const regex = regexOperand(call, pattern);
  if (regex === undefined) return undefined;
  call.budget.output(text.length * 16);
  return splitByRegex(regex, text, stepOf(call));
}

function replace(call: BuiltinCall, text: Value, pattern: Value, by: Value): Value | undefined {
  if (typeof text !== "string") return operandError(call, 1, text, "string");
  if (typeof pattern !== "string") return operandError(call, 2, pattern, "string");
  if (typeof by !== "string") return operandError(call, 3, by, "string");
  const regex = regexOperand(call, pattern);
  const output = (characters: number): void => call.budget.output(characters);
  return regex && replaceByRegex(regex, { text, template: by, step: stepOf(call), output });
}

/** The operands of `find_n` and its sister, and then what they want of each match. */
function finding(result: (text: string, match: readonly number[]) => Value): Builtin["evaluate"] {
  return (call, ...operands) => {
    const [pattern = null, text = null, number = null] = operands;
    if (typeof pattern !== "string") return operandError(call, 1, pattern, "string");
    if (typeof text !== "string") return operandError(call, 2, text, "string");
    const limit = intOperand(call, 3, number);
    if (limit === undefined) return undefined;
    const regex = regexOperand(call, pattern);
    if (regex === undefined) return undefined;
    call.budget.output(limit < 0 ? text.length * 16 : Math.min(limit, text.length) * 16);
    const matches = regex.findAll(text, Number.isFinite(limit) ? limit : -1, stepOf(call));
    return Array.from(matches, (found) => result(text, found));
  };
}

const wholeMatch = (text: string, found: readonly number[]): Value => groupText(text, found, 0);

const allGroups = (text: string, found: readonly number[]): Value =>
  Array.from({ length: found.length / 2 }, (_, group) => groupText(text, found, group));

// ── templates

function templateMatch(call: BuiltinCall, template: Value, text: Value, start: Value, end: Value): Value | undefined {
  if (typeof template !== "string") return operandError(call, 1, template, "string");
  if (typeof text !== "string") return operandError(call, 2, text, "string");
  if (typeof start !== "string") return operandError(call, 3, start, "string");
  if (typeof end !== "string") return operandError(call, 4, end, "string");
  const length = utf8Length(start);
  if (length !== 1) return call.fail(`start delimiter has to be exactly one character long but is ${length} long`);
  // The length named here is the other delimiter's, as in OPA.
  if (utf8Length(end) !== 1) {
    return call.fail(`end delimiter has to be exactly one character long but is ${length} long`);
  }
  const pattern = templatePattern(call, template, start, end);
  return pattern === undefined ? undefined : regexOperand(call, pattern)?.test(text, stepOf(call));
}

/** A template with what stands outside the outermost delimiters quoted. OPA: generateRegexTemplate. */
function templatePattern(call: BuiltinCall, template: string, start: string, end: string): string | undefined {
  const variables = delimited(template, start, end);
  if (variables === null) return call.fail(`unbalanced braces in ${quote(template)}`);
  let pattern = "^";
  let at = 0;
  for (const [from, to] of variables) {
    const inner = template.slice(from + 1, to - 1);
    pattern += `${quoteMeta(template.slice(at, from))}(${inner})`;
    const compiled = compileRegex(`^${inner}$`);
    if ("error" in compiled) return call.fail(compiled.error);
    at = to;
  }
  return `${pattern}${quoteMeta(template.slice(at))}$`;
}

/** Where the outermost pairs of delimiters stand; null when they do not balance. */
function delimited(template: string, start: string, end: string): readonly (readonly [number, number])[] | null {
  const pairs: [number, number][] = [];
  let level = 0;
  let from = 0;
  for (let at = 0; at < template.length; at++) {
    const character = template.charAt(at);
    if (character === start) {
      level++;
      if (level === 1) from = at;
    } else if (character === end) {
      level--;
      if (level < 0) return null;
      if (level === 0) pairs.push([from, at + 1]);
    }
  }
  return level === 0 ? pairs : null;
}

function globsMatch(call: BuiltinCall, a: Value, b: Value): Value | undefined {
  if (typeof a !== "string") return operandError(call, 1, a, "string");
  if (typeof b !== "string") return operandError(call, 2, b, "string");
  const result = globsIntersect(a, b, stepOf(call));
  return typeof result === "boolean" ? result : call.fail(result.error);
}

const twoStrings = t.function([t.string, t.string], t.boolean);
const findArguments = [t.string, t.string, t.number];

export const regexBuiltins: readonly Builtin[] = [
  { name: "regex.match", type: twoStrings, evaluate: match },
  { name: "re_match", deprecated: true, type: twoStrings, evaluate: match },
  { name: "regex.is_valid", type: t.function([t.string], t.boolean), evaluate: isValid },
  { name: "regex.split", type: t.function([t.string, t.string], t.array(t.string)), evaluate: split },
  { name: "regex.replace", type: t.function([t.string, t.string, t.string], t.string), evaluate: replace },
  { name: "regex.find_n", type: t.function(findArguments, t.array(t.string)), evaluate: finding(wholeMatch) },
  {
    name: "regex.find_all_string_submatch_n",
    type: t.function(findArguments, t.array(t.array(t.string))),
    evaluate: finding(allGroups),
  },
  {
    name: "regex.template_match",
    type: t.function([t.string, t.string, t.string, t.string], t.boolean),
    evaluate: templateMatch,
  },
  { name: "regex.globs_match", type: twoStrings, evaluate: globsMatch },
];
