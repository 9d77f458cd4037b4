// Kyverno's answer to an admission request. A mutation that failed and must not be ignored ends the request with the
// policy's errors. Otherwise, if a rule denies, the message lists every rule that did not pass, of every policy that may
// deny, as YAML below the resource's name. Otherwise failures that do not deny become warnings.
// Kyverno: pkg/webhooks/utils/{block,warning}.go, pkg/webhooks/resource/mutation/mutation.go.
//
// Kyverno gives no code with a denial, which an API server reads as 400.

import type { Answered, Outcome } from "../engine/outcome.ts";
import type { EvaluationRequest } from "../engine/request.ts";
import { resourceText } from "./context/request.ts";
import type { KyvernoDetails } from "./evaluate.ts";
import { writeYaml } from "./goyaml.ts";

export function respond(outcomes: readonly Outcome[], request: EvaluationRequest): Answered {
  const denied = mutationDenial(outcomes) ?? validationDenial(outcomes, request);
  if (denied !== null) return { allowed: false, code: 400, reason: "", message: denied, warnings: [] };
  const warnings = outcomes.filter(({ actions }) => actions.includes("warn")).map(warningText);
  return { allowed: true, code: 200, reason: "", message: "", warnings };
}

function typeOf({ details }: Outcome): string {
  return (details as KyvernoDetails | null)?.type ?? "";
}

function isBad({ result }: Outcome): boolean {
  return result === "fail" || result === "error";
}

function mutationDenial(outcomes: readonly Outcome[]): string | null {
  const first = outcomes.find((one) => typeOf(one) === "Mutation" && one.actions.includes("deny"));
  if (first === undefined) return null;
  const { name, namespace } = first.policy;
  const rules = outcomes
    .filter((one) => typeOf(one) === "Mutation" && isBad(one))
    .filter(({ policy }) => policy.name === name && policy.namespace === namespace)
    .map(({ rule, message }) => `${rule}: ${message}`);
  return `mutation policy ${name} error: failed to apply policy ${name} rules [${rules.join(" ")}]`;
}

function validationDenial(outcomes: readonly Outcome[], request: EvaluationRequest): string | null {
  if (!outcomes.some(({ actions }) => actions.includes("deny"))) return null;
  const policies = new Map<string, Map<string, string>>();
  for (const { policy, rule, message, result, details } of outcomes) {
    // The engine itself reports a policy that broke down, without details.
    const enforces = (details as KyvernoDetails | null)?.enforces ?? true;
    if (!enforces || result === "pass" || result === "skip") continue;
    const rules = policies.get(policy.name);
    if (rules === undefined) policies.set(policy.name, new Map([[rule, message]]));
    else rules.set(rule, message);
  }
  const object = request.operation === "DELETE" ? request.oldObject : (request.object ?? request.oldObject);
  const name = resourceText(object);
  return `\n\nresource ${name} was blocked due to the following policies \n\n${writeYaml(policies)}`;
}

function warningText({ policy, rule, message }: Outcome): string {
  return `policy ${policy.name}.${rule}: ${message}`;
}
