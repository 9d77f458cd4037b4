// What rules in CEL do where there is a cluster: parameters, the namespace, who may do what, exceptions, what is deleted. What
// they say off a cluster is compared with Kyverno's own answers: apply/cel.txt.

import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinCatalog, isObject, parseYaml, stringAt, valueAt } from "@portcullis/kube";
import { type Need, Source, formatDiagnostic } from "@portcullis/lang";
import { createEngine } from "../../src/engine/engine.ts";
import type { EvaluationRequest, Json } from "../../src/engine/request.ts";
import { kyvernoFrontend } from "../../src/kyverno/frontend.ts";
import { type Answers, admission, decide, documents, policySet } from "./decide.ts";

function policy(cel: string, { kind = "ClusterPolicy", more = "" } = {}): string {
  const metadata = kind === "Policy" ? "{name: p, namespace: shop}" : "{name: p}";
  return `
apiVersion: kyverno.io/v1
kind: ${kind}
metadata: ${metadata}
spec:
  background: false
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod]}}]}
    ${more}
    validate: {failureAction: Enforce, message: "no", cel: ${cel}}
`;
}

const [pod] = documents(
  "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, labels: {size: small}}, spec: {priority: 7, containers: [{name: c, image: i}]}}",
);

/** `result: message` of the rule, and what was asked for. */
function rows(
  text: string,
  answers: Answers = (need) => ({ error: `${need.key} is not there` }),
  request: Partial<EvaluationRequest> = {},
): { readonly rows: readonly string[]; readonly needs: readonly Need[] } {
  const needs: Need[] = [];
  const asked = admission(pod, request);
  const { outcomes } = decide(policySet(documents(text)), asked, (need) => {
    needs.push(need);
    return answers(need);
  });
  return { rows: outcomes.map(({ result, message }) => `${result}: ${message}`), needs };
}

const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { tier: "gold" } } };

/** Objects by the key of their need; lists by path. */
function cluster(objects: Readonly<Record<string, Json>>): Answers {
  return ({ key, call }) => {
    if (key === "v1/Namespace//shop") return { value: namespace };
    const found = objects[stringAt(call, "urlPath") || key];
    return found === undefined ? { error: `${key} is not there` } : { value: found };
  };
}

const passed = ["pass: Validation rule 'r' passed."];

test("numbers are what they are: whole ones are ints", () => {
  const cel = "{expressions: [{expression: 'object.spec.priority + 1 == 8'}]}";
  assert.deepEqual(rows(policy(cel), cluster({})).rows, passed);
});

test("the namespace is the cluster's", () => {
  const cel = "{expressions: [{expression: \"namespaceObject.metadata.labels.tier == 'gold'\"}]}";
  assert.deepEqual(rows(policy(cel), cluster({})).rows, passed);
  const lost = rows(policy(cel)).rows[0] ?? "";
  assert.match(lost, /^error: Error getting the resource's namespace: /);
});

const byName = `{
  paramKind: {apiVersion: v1, kind: ConfigMap},
  paramRef: {name: limits, parameterNotFoundAction: Deny},
  expressions: [{expression: "object.metadata.labels.size == params.data.size", messageExpression: "'not ' + params.data.size"}]}`;

test("a parameter is looked up by name, in the namespace of the object", () => {
  const objects = (size: string): Answers => cluster({ "v1/ConfigMap/shop/limits": { data: { size } } });
  assert.deepEqual(rows(policy(byName), objects("small")).rows, passed);
  assert.deepEqual(rows(policy(byName), objects("large")).rows, ["fail: not large"]);
  const lost = rows(policy(byName), cluster({})).rows[0] ?? "";
  assert.match(lost, /^error: error in parameterized resource: /);
});

const bySelector = `{
  paramKind: {apiVersion: v1, kind: ConfigMap},
  paramRef: {selector: {matchLabels: {use: limits}}, namespace: config, parameterNotFoundAction: Deny},
  expressions: [{expression: "object.metadata.labels.size != params.data.not", messageExpression: "params.kind + ' ' + params.metadata.name"}]}`;

test("a selector finds several parameters, and each counts", () => {
  const list = (...items: readonly [name: string, not: string, use: string][]): Answers =>
    cluster({
      "/api/v1/namespaces/config/configmaps": {
        items: items.map(([name, not, use]) => ({ metadata: { name, labels: { use } }, data: { not } })),
      },
    });
  assert.deepEqual(rows(policy(bySelector), list(["a", "x", "limits"], ["b", "small", "other"])).rows, passed);
  const found = rows(policy(bySelector), list(["a", "x", "limits"], ["b", "small", "limits"]));
  assert.deepEqual(found.rows, ["fail: ConfigMap b"]);
  const none = rows(policy(bySelector), list(["b", "small", "other"]));
  assert.deepEqual(none.rows, ["error: error in parameterized resource: no params found"]);
});

test("a policy of one namespace reads parameters only there", () => {
  const { rows: refused, needs } = rows(policy(bySelector, { kind: "Policy" }), cluster({}));
  const why = "paramRef refers to namespace config, which is different from the policy namespace shop";
  assert.deepEqual(refused, [`error: error in parameterized resource: ${why}`]);
  assert.deepEqual(
    needs.map(({ key }) => key),
    ["v1/Namespace//shop"],
  );
});

const mayDelete = `{expressions: [{expression: "authorizer.group('apps').resource('deployments').namespace('shop').check('delete').allowed()"}]}`;

test("the API server is asked who may do what, about what the expression names (K41)", () => {
  const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  const review = (allowed: boolean): Answers => cluster({ [path]: { status: { allowed } } });
  const { rows: allowed, needs } = rows(policy(mayDelete), review(true));
  assert.deepEqual(allowed, passed);
  assert.deepEqual(rows(policy(mayDelete), review(false)).rows, ["fail: no"]);
  const data = needs.map(({ call }) => valueAt(call, "data")).find(Array.isArray) as readonly Json[];
  const spec = data.map((entry) => (stringAt(entry, "key") === "spec" ? valueAt(entry, "value") : null)).find(isObject);
  const empty = { subresource: "", name: "" };
  const about = { verb: "delete", group: "apps", resource: "deployments", namespace: "shop", ...empty };
  assert.deepEqual(spec, { user: "jane", uid: "", groups: ["dev"], extra: {}, resourceAttributes: about });
});

test("where nobody can be asked, nothing is allowed", () => {
  assert.deepEqual(rows(policy(mayDelete), cluster({})).rows, ["fail: no"]);
});

test("an exception skips the rule", () => {
  const exception = `
---
apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: e, namespace: shop}
spec:
  exceptions: [{policyName: p, ruleNames: [r]}]
  match: {any: [{resources: {kinds: [Pod]}}]}
`;
  const text = policy("{expressions: [{expression: 'false'}]}") + exception;
  assert.deepEqual(rows(text, cluster({})).rows, ["skip: rule is skipped due to policy exceptionsshop/e"]);
});

test("what is deleted is the old object", () => {
  const cel = `{expressions: [{expression: "object == null && oldObject.metadata.name == request.name && request.operation == 'DELETE'"}]}`;
  const more = "exclude: {any: [{resources: {names: [nobody]}}]}";
  const request = { operation: "DELETE", object: null, oldObject: pod } as const;
  assert.deepEqual(rows(policy(cel, { more }), cluster({}), request).rows, passed);
});

test("an expression that does not compile is a warning with its place, and fails", () => {
  const text = policy(
    "{variables: [{name: v, expression: 'x'}], expressions: [{expression: 'true'}, {expression: '1'}]}",
  );
  const engine = createEngine({ frontends: [kyvernoFrontend()], catalog: builtinCatalog() });
  const [document] = parseYaml(new Source("p.yaml", text), { dialect: "go" }).value;
  const locate = (path: readonly (string | number)[]) => document?.positionOf(path) ?? null;
  const set = engine.policySet([{ object: document?.value, file: "p.yaml", locate }]);
  const warnings = [...set.status.values()].flat().map(formatDiagnostic);
  const lead = "cel-compile: rule r: the rule fails wherever it applies: ";
  assert.deepEqual(
    warnings.map((line) => line.split("\n")[0]),
    [
      `p.yaml:11:96: ${lead}compilation failed: ERROR: <input>:1:1: undeclared reference to 'x' (in container '')`,
      `p.yaml:11:152: ${lead}must evaluate to bool but got int`,
    ],
  );
  assert.deepEqual(rows(text, cluster({})).rows, ["fail: compilation error: must evaluate to bool but got int"]);
});

test("sorting what failed gives what it failed of (K43)", () => {
  const cel = "{expressions: [{expression: 'object.spec.containers.sortBy(c, string(c)) == []'}]}";
  const [row = ""] = rows(policy(cel), cluster({})).rows;
  assert.match(row, /resulted in error: no such overload: string\(map\)$/);
});

test("a ValidatingAdmissionPolicy that Kyverno made of the policy decides instead of it", () => {
  const text = `${policy("{expressions: [{expression: 'false'}]}")}status: {validatingadmissionpolicy: {generated: true}}\n`;
  assert.deepEqual(rows(text, cluster({})).rows, []);
});
