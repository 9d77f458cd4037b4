// Which kinds are synchronised: named ones that some policy refers to, and those that policies refer to by name.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiResource, ClusterObject } from "../../../src/cluster/api.ts";
import { excludedFromSync, namedKinds, resourcesToSync } from "../../../src/controllers/policies/synckinds.ts";

const all = ["create", "delete", "get", "list", "patch", "update", "watch"];

function served(apiVersion: string, kind: string, preferred = true, verbs: readonly string[] = all): ApiResource {
  const [group = "", version = ""] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  return {
    gvr: { group, version, resource: `${kind.toLowerCase()}s` },
    gvk: { group, version, kind },
    namespaced: true,
    verbs,
    subresources: [],
    preferred,
    shortNames: [],
    categories: [],
  };
}

const resources = [
  served("v1", "Pod"),
  served("v1", "Service"),
  served("networking.k8s.io/v1", "Ingress"),
  served("networking.k8s.io/v1beta1", "Ingress", false),
  served("extensions/v1beta1", "Ingress"),
  served("v1", "Binding", true, ["create"]),
];

function chosen(reads: readonly string[], ...objects: readonly ClusterObject[]): readonly string[] {
  const found = resourcesToSync(resources, objects.flatMap(namedKinds), new Set(reads));
  return found.map(({ gvk: { group, version, kind } }) => `${group}/${version}/${kind}`);
}

const config: ClusterObject = {
  kind: "Config",
  spec: { sync: { syncOnly: [{ group: "", version: "v1", kind: "Pod" }] } },
};
const syncSet: ClusterObject = {
  kind: "SyncSet",
  spec: { gvks: [{ group: "networking.k8s.io", version: "v1beta1", kind: "Ingress" }] },
};

test("what policies refer to is synchronised in the version that is preferred, in every group that they may mean", () => {
  assert.deepEqual(chosen([]), []);
  assert.deepEqual(chosen(["networking.k8s.io/Ingress"]), ["networking.k8s.io/v1/Ingress"]);
  assert.deepEqual(chosen(["*/Ingress"]), ["networking.k8s.io/v1/Ingress", "extensions/v1beta1/Ingress"]);
  assert.deepEqual(chosen(["/Binding"]), []);
});

test("what is named is synchronised if a policy may look at it", () => {
  assert.deepEqual(chosen([], config, syncSet), []);
  assert.deepEqual(chosen(["/Service"], config), ["/v1/Service"]);
  assert.deepEqual(chosen(["*/*"], config, syncSet), ["/v1/Pod", "networking.k8s.io/v1beta1/Ingress"]);
  assert.deepEqual(chosen(["*/*"]), []);
});

test("the annotation of a template names kinds too; one that cannot be read names none", () => {
  const template = (annotation: string): ClusterObject => ({
    kind: "ConstraintTemplate",
    metadata: { annotations: { "metadata.gatekeeper.sh/requires-sync-data": annotation } },
  });
  const requirement = '"\n[[{"groups":["","networking.k8s.io"],"versions":["v1"],"kinds":["Service","Ingress"]}]]\n"';
  assert.deepEqual(chosen(["*/*"], template(requirement)), ["/v1/Service", "networking.k8s.io/v1/Ingress"]);
  assert.deepEqual(chosen(["*/*"], template("[[")), []);
});

test("a Config excludes namespaces from synchronising, by name and by wildcard", () => {
  const excluding = (processes: readonly string[], ...excludedNamespaces: readonly string[]): ClusterObject => ({
    kind: "Config",
    spec: { match: [{ processes, excludedNamespaces }] },
  });
  const isExcluded = excludedFromSync(excluding(["sync", "audit"], "kube-*", "*-system", "*mid*", "one"));
  const names = ["kube-public", "my-system", "amidst", "one", "two", "one-more", ""];
  assert.deepEqual(names.filter(isExcluded), ["kube-public", "my-system", "amidst", "one"]);
  assert.deepEqual(names.filter(excludedFromSync(excluding(["audit"], "*"))), []);
  assert.deepEqual(names.filter(excludedFromSync(excluding(["*"], "two"))), ["two"]);
  assert.deepEqual(names.filter(excludedFromSync(null)), []);
});
