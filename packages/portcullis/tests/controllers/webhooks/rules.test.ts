import assert from "node:assert/strict";
import { test } from "node:test";
import type { AdmissionRule, Operation } from "@portcullis/policy";
import type { ApiResource } from "../../../src/cluster/api.ts";
import { webhookRules } from "../../../src/controllers/webhooks/rules.ts";

const writes: readonly Operation[] = ["CREATE", "UPDATE"];

function served(group: string, version: string, kind: string, more: Partial<ApiResource> = {}): ApiResource {
  const resource = `${kind.toLowerCase()}s`;
  return {
    gvr: { group, version, resource },
    gvk: { group, version, kind },
    namespaced: true,
    verbs: [],
    subresources: [],
    preferred: true,
    shortNames: [],
    categories: [],
    ...more,
  };
}

const resources = [
  served("", "v1", "Pod", { subresources: ["status", "exec", "ephemeralcontainers", "eviction"] }),
  served("", "v1", "Service", { subresources: ["status"] }),
  served("", "v1", "Namespace", { namespaced: false }),
  served("apps", "v1", "Deployment", { subresources: ["scale", "status"] }),
  served("apps", "v1", "StatefulSet", { subresources: ["scale", "status"] }),
  served("batch", "v1", "Job"),
  served("flip", "v1", "Thing"),
  served("flip", "v2", "Thing", { preferred: false }),
];

function asked(kind: string, more: Partial<AdmissionRule> = {}): AdmissionRule {
  return { group: "*", version: "*", kind, subresource: "", operations: writes, ...more };
}

/** `OPERATIONS groups versions resources scope`. */
function lines(...rules: readonly AdmissionRule[]): readonly string[] {
  return webhookRules(rules, resources).map(
    ({ operations, apiGroups, apiVersions, resources: names, scope }) =>
      `${operations.join(",")} ${apiGroups.map((group) => group || "core").join(",")} ${apiVersions.join(",")} ${names.join(",")} ${scope}`,
  );
}

test("kinds become resources, and what can be said in one rule stands in one", () => {
  assert.deepEqual(lines(asked("Pod"), asked("Service"), asked("Deployment"), asked("StatefulSet")), [
    "CREATE,UPDATE core * pods,services Namespaced",
    "CREATE,UPDATE apps * deployments,statefulsets Namespaced",
  ]);
  assert.deepEqual(lines(asked("Namespace")), ["CREATE,UPDATE core * namespaces *"]);
  assert.deepEqual(lines(asked("Stateful*")), ["CREATE,UPDATE apps * statefulsets Namespaced"]);
  assert.deepEqual(lines(asked("Unknown")), []);
});

test("operations of several policies are joined for each resource", () => {
  assert.deepEqual(lines(asked("Pod"), asked("Pod", { operations: ["DELETE"] }), asked("Job")), [
    "CREATE,UPDATE,DELETE core * pods Namespaced",
    "CREATE,UPDATE batch * jobs Namespaced",
  ]);
});

test("a version that is named is asked for alone", () => {
  assert.deepEqual(lines(asked("Thing", { group: "flip", version: "v2" })), [
    "CREATE,UPDATE flip v2 things Namespaced",
  ]);
});

test("a wildcard covers what it covers, and no more", () => {
  assert.deepEqual(lines(asked("*"), asked("Pod"), asked("Pod", { operations: ["DELETE"], subresource: "exec" })), [
    "DELETE core * pods/exec Namespaced",
    "CREATE,UPDATE * * * *",
  ]);
  assert.deepEqual(lines(asked("*", { subresource: "*" }), asked("Pod", { subresource: "exec" }), asked("*")), [
    "CREATE,UPDATE * * */* *",
  ]);
  assert.deepEqual(lines(asked("*", { group: "apps" }), asked("Deployment")), ["CREATE,UPDATE apps * * *"]);
});

test("subresources: those that are named, and with Gatekeeper all whose object is of the kind", () => {
  assert.deepEqual(lines(asked("Pod", { subresource: "exec", operations: ["CONNECT"] })), [
    "CONNECT core * pods/exec Namespaced",
  ]);
  assert.deepEqual(lines(asked("Deployment", { subresource: "*" })), ["CREATE,UPDATE apps * deployments/* Namespaced"]);
  assert.deepEqual(lines(asked("Pod", { subresource: null })), [
    "CREATE,UPDATE core * pods,pods/ephemeralcontainers,pods/resize Namespaced",
  ]);
  assert.deepEqual(lines(asked("Eviction", { subresource: null })), ["CREATE,UPDATE core * pods/eviction Namespaced"]);
  assert.deepEqual(lines(asked("Scale", { subresource: null })), [
    "CREATE,UPDATE apps * deployments/scale,statefulsets/scale Namespaced",
  ]);
  const [all = ""] = lines(asked("*", { subresource: null }));
  assert.match(all, /^CREATE,UPDATE \* \* \*,deployments\/scale,nodes\/proxy,pods\/attach,/);
});

test("the same policies give the same rules whatever their order", () => {
  const rules = [
    asked("Pod"),
    asked("Job", { operations: ["DELETE", "CREATE"] }),
    asked("Namespace"),
    asked("Service"),
  ];
  assert.deepEqual(lines(...rules), lines(...rules.toReversed()));
});
