// Suites with mutators: a case says what an object becomes, which gator's suites cannot.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type SuiteResult, runSuite } from "../../../src/gatekeeper/gator/run.ts";
import { compileFilter, readSuite } from "../../../src/gatekeeper/gator/suite.ts";
import { constraint, gatorOptions, objectsIn, template } from "../load.ts";

const assign = (name: string, location: string, value: string): string => `apiVersion: mutations.gatekeeper.sh/v1
kind: Assign
metadata: {name: ${name}}
spec:
  applyTo: [{groups: [""], versions: [v1], kinds: [Pod], operations: [CREATE]}]
  location: "${location}"
  parameters: {assign: {value: ${value}}}
`;

const pod = (spec: string): string => `apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: ${spec}
`;

const files: Readonly<Record<string, string>> = {
  "pull.yaml": assign("pull", "spec.containers[name: *].imagePullPolicy", "Always"),
  "tty.yaml": assign("tty", "spec.containers[name: web].tty", "true"),
  "clash.yaml": assign("clash", "spec.containers.x", "1"),
  "broken.yaml": assign("broken", "spec..x", "1"),
  "template.yaml": template(
    "Always",
    'package always\nviolation[{"msg": "not Always"}] { input.review.object.spec.containers[_].imagePullPolicy != "Always" }',
  ).replace("---\n", ""),
  "constraint.yaml": constraint("Always", "always").replace("---\n", ""),
  "in.yaml": pod("{containers: [{name: web, imagePullPolicy: Never}]}"),
  "out.yaml": pod("{containers: [{name: web, imagePullPolicy: Always, tty: true}]}"),
  "less.yaml": pod("{containers: [{name: web, imagePullPolicy: Always}]}"),
};

function errorOf(tests: string): string | null {
  const text = `kind: Suite\napiVersion: test.gatekeeper.sh/v1alpha1\ntests:\n${tests}`;
  const suite = readSuite(objectsIn(text)[0]?.object);
  assert.ok(suite !== null && !("error" in suite));
  const filter = compileFilter("");
  assert.ok(!("error" in filter));
  const result: SuiteResult = runSuite(
    { file: "suite.yaml", shown: "suite.yaml", suite },
    {
      ...gatorOptions,
      readFile: (path) => {
        const found = files[path];
        return found === undefined ? { error: `open ${path}: no such file or directory` } : { text: found };
      },
      filter,
      nowMs: () => 0,
    },
  );
  const [first] = result.tests;
  return first?.error ?? first?.cases[0]?.error ?? null;
}

const mutating = (mutators: string, one: string): string =>
  `- {name: t, mutators: [${mutators}], cases: [{name: c, object: in.yaml, ${one}}]}`;

const results: readonly (readonly [string, string, string | null])[] = [
  ["as expected", mutating("pull.yaml, tty.yaml", "expected: out.yaml"), null],
  ["the order of files changes nothing", mutating("tty.yaml, pull.yaml", "expected: out.yaml"), null],
  [
    "something is missing",
    mutating("pull.yaml", "expected: out.yaml"),
    'mutated object is not as in "out.yaml": /spec/containers/0/tty is missing',
  ],
  [
    "something is there",
    mutating("pull.yaml, tty.yaml", "expected: less.yaml"),
    'mutated object is not as in "less.yaml": /spec/containers/0/tty is true',
  ],
  [
    "a mutator that is none",
    mutating("broken.yaml", "expected: out.yaml"),
    'Assign/broken: invalid location format `spec..x` for Assign broken: unexpected token: expected field name or eof, got: SEPARATOR: "."',
  ],
  [
    "mutators in conflict",
    mutating("pull.yaml, clash.yaml", "expected: out.yaml"),
    "Assign/clash: the following mutators have conflicting schemas: [Assign.mutations.gatekeeper.sh /clash,Assign.mutations.gatekeeper.sh /pull]",
  ],
  ["no mutator", mutating("in.yaml", "expected: out.yaml"), 'not a mutator: "in.yaml"'],
  [
    "expected without mutators",
    "- {name: t, template: template.yaml, constraint: constraint.yaml, cases: [{name: c, object: in.yaml, expected: out.yaml}]}",
    "invalid Case: expected needs mutators in the test",
  ],
  [
    "constraints see the mutated object",
    "- {name: t, mutators: [pull.yaml], template: template.yaml, constraint: constraint.yaml, cases: [{name: c, object: in.yaml, assertions: [{violations: 'no'}]}]}",
    null,
  ],
  [
    "without mutators they see the object",
    "- {name: t, template: template.yaml, constraint: constraint.yaml, cases: [{name: c, object: in.yaml, assertions: [{violations: 'yes', message: not Always}]}]}",
    null,
  ],
];

for (const [name, tests, error] of results) {
  test(name, () => {
    assert.equal(errorOf(tests), error);
  });
}
