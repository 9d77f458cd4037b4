import assert from "node:assert/strict";
import { test } from "node:test";
import { suitesText } from "../../src/gatekeeper/gator/report.ts";
import { type SuiteResult, type VerifyOptions, isFailure, runSuite } from "../../src/gatekeeper/gator/run.ts";
import { compileFilter, readSuite } from "../../src/gatekeeper/gator/suite.ts";
import { constraint, gatorOptions, objectsIn, template } from "./load.ts";

const pod = (name: string, more = ""): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: ns}\n${more}`;

const rego = `package foo
violation[{"msg": msg}] { input.review.object.metadata.name == input.parameters.name; msg := sprintf("%v is forbidden", [input.parameters.name]) }
violation[{"msg": "seen before"}] { data.inventory.namespace[_]["v1"]["Pod"][input.review.object.metadata.name] }
violation[{"msg": msg}] { input.review.operation == "DELETE"; msg := sprintf("%v of %v by %v", [input.review.operation, input.review.object.metadata.name, input.review.userInfo.username]) }`;

const strictTemplate = template("Foo", rego)
  .replace("---\n", "")
  .replace("v1beta1", "v1")
  .replace(
    "names: {kind: Foo}",
    "names: {kind: Foo}, validation: {openAPIV3Schema: {type: object, properties: {name: {type: string}}}}",
  );

const files: Record<string, string> = {
  "dir/template.yaml": strictTemplate,
  "dir/constraint.yaml": constraint("Foo", "c", "{parameters: {name: bad}}").replace("---\n", ""),
  "dir/invalid.yaml": constraint("Foo", "c", "{parameters: {name: 5}}").replace("---\n", ""),
  "dir/samples/bad.yaml": pod("bad"),
  "dir/samples/good.yaml": `# a comment\n---\n${pod("good")}\n---\n# nothing here\n`,
  "dir/samples/two.yaml": `${pod("a")}\n---\n${pod("b")}`,
  "dir/samples/review.yaml": `apiVersion: admission.k8s.io/v1
kind: AdmissionReview
request:
  operation: DELETE
  userInfo: {username: ada}
  oldObject:
    apiVersion: v1
    kind: Pod
    metadata: {name: old}
`,
  "dir/samples/odd.yaml": "apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest: {foo: 1}\n",
};

function run(tests: string, filter = ""): SuiteResult {
  const text = `kind: Suite\napiVersion: test.gatekeeper.sh/v1alpha1\ntests:\n${tests}`;
  const suite = readSuite(objectsIn(text)[0]?.object);
  assert.ok(suite !== null && !("error" in suite));
  const compiled = compileFilter(filter);
  assert.ok(!("error" in compiled));
  const options: VerifyOptions = {
    ...gatorOptions,
    readFile: (path) => {
      const found = files[path];
      return found === undefined ? { error: `open ${path}: file does not exist` } : { text: found };
    },
    filter: compiled,
    nowMs: () => 0,
  };
  return runSuite({ file: "dir/suite.yaml", shown: "dir/suite.yaml", suite }, options);
}

const head = `- name: names
  template: template.yaml
  constraint: constraint.yaml
  cases:
`;

const one = (name: string, object: string, assertions: string, more = ""): string =>
  `  - {name: ${name}, object: ${object}, assertions: ${assertions}${more}}\n`;

function errors(result: SuiteResult): Record<string, string | null> {
  return Object.fromEntries(result.tests.flatMap((test_) => test_.cases.map((case_) => [case_.name, case_.error])));
}

test("cases pass or fail by their assertions, with gator's texts", () => {
  const result = run(
    head +
      one("bad", "samples/bad.yaml", "[{violations: 1, message: 'bad is .*'}, {violations: 'yes'}]") +
      one("good", "./samples/../samples/good.yaml", "[{violations: 'no'}]") +
      one("count", "samples/bad.yaml", "[{violations: 5}]") +
      one("text", "samples/bad.yaml", "[{message: other}]") +
      one("none", "samples/bad.yaml", "[{violations: 'no'}]") +
      one("regex", "samples/bad.yaml", "[{message: '('}]") +
      one("word", "samples/bad.yaml", "[{violations: maybe}]") +
      one("empty", "samples/bad.yaml", "[]") +
      one("two", "samples/two.yaml", "[{}]") +
      one("absent", "samples/absent.yaml", "[{}]") +
      one("known", "samples/good.yaml", "[{message: seen before}]", ", inventory: [samples/good.yaml]"),
  );
  assert.deepEqual(errors(result), {
    bad: null,
    good: null,
    count: "unexpected number of violations: got 1 violations but want exactly 5: got messages [bad is forbidden]",
    text: 'unexpected number of violations: got 0 violations containing "other" but want at least 1: got messages [bad is forbidden]',
    none: "unexpected number of violations: got 1 violations but want none: got messages [bad is forbidden]",
    regex: "message contains invalid regular expression: error parsing regexp: missing closing ): `(`",
    word: 'invalid yaml: assertion.violation, if set, must be a nonnegative integer, "yes", or "no": got messages [bad is forbidden]',
    empty: "invalid Case: assertions must be non-empty",
    two: 'object file must contain exactly one object: "dir/samples/two.yaml" defines 2 objects',
    absent: "open dir/samples/absent.yaml: file does not exist",
    known: null,
  });
  assert.equal(isFailure(result), true);
});

test("an AdmissionReview is reviewed as the request that it holds", () => {
  const result = run(
    head +
      one("review", "samples/review.yaml", "[{violations: 1, message: '^DELETE of old by ada$'}]") +
      one("odd", "samples/odd.yaml", "[{}]"),
  );
  assert.deepEqual(errors(result), {
    review: null,
    odd: 'not a valid AdmissionReview object: unable to convert to an AdmissionReview object, error: strict decoding error: unknown field "request.foo"',
  });
});

test("wrong types in a review, and a review without an object that could be one", () => {
  const asked = (request: string): string => {
    files["dir/samples/wrong.yaml"] = `apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\nrequest: ${request}\n`;
    return errors(run(head + one("wrong", "samples/wrong.yaml", "[{}]")))["wrong"] ?? "";
  };
  const lead = "not a valid AdmissionReview object: unable to convert to an AdmissionReview object, error: ";
  assert.equal(asked("{uid: 5}"), `${lead}cannot convert int64 to string`);
  assert.equal(asked("{uid: [], foo: 1}"), `${lead}unrecognized type: string`);
  assert.equal(asked("{userInfo: {groups: x}}"), `${lead}cannot restore slice from string`);
  assert.equal(
    asked("{object: 5}"),
    "object or oldObject cannot be unmarshalled: json: cannot unmarshal number into Go value of type map[string]interface {}",
  );
});

test("files that hold no object", () => {
  const failing = (fields: string): string | null | undefined => run(`- {name: t, ${fields}}\n`).tests[0]?.error;
  files["dir/kindless.yaml"] = "a: <b>\n";
  assert.equal(
    failing("template: template.yaml, constraint: kindless.yaml"),
    `adding constraint: parsing Constraint from "dir/kindless.yaml": Object 'Kind' is missing in '{"a":"\\u003cb\\u003e"}'`,
  );
  assert.equal(
    failing("template: template.yaml, constraint: constraint.yaml, expansion: absent.yaml"),
    'reading ExpansionTemplate from "dir/absent.yaml": open dir/absent.yaml: file does not exist',
  );
});

test("a suite with wrong types is refused in the decoder's words", () => {
  const refused = (fields: string): unknown => {
    const document = `kind: Suite\napiVersion: test.gatekeeper.sh/v1alpha1\n${fields}\n`;
    return readSuite(objectsIn(document)[0]?.object);
  };
  const lead = "invalid yaml: json: cannot unmarshal";
  const violations = "into Go struct field Assertion.tests.cases.assertions.violations of type int32";
  const asserting = (value: string): unknown => refused(`tests: [{cases: [{assertions: [{violations: ${value}}]}]}]`);
  assert.deepEqual(asserting("true"), { error: `${lead} bool ${violations}` });
  assert.deepEqual(asserting("1.5"), { error: `${lead} number 1.5 ${violations}` });
  assert.deepEqual(asserting("4294967297"), { error: `${lead} number 4294967297 ${violations}` });
  assert.deepEqual(refused("tests: [{cases: 2}]"), {
    error: `${lead} number into Go struct field Test.tests.cases of type []*verify.Case`,
  });
});

test("an invalid constraint is what `invalid` asks for", () => {
  const invalid = (constraintFile: string): string =>
    `- {name: t, template: template.yaml, constraint: ${constraintFile}, invalid: true}\n`;
  assert.equal(run(invalid("invalid.yaml")).tests[0]?.error, null);
  assert.match(
    run(invalid("constraint.yaml")).tests[0]?.error ?? "",
    /^constraint should have failed schema validation/,
  );
  const broken = run(
    "- {name: t, template: template.yaml, constraint: invalid.yaml}\n- {name: u, constraint: constraint.yaml}\n",
  );
  assert.deepEqual(
    broken.tests.map((one_) => one_.error),
    [
      'schema validation failed: [].spec.parameters.name: Invalid value: "number": spec.parameters.name in body must be of type string: "number"',
      "invalid Suite: missing template",
    ],
  );
});

test("--run selects tests and cases", () => {
  const tests =
    head +
    one("first", "samples/bad.yaml", "[{}]") +
    one("second", "samples/bad.yaml", "[{}]") +
    head.replace("names", "other") +
    one("first", "samples/bad.yaml", "[{}]");
  const ran = (filter: string): string =>
    run(tests, filter)
      .tests.flatMap(({ name, cases }) =>
        cases.filter((case_) => !case_.skipped).map((case_) => `${name}/${case_.name}`),
      )
      .join(" ");
  assert.equal(ran(""), "names/first names/second other/first");
  assert.equal(ran("second"), "names/second");
  assert.equal(ran("^other$"), "other/first");
  assert.equal(ran("names//first"), "names/first");
  assert.equal(ran("//first"), "names/first other/first");
  assert.deepEqual(compileFilter("a//b//c"), { error: 'invalid test filter: a filter may include at most one "//"' });
});

test("the report reads like go test", () => {
  const result = run(
    head +
      one("good", "samples/good.yaml", "[{violations: 'no'}]") +
      one("bad", "samples/bad.yaml", "[{violations: 'no'}]"),
  );
  const error = "unexpected number of violations: got 1 violations but want none: got messages [bad is forbidden]";
  assert.equal(
    suitesText([result], false),
    `    --- FAIL: bad\t(0.000s)\n        ${error}\n--- FAIL: names\t(0.000s)\nFAIL\tdir/suite.yaml\t0.000s\nFAIL\n`,
  );
  assert.equal(
    suitesText([result], true),
    `=== RUN   names\n    === RUN   good\n    --- PASS: good\t(0.000s)\n    === RUN   bad\n    --- FAIL: bad\t(0.000s)\n        ${error}\n--- FAIL: names\t(0.000s)\nFAIL\tdir/suite.yaml\t0.000s\nFAIL\n`,
  );
  assert.equal(suitesText([], false), "PASS\n");
});

test("suite: a case may give the object's Namespace, which gator's cannot", () => {
  const asksNamespace = `package labelled
violation[{"msg": msg}] { msg := sprintf("tier is %v", [input.review.namespaceObject.metadata.labels.tier]) }`;
  const added: Record<string, string> = {
    "dir/labelled.yaml": template("Labelled", asksNamespace).replace("---\n", ""),
    "dir/selecting.yaml": constraint(
      "Labelled",
      "c",
      "{match: {namespaceSelector: {matchLabels: {tier: shop}}}}",
    ).replace("---\n", ""),
    "dir/shop.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: ns, labels: {tier: shop}}\n",
    "dir/other.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: ns, labels: {tier: other}}\n",
  };
  Object.assign(files, added);
  const tests = `- name: labelled
  template: labelled.yaml
  constraint: selecting.yaml
  cases:
${one("unknown", "samples/bad.yaml", "[{violations: 1, message: missing Namespace}]")}${one(
    "selected",
    "samples/bad.yaml",
    "[{violations: 1, message: ^tier is shop$}]",
    ", namespace: shop.yaml",
  )}${one("not selected", "samples/bad.yaml", "[{violations: 0}]", ", namespace: other.yaml")}${one(
    "wrong",
    "samples/bad.yaml",
    "[{violations: 0}]",
    ", namespace: samples/good.yaml",
  )}`;
  const [result] = run(tests).tests;
  assert.deepEqual(
    result?.cases.map(({ error }) => error),
    [null, null, null, 'namespace file must contain exactly one Namespace: "dir/samples/good.yaml"'],
  );
});
