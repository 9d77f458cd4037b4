// Config, SyncSet and Connection: what is refused of them, and what Config takes out of Gatekeeper's sight.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Need } from "@portcullis/lang";
import type { PolicySet } from "../../src/engine/policyset.ts";
import type { EvaluationRequest, Json } from "../../src/engine/request.ts";
import { request, unlimited, worldWith } from "../engine/world.ts";
import { constraint, policySet, template } from "./load.ts";

function config(spec: string, metadata = "{name: config, namespace: gatekeeper-system}"): string {
  return `---\napiVersion: config.gatekeeper.sh/v1alpha1\nkind: Config\nmetadata: ${metadata}\nspec: ${spec}\n`;
}

function found(text: string): Readonly<Record<string, readonly string[]>> {
  const { status } = policySet(text);
  return Object.fromEntries([...status].map(([key, one]) => [key, one.map(({ message }) => message)]));
}

test("Config must be named config; one in another namespace is not used, and says so", () => {
  assert.deepEqual(found(config("{}", "{name: other, namespace: gatekeeper-system}")), {
    "Config/gatekeeper-system/other": ["config resource must have name 'config'"],
  });
  assert.deepEqual(found(config("{}", "{name: config, namespace: web}")), {
    "Config/web/config": ["this Config is not used: Gatekeeper's is the one in namespace gatekeeper-system"],
  });
  assert.deepEqual(found(config("{}")), {});
});

test("what the schemas of Config, SyncSet and Connection do not allow is refused", () => {
  const text =
    config("{match: [{excludedNamespaces: [Kube]}]}") +
    "---\napiVersion: syncset.gatekeeper.sh/v1alpha1\nkind: SyncSet\nmetadata: {name: s}\nspec: {gvk: []}\n" +
    "---\napiVersion: connection.gatekeeper.sh/v1alpha1\nkind: Connection\nmetadata: {name: c}\nspec: {driver: smoke, config: {}}\n";
  assert.deepEqual(found(text), {
    "Config/gatekeeper-system/config": [
      "spec.match[0].excludedNamespaces[0]: Invalid value: \"Kube\": spec.match[0].excludedNamespaces[0] in body should match '^\\*?[-:a-z0-9]*\\*?$'",
    ],
    "SyncSet//s": ['unknown field "spec.gvk"'],
    "Connection//c": ["driver smoke is not supported"],
  });
});

const deny = `package deny
violation[{"msg": "no"}] { true }`;

const label = `---
apiVersion: mutations.gatekeeper.sh/v1
kind: AssignMetadata
metadata: {name: owner}
spec: {location: metadata.labels.owner, parameters: {assign: {value: us}}}
`;

const policies = template("Deny", deny) + constraint("Deny", "d") + label;

function pod(namespace: string): Json {
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace } };
}

interface Said {
  readonly denied: boolean;
  readonly mutated: boolean;
}

function said(set: PolicySet, changes: Partial<EvaluationRequest>): Said {
  const world = { ...worldWith(), ask: (needs: readonly Need[]) => needs.map(() => ({ value: {} })) };
  const decision = set.evaluate(request(changes), world, unlimited());
  assert.ok("allowed" in decision);
  return { denied: !decision.allowed, mutated: decision.patch.length > 0 };
}

const processes: readonly (readonly [process: string, wanted: Said, audited: boolean])[] = [
  ["webhook", { denied: false, mutated: true }, true],
  ["mutation-webhook", { denied: true, mutated: false }, true],
  ["audit", { denied: true, mutated: true }, false],
  ["sync", { denied: true, mutated: true }, true],
  ["*", { denied: false, mutated: false }, false],
];

for (const [process, wanted, audited] of processes) {
  test(`a namespace that is excluded from ${process}`, () => {
    const set = policySet(policies + config(`{match: [{excludedNamespaces: [kube-*], processes: ["${process}"]}]}`));
    const namespace = "kube-system";
    assert.deepEqual(said(set, { namespace, object: pod(namespace) }), wanted);
    assert.deepEqual(said(set, { namespace: "web", object: pod("web") }), { denied: true, mutated: true });
    const audit = said(set, { namespace, object: pod(namespace), point: "audit", operation: null });
    assert.equal(audit.denied, audited);
  });
}

test("a Namespace is excluded by its name; what is deleted by its old object", () => {
  const set = policySet(policies + config('{match: [{excludedNamespaces: [kube-*], processes: ["webhook"]}]}'));
  const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-public" } };
  const kind = { group: "", version: "v1", kind: "Namespace" };
  assert.equal(said(set, { kind, object, namespace: "", name: "kube-public" }).denied, false);
  const deleted = (namespace: string): Said =>
    said(set, { operation: "DELETE", namespace, object: null, oldObject: pod(namespace) });
  assert.equal(deleted("kube-system").denied, false);
  assert.equal(deleted("web").denied, true);
});

test("what is sent to a subresource is excluded by the namespace of the request", () => {
  const set = policySet(policies + config("{match: [{excludedNamespaces: [kube-*], processes: [webhook]}]}"));
  const object = { apiVersion: "v1", kind: "PodExecOptions", command: ["sh"] };
  const kind = { group: "", version: "v1", kind: "PodExecOptions" };
  const executed = (namespace: string): Said =>
    said(set, { operation: "CONNECT", kind, object, namespace, subResource: "exec" });
  assert.equal(executed("kube-system").denied, false);
  assert.equal(executed("web").denied, true);
});

test("what gator reads leaves nothing out", () => {
  const set = policySet(policies + config('{match: [{excludedNamespaces: ["*"], processes: ["*"]}]}'), "gator");
  assert.equal(said(set, { point: "cli", operation: null, object: pod("web") }).denied, true);
});
