// What an API server should have asked us about, of webhook configurations and objects as they are stored.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ApiResource, ClusterObject } from "../../../src/cluster/api.ts";
import { lastWrite } from "../../../src/controllers/entries/note.ts";
import { askedDialects, scopeOf, wantingWebhooks } from "../../../src/controllers/entries/scope.ts";

function resource(group: string, name: string, kind: string, namespaced = true): ApiResource {
  return {
    gvr: { group, version: "v1", resource: name },
    gvk: { group, version: "v1", kind },
    namespaced,
    verbs: ["list", "watch"],
    subresources: [],
    preferred: true,
    shortNames: [],
    categories: [],
  };
}
const pods = resource("", "pods", "Pod");
const namespaces = resource("", "namespaces", "Namespace", false);

function written(at: string, more: Readonly<Record<string, unknown>> = {}, version = "v1"): ClusterObject {
  const managedFields = [{ manager: "kubectl", operation: "Update", apiVersion: version, time: at }];
  return { metadata: { name: "x", creationTimestamp: "2026-01-01T00:00:00Z", managedFields, ...more } };
}
const created = written("2026-01-01T00:00:00Z");
const updated = written("2026-01-02T00:00:00Z");

const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"], scope: "*" };

function configured(...webhooks: readonly object[]): ClusterObject {
  const metadata = { name: "portcullis", managedFields: [{ manager: "p", time: "2026-01-01T00:00:00Z" }] };
  return {
    metadata,
    webhooks: webhooks.map((webhook) => ({
      name: "validation.gatekeeper.sh",
      clientConfig: { url: "https://127.0.0.1/v1/admit/gatekeeper" },
      matchPolicy: "Exact",
      rules: [rule],
      ...webhook,
    })),
  };
}

function asked(configuration: ClusterObject, of: ApiResource, object: ClusterObject, labels = {}): readonly string[] {
  const scope = scopeOf(configuration, "enforcing");
  return askedDialects(scope, wantingWebhooks(scope, of, object), of.namespaced ? labels : null);
}

suite("a write is to be asked about", () => {
  test("by its resource, its operation and the version that it was sent in", () => {
    assert.deepEqual(asked(configured({}), pods, created), ["gatekeeper"]);
    assert.deepEqual(asked(configured({}), pods, updated), []);
    assert.deepEqual(asked(configured({ rules: [{ ...rule, operations: ["*"] }] }), pods, updated), ["gatekeeper"]);
    assert.deepEqual(asked(configured({}), resource("apps", "pods", "Pod"), created), []);
    const beta = written("2026-01-01T00:00:00Z", {}, "v1beta1");
    assert.deepEqual(asked(configured({}), pods, beta), []);
    assert.deepEqual(asked(configured({ matchPolicy: "Equivalent" }), pods, beta), ["gatekeeper"]);
    assert.deepEqual(asked(configured({ rules: [{ ...rule, scope: "Cluster" }] }), pods, created), []);
  });

  test("by the labels of its namespace, of a Namespace by its own, and by those of the object", () => {
    const selector = { matchExpressions: [{ key: "skip", operator: "DoesNotExist" }] };
    const byNamespace = configured({ namespaceSelector: selector, rules: [{ ...rule, resources: ["*"] }] });
    assert.deepEqual(asked(byNamespace, pods, created, {}), ["gatekeeper"]);
    assert.deepEqual(asked(byNamespace, pods, created, { skip: "yes" }), []);
    assert.deepEqual(asked(byNamespace, namespaces, written("2026-01-01T00:00:00Z", { labels: { skip: "yes" } })), []);
    assert.deepEqual(asked(byNamespace, namespaces, created), ["gatekeeper"]);
    const byObject = configured({ objectSelector: { matchLabels: { team: "a" } } });
    assert.deepEqual(asked(byObject, pods, created), []);
    assert.deepEqual(asked(byObject, pods, written("2026-01-01T00:00:00Z", { labels: { team: "a" } })), ["gatekeeper"]);
  });

  test("never in shadow, nor what no stored object can tell; that is said", () => {
    const shadow = { name: "shadow.validation.gatekeeper.sh", clientConfig: { service: { path: "/shadow/v1/admit" } } };
    const byUser = { name: "validate.kyverno.svc-fail", matchConditions: [{ name: "not-nodes", expression: "true" }] };
    const own = { matchConditions: [{ name: "portcullis-excluded-users", expression: "true" }] };
    const all = configured(shadow, byUser, own, { name: "validate-policy.kyverno.svc" });
    assert.deepEqual(asked(all, pods, created), ["gatekeeper"]);
    assert.deepEqual(scopeOf(all, "enforcing").untold, ["validate.kyverno.svc-fail"]);
    assert.deepEqual(
      scopeOf(all, "shadow").webhooks.map(({ name }) => name),
      ["shadow.validation.gatekeeper.sh"],
    );
  });

  test("only from five seconds after the configuration was written", () => {
    assert.equal(scopeOf(configured({}), "enforcing").sinceMs, Date.parse("2026-01-01T00:00:05Z"));
  });
});

test("the last write is the newest one that went to no subresource", () => {
  const managedFields = [
    { manager: "a", time: "2026-01-01T00:00:00Z", apiVersion: "v1" },
    { manager: "kubelet", time: "2026-01-03T00:00:00Z", apiVersion: "v1", subresource: "status" },
    { manager: "b", time: "2026-01-02T00:00:00Z", apiVersion: "v1beta1" },
  ];
  assert.deepEqual(lastWrite({ metadata: { managedFields } }), {
    at: "2026-01-02T00:00:00Z",
    apiVersion: "v1beta1",
    manager: "b",
  });
  assert.equal(lastWrite({ metadata: { creationTimestamp: "2026-01-01T00:00:00Z" } }).at, "2026-01-01T00:00:00Z");
});
