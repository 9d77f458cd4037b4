// Where our answer is not that of Gatekeeper or gator 3.23.1: rows G1 to G14, G29 and G30 of docs/compatibility.md. `gator` is what gator
// prints for the same text, kept so that nobody has to take our word for it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Source } from "@portcullis/lang";
import { gvkOf, nameOf, parseYaml } from "@portcullis/kube";
import { gatorTest } from "../../src/gatekeeper/gator/test.ts";
import { constraint, gatorOptions, objectsIn, template } from "./load.ts";

interface Deviation {
  readonly text: string;
  /** gator's answer about the Pod, or its error. */
  readonly gator: string;
  /** Ours: `[constraint] message` of each row about the Pod, or the error. */
  readonly ours: readonly string[] | RegExp;
}

const open = "      validation: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}";

/** A template that takes any parameters. */
function foo(rego: string, more = ""): string {
  return template("Foo", `package foo\n${rego}`, more).replace(
    "crd: {spec: {names: {kind: Foo}}}",
    `crd:\n    spec:\n      names: {kind: Foo}\n${open}`,
  );
}

const pod = `---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: ns1}
spec: {million: 1000000, max: 9007199254740993}
`;

const nested = `${"[".repeat(260)}${"]".repeat(260)}`;
const inNamespace = "{match: {namespaceSelector: {matchExpressions: [{key: x, operator: DoesNotExist}]}}}";

const deviations: Readonly<Record<string, Deviation>> = {
  "G1 numbers from a million on": {
    text:
      foo(`violation[{"msg": msg}] {
  s := input.review.object.spec
  msg := sprintf("%v %d %v", [s.million, s.million, s.max])
}`) +
      constraint("Foo", "c") +
      pod,
    gator: "[c] 1e+06 %!d(float64=1e+06) 9.007199254740992e+15",
    ours: ["[c] 1000000 1000000 9007199254740993"],
  },
  "G2 a message that is no string": {
    text:
      foo(`violation[{"msg": msg}] { msg := input.parameters.m }`) +
      constraint("Foo", "good", "{parameters: {m: text}}") +
      constraint("Foo", "odd", "{parameters: {m: 5}}") +
      pod,
    gator:
      "reviewing …: Rego: extracting message binding: .msg accessor error: 5 is of the type json.Number, expected string",
    ours: [
      "[odd] extracting message binding: .msg accessor error: 5 is of the type json.Number, expected string",
      "[good] text",
    ],
  },
  "G3 an error at run time": {
    text:
      foo(`p := 1 { input.parameters.a }
p := 2 { input.parameters.b }
violation[{"msg": "violated"}] { p }`) +
      constraint("Foo", "good", "{parameters: {a: true}}") +
      constraint("Foo", "odd", "{parameters: {a: true, b: true}}") +
      pod,
    gator:
      "[good] template:2: eval_conflict_error: complete rules must not produce multiple outputs, and the same for [odd]",
    ours: [
      "[odd] template:3: eval_conflict_error: complete rules must not produce multiple outputs",
      "[good] violated",
    ],
  },
  "G4 a library's full name in a call": {
    text:
      foo(
        `violation[{"msg": msg}] { msg := concat(data.lib.helper.separator, ["a", "b"]) }`,
        `    libs: ["package lib.helper\\nseparator = \\"-\\""]`,
      ) +
      constraint("Foo", "c") +
      pod,
    gator: "nothing",
    ours: ["[c] a-b"],
  },
  "G5 code without a source": {
    text: `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: foo}
spec:
  crd: {spec: {names: {kind: Foo}}}
  targets: [{target: admission.k8s.gatekeeper.sh, code: [{engine: Rego}]}]
${pod}`,
    gator: "panic: runtime error: invalid memory address or nil pointer dereference",
    ours: /^adding template "foo": could not recognize the type$/,
  },
  "G6 a Namespace with labels that are no strings": {
    text: `${foo(`violation[{"msg": "m"}] { true }`)}${constraint("Foo", "c", inNamespace)}---
apiVersion: v1
kind: Namespace
metadata: {name: ns1, labels: {x: 5}}
${pod}`,
    gator:
      'adding data of GVK "/v1, Kind=Namespace": admission.k8s.gatekeeper.sh: cannot cache non-namespace type: cannot cache Namespace: unrecognized type: string',
    ours: ["[c] m"],
  },
  "G7 terms nested deeper than 250 levels": {
    text: foo(`violation[{"msg": "deep"}] { x := ${nested}; x }`) + constraint("Foo", "c") + pod,
    gator: "[c] deep",
    ours: /rego_parse_error: max parsing recursion depth exceeded/,
  },
  "G8 several parameters that do not fit the schema": {
    text:
      template("Foo", `package foo\nviolation[{"msg": "m"}] { true }`).replace(
        "crd: {spec: {names: {kind: Foo}}}",
        "crd: {spec: {names: {kind: Foo}, validation: {openAPIV3Schema: {type: object, properties: {b: {type: string}, a: {type: string}}}}}}",
      ) + constraint("Foo", "c", "{parameters: {a: 1, b: 2}}"),
    gator: "schema validation failed: [… b …, … a …] in any order",
    ours: /schema validation failed: \[\[\]\.spec\.parameters\.a: .*, \[\]\.spec\.parameters\.b: .*\]/,
  },
  "G29 another sign where the bracket of a body should be": {
    text: foo(`import future.keywords\nviolation contains {"msg": "m"} if =\n  true\n}`) + constraint("Foo", "c") + pod,
    gator: "[c] m",
    ours: /rego_parse_error: unexpected eq token/,
  },
  "G30 a set of a function's argument": {
    text:
      foo(`violation[{"msg": "m"}] { f(input.review.kind) == 1 }\nf(x) = count({x | input.review})`) +
      constraint("Foo", "c") +
      pod,
    gator: "unable to compile modules: 1 error occurred: template:3: rego_type_error: count: invalid argument(s)",
    ours: ["[c] m"],
  },
};

for (const [name, { text, ours }] of Object.entries(deviations)) {
  test(`deviation ${name}`, () => {
    const result = gatorTest(objectsIn(text), gatorOptions);
    if ("error" in result) {
      assert.ok(ours instanceof RegExp, result.error);
      assert.match(result.error, ours);
    } else {
      const aboutPod = result.rows.filter(({ violatingObject }) => gvkOf(violatingObject).kind === "Pod");
      assert.deepEqual(
        aboutPod.map(({ constraint: of, msg }) => `[${nameOf(of)}] ${msg}`),
        ours,
      );
    }
  });
}

// ── YAML: what a file says before any policy looks at it

interface YamlDeviation {
  readonly text: string;
  readonly gator: string;
  readonly ours: unknown;
}

const yamlDeviations: Readonly<Record<string, YamlDeviation>> = {
  "G9 text behind a document that is indented": {
    text: " a: 1\nb: 2\n",
    gator: "{a: 1}: what follows is dropped in silence",
    ours: "end of the stream or a document separator is expected",
  },
  "G10 an escaped slash": { text: 'a: "x\\/y"\n', gator: "found unknown escape character", ours: [{ a: "x/y" }] },
  "G11 U+2028 and U+0085 in a value": {
    text: 'a: x\u2028y\nb: "x\u0085y"\n',
    gator: "could not find expected ':'",
    ours: [{ a: "x\u2028y", b: "x\u0085y" }],
  },
  "G12 minus zero": { text: "a: -0.0\n", gator: "-0", ours: [{ a: 0 }] },
};

for (const [name, { text, ours }] of Object.entries(yamlDeviations)) {
  test(`deviation ${name}`, () => {
    const { value, diagnostics } = parseYaml(new Source("test.yaml", text), { dialect: "go" });
    if (typeof ours === "string") assert.equal(diagnostics[0]?.message, ours);
    else
      assert.deepEqual(
        value.map((document) => document.value),
        ours,
      );
  });
}

test("deviation G13 a YAML document of more than 16 MiB", () => {
  const text = `a: |\n${"  text\n".repeat(2_500_000)}`;
  const { diagnostics } = parseYaml(new Source("test.yaml", text), { dialect: "go" });
  assert.match(diagnostics[0]?.message ?? "", /^a YAML document of \d+ characters; at most 16777216 are read$/);
});

test("deviation G13 broken JSON of more than 16 MiB is reported where it breaks", () => {
  const text = `{"a": ["${"x".repeat(17_000_000)}" 1]}`;
  const { diagnostics } = parseYaml(new Source("test.json", text), { dialect: "go" });
  assert.match(diagnostics[0]?.message ?? "", /^not valid JSON: /);
  assert.equal(diagnostics[0]?.span?.start, 17_000_010);
});
