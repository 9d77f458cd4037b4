// `pattern` and `anyPattern`: the object, or the element of a foreach, has the shape of the pattern, or of one of them.
// Kyverno: validatePatterns, buildErrorMessage, buildAnyPatternErrorMessage.

import type { Json } from "../../engine/request.ts";
import { jsonKind } from "../decode.ts";
import { failureOf } from "../failure.ts";
import type { Numbers } from "../pattern/govalue.ts";
import type { PatternResult } from "../pattern/match.ts";
import { type PatternOptions, matchPattern } from "../pattern/pattern.ts";
import type { Check } from "../policy/rule.ts";
import { type RuleResult, ruleError, ruleResult } from "../result.ts";
import type { RuleRun } from "../rulerun.ts";
import type { Scope } from "../scope.ts";
import { compileDynamicTemplate } from "../template.ts";
import type { Checking } from "./checking.ts";

/** Patterns with their variables resolved. */
export interface Resolved {
  readonly pattern: Json;
  readonly anyPattern: Json;
}

/** Only the first of the two is resolved. Throws Failure. */
export function resolvePatterns({ pattern, anyPattern }: Check, scope: Scope): Resolved {
  if (pattern !== null) return { pattern: pattern.evaluate(scope), anyPattern: null };
  return { pattern: null, anyPattern: anyPattern?.evaluate(scope) ?? null };
}

/** Null on DELETE, where there is no object. */
export function checkPatterns({ run, check, subject, element }: Checking, resolved: Resolved): RuleResult | null {
  if (element === null && subject.operation === "DELETE") return null;
  // Elements come from a query, and what a query gives has no integers; nor has what the command line reads.
  const numbers = element !== null || run.scope.profile === "kyverno-cli" ? "float64" : "int64";
  const target = { value: element ?? subject.object, numbers } as const;
  return check.pattern !== null
    ? checkOne(run, check, target, resolved.pattern)
    : checkAny(run, check, target, resolved.anyPattern);
}

export function passedText(rule: string): string {
  return `validation rule '${rule}' passed.`;
}

/** What is looked at, and how its numbers are read. */
interface Target {
  readonly value: Json;
  readonly numbers: Numbers;
}

function checkOne(run: RuleRun, check: Check, target: Target, pattern: Json): RuleResult {
  const { id } = run;
  const { message } = check;
  const isFixed = check.pattern?.isStatic === true;
  const found = match(run, target, pattern, { patternNumbers: "int64", isFixed });
  if (found.result === "match") return ruleResult(id, "pass", passedText(id.name));
  if (found.result === "skip") return ruleResult(id, "skip", found.message);
  const text = failureText(run, message, found);
  return found.path === "" ? ruleError(id, text) : ruleResult(id, "fail", text);
}

function match(
  { scope }: RuleRun,
  { value, numbers }: Target,
  pattern: Json,
  options: Pick<PatternOptions, "patternNumbers" | "isFixed">,
): PatternResult {
  return matchPattern(value, pattern, { budget: scope.evaluation.budget, numbers, ...options });
}

interface Miss {
  readonly path: string;
  readonly message: string;
}

function failureText({ id, scope }: RuleRun, message: string, { path, message: why }: Miss): string {
  const where = path === "" ? `execution error: ${why}` : `failed at path ${path}`;
  if (message === "") return `validation error: rule ${id.name} ${where}`;
  const text = resolvedMessage(message, scope);
  if (text === null) {
    return `validation error: variables substitution error in rule ${id.name} execution error: ${why}`;
  }
  return `validation error: ${text.endsWith(".") ? text : `${text}.`} rule ${id.name} ${where}`;
}

/** Null when a variable in it cannot be resolved. A message that is one variable of another type is shown as its text. */
function resolvedMessage(message: string, scope: Scope): string | null {
  try {
    const value = compileDynamicTemplate(message).evaluate(scope);
    return typeof value === "string" ? value : JSON.stringify(value ?? null);
  } catch (error) {
    failureOf(error);
    return null;
  }
}

// ── anyPattern

/** Kyverno writes these patterns as JSON and reads them again, which makes doubles of their numbers. */
function checkAny(run: RuleRun, check: Check, target: Target, patterns: Json): RuleResult {
  const { id, scope } = run;
  const { message } = check;
  const isFixed = check.anyPattern?.isStatic === true;
  if (!Array.isArray(patterns)) {
    const text = `json: cannot unmarshal ${jsonKind(patterns)} into Go value of type []interface {}`;
    return ruleError(id, "failed to deserialize anyPattern, expected type array", text);
  }
  const skips: string[] = [];
  const failures: string[] = [];
  for (const [at, pattern] of (patterns as readonly Json[]).entries()) {
    const found = match(run, target, pattern, { patternNumbers: "float64", isFixed });
    const name = `rule ${id.name}[${at}]`;
    if (found.result === "match") {
      return ruleResult(id, "pass", `validation rule '${id.name}' anyPattern[${at}] passed.`);
    }
    if (found.result === "skip") skips.push(`${name} skipped: ${found.message}`);
    else if (found.path === "") failures.push(`${name} failed: ${found.message}`);
    else failures.push(`${name} failed at path ${found.path}`);
  }
  if (failures.length > 0) return ruleResult(id, "fail", anyFailureText(run, message, failures.join(" ")));
  if (skips.length > 0) return ruleResult(id, "skip", skips.join(" "));
  // No pattern at all: Kyverno passes with the message as it is written.
  scope.evaluation.budget.step();
  return ruleResult(id, "pass", message);
}

function anyFailureText({ id, scope }: RuleRun, message: string, failures: string): string {
  if (message === "") return `validation error: ${failures}`;
  const text = resolvedMessage(message, scope);
  if (text === null) {
    return `validation error: variables substitution error in rule ${id.name} execution error: ${failures}`;
  }
  return text.endsWith(".") ? `validation error: ${text} ${failures}` : `validation error: ${text}. ${failures}`;
}
