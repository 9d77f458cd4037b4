// What Kyverno's command line loads as policies, and what it says of the rest.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readCliPolicy } from "../../../src/kyverno/testfile/engine.ts";
import { type LoadedPolicies, loadPolicies } from "../../../src/kyverno/testfile/load.ts";

function loaded(text: string): LoadedPolicies {
  const files = { readFile: () => ({ text }), list: () => null };
  return loadPolicies(["p.yaml"], files, readCliPolicy);
}

function documentOf(apiVersion: string, kind: string): string {
  return `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: p}\nspec: {rules: []}\n---\n`;
}

// The answers of Kyverno 1.19.1.
const unknown = [
  ["kyverno.io/v1", "ClusterPolcy", "kind ClusterPolcy not found in kyverno.io/v1 groupversion"],
  ["kyverno.io/v3", "ClusterPolicy", "failed to locate OpenAPI spec for GV: kyverno.io/v3"],
  ["kyverno.io/v2alpha1", "CleanupPolicy", "failed to locate OpenAPI spec for GV: kyverno.io/v2alpha1"],
  ["example.com/v1", "Foo", "failed to locate OpenAPI spec for GV: example.com/v1"],
  ["v1", "Poodle", "kind Poodle not found in v1 groupversion"],
  ["apps/v1", "Deploymnt", "kind Deploymnt not found in apps/v1 groupversion"],
  ["kyverno.io/v2", "GlobalContextEntry", "kind GlobalContextEntry not found in kyverno.io/v2 groupversion"],
] as const;

for (const [apiVersion, kind, reason] of unknown) {
  test(`load: a document of ${apiVersion} ${kind} is told and passed over, and the others of its file are loaded`, () => {
    const { errors, exceptions, policies } = loaded(
      documentOf(apiVersion, kind) + documentOf("kyverno.io/v2", "PolicyException"),
    );
    assert.deepEqual(
      errors.map(({ text, place }) => [text, place?.split(" ")[0]]),
      [[`failed to parse document (failed to retrieve validator: ${reason})`, "p.yaml:2:7:"]],
    );
    assert.deepEqual([exceptions.length, policies.length], [1, 0]);
  });
}

test("load: a document of a known kind that is no policy ends the load of its file", () => {
  assert.throws(() => loaded(documentOf("v1", "Pod")), /policy type not supported v1, Kind=Pod$/);
  assert.throws(
    () => loaded(documentOf("cli.kyverno.io/v1alpha1", "Values")),
    /policy type not supported cli\.kyverno/,
  );
});

test("load: a role whose name Kyverno takes for wrong is told and passed over", () => {
  const role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: 'kyverno:jobs'}\n---\n";
  const { errors, exceptions } = loaded(role + documentOf("kyverno.io/v2", "PolicyException"));
  assert.equal(
    errors[0]?.text.split(": a lower")[0],
    'failed to validate resource (ClusterRole.rbac.authorization.k8s.io "kyverno:jobs" is invalid: metadata.name: Invalid value: "kyverno:jobs"',
  );
  assert.equal(exceptions.length, 1);
});

// The answers of Kyverno 1.19.1.
const refused = [
  [
    "{name: y}",
    "failed to parse document (json: cannot unmarshal bool into Go struct field ObjectMeta.name of type string)",
  ],
  [
    "{name: [[ Values ]]}",
    "failed to parse document (json: cannot unmarshal array into Go struct field ObjectMeta.name of type string)",
  ],
  [
    "{name: p, labels: {a: 1}}",
    "failed to parse document (json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string)",
  ],
  [
    "{name: ''}",
    'failed to validate resource (ClusterPolicy.kyverno.io "" is invalid: metadata.name: Required value: name or generateName is required)',
  ],
  ["{generateName: p-}", "failed to validate resource (Internal error occurred: metadata.name was not generated)"],
] as const;

for (const [metadata, reason] of refused) {
  test(`load: a policy with metadata ${metadata} is told and passed over`, () => {
    const text = `apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: ${metadata}\nspec: {rules: []}\n`;
    const { errors, policies } = loaded(text);
    assert.deepEqual(
      errors.map((error) => error.text),
      [reason],
    );
    assert.equal(policies.length, 0);
  });
}

test("load: a field of the metadata that nobody knows ends the load of its file", () => {
  const text = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: p, x: y}\nspec: {rules: []}\n";
  assert.throws(() => loaded(text), /metadata\.x: Invalid value: value provided for unknown field/);
});
