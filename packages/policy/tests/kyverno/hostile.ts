// A policy that would run away, beside one that must not be hurt by it, with the budget that a server has for a request.

import assert from "node:assert/strict";
import { Budget } from "@portcullis/lang";
import type { Decision } from "../../src/engine/outcome.ts";
import type { EvaluationRequest, Json } from "../../src/engine/request.ts";
import { admission, documents, policySet, worldOf } from "./decide.ts";

/** One rule of a policy of its own. */
export function policy(name: string, rule: string): string {
  return `
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: ${name}, annotations: {pod-policies.kyverno.io/autogen-controllers: none}}
spec:
  validationFailureAction: Enforce
  background: false
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod]}}]}
    ${rule}
`;
}

const good = policy("good", 'validate: {message: m, pattern: {metadata: {name: "?*"}}}');

export function pod(annotations: Readonly<Record<string, string>>): Json {
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "a", namespace: "default", annotations }, spec: {} };
}

/** What a server allows a request: half of its time for one policy, and output that cannot fill the memory. */
const deadlineMsOfServers = 1500;
const outputBytes = 32 << 20;

/** What each policy answers, in time. */
export function answers(text: string, object: Json, deadlineMs = deadlineMsOfServers): ReadonlyMap<string, string> {
  const now = (): number => performance.now();
  const set = policySet(documents(good + text));
  const budget = new Budget({ deadlineMs: now() + deadlineMs, outputBytes }, now);
  const request: EvaluationRequest = admission(object);
  const decision = set.evaluate(request, worldOf(), budget) as Decision;
  assert.ok(now() < budget.deadlineMs, "the decision came after its deadline");
  return new Map(decision.outcomes.map((one) => [one.policy.name, `${one.result}: ${one.message}`]));
}

/** The bad policy's answer; the good one has to have its own. */
export function answerOf(text: string, object: Json = pod({}), deadlineMs = deadlineMsOfServers): string {
  const all = answers(text, object, deadlineMs);
  assert.equal(all.get("good"), "pass: validation rule 'r' passed.");
  return all.get("bad") ?? "";
}
