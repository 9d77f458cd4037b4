// Kyverno's ConfigMap: what it takes out of sight, how images are completed, and what of it cannot be used.

import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinCatalog, byCodePoints, parseYaml } from "@portcullis/kube";
import { Source, formatDiagnostic } from "@portcullis/lang";
import { createEngine } from "../../src/engine/engine.ts";
import type { EvaluationRequest, Json } from "../../src/engine/request.ts";
import { readConfiguration } from "../../src/kyverno/configuration.ts";
import { kyvernoFrontend } from "../../src/kyverno/frontend.ts";
import { admission, decide, documents, policySet } from "./decide.ts";

const denies = `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: denies}
spec:
  background: false
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod, "*/exec", Namespace, ConfigMap]}}]}
    validate: {failureAction: Enforce, message: "registry {{ images.containers.c.reference || 'none' }}", deny: {}}
`;

const configMap = (data: string, name = "kyverno", namespace = "kyverno"): string => `
---
apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, namespace: ${namespace}}
data:
${data}
`;

function pod(namespace: string, name = "p"): Json {
  return documents(
    `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: ${namespace}}, spec: {containers: [{name: c, image: nginx}]}}`,
  )[0];
}

function allows(data: string, request: EvaluationRequest): boolean {
  return decide(policySet(documents(denies + configMap(data))), request).allowed;
}

const jane = { username: "jane", uid: "", groups: ["dev"], extra: {}, roles: ["ns:editor"], clusterRoles: ["admin"] };

test("resource filters take objects out of the sight of all policies", () => {
  const filters = `  resourceFilters: "[Pod,kube-*,*][*,secret-ns,*][Pod/exec,b,*]"`;
  assert.equal(allows(filters, admission(pod("a"))), false);
  assert.equal(allows(filters, admission(pod("kube-system"))), true);
  assert.equal(allows(filters, admission(pod("secret-ns"))), true);
  // A Namespace is filtered as what is in it.
  const [namespace] = documents("{apiVersion: v1, kind: Namespace, metadata: {name: secret-ns}}");
  assert.equal(allows(filters, admission(namespace)), true);
  // The options of an exec have no name: the request has.
  const [exec] = documents("{apiVersion: v1, kind: PodExecOptions, command: [sh]}");
  const into = (where: string): EvaluationRequest =>
    admission(exec, {
      subResource: "exec",
      resource: { group: "", version: "v1", resource: "pods" },
      kind: { group: "", version: "v1", kind: "PodExecOptions" },
      operation: "CONNECT",
      namespace: where,
      name: "p",
    });
  assert.deepEqual([allows(filters, into("a")), allows(filters, into("b"))], [false, true]);
});

test("a scan looks at what filters take out, as Kyverno's reports controller does", () => {
  const filters = `  resourceFilters: "[Pod,*,*]"`;
  assert.equal(allows(filters, admission(pod("a"))), true);
  const set = policySet(
    documents(denies.replace("background: false", "background: true").replace(', "*/exec"', "") + configMap(filters)),
  );
  const scanned = decide(set, admission(pod("a"), { point: "audit", user: null }));
  assert.deepEqual(
    scanned.outcomes.map(({ result }) => result),
    ["fail"],
  );
});

test("requesters are excluded by name, group and role, and included again with an exclamation mark", () => {
  const ask = (data: string): boolean => allows(data, admission(pod("a"), { user: jane }));
  assert.equal(ask("  excludeUsernames: bob"), false);
  assert.equal(ask("  excludeUsernames: bob, jane"), true);
  assert.equal(ask("  excludeGroups: system:nodes,d*"), true);
  assert.equal(ask("  excludeRoles: ns:*"), true);
  assert.equal(ask("  excludeClusterRoles: admin"), true);
  assert.equal(ask(`  excludeClusterRoles: "*,!admin"`), false);
  assert.equal(ask(`  excludeUsernames: j*\n  excludeGroups: "! dev"`), false);
});

test("images are completed with the registry that is configured", () => {
  const message = (data: string): string =>
    decide(policySet(documents(denies + configMap(data))), admission(pod("a"))).message;
  assert.match(message("  generateSuccessEvents: 'true'"), /registry docker\.io\/nginx:latest/);
  assert.match(
    message("  defaultRegistry: registry.example/mirror"),
    /registry registry\.example\/mirror\/nginx:latest/,
  );
});

test("another ConfigMap says nothing, unless it was named", () => {
  const objects = documents(denies + configMap("  excludeUsernames: jane", "settings", "policy-system"));
  const frontend = kyvernoFrontend({ configMap: { namespace: "policy-system", name: "settings" } });
  const engine = createEngine({ frontends: [frontend], catalog: builtinCatalog() });
  const named = engine.policySet(objects.map((object) => ({ object, file: "f" })));
  assert.equal(decide(named, admission(pod("a"), { user: jane })).allowed, true);
  assert.throws(() => policySet(objects), /ConfigMap is no kind of policy/);
});

test("a set without its ConfigMap has the defaults again", () => {
  const set = policySet(documents(denies + configMap("  excludeUsernames: jane")));
  const without = set.with(
    [],
    [{ group: "", version: "v1", kind: "ConfigMap", namespace: "kyverno", name: "kyverno" }],
  );
  const request = admission(pod("a"), { user: jane });
  assert.deepEqual([decide(set, request).allowed, decide(without, request).allowed], [true, false]);
});

test("what webhooks and events are to look like is read too", () => {
  const [object] = documents(
    configMap(`  webhooks: '{"namespaceSelector": {"matchExpressions": [{"key": "k", "operator": "NotIn", "values": ["a"]}]}}'
  webhookAnnotations: '{"admissions.enforcer/disabled": "true"}'
  webhookLabels: '{"team": "a"}'
  matchConditions: '[{"name": "n", "expression": "true"}]'
  generateSuccessEvents: "true"
  successEventActions: "Resource Passed, Resource Mutated"
  updateRequestThreshold: "5"
  maxContextSize: 1500m`),
  );
  const { unit, diagnostics } = readConfiguration(object, { file: "f" });
  assert.deepEqual(diagnostics, []);
  assert.equal(unit.settings.maxContextSize, 2);
  assert.deepEqual(unit.cluster, {
    namespaceSelector: { matchExpressions: [{ key: "k", operator: "NotIn", values: ["a"] }] },
    objectSelector: null,
    webhookAnnotations: { "admissions.enforcer/disabled": "true" },
    webhookLabels: { team: "a" },
    matchConditions: [{ name: "n", expression: "true" }],
    generateSuccessEvents: true,
    successEventActions: ["Resource Passed", "Resource Mutated"],
    updateRequestThreshold: 5,
  });
});

test("what cannot be used has its default, and a warning at its place", () => {
  const text = configMap(`  resourceFilters: "[Pod][Node,*,*,*][Pod,*,*]"
  defaultRegistry: localhost:5000
  enableDefaultRegistryMutation: "yes"
  webhooks: "{"
  webhookLabels: '{"a": 1}'
  maxContextSize: a lot
  updateRequestThreshold: many`).replace("---\n", "");
  const [document] = parseYaml(new Source("settings.yaml", text), { dialect: "go" }).value;
  assert.ok(document !== undefined);
  const { unit, diagnostics } = readConfiguration(document.value, {
    file: "settings.yaml",
    locate: (path) => document.positionOf(path),
  });
  assert.equal(unit.settings.defaultRegistry, "docker.io");
  assert.equal(unit.settings.resourceFilters.length, 2);
  const lines = diagnostics.map((one) => formatDiagnostic(one).split("\n")[0] ?? "");
  assert.deepEqual(lines.toSorted(byCodePoints), [
    "settings.yaml:10:19: kyverno-configuration: webhookLabels does not have the shape that is expected: it has its default",
    "settings.yaml:11:19: kyverno-configuration: maxContextSize is not a valid quantity (use formats like 100Mi, 2Gi, or plain bytes): it has its default",
    "settings.yaml:12:27: kyverno-configuration: updateRequestThreshold is not a number: it has its default",
    "settings.yaml:6:21: kyverno-configuration: resourceFilters has [Node,*,*,*], which filters nothing: expected [kind,namespace,name]",
    "settings.yaml:6:21: kyverno-configuration: resourceFilters has [Pod], which filters nothing: expected [kind,namespace,name]",
    "settings.yaml:7:20: kyverno-configuration: defaultRegistry is not a valid DNS hostname: it has its default",
    "settings.yaml:8:35: kyverno-configuration: enableDefaultRegistryMutation is not a boolean: it has its default",
    "settings.yaml:9:14: kyverno-configuration: webhooks is not JSON and has its default: Expected property name or '}' in JSON at position 1 (line 1 column 2)",
  ]);
});
