// What tests see of generate rules: objects where everything that the policy's rules copy is there, and nothing otherwise.
// Answers of `kyverno test` 1.19.1.

import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinCatalog } from "@portcullis/kube";
import { Budget } from "@portcullis/lang";
import { evaluateCliPolicy, readCliPolicy } from "../../../src/kyverno/testfile/engine.ts";
import { readTests, runTestCase } from "../../../src/kyverno/testfile/testcase.ts";
import { worldOf } from "../decide.ts";

const namespace = "{{request.object.metadata.name}}";

const texts: Readonly<Record<string, string>> = {
  "p.yaml": `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: gen}
spec:
  rules:
  - name: data
    match: {any: [{resources: {kinds: [Namespace]}}]}
    generate: {apiVersion: v1, kind: ConfigMap, name: made, namespace: "${namespace}", data: {data: {a: b}}}
  - name: clone
    match: {any: [{resources: {kinds: [Namespace]}}]}
    generate: {apiVersion: v1, kind: Secret, name: copy, namespace: "${namespace}", clone: {namespace: default, name: src}}
  - name: clone-too
    match: {any: [{resources: {kinds: [Namespace]}}]}
    generate: {apiVersion: v1, kind: Secret, name: other, namespace: "${namespace}", clone: {namespace: default, name: src}}
`,
  "r.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n",
  "src.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: src, namespace: default}\ndata: {k: dg==}\n",
};

/** The objects of the rows of a test, as they are shown. */
function shown(...results: readonly string[]): readonly string[] {
  const head =
    "apiVersion: cli.kyverno.io/v1alpha1\nkind: Test\nmetadata: {name: t}\npolicies: [p.yaml]\nresources: [r.yaml]\n";
  const rows = results.map((one) => `- {policy: gen, resources: [team], kind: Namespace, result: pass, ${one}}\n`);
  const all: Readonly<Record<string, string>> = { ...texts, "t.yaml": `${head}results:\n${rows.join("")}` };
  const readFile = (path: string): { readonly text: string } | { readonly error: string } => {
    const text = all[path];
    return text === undefined ? { error: `open ${path}: no such file or directory` } : { text };
  };
  const [found] = readTests("t.yaml", { readFile, list: () => null });
  assert.ok(found !== undefined);
  const outcome = runTestCase(found, {
    files: { readFile, list: () => null },
    read: readCliPolicy,
    evaluate: evaluateCliPolicy,
    evaluation: () => () => ({
      world: worldOf(),
      budget: new Budget({}, () => 0),
      catalog: builtinCatalog(),
      shared: new Map(),
    }),
    print: () => {},
    warningsAsErrors: false,
  });
  return outcome.rows.map(({ rule, resource }) => `${rule} ${resource}`);
}

const source = "cloneSourceResource: src.yaml";
const trigger = "v1/Namespace//team";

test("no rule of a policy makes anything where one has nothing to copy", () => {
  assert.deepEqual(shown("rule: data"), [`data ${trigger}`]);
  assert.deepEqual(shown("rule: clone"), [`clone ${trigger}`]);
});

test("what one result names is there for all rules of the policy", () => {
  assert.deepEqual(shown("rule: data", `rule: clone, ${source}`), ["data /made", "clone /copy"]);
});

test("the first result about a rule says what it copies; one about a rule that copies nothing, or about all, says nothing", () => {
  assert.deepEqual(shown("rule: clone", `rule: clone, ${source}`), [`clone ${trigger}`, `clone ${trigger}`]);
  assert.deepEqual(shown(`rule: data, ${source}`), [`data ${trigger}`]);
  assert.deepEqual(shown(source), [`data ${trigger}`, `clone ${trigger}`, `clone-too ${trigger}`]);
});

test("K32: two rules copy from one file, where Kyverno panics", () => {
  const [first, second] = shown(`rule: clone, ${source}`, `rule: clone-too, ${source}`);
  assert.deepEqual([first, second], ["clone /copy", "clone-too /other"]);
});
