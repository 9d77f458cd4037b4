// What policies ask of a cluster, answered from one in memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer, Need } from "@portcullis/lang";
import type { ClusterObject } from "../../../src/cluster/api.ts";
import { clusterNeeds } from "../../../src/controllers/policies/clusterneeds.ts";
import { createFakeCluster } from "../../cluster/fake.ts";

const { signal } = new AbortController();

function configMap(name: string, namespace = "default"): ClusterObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data: { a: name } };
}

function binding(kind: string, namespace: string | null, subject: object, roleRef: object): ClusterObject {
  const metadata = {
    name: `${kind}-${JSON.stringify(roleRef).length}-${namespace ?? ""}`,
    ...(namespace !== null && { namespace }),
  };
  return { apiVersion: "rbac.authorization.k8s.io/v1", kind, metadata, subjects: [subject], roleRef };
}

function asking(objects: readonly ClusterObject[]): (kind: string, call: unknown) => Promise<Answer | undefined> {
  const fake = createFakeCluster({ objects });
  const { fetchers } = clusterNeeds({
    client: fake.client,
    informers: fake.informers,
    onError: (error) => assert.fail(error),
    callService: null,
  });
  return async (kind, call) => {
    const need: Need = { kind, key: JSON.stringify(call), call };
    return (await fetchers[kind]?.([need], signal))?.[0];
  };
}

function valueOf(answer: Answer | undefined): unknown {
  assert.ok(answer !== undefined && "value" in answer, JSON.stringify(answer));
  return answer.value;
}

function errorOf(answer: Answer | undefined): string {
  assert.ok(answer !== undefined && "error" in answer, JSON.stringify(answer));
  return answer.error;
}

test("single objects, and the API server's words for one that is not there", async () => {
  const ask = asking([configMap("a")]);
  const call = { group: "", version: "v1", kind: "ConfigMap", namespace: "default", name: "a" };
  assert.deepEqual((valueOf(await ask("object", call)) as ClusterObject)["data"], { a: "a" });
  assert.match(errorOf(await ask("object", { ...call, name: "b" })), /configmaps "b" not found/);
  assert.match(
    errorOf(await ask("object", { ...call, kind: "Nothing" })),
    /no matches for kind "Nothing" in version "v1"/,
  );
});

test("API calls, but no path that climbs out of what it looks like", async () => {
  const ask = asking([configMap("a"), configMap("b")]);
  const call = (urlPath: string): unknown => ({ method: "GET", urlPath, service: null, data: [], policyNamespace: "" });
  const list = valueOf(await ask("kyverno.apiCall", call("/api/v1/namespaces/default/configmaps")));
  assert.equal(((list as ClusterObject)["items"] as readonly unknown[]).length, 2);
  for (const path of ["/api/v1/namespaces/mine/%2e%2e/other", "/api/v1/../../apis", "/api/v1%2fsecrets"]) {
    // oxlint-disable-next-line no-await-in-loop -- in order
    assert.match(errorOf(await ask("kyverno.apiCall", call(path))), /must not have encoded dots or slashes/);
  }
  const missing = await ask("kyverno.apiCall", call("/api/v1/namespaces/default/configmaps/c"));
  assert.match(
    errorOf(missing),
    /^failed to GET resource with raw url: \/api\/v1\/namespaces\/default\/configmaps\/c: /,
  );
});

test("the roles that are bound to who asks", async () => {
  const ann = { kind: "User", name: "ann" };
  const ask = asking([
    binding("RoleBinding", "default", ann, { kind: "Role", name: "reader" }),
    binding("RoleBinding", "default", ann, { kind: "ClusterRole", name: "view-all" }),
    binding("ClusterRoleBinding", null, { kind: "Group", name: "admins" }, { kind: "ClusterRole", name: "admin" }),
  ]);
  const roles = async (call: unknown): Promise<unknown> => valueOf(await ask("kyverno.roles", call));
  assert.deepEqual(await roles({ username: "ann", groups: ["admins"], namespace: "default" }), {
    roles: ["default:reader"],
    clusterRoles: ["admin", "view-all"],
  });
  assert.deepEqual(await roles({ username: "ann", groups: [], namespace: "other" }), {
    roles: ["default:reader"],
    clusterRoles: [],
  });
});

test("lists that are watched, and targets by wildcards and selectors", async () => {
  const ask = asking([configMap("a"), configMap("ab", "other"), configMap("b")]);
  const resource = { group: "", version: "v1", resource: "configmaps", namespace: "" };
  assert.equal((valueOf(await ask("kyverno.resources", resource)) as readonly unknown[]).length, 3);
  const target = {
    group: "*",
    version: "v1",
    kind: "ConfigMap",
    subresource: "",
    namespace: "",
    name: "a*",
    selector: null,
  };
  assert.equal((valueOf(await ask("kyverno.targets", target)) as readonly unknown[]).length, 2);
  const one = { ...target, namespace: "default", name: "b" };
  assert.equal((valueOf(await ask("kyverno.targets", one)) as readonly unknown[]).length, 1);
});
