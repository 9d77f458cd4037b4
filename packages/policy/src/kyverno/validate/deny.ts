// `deny`: the rule fails when its conditions hold. The message is the rule's, with the messages of the conditions that
// held. Kyverno: validateDeny, getDenyMessage.

import { type Conditions, checkConditions } from "../condition/conditions.ts";
import { failureOf } from "../failure.ts";
import type { Check } from "../policy/rule.ts";
import { type RuleResult, ruleError, ruleResult } from "../result.ts";
import type { RuleRun } from "../rulerun.ts";
import { compileDynamicTemplate } from "../template.ts";
import { passedText } from "./pattern.ts";

export function checkDeny(run: RuleRun, { message }: Check, conditions: Conditions | null): RuleResult {
  const { id, scope } = run;
  try {
    const found = checkConditions(conditions, scope);
    if (!found.met) return ruleResult(id, "pass", passedText(id.name));
    return ruleResult(id, "fail", denyText(run, message, found.message));
  } catch (error) {
    return ruleError(id, "failed to check deny conditions", failureOf(error).message);
  }
}

function denyText({ id, scope }: RuleRun, message: string, fromConditions: string): string {
  const text = [message, fromConditions].filter((part) => part !== "").join("; ");
  if (text === "") return `validation error: rule ${id.name} failed`;
  try {
    const value = compileDynamicTemplate(text).evaluate(scope);
    return typeof value === "string"
      ? value
      : "the produced message didn't resolve to a string, check your policy definition.";
  } catch (error) {
    failureOf(error);
    return fromConditions;
  }
}
