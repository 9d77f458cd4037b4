// What a policy may use on the command line: more than in a cluster, where a ConfigMap bounds the context, but not without
// an end.

import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinCatalog, gvkOf } from "@portcullis/kube";
import { Budget } from "@portcullis/lang";
import type { Json } from "../../../src/engine/request.ts";
import { evaluateCliPolicy, readCliPolicy } from "../../../src/kyverno/testfile/engine.ts";
import { documents, policySet, admission, worldOf } from "../decide.ts";

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

function onCommandLine(text: string): readonly string[] {
  const [tree] = documents(text);
  const { policy: read } = readCliPolicy(tree, { file: "p.yaml" });
  assert.ok(read !== null);
  const input = {
    operation: "CREATE" as const,
    object,
    oldObject: null,
    kind: gvkOf(object),
    subresource: "",
    namespaceLabels: {},
    user: null,
    values: {},
    ruleValues: () => ({}),
    exceptions: [],
    available: new Set<never>(),
  };
  const evaluation = {
    world: worldOf(),
    budget: new Budget({}, () => 0),
    catalog: builtinCatalog(),
    shared: new Map(),
  };
  return evaluateCliPolicy(read, "validate", input, evaluation).rules.map(
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
