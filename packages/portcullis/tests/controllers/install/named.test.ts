// Which kinds a policy names before anybody has compiled it.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiResource } from "../../../src/cluster/api.ts";
import { namedKindsOf } from "../../../src/controllers/install/named.ts";

test("constraints by their match, Kyverno's rules by their kinds; what matches anything names nothing", () => {
  const constraint = (kinds: unknown): unknown => ({
    apiVersion: "constraints.gatekeeper.sh/v1beta1",
    kind: "K",
    spec: { match: { kinds } },
  });
  assert.deepEqual(namedKindsOf(constraint([{ apiGroups: ["", "apps"], kinds: ["Secret", "*"] }]), []), [
    "/Secret",
    "apps/Secret",
  ]);
  assert.deepEqual(namedKindsOf(constraint(undefined), []), []);
  const policy = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    spec: {
      rules: [
        { match: { any: [{ resources: { kinds: ["Secret", "apps/v1/Deployment/scale", "*"] } }] } },
        { match: { resources: { kinds: ["v1/ConfigMap", "batch/*/Job", "*/*", "Po?"] } } },
      ],
    },
  };
  assert.deepEqual(namedKindsOf(policy, []), ["*/ConfigMap", "*/Secret", "apps/Deployment", "batch/Job"]);
  assert.deepEqual(namedKindsOf({ apiVersion: "v1", kind: "Pod" }, []), []);
});

test("rules that only mutate or only answer requests need to list nothing", () => {
  const match = { resources: { kinds: ["Widget"] } };
  const policy = (background: boolean, rule: object): unknown => ({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    spec: { background, rules: [{ match, ...rule }] },
  });
  assert.deepEqual(namedKindsOf(policy(true, { validate: {} }), []), ["*/Widget"]);
  assert.deepEqual(namedKindsOf(policy(false, { validate: {} }), []), []);
  assert.deepEqual(namedKindsOf(policy(true, { mutate: {} }), []), []);
});

test("what API calls read is named by their paths", () => {
  const resources = [resource("", "v1", "configmaps", "ConfigMap"), resource("example.com", "v1", "widgets", "Widget")];
  const calling = (urlPath: string): unknown => ({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    spec: { rules: [{ match: {}, context: [{ name: "x", apiCall: { urlPath } }], validate: {} }] },
  });
  const named = (path: string): readonly string[] => namedKindsOf(calling(path), resources);
  assert.deepEqual(named("/apis/example.com/v1/namespaces/{{ a/b }}/widgets/{{name}}"), ["example.com/Widget"]);
  assert.deepEqual(named("/apis/example.com/v1/widgets?limit=1"), ["example.com/Widget"]);
  assert.deepEqual(named("/api/v1/configmaps"), ["/ConfigMap"]);
  assert.deepEqual(named("/healthz"), []);
  const entry = { apiVersion: "kyverno.io/v2beta1", kind: "GlobalContextEntry" };
  const spec = { apiCall: { urlPath: "/apis/example.com/v1/widgets" } };
  assert.deepEqual(namedKindsOf({ ...entry, spec }, resources), ["example.com/Widget"]);
  const kubernetesResource = { group: "example.com", version: "v1", resource: "widgets" };
  assert.deepEqual(namedKindsOf({ ...entry, spec: { kubernetesResource } }, resources), ["example.com/Widget"]);
});

test("what is synchronised is named by Config, SyncSet, and templates in annotation and Rego", () => {
  const gvk = { group: "example.com", version: "v1", kind: "Widget" };
  const syncSet = { apiVersion: "syncset.gatekeeper.sh/v1alpha1", kind: "SyncSet", spec: { gvks: [gvk] } };
  assert.deepEqual(namedKindsOf(syncSet, []), ["example.com/Widget"]);
  const config = { apiVersion: "config.gatekeeper.sh/v1alpha1", kind: "Config", spec: { sync: { syncOnly: [gvk] } } };
  assert.deepEqual(namedKindsOf(config, []), ["example.com/Widget"]);
  const template = (target: object, annotations = {}): unknown => ({
    apiVersion: "templates.gatekeeper.sh/v1",
    kind: "ConstraintTemplate",
    metadata: { annotations },
    spec: { targets: [target] },
  });
  const rego = `package a
    violation[{"msg": "a"}] {
      # data.inventory.cluster["v1"].Comment
      x := data.inventory.namespace[ns]["example.com/v1"].Widget[name]
      y := data["inventory"].cluster["v1"]["Node"]
      z := data.inventory.cluster.v1.Namespace[_]
      u := data.inventory.namespace[ns][version].Gadget[_]
      all := data.inventory
      all.cluster["v1"].PersistentVolume[_]
    }`;
  const kinds = ["*/Gadget", "/Namespace", "/Node", "/PersistentVolume", "example.com/Widget"];
  assert.deepEqual(namedKindsOf(template({ rego }), []), kinds);
  const source = { rego: "package b", libs: [rego] };
  assert.deepEqual(namedKindsOf(template({ code: [{ engine: "Rego", source }] }), []), kinds);
  assert.deepEqual(namedKindsOf(template({ rego: "package a\n violation[" }), []), []);
  const required = [[{ groups: ["example.com"], versions: ["v1"], kinds: ["Widget"] }]];
  const annotations = { "metadata.gatekeeper.sh/requires-sync-data": JSON.stringify(required) };
  assert.deepEqual(namedKindsOf(template({}, annotations), []), ["example.com/Widget"]);
});

function resource(group: string, version: string, plural: string, kind: string): ApiResource {
  const gvk = { group, version, kind };
  return {
    gvk,
    gvr: { group, version, resource: plural },
    namespaced: true,
    verbs: ["list"],
    subresources: [],
    preferred: true,
    shortNames: [],
    categories: [],
  };
}
