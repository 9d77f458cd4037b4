// What is refused when a policy is read, with the place. Texts that begin with Kyverno's words were taken from Kyverno.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Document, parseYaml } from "@portcullis/kube";
import { Source, formatDiagnostic } from "@portcullis/lang";
import { checkPolicy, policyProblem } from "../../src/kyverno/policy/check.ts";

function problems(rule: string, spec = "", head = "kind: ClusterPolicy\nmetadata: {name: p}"): readonly string[] {
  const text = `apiVersion: kyverno.io/v1\n${head}\nspec:\n${spec === "" ? "" : `  ${spec}\n`}  rules:\n  - name: r\n    match: {any: [{resources: {kinds: [Pod]}}]}\n    ${rule}\n`;
  const [document] = parseYaml(new Source("p.yaml", text), { dialect: "go" }).value as readonly [Document];
  const found = checkPolicy(document.value, { file: "p.yaml", locate: (path) => document.positionOf(path) });
  return found.map(formatDiagnostic);
}

const deny = "validate: {message: m, deny: {}}";

const cases: readonly (readonly [name: string, got: () => readonly string[], expected: readonly string[]])[] = [
  ["a good policy", () => problems(deny), []],
  [
    "a YAML boolean for a text",
    () => problems("validate: {message: no, deny: {}}"),
    [
      'p.yaml:8:25: policy-schema: spec.rules[0].validate.message: Invalid value: "boolean": spec.rules[0].validate.message in body must be of type string: "boolean"',
    ],
  ],
  [
    "a name that YAML takes for a boolean",
    () => problems(deny, "", "kind: ClusterPolicy\nmetadata: {name: y}"),
    ["p.yaml:3:18: policy-schema: json: cannot unmarshal bool into Go struct field ObjectMeta.name of type string"],
  ],
  [
    "no name",
    () => problems(deny, "", "kind: ClusterPolicy\nmetadata: {labels: {a: b}}"),
    ["p.yaml:3:11: policy-schema: metadata.name: Required value: name or generateName is required"],
  ],
  [
    "a field that nobody knows",
    () => problems("validate: {mesage: m, deny: {}}"),
    ['p.yaml:8:24: unknown-field: unknown field "spec.rules[0].validate.mesage"'],
  ],
  [
    "an operator that is misspelled",
    () => problems("validate: {message: m, deny: {conditions: {any: [{key: a, operator: equals, value: a}]}}}"),
    [
      'p.yaml:8:73: policy: path: spec.rules[0].validate.deny.conditions.any[0].: entered value of `operator` is invalid. valid values: ["Equal" "Equals" "NotEqual" "NotEquals" "In" "AnyIn" "AllIn" "NotIn" "AnyNotIn" "AllNotIn" "GreaterThanOrEquals" "GreaterThan" "LessThanOrEquals" "LessThan" "DurationGreaterThanOrEquals" "DurationGreaterThan" "DurationLessThanOrEquals" "DurationLessThan"]',
    ],
  ],
  [
    "a variable of nothing",
    () => problems('validate: {message: "{{ nothing.there }}", deny: {}}'),
    [
      String.raw`p.yaml:8:26: policy: policy contains invalid variables: variable substitution failed for rule r: variable nothing.there must match regex "request\.|element|elementIndex|@|images|images\.|image\.|([a-z_0-9]+\()[^{}]" or patterns []`,
    ],
  ],
  [
    "a query that does not parse",
    () => problems('validate: {message: "{{ request.object. }}", deny: {}}'),
    [
      "p.yaml:8:26: policy: policy contains invalid variables: variable substitution failed for rule r: failed to resolve request.object. at path /validate/message: invalid JMESPath query request.object.: SyntaxError: Expected identifier, lbracket, or lbrace",
    ],
  ],
  [
    "an element outside of a loop",
    () => problems('validate: {message: "{{ element.name }}", deny: {}}'),
    ["p.yaml:8:26: policy: variable 'element.name' present outside of foreach at path /validate/message"],
  ],
  [
    "users in background mode",
    () => problems('validate: {message: "{{ request.userInfo }}", deny: {}}'),
    [
      "p.yaml:8:26: policy: only select variables are allowed in background mode. Set spec.background=false to disable background mode for this policy rule: variable {{ request.userInfo }} is not allowed ",
    ],
  ],
  [
    "users without background mode",
    () => problems('validate: {message: "{{ request.userInfo }}", deny: {}}', "background: false"),
    [],
  ],
  [
    "two rules in one",
    () => problems(`${deny}\n    mutate: {patchStrategicMerge: {b: 1, a: b}}\n    preconditions: {any: []}`),
    [
      `p.yaml:6:5: policy: spec.rules[0]: Invalid value: {"name":"r","match":{"any":[{"resources":{"kinds":["Pod"]}}],"resources":{}},"preconditions":{},"mutate":{"patchStrategicMerge":{"a":"b","b":1}},"validate":{"message":"m","deny":{}}}: Multiple operations defined in the rule 'r', only one operation (mutate,validate,generate,verifyImages) is allowed per rule`,
    ],
  ],
  [
    "no check",
    () => problems("validate: {message: m}"),
    [
      "p.yaml:8:15: policy: path: spec.rules[0].validate..: one of pattern, anyPattern, deny, foreach, cel must be specified",
    ],
  ],
  [
    "an anchor that validation has not",
    () => problems("validate: {message: m, pattern: {spec: {+(a): b}}}"),
    ["p.yaml:8:15: policy: path: spec.rules[0].validate.pattern.//spec/+(a).: unsupported anchor +(a)"],
  ],
  [
    "a context entry with a name that is taken",
    () => problems(`context: [{name: request, variable: {value: a}}]\n    ${deny}`),
    [
      "p.yaml:8:15: policy: path: spec.rules[0]: entry name request is invalid as it conflicts with a pre-defined variable request",
    ],
  ],
  [
    "a patch whose path is none",
    () => problems('mutate: {patchesJson6902: "- {op: add, path: a, value: b}"}'),
    ["p.yaml:8:32: policy: path must begin with a forward slash: spec.rules[0]: a"],
  ],
  [
    "a patch whose path has a variable, where no loop gives one",
    () =>
      problems(
        "mutate: {patchesJson6902: \"- {op: add, path: '/metadata/labels/{{ request.object.kind }}', value: b}\"}",
      ),
    [
      'p.yaml:8:32: policy: policy contains invalid variables: rule "r" should not have variables in patchesJSON6902 path section',
    ],
  ],
  [
    "the value at its own place, below anchors",
    () => problems('mutate: {patchStrategicMerge: {"(spec)": {"+(nodeName)": "{{@}}", "<(a)": {"^(b)": "{{ @ }}x"}}}}'),
    [],
  ],
  [
    "a name and names",
    () => problems(`exclude: {any: [{resources: {name: a, names: [b]}}]}\n    ${deny}`),
    [
      'p.yaml:8:33: policy-schema: <nil>: Invalid value: "": "spec.rules[0].exclude.any[0].resources" must not validate the schema (not)',
    ],
  ],
  [
    "overrides that contradict each other",
    () =>
      problems(
        deny,
        "validationFailureActionOverrides: [{action: Enforce, namespaces: [a]}, {action: Audit, namespaces: [a]}]",
      ),
    [
      "p.yaml:5:102: policy: conflicting namespaces found in path: spec.validationFailureActionOverrides[1].namespaces: a",
    ],
  ],
  [
    "a namespaced policy for what belongs to no namespace",
    () =>
      problems(deny, "", "kind: Policy\nmetadata: {name: p, namespace: prod}").concat(
        problems(
          "exclude: {any: [{resources: {kinds: [Namespace]}}]}\n    validate: {message: m, deny: {}}",
          "",
          "kind: Policy\nmetadata: {name: p, namespace: prod}",
        ),
      ),
    [
      "p.yaml:8:21: policy: spec.rules[0].exclude.any[0].kinds[0]: Forbidden: Cluster wide resource 'Namespace' not allowed in namespaced policy",
    ],
  ],
];

test("the command line prints defaults in what it refuses, as Kyverno's does", () => {
  const refused = (version: string, rule: string): string => {
    const text = `apiVersion: kyverno.io/${version}\nkind: ClusterPolicy\nmetadata: {name: p}\nspec: {rules: [{name: r, match: {any: [{resources: {kinds: [Pod]}}]}, exclude: {any: [{resources: {kinds: [Pod]}}]}, ${rule}}]}\n`;
    const [document] = parseYaml(new Source("p.yaml", text), { dialect: "go" }).value as readonly [Document];
    return policyProblem(document.value, "cli")?.message ?? "";
  };
  const lead = 'spec.rules[0]: Invalid value: {"name":"r",';
  const match =
    '"match":{"any":[{"resources":{"kinds":["Pod"]}}],"resources":{}},"exclude":{"any":[{"resources":{"kinds":["Pod"]}}],"resources":{}}';
  const end = '"skipBackgroundRequests":true}: Rule is matching an empty set';
  assert.equal(
    refused("v1", "context: [{name: c, apiCall: {urlPath: /api}}], validate: {message: m, deny: {}}"),
    `${lead}"context":[{"name":"c","apiCall":{"urlPath":"/api","method":"GET"}}],${match},"validate":{"allowExistingViolations":true,"message":"m","deny":{}},${end}`,
  );
  assert.equal(
    refused("v1", "validate: {foreach: [{list: a, foreach: [{pattern: {b: c}, LIST: b, elementScope: true, d: e}]}]}"),
    `${lead}${match},"validate":{"allowExistingViolations":true,"foreach":[{"list":"a","foreach":[{"list":"b","elementScope":true,"pattern":{"b":"c"}}]}]},${end}`,
  );
  assert.equal(
    refused("v2beta1", "validate: {message: m, deny: {}}"),
    `${lead}${match},"validate":{"message":"m","deny":{}},${end}`,
  );
});

test("the command line checks what rules say as a cluster does", () => {
  const said = (rule: string): string => {
    const text = `apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: p}\nspec: {rules: [{name: r, match: {any: [{resources: {kinds: [Pod]}}]}, ${rule}}]}\n`;
    const [document] = parseYaml(new Source("p.yaml", text), { dialect: "go" }).value as readonly [Document];
    return policyProblem(document.value, "cli")?.message ?? "";
  };
  const lead = "path: spec.rules[0].validate.";
  assert.equal(
    said('validate: {pattern: {spec: {"^(a)": []}}}'),
    `${lead}pattern.//spec/^(a).: existence anchor: should have at least one value`,
  );
  assert.equal(
    said("validate: {message: m}"),
    `${lead}.: one of pattern, anyPattern, deny, foreach, cel must be specified`,
  );
  assert.equal(said("validate: {foreach: [{deny: {}}]}"), `${lead}.: foreach.list is required`);
});

for (const [name, got, expected] of cases) test(name, () => assert.deepEqual(got(), expected));
