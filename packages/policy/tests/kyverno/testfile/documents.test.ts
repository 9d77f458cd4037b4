// The documents of Kyverno's command line, and the values in them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { nameOf } from "@portcullis/kube";
import type { Json } from "../../../src/engine/request.ts";
import { decode } from "../../../src/kyverno/decode.ts";
import { readCliPolicy } from "../../../src/kyverno/testfile/engine.ts";
import { splitName } from "../../../src/kyverno/testfile/names.ts";
import { asLoaded, readObjects, withoutDuplicates } from "../../../src/kyverno/testfile/objects.ts";
import { cleanPath, folderOf, joinPaths, pathFrom } from "../../../src/kyverno/testfile/path.ts";
import { parseSelector } from "../../../src/kyverno/testfile/selector.ts";
import { testShape, userInfoShape, valuesShape } from "../../../src/kyverno/testfile/shapes.ts";
import { readTestFile } from "../../../src/kyverno/testfile/testfile.ts";
import { readVariables } from "../../../src/kyverno/testfile/values.ts";

const prefix = "error unmarshaling JSON: while decoding JSON: json: ";

function refusalOf(document: Json): string {
  try {
    decode(document, testShape);
    return "";
  } catch (error) {
    return (error as Error).message.slice(prefix.length);
  }
}

test("documents: a field that nobody knows is an error, with Go's text", () => {
  assert.throws(() => decode({ kind: "Test", ressources: [] }, testShape), {
    message: `${prefix}unknown field "ressources"`,
  });
});

test("documents: a value of a wrong type is an error that names the field", () => {
  assert.throws(() => decode({ results: [{ resources: "web" }] }, testShape), {
    message: `${prefix}cannot unmarshal string into Go struct field TestResult.results.TestResultData.resources of type []string`,
  });
});

test("documents: numbers and booleans become text where text is wanted, names may differ in case", () => {
  assert.deepEqual(decode({ metadata: null, Policies: [7, true] }, testShape), {
    metadata: undefined,
    policies: ["7", "true"],
  });
});

test("documents: in a result numbers and booleans are no text, because Go's results embed their fields", () => {
  const refusal = (result: Json): string => refusalOf({ results: [result] });
  const field = "Go struct field TestResult.results";
  assert.equal(refusal({ rule: true }), `cannot unmarshal bool into ${field}.TestResultBase.rule of type string`);
  assert.equal(
    refusal({ resources: [5] }),
    `cannot unmarshal number into ${field}.TestResultData.resources of type string`,
  );
  assert.equal(
    refusal({ resourceSpecs: [{ name: 5 }] }),
    "cannot unmarshal number into Go struct field TestResourceSpec.results.TestResultData.resourceSpecs.name of type string",
  );
});

test("documents: in files of values and of users numbers and booleans are no text either", () => {
  assert.throws(() => decode({ policies: [{ name: 5 }] }, valuesShape), {
    message: `${prefix}cannot unmarshal number into Go struct field Policy.ValuesSpec.policies.name of type string`,
  });
  assert.throws(() => decode({ userInfo: { groups: [true] } }, userInfoShape), {
    message: `${prefix}cannot unmarshal bool into Go struct field UserInfo.RequestInfo.userInfo.groups of type string`,
  });
});

test("documents: metadata, namespaces and subresources have Kubernetes' fields and no others", () => {
  assert.equal(refusalOf({ metadata: { name: "a", foo: "b" } }), 'unknown field "foo"');
  assert.equal(refusalOf({ values: { namespaces: [{ name: "a", labels: { a: "b" } }] } }), 'unknown field "labels"');
  assert.equal(refusalOf({ values: { namespaces: [{ metadata: { labels: { a: 1 } } }] } }), "");
  assert.equal(
    refusalOf({ values: { namespaces: [5] } }),
    "cannot unmarshal number into Go struct field ValuesSpec.values.namespaces of type v1.Namespace",
  );
  assert.equal(
    refusalOf({ values: { subresources: [{ subresource: { namespaced: "x" } }] } }),
    "cannot unmarshal string into Go struct field APIResource.values.subresources.subresource.namespaced of type bool",
  );
});

test("documents: a test names each file once, and its old payload field counts", () => {
  const read = readTestFile({ policies: ["a", "b", "a"], jsonPayload: "./p/../q.json" });
  assert.deepEqual(read.policies, ["a", "b"]);
  assert.deepEqual(read.jsonPayloads, ["q.json"]);
});

test("values: the object's stand before the global ones, flags before both", () => {
  const spec = decode(
    {
      globalValues: { a: 1, b: 1, c: 1 },
      policies: [{ name: "p", resources: [{ name: "web", values: { b: 2, c: 2 } }] }],
    },
    valuesShape,
  );
  const variables = readVariables(spec, ["c=3", "c=4", "request.object.x=1", "broken"]);
  assert.deepEqual(variables.forObject("p", "web"), { "request.operation": "CREATE", a: 1, b: 2, c: "3" });
  assert.deepEqual(variables.forObject("p", "api"), { "request.operation": "CREATE", a: 1, b: 1, c: "3" });
});

test("values: a rule's values count for what autogen makes of it, lists by their first element", () => {
  const rules = [{ name: "r", values: { a: 1 }, foreachValues: { e: [10, 20] } }];
  const variables = readVariables({ policies: [{ name: "p", rules }] });
  for (const rule of ["r", "autogen-r", "autogen-cronjob-r"]) {
    assert.deepEqual(variables.forRule("p", rule), { a: 1, e: 10 });
  }
  assert.deepEqual(variables.forRule("p", "autogen-other"), {});
});

test("values: labels of `namespaces` stand before those of `namespaceSelector`", () => {
  const variables = readVariables({
    namespaceSelector: [
      { name: "a", labels: { from: "selector" } },
      { name: "b", labels: { from: "selector" } },
    ],
    namespaces: [{ metadata: { name: "a", labels: { from: "namespace" } } }],
  });
  assert.deepEqual(variables.namespaceLabels("a"), { from: "namespace" });
  assert.deepEqual(variables.namespaceLabels("b"), { from: "selector" });
  assert.equal(variables.namespaceLabels("c"), null);
});

test("values: a subresource is about its parent", () => {
  const scale = { name: "deployments/scale", group: "autoscaling", version: "v1", kind: "Scale" };
  const parentResource = { name: "deployments", group: "apps", version: "v1", kind: "Deployment" };
  const variables = readVariables({ subresources: [{ subresource: scale, parentResource }] });
  assert.deepEqual(variables.parentOf({ group: "autoscaling", version: "v1", kind: "Scale" }), {
    kind: { group: "apps", version: "v1", kind: "Deployment" },
    subresource: "scale",
  });
});

test("values: names split at dots, but not in quotes", () => {
  assert.deepEqual(splitName("request.object.spec"), ["request", "object", "spec"]);
  assert.deepEqual(splitName('labels."app.kubernetes.io/name".x'), ["labels", "app.kubernetes.io/name", "x"]);
  assert.deepEqual(splitName('"say ""so"""'), ['say "so"']);
  assert.deepEqual(splitName("a."), ["a", ""]);
});

test("objects: they are in `default` unless their kind is the cluster's, null maps are empty", () => {
  const pod = asLoaded({ apiVersion: "v1", kind: "Pod", metadata: { name: "a", labels: null } });
  assert.deepEqual(pod, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", labels: {}, namespace: "default" },
  });
  const role = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "a" } };
  assert.deepEqual(asLoaded(role), role);
});

test("objects: a List stands for its members, a document without kind is an error", () => {
  const pod = (name: string) => `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: n}}`;
  const text = `apiVersion: v1\nkind: List\nitems: [${pod("a")}, ${pod("b")}]\n---\n# nothing\n`;
  const names = readObjects("f.yaml", text).map(({ object }) => nameOf(object));
  assert.deepEqual(names, ["a", "b"]);
  assert.throws(() => readObjects("f.yaml", "apiVersion: v1\nkind: PodList\nitems: [{metadata: {name: a}}]\n"), {
    message: "f.yaml: Object 'Kind' is missing",
  });
  assert.equal(readObjects("f.yaml", "apiVersion: v1\nkind: PodList\nitems: []\n").length, 0);
  assert.throws(() => readObjects("f.yaml", "a: 1\n"), { message: "f.yaml: Object 'Kind' is missing" });
  assert.throws(() => readObjects("f.yaml", "kind: Pod\n"), { message: "f.yaml: Object 'apiVersion' is missing" });
  // A document of comments is none; Kyverno takes the first separator for part of the first document.
  assert.equal(readObjects("f.yaml", "# a\n---\n\n---\napiVersion: v1\nkind: Pod\n").length, 1);
  assert.throws(() => readObjects("f.yaml", "---\n# a\n---\napiVersion: v1\nkind: Pod\n"), {
    message: "f.yaml: Object 'Kind' is missing",
  });
});

test("objects: the first of equal ones counts, whatever its version", () => {
  const object = (apiVersion: string, uid: string) => ({ apiVersion, kind: "Job", metadata: { name: "a", uid } });
  const { unique, duplicates } = withoutDuplicates([object("batch/v1", "1"), object("batch/v1beta1", "2")]);
  assert.deepEqual(unique, [object("batch/v1", "1")]);
  assert.deepEqual(duplicates, [object("batch/v1beta1", "2")]);
});

test("paths: as Go joins and cleans them", () => {
  assert.equal(cleanPath("a//b/../c/."), "a/c");
  assert.equal(cleanPath("../../a"), "../../a");
  assert.equal(cleanPath("/../a"), "/a");
  assert.equal(joinPaths("a/b", "../c.yaml"), "a/c.yaml");
  assert.equal(joinPaths("", ""), "");
  assert.equal(pathFrom("a", "/b"), "/b");
  assert.equal(folderOf("kyverno-test.yaml"), ".");
  assert.equal(folderOf("/x"), "/");
});

test("selector: terms filter results, and a resource takes the place of those that a result names", () => {
  const results = [
    { policy: "p", rule: "r", resources: ["web", "api"] },
    { policy: "q", rule: "r", resources: ["web"] },
  ];
  const chosen = parseSelector("policy=p*,rule=*,resource=w*").select(readTestFile({ results }));
  assert.deepEqual(
    chosen.results.map(({ policy, resources }) => [policy, resources]),
    [["p", ["w*"]]],
  );
  assert.deepEqual(parseSelector("policy,color=red").errors, [
    "Invalid test-case-selector argument (policy). Parameter must be in the form `<key>=<value>`.",
    "Invalid test-case-selector (color=red). Parameter can only be policy, rule or resource.",
  ]);
});

test("policies: unknown fields, and conditions and loops that are none, end the load of their file", () => {
  const read = (rule: Json): unknown =>
    readCliPolicy(
      { apiVersion: "kyverno.io/v1", kind: "ClusterPolicy", metadata: { name: "p" }, spec: { rules: [rule] } },
      { file: "p.yaml" },
    );
  const rule = { name: "r", match: { any: [{ resources: { kinds: ["Pod"] } }] }, validate: { message: "m", deny: {} } };
  assert.throws(() => read({ ...rule, b: 1, a: 2 }), {
    message:
      "failed to parse document (spec.rules[0].a: Invalid value: value provided for unknown field\n" +
      "spec.rules[0].b: Invalid value: value provided for unknown field)",
  });
  for (const preconditions of ["text", { all: ["Pod"] }, [{ key: "a", operator: true, value: "b" }]]) {
    assert.throws(() => read({ ...rule, preconditions }), {
      message: "policy type not supported kyverno.io/v1, Kind=ClusterPolicy: failed to unmarshal Conditions",
    });
  }
  const loop = (more: Readonly<Record<string, Json>>): unknown =>
    read({ ...rule, validate: { message: "m", foreach: [{ list: "request.object.spec.containers", ...more }] } });
  assert.throws(() => loop({ foreach: [{ list: 5 }] }), {
    message:
      "policy type not supported kyverno.io/v1, Kind=ClusterPolicy: json: cannot unmarshal number into " +
      "Go struct field ForEachValidation.spec.rules.validate.foreach.foreach.list of type string",
  });
  assert.throws(() => loop({ preconditions: { All: [] }, deny: {} }), {
    message: 'policy type not supported kyverno.io/v1, Kind=ClusterPolicy: unknown field "All"',
  });
});
