// A validate rule, or one foreach in it: context and preconditions (those of a rule are checked again when it asks about
// the old object), then the first of deny, pattern, anyPattern and foreach that is there. A rule that enforces forgives
// what the old object violated as well. Kyverno: pkg/engine/handlers/validation/validate_resource.go.

import { checkConditions } from "../condition/conditions.ts";
import { addEntries } from "../context/entries.ts";
import { failureOf } from "../failure.ts";
import type { Check } from "../policy/rule.ts";
import { plainAction } from "../policy/action.ts";
import { type RuleResult, ruleError, ruleResult } from "../result.ts";
import { type RuleRun, unmetText } from "../rulerun.ts";
import type { ContextSource } from "../settings.ts";
import type { Subject } from "../subject.ts";
import { type Checking, preconditionsFailed } from "./checking.ts";
import { existingViolation } from "./existing.ts";
import { checkDeny } from "./deny.ts";
import { checkForeach } from "./foreach.ts";
import { type Resolved, checkPatterns, resolvePatterns } from "./pattern.ts";

/** The result of a validate rule; null when there is nothing to say. */
export function checkRule(run: RuleRun, check: Check, allowExistingViolations: boolean): RuleResult | null {
  const { rule, subject } = run;
  const checking: Checking = {
    run,
    check,
    subject,
    element: null,
    nesting: 0,
    context: [],
    preconditions: rule.preconditions,
  };
  const { result, resolved } = performCheck(checking, null);
  const enforces = plainAction(rule.failureAction, run.policy.failureAction) === "Enforce";
  if (!enforces || !allowExistingViolations || !isUpdate(subject)) return result;
  return existingViolation(run, result, (old) => {
    // What the patterns' variables came to stays, as in Kyverno: the old object is held against the new one's pattern.
    return performCheck({ ...checking, subject: old }, resolved).result;
  });
}

export function isUpdate({ object, oldObject, operation }: Subject): boolean {
  return (object !== null && oldObject !== null) || operation === "UPDATE";
}

const nothing: ReadonlySet<ContextSource> = new Set();

interface Checked {
  readonly result: RuleResult | null;
  readonly resolved: Resolved | null;
}

function judge(inner: Checking): RuleResult | null {
  return performCheck(inner, null).result;
}

function ended(result: RuleResult | null, resolved: Resolved | null): Checked {
  return { result, resolved };
}

/** One pass; `known` are patterns whose variables have been resolved already. */
function performCheck(checking: Checking, known: Resolved | null): Checked {
  const { run, context, preconditions, check } = checking;
  const { id, scope, settings } = run;
  try {
    if (context.length > 0) addEntries(scope, context, settings.given?.leavesOut ?? nothing);
  } catch (error) {
    return ended(ruleError(id, "failed to load context", failureOf(error).message), known);
  }
  try {
    const { met, message } = checkConditions(preconditions, scope);
    if (!met) return ended(ruleResult(id, "skip", unmetText(message)), known);
  } catch (error) {
    return ended(ruleError(id, preconditionsFailed, failureOf(error).message), known);
  }
  if (check.deny !== null) return ended(checkDeny(run, check, check.deny.conditions), known);
  if (check.pattern === null && check.anyPattern === null) {
    return ended(check.foreach === null ? null : checkForeach(checking, check.foreach, judge), known);
  }
  let resolved = known;
  try {
    resolved ??= resolvePatterns(check, scope);
  } catch (error) {
    return ended(ruleError(id, "variable substitution failed", failureOf(error).message), known);
  }
  return { result: checkPatterns(checking, resolved), resolved };
}
