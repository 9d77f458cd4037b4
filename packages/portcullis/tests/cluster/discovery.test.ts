// Discovery in both of its forms gives the same; what cannot be read is named.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type ApiCall, ApiError } from "../../src/cluster/api.ts";
import { createDiscovery, kindOfResource } from "../../src/cluster/discovery.ts";

const deployment = { responseKind: { group: "apps", version: "v1", kind: "Deployment" }, scope: "Namespaced" };

function answering(answers: Readonly<Record<string, unknown>>): {
  readonly calls: string[];
  readonly call: (request: ApiCall) => Promise<unknown>;
} {
  const calls: string[] = [];
  return {
    calls,
    call: ({ path }) => {
      calls.push(path);
      const answer = answers[path];
      const error = new ApiError("service unavailable", { status: 503, reason: "ServiceUnavailable" });
      return answer === undefined ? Promise.reject(error) : Promise.resolve(answer);
    },
  };
}

const aggregated = {
  "/api": {
    kind: "APIGroupDiscoveryList",
    items: [
      {
        metadata: { name: "" },
        versions: [
          {
            version: "v1",
            resources: [
              {
                resource: "pods",
                responseKind: { version: "v1", kind: "Pod" },
                scope: "Namespaced",
                verbs: ["get", "list"],
                shortNames: ["po"],
                categories: ["all"],
                subresources: [{ subresource: "status" }, { subresource: "eviction" }],
              },
            ],
          },
        ],
      },
    ],
  },
  "/apis": {
    kind: "APIGroupDiscoveryList",
    items: [
      { metadata: { name: "metrics.k8s.io" }, versions: [{ version: "v1beta1", freshness: "Stale" }] },
      {
        metadata: { name: "apps" },
        versions: [
          { version: "v1", resources: [{ ...deployment, resource: "deployments", verbs: ["get"] }] },
          { version: "v1beta1", resources: [{ ...deployment, resource: "deployments", verbs: ["get"] }] },
        ],
      },
    ],
  },
};

const legacy = {
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/api/v1": {
    resources: [
      { name: "pods", kind: "Pod", namespaced: true, verbs: ["get", "list"], shortNames: ["po"], categories: ["all"] },
      { name: "pods/status", kind: "Pod", namespaced: true, verbs: ["get"] },
      { name: "pods/eviction", kind: "Eviction", namespaced: true, verbs: ["create"] },
    ],
  },
  "/apis": {
    kind: "APIGroupList",
    groups: [
      {
        name: "metrics.k8s.io",
        versions: [{ groupVersion: "metrics.k8s.io/v1beta1" }],
        preferredVersion: { groupVersion: "metrics.k8s.io/v1beta1" },
      },
      {
        name: "apps",
        versions: [{ groupVersion: "apps/v1beta1" }, { groupVersion: "apps/v1" }],
        preferredVersion: { groupVersion: "apps/v1" },
      },
    ],
  },
  "/apis/apps/v1": { resources: [{ name: "deployments", kind: "Deployment", namespaced: true, verbs: ["get"] }] },
  "/apis/apps/v1beta1": { resources: [{ name: "deployments", kind: "Deployment", namespaced: true, verbs: ["get"] }] },
};

for (const [form, answers] of Object.entries({ aggregated, legacy })) {
  test(`discovery: ${form}`, async () => {
    const { calls, call } = answering(answers);
    const discover = createDiscovery(call);
    const [first, second] = await Promise.all([discover(), discover()]);
    assert.equal(first, second);
    assert.deepEqual(first.failed, ["metrics.k8s.io/v1beta1"]);
    assert.deepEqual(
      first.resources.map(({ gvr, gvk, preferred }) => [gvr.group, gvr.version, gvr.resource, gvk.kind, preferred]),
      [
        ["", "v1", "pods", "Pod", true],
        ["apps", "v1", "deployments", "Deployment", true],
        ["apps", "v1beta1", "deployments", "Deployment", false],
      ],
    );
    const { namespaced, verbs, subresources, shortNames, categories } = first.resources[0] ?? {};
    assert.deepEqual(
      { namespaced, verbs, subresources, shortNames, categories },
      {
        namespaced: true,
        verbs: ["get", "list"],
        subresources: ["status", "eviction"],
        shortNames: ["po"],
        categories: ["all"],
      },
    );
    const once = calls.length;
    assert.equal(await kindOfResource(discover, { group: "x", version: "v1", resource: "y" }), null);
    assert.equal(calls.length, 2 * once);
  });
}

test("discovery: a failure is not remembered", async () => {
  const answers: Record<string, unknown> = {};
  const discover = createDiscovery(answering(answers).call);
  await assert.rejects(discover(), ApiError);
  Object.assign(answers, aggregated);
  assert.equal((await discover()).resources.length, 3);
});
