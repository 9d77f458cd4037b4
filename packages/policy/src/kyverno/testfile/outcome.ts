// How results are counted and reported: a failure of a policy that is not scored is a warning, one of a policy that only
// audits is one where the caller wishes it, and a rule's report properties may replace its message.
// Kyverno: cmd/cli/kubectl-kyverno/processor/result.go, report/report.go, pkg/utils/report/results.go.

import { namespaceOf } from "@portcullis/kube";
import type { RuleResult, RuleStatus } from "../result.ts";
import type { CliPolicy } from "./port.ts";
import type { PolicyResponse } from "./run.ts";

export interface ResultCounts {
  pass: number;
  fail: number;
  warn: number;
  error: number;
  skip: number;
}

export function noResults(): ResultCounts {
  return { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 };
}

/** `policies.kyverno.io/scored: "false"` makes failures warnings. */
export function isScored({ annotations }: CliPolicy): boolean {
  return annotations["policies.kyverno.io/scored"] !== "false";
}

/** Adds what a response says. `auditWarn`: failures of policies that only audit are warnings. */
export function countResponse(counts: ResultCounts, response: PolicyResponse, auditWarn: boolean): void {
  const known = new Set(response.policy.rules.map(({ name }) => name));
  for (const rule of response.rules) if (known.has(rule.rule)) counts[countedAs(rule, response, auditWarn)] += 1;
}

function countedAs({ status }: RuleResult, response: PolicyResponse, auditWarn: boolean): RuleStatus {
  const isChecked = response.phase === "validate" || response.phase === "verifyImages";
  if (status !== "fail" || !isChecked) return status;
  return !isScored(response.policy) || (auditWarn && isAudited(response)) ? "warn" : "fail";
}

/** Whether the policy only audits objects such as this one. */
export function isAudited({ policy, object, namespaceLabels }: PolicyResponse): boolean {
  return policy.audits(namespaceOf(object), namespaceLabels);
}

export interface Reported {
  readonly result: RuleStatus;
  readonly message: string;
}

/** A rule's result and message as reports have them. */
export function reportedResult(response: PolicyResponse, rule: RuleResult, auditWarn: boolean): Reported {
  const { status, properties } = rule;
  const message = textOf(properties, "message") ?? textOf(properties, `${status}Message`) ?? rule.message;
  const isWarning = status === "fail" && (!isScored(response.policy) || (auditWarn && isAudited(response)));
  return { result: isWarning ? "warn" : status, message };
}

function textOf(properties: Readonly<Record<string, string>>, name: string): string | null {
  const text = Object.hasOwn(properties, name) ? properties[name] : undefined;
  return text === undefined || text === "" ? null : text;
}
