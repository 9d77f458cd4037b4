// What is told of a request's answer beyond metrics: Kyverno's failures, successes where the ConfigMap wishes for them, and
// results that no scan finds again.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json, KyvernoDetails, Outcome } from "@portcullis/policy";
import { foundRecord } from "../../src/app/found.ts";
import type { Recorded } from "../../src/app/recorded.ts";
import { successActions } from "../../src/app/served.ts";

type Served = Recorded["served"];

const settings = (data: object): Json => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "kyverno", namespace: "kyverno" },
  data,
});

function policy(name: string, more: object = {}): Json {
  return {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name, uid: `uid-${name}`, annotations: { "policies.kyverno.io/category": "Best", other: "x" } },
    ...more,
  };
}

function outcome(name: string, type: KyvernoDetails["type"], more: Partial<Outcome> = {}): Outcome {
  const details = { type, enforces: false, exceptions: [] };
  return {
    policy: { dialect: "kyverno", kind: "ClusterPolicy", namespace: "", name },
    rule: "r",
    result: "pass",
    actions: [],
    actionName: "Audit",
    message: "said",
    details,
    properties: {},
    effects: [],
    ...more,
  };
}

interface Told {
  readonly data?: object;
  readonly outcomes: readonly Outcome[];
  readonly background?: boolean;
  readonly type?: string;
  readonly webhook?: Recorded["webhook"];
  readonly request?: object;
}

function found({ data = {}, outcomes, background = true, type = "validate", webhook, request = {} }: Told) {
  const set = { sources: [settings(data), policy("p")].map((object) => ({ object })) };
  const info = { kind: "ClusterPolicy", namespace: "-", name: "p", mode: "audit", type: "cluster", background };
  const served = {
    set,
    infos: new Map([["p", { ...info, rules: [{ name: "r", type }] }]]),
    successActions: successActions(set as unknown as Served["set"]),
  };
  const recorded = {
    served,
    request: {
      operation: "CREATE",
      kind: { group: "", version: "v1", kind: "Pod" },
      resource: { group: "", version: "v1", resource: "pods" },
      subResource: "",
      namespace: "shop",
      name: "web",
      object: { metadata: { name: "web", uid: "uid-web" } },
      dryRun: false,
      ...request,
    },
    decision: { outcomes },
    asked: ["kyverno"],
    webhook: webhook ?? "ValidatingWebhookConfiguration",
  } as unknown as Recorded;
  return foundRecord(recorded, {
    violations: false,
    mutations: false,
    kyverno: true,
    reports: true,
    stats: false,
  }).found;
}

const passes = [outcome("p", "Validation")];

test("successes are told where the ConfigMap wishes for them, of the actions that it names", () => {
  const applied = (data: object, more: Partial<Told> = {}): unknown =>
    found({ data, outcomes: passes, ...more })?.applied.map(({ mutates }) => mutates);
  const wished = { generateSuccessEvents: "true" };
  assert.equal(applied({}), undefined);
  assert.deepEqual(applied(wished), [false]);
  assert.deepEqual(applied({ ...wished, successEventActions: "Resource Passed" }), [false]);
  assert.equal(applied({ ...wished, successEventActions: "Resource Mutated" }), undefined);
  const failed = outcome("p", "Validation", { result: "fail" });
  assert.deepEqual(applied(wished, { outcomes: [...passes, failed] }), []);
  const mutation = { outcomes: [outcome("p", "Mutation")], type: "mutate" };
  assert.equal(applied(wished, mutation), undefined);
  assert.deepEqual(applied(wished, { ...mutation, webhook: "MutatingWebhookConfiguration" }), [true]);
});

test("what is not for the background is reported, and what was mutated", () => {
  const reported = (more: Partial<Told>): unknown =>
    found({ outcomes: passes, ...more })?.reported.map((rule) => [rule.policy.uid, rule.annotations]);
  assert.equal(reported({}), undefined);
  const one = [["uid-p", { "policies.kyverno.io/category": "Best" }]];
  assert.deepEqual(reported({ background: false }), one);
  assert.deepEqual(reported({ outcomes: [outcome("p", "Mutation")], webhook: "MutatingWebhookConfiguration" }), one);
  for (const request of [
    { operation: "DELETE" },
    { dryRun: true },
    { subResource: "status" },
    { kind: { group: "wgpolicyk8s.io", version: "v1alpha2", kind: "PolicyReport" } },
    { kind: { group: "", version: "v1", kind: "Event" } },
  ]) {
    assert.equal(reported({ background: false, request }), undefined, JSON.stringify(request));
  }
  const denied = outcome("p", "Validation", { result: "fail", actions: ["deny"] });
  assert.deepEqual(reported({ background: false, outcomes: [denied] }), []);
});
