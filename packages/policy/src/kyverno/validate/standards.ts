// A rule that holds Pods to the Pod Security Standards. Exceptions without controls of their own skip the rule; those with
// some only exempt them. A rule that enforces forgives what the old object violated as well.
// Kyverno: pkg/engine/handlers/validation/validate_pss.go.

import { plainAction } from "../policy/action.ts";
import { type RuleResult, ruleResult } from "../result.ts";
import type { RuleRun } from "../rulerun.ts";
import type { Subject } from "../subject.ts";
import { isUpdate } from "./check.ts";
import { existingViolation } from "./existing.ts";
import { type PodSecurityRule, checkPodSecurity, podSecurityProperties } from "./podsecurity/check.ts";

/** Null on DELETE. */
export function checkStandards(
  run: RuleRun,
  standards: PodSecurityRule,
  allowExistingViolations: boolean,
): RuleResult | null {
  const { rule, subject, policy } = run;
  const result = judge(run, standards, subject);
  if (result?.status !== "fail" || subject.operation !== "UPDATE") return result;
  const enforces = plainAction(rule.failureAction, policy.failureAction) === "Enforce";
  if (!enforces || !allowExistingViolations || !isUpdate(subject)) return result;
  return existingViolation(run, result, (old) => judge(run, standards, old));
}

function judge(run: RuleRun, rule: PodSecurityRule, { object, oldObject, operation }: Subject): RuleResult | null {
  const { id, exceptions, settings, scope } = run;
  if (operation === "DELETE") return null;
  const whole = exceptions.find(({ podSecurity }) => podSecurity.length === 0);
  if (whole !== undefined) {
    const text = `rule is skipped due to policy exception ${whole.key}`;
    return { ...ruleResult(id, "skip", text), exceptions: [whole.key] };
  }
  const { status, message, report } = checkPodSecurity({
    rule,
    ruleName: id.name,
    object: object ?? oldObject,
    exceptions,
    registry: settings,
    budget: scope.evaluation.budget,
  });
  const base = ruleResult(id, status, message);
  const applied = status === "skip" ? exceptions.map(({ key }) => key) : [];
  if (report === null) return { ...base, exceptions: applied };
  const properties = { ...base.properties, ...podSecurityProperties(report) };
  return { ...base, exceptions: applied, podSecurity: report, properties };
}
