// What is said of a policy when it is stored: Kyverno's warnings in its order, and what an update must not change.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answered } from "../../src/engine/outcome.ts";
import type { Json } from "../../src/engine/request.ts";
import { kyvernoAdmission } from "../../src/kyverno/admission.ts";
import { policyWarnings } from "../../src/kyverno/policy/warnings.ts";
import { admission, documents, policySet } from "./decide.ts";

function warningsOf(kinds: string, body: string): readonly string[] {
  const [policy] = documents(`
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p, annotations: {pod-policies.kyverno.io/autogen-controllers: none}}
spec: {rules: [{name: r, match: {any: [{resources: {kinds: [${kinds}]}}]}, ${body}}]}`);
  return policyWarnings(policy);
}

const replicas = "You are matching on replicas but not including the scale subresource in the policy.";
const status = "You are matching on status but not including the status subresource in the policy.";

test("whoever looks at replicas or status is told of their subresources", () => {
  assert.deepEqual(warningsOf("Deployment", "validate: {pattern: {spec: {replicas: '>1'}}}"), [replicas]);
  assert.deepEqual(warningsOf("Deployment, Deployment/scale", "validate: {pattern: {spec: {replicas: '>1'}}}"), []);
  assert.deepEqual(warningsOf("Node", "mutate: {patchStrategicMerge: {status: {a: b}}}"), [status]);
  assert.deepEqual(warningsOf("Node/status", "mutate: {patchStrategicMerge: {status: {a: b}}}"), []);
  const existing = "mutate: {targets: [{kind: Deployment/scale}], patchStrategicMerge: {spec: {replicas: 1}}}";
  assert.deepEqual(warningsOf("ConfigMap", existing), []);
  const deny =
    'validate: {deny: {conditions: {all: [{key: "{{request.object.spec.replicas}}", operator: Equals, value: 1}]}}}';
  assert.deepEqual(warningsOf("Deployment", deny), []);
});

test("old operators are warned of where Kyverno looks for them", () => {
  const conditions = "{any: [{key: a, operator: In, value: [a]}], all: [{key: a, operator: NotIn, value: [a]}]}";
  const old = (name: string, ...others: readonly string[]): string =>
    `Operator ${name} has been deprecated and will be removed soon. Use these instead: ["${others.join('" "')}"]`;
  const both = [old("In", "AllIn", "AnyIn"), old("NotIn", "AllNotIn", "AnyNotIn")];
  assert.deepEqual(warningsOf("Pod", `validate: {deny: {conditions: ${conditions}}}`), both);
  assert.deepEqual(warningsOf("Pod", `preconditions: ${conditions}, validate: {deny: {}}`), []);
});

test("a source that is named by a variable is warned of", () => {
  const generate =
    'generate: {apiVersion: v1, kind: Secret, name: a, namespace: b, clone: {name: a, namespace: "{{request.namespace}}"}}';
  assert.deepEqual(warningsOf("ConfigMap", generate), [
    "variables in spec.rules[0].clone/cloneList would lead to incorrect synchronization behavior",
  ]);
});

test("a kind that is only in a subresource cannot be scanned in the background", () => {
  const policy = (background: boolean): string => `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  background: ${background}
  rules: [{name: r, match: {any: [{resources: {kinds: [Scale]}}]}, validate: {failureAction: Audit, deny: {}}}]`;
  const [scanned, asked] = [documents(policy(true)), documents(policy(false))];
  const created = (object: Json): Answered | null =>
    kyvernoAdmission(admission(object, { operation: "CREATE" }), policySet([]));
  assert.match(created(scanned[0])?.message ?? "", /background scan enabled with subresource Scale/);
  assert.equal(created(asked[0])?.allowed, true);
});

// ── updates

const generates = (kinds: string, name: string, synchronize: boolean): string => `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  rules:
  - name: r
    match: {any: [{resources: {kinds: [${kinds}]}}]}
    generate: {synchronize: ${synchronize}, apiVersion: v1, kind: ConfigMap, name: ${name}, namespace: a, data: {}}`;

function update(from: string, to: string): Answered | null {
  const [[oldObject], [object]] = [documents(from), documents(to)];
  return kyvernoAdmission(admission(object, { operation: "UPDATE", oldObject }), policySet([]));
}

test("what a generate rule matches stays, once something keeps in step", () => {
  const refused = update(generates("Namespace", "x", true), generates("Secret", "x", true));
  assert.deepEqual(
    [refused?.allowed, refused?.message],
    [false, "changes of immutable fields of a rule spec in a generate rule is disallowed"],
  );
  assert.equal(update(generates("Namespace", "x", false), generates("Secret", "x", false))?.allowed, true);
  assert.equal(update(generates("Namespace", "x", true), generates("Namespace", "x", false))?.allowed, true);
});

test("another target is taken with a warning", () => {
  const answer = update(generates("Namespace", "x", true), generates("Namespace", "other", true));
  assert.equal(answer?.allowed, true);
  assert.equal(
    answer?.warnings[0],
    "no synchronization will be performed to the old target resource upon policy updates: changes in the generate rule pattern could result in stale targets",
  );
});

test("who asked may be in the rules that autogen computed before, which an update brings along", () => {
  const rule = (owner: string): string =>
    `{name: r, match: {any: [{resources: {kinds: [Pod]}}]}, validate: {pattern: {metadata: {labels: {owner: "${owner}"}}}}}`;
  const policy = (background: boolean, owner: string): string => `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec: {background: ${background}, rules: [${rule(owner)}]}
status: {autogen: {rules: [${rule("{{request.userInfo}}")}]}}`;
  assert.equal(update(policy(false, "{{request.userInfo}}"), policy(true, "me"))?.allowed, true);
  assert.match(
    update(policy(false, "me"), policy(true, "{{request.userInfo}}"))?.message ?? "",
    /variable \{\{request\.userInfo\}\} is not allowed/,
  );
});

test("a global context entry with a field that nobody knows is refused", () => {
  const [entry] = documents(
    "{apiVersion: kyverno.io/v2, kind: GlobalContextEntry, metadata: {name: e}, spec: {kubernetesResource: {version: v1, resource: pods}, refresh: 1m}}",
  );
  const answer = kyvernoAdmission(admission(entry), policySet([]));
  assert.deepEqual([answer?.allowed, answer?.message], [false, 'unknown field "spec.refresh"']);
});
