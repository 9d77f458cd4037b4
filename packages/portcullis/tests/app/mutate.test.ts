// The path of mutation: what Gatekeeper's mutating webhook answers, and that its patch makes the mutated object.

import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinCatalog } from "@portcullis/kube";
import { reviewOf } from "../../src/app/ask.ts";
import { assembleEvaluator } from "../../src/app/assemble.ts";
import { clockMs } from "../../src/app/clock.ts";
import { mutateEndpoint } from "../../src/server/endpoints.ts";
import { evaluatorSettings } from "../../src/app/config.ts";
import { alwaysPull } from "./asker.ts";

const mutators = `${alwaysPull}---
apiVersion: mutations.gatekeeper.sh/v1
kind: AssignMetadata
metadata: {name: team}
spec:
  match: {kinds: [{apiGroups: [""], kinds: ["Pod", "Service"]}]}
  location: metadata.labels.team
  parameters: {assign: {value: shop}}
---
apiVersion: mutations.gatekeeper.sh/v1
kind: Assign
metadata: {name: broken}
spec:
  applyTo: [{groups: [""], versions: ["v1"], kinds: ["ConfigMap"]}]
  location: "data.x.y"
  parameters: {assign: {value: z}}
`;

interface Response {
  readonly allowed: boolean;
  readonly status: { readonly code: number; readonly message?: string };
  readonly patch?: string;
  readonly patchType?: string;
}

const evaluator = assembleEvaluator(evaluatorSettings());
const { problems } = evaluator.prepare({
  version: 1,
  changed: [{ file: "mutators.yaml", role: "policies", text: mutators, lastGood: null }],
  removed: [],
});

function answer(object: unknown, changes: Readonly<Record<string, unknown>> = {}): Response {
  const review = JSON.parse(reviewOf(object, builtinCatalog())) as { request: Record<string, unknown> };
  Object.assign(review.request, changes);
  const body = JSON.stringify(review);
  const result = evaluator.answer({
    version: 1,
    body,
    deadlineMs: clockMs() + 5000,
    lane: "fast",
    endpoint: mutateEndpoint,
  });
  assert.equal(result.kind, "reply");
  return (JSON.parse(result.kind === "reply" ? result.reply.body : "") as { response: Response }).response;
}

function patchOf({ patch = "" }: Response): unknown {
  return JSON.parse(Buffer.from(patch, "base64").toString());
}

const pod = (container: object = {}, labels?: object) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default", labels },
  spec: { containers: [{ name: "web", image: "nginx", ...container }] },
});

test("a changed object is allowed with a JSON patch", () => {
  assert.deepEqual(problems, []);
  const response = answer(pod());
  assert.equal(response.allowed, true);
  assert.equal(response.status.code, 200);
  assert.equal(response.patchType, "JSONPatch");
  assert.deepEqual(patchOf(response), [
    { op: "add", path: "/metadata/labels", value: { team: "shop" } },
    { op: "add", path: "/spec/containers/0/imagePullPolicy", value: "Always" },
  ]);
});

test("what is as it should be has no patch", () => {
  const response = answer(pod({ imagePullPolicy: "Always" }, { team: "other" }));
  assert.deepEqual(response.status, { metadata: {}, message: "Resource was not mutated", code: 200 });
  assert.equal(response.patch, undefined);
});

test("an object that cannot be mutated is an error with the mutator's name", () => {
  const config = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "c", namespace: "default" },
    data: { x: "1" },
  };
  const { allowed, status } = answer(config);
  assert.equal(allowed, false);
  assert.equal(status.code, 500);
  const text =
    /^mutation [0-9a-f-]{36} for mutator Assign.mutations.gatekeeper.sh \/broken failed for  ConfigMap default c: mismatch between path entry \(type: object\) and received object \(type: string\). Path: y$/;
  assert.match(status.message ?? "", text);
});

const passed: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
  ["DELETE", { operation: "DELETE", oldObject: pod(), object: null }, "Mutating only on create or update"],
  ["CONNECT", { operation: "CONNECT" }, "Mutating only on create or update"],
  [
    "Gatekeeper's objects",
    { kind: { group: "config.gatekeeper.sh", version: "v1alpha1", kind: "Config" } },
    "Not mutating gatekeeper resources",
  ],
  [
    "Gatekeeper's administrator",
    { userInfo: { username: "system:serviceaccount:gatekeeper-system:gatekeeper-admin" } },
    "Gatekeeper does not self-manage",
  ],
];

for (const [name, changes, message] of passed) {
  test(`${name}: ${message}`, () => {
    assert.equal(answer(pod(), changes).status.message, message);
  });
}
