// What a policy may use on the command line: more than in a cluster, where a ConfigMap bounds the context, but not without
// an end.

import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinCatalog, gvkOf, nameOf } from "@portcullis/kube";
import { Budget } from "@portcullis/lang";
import type { Evaluation, Json } from "../../../src/engine/request.ts";
import { evaluateCliPolicy, readCliPolicy } from "../../../src/kyverno/testfile/engine.ts";
import { runPolicies } from "../../../src/kyverno/testfile/run.ts";
import { readVariables } from "../../../src/kyverno/testfile/values.ts";
import { admission, documents, policySet, worldOf } from "../decide.ts";

const policy = (context: string): string => `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  validationFailureAction: Enforce
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod]}}]}
    context: [${context}]
    validate: {message: "{{ size }}", deny: {}}
`;

const object: Json = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "a", namespace: "default", annotations: { big: "x".repeat(800_000) } },
  spec: {},
};

const annotation = "request.object.metadata.annotations.big";
const threeTimes = `{name: big, variable: {jmesPath: "join('', [${[annotation, annotation, annotation].join(", ")}])"}}`;
const size = '{name: size, variable: {jmesPath: "to_string(length(big))"}}';

const newEvaluation = (): Evaluation => ({
  world: worldOf(),
  budget: new Budget({}, () => 0),
  catalog: builtinCatalog(),
  shared: new Map(),
});

interface Asked {
  readonly phase?: "validate" | "mutate";
  readonly operation?: "CREATE" | "UPDATE";
}

function onCommandLine(text: string, { phase = "validate", operation = "CREATE" }: Asked = {}): readonly string[] {
  const [tree] = documents(text);
  const { policy: read } = readCliPolicy(tree, { file: "p.yaml" });
  assert.ok(read !== null);
  const input = {
    operation,
    object,
    oldObject: operation === "UPDATE" ? object : null,
    kind: gvkOf(object),
    subresource: "",
    namespaceLabels: {},
    user: null,
    values: {},
    ruleValues: () => ({}),
    exceptions: [],
    available: new Set<never>(),
  };
  return evaluateCliPolicy(read, phase, input, newEvaluation()).rules.map(
    ({ status, message }) => `${status} ${message}`,
  );
}

test("a context of more than 2 MB is taken, because Kyverno's command line knows no bound", () => {
  assert.deepEqual(onCommandLine(policy(`${threeTimes}, ${size}`)), ["fail 2400000"]);
});

test("a policy that grows without end is named", () => {
  const more = "{{ big }}".repeat(40);
  assert.throws(() => onCommandLine(policy(`${threeTimes}, {name: size, variable: {value: "${more}"}}`)), {
    message: "policy p: the policy made too much output",
  });
});

test("in a cluster a bound of 0 is none", () => {
  const answers = (settings: { readonly maxContextSize?: number }): readonly string[] => {
    const set = policySet(documents(policy(`${threeTimes}, ${size}`)), { settings });
    const decision = set.evaluate(admission(object), worldOf(), new Budget({}, () => 0));
    assert.ok("outcomes" in decision);
    return decision.outcomes.map(({ message }) => message);
  };
  assert.deepEqual(answers({ maxContextSize: 0 }), ["2400000"]);
  // Kyverno says nothing where the message of a denial cannot be made.
  assert.deepEqual(answers({}), [""]);
});

test("a rule that validates nothing is refused as one that validates, once its default is filled in, where there is one", () => {
  const problem = (version: string): string => {
    const rules = [{ name: "r", match: { any: [{ resources: { kinds: ["Pod"] } }] }, validate: {} }];
    const tree = {
      apiVersion: `kyverno.io/${version}`,
      kind: "ClusterPolicy",
      metadata: { name: "p" },
      spec: { rules },
    };
    return readCliPolicy(tree, { file: "p.yaml" }).policy?.problem ?? "";
  };
  const missing = "path: spec.rules[0].validate..: one of pattern, anyPattern, deny, foreach, cel must be specified";
  assert.equal(problem("v1"), missing);
  assert.match(problem("v2beta1"), /: No operation defined in the rule 'r'/);
});

test("after a patch that failed, rules fail that match the old object, because tests name them", () => {
  const rule = (name: string, patch: string): string =>
    `{name: ${name}, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {${patch}}}`;
  const rules = [
    rule("a", 'patchesJson6902: "- {op: copy, from: /none, path: /a}"'),
    rule("b", "patchStrategicMerge: {metadata: {labels: {team: shop}}}"),
    rule("c", 'patchesJson6902: "- {op: add, path: /metadata/b, value: c}"'),
  ];
  const text = `apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: p}\nspec: {rules: [${rules.join(", ")}]}\n`;
  const copied =
    "error failed to patch resource: error in copy for from: '/none': unable to get nonexistent key: none: missing value";
  assert.deepEqual(onCommandLine(text, { phase: "mutate" }), [copied]);
  assert.deepEqual(onCommandLine(text, { phase: "mutate", operation: "UPDATE" }), [
    copied,
    `error failed to unmarshal patched resource: Object 'Kind' is missing in '{"metadata":{"labels":{"team":"shop"}}}'`,
    'error failed to patch resource: add operation does not apply: doc is missing path: "/metadata/b": missing value',
  ]);
});

test("responses name the object as it was given, whatever became of its name", () => {
  const [tree] = documents(`
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  rules:
  - {name: a, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchStrategicMerge: {metadata: {name: b}}}}
`);
  const { policy: read } = readCliPolicy(tree, { file: "p.yaml" });
  assert.ok(read !== null);
  const responses = runPolicies(object, {
    evaluate: evaluateCliPolicy,
    policies: [read, read],
    variables: readVariables({}),
    operation: "",
    user: null,
    exceptions: [],
    available: new Set<never>(),
    clusterLabels: null,
    evaluation: newEvaluation,
  });
  const names = responses.map((one) => [one.given, one.object, one.patched].map((shown) => nameOf(shown)));
  assert.deepEqual(names, [
    ["a", "a", "b"],
    ["a", "b", "b"],
  ]);
});

test("autogen makes a rule of patterns that are none for controllers, and of that none for CronJobs", () => {
  const rules = [{ name: "r", match: { any: [{ resources: { kinds: ["Pod"] } }] }, validate: { anyPattern: [] } }];
  const tree = { apiVersion: "kyverno.io/v1", kind: "ClusterPolicy", metadata: { name: "p" }, spec: { rules } };
  const read = readCliPolicy(tree, { file: "p.yaml" }).policy;
  assert.deepEqual(
    read?.rules.map(({ name }) => name),
    ["r", "autogen-r"],
  );
});
