// What Kyverno's admission refuses about what rules do, generate and image rules included. The texts were taken from its
// webhook for policies.

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPolicy } from "../../src/kyverno/policy/check.ts";
import { documents } from "./decide.ts";

function messageOf(rule: string, spec = ""): string {
  const [policy] = documents(`
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  ${spec}
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod]}}]}
    ${rule}`);
  return checkPolicy(policy, { file: "p.yaml" })
    .map(({ message }) => message)
    .join("\n");
}

const made = "apiVersion: v1, kind: ConfigMap, name: x, namespace: there";
const image = (more: string): string => `verifyImages: [{imageReferences: ["*"], mutateDigest: false, ${more}}]`;
const key = "keys: {publicKeys: a}";

const cases: readonly (readonly [name: string, message: string, expected: string])[] = [
  [
    "patterns that are no list",
    messageOf('validate: {anyPattern: "{{ request.object }}"}'),
    "path: spec.rules[0].validate.anyPattern.: failed to deserialize anyPattern, expect array: json: cannot unmarshal string into Go value of type []interface {}",
  ],
  [
    "conditions that are none",
    messageOf("preconditions: {all: request.operation}\n    validate: {deny: {}}"),
    "failed to unmarshal Conditions",
  ],
  [
    "conditions of a loop that are none",
    messageOf("validate: {foreach: [{list: request.object.spec.containers, deny: {conditions: {any: a}}}]}"),
    "failed to unmarshal Conditions",
  ],
  [
    "an anchor in what is generated",
    messageOf(`generate: {${made}, data: {spec: [{"+(a)": b}]}}`),
    "path: spec.rules[0].generate.data.//spec0//+(a).: anchors not supported on generate resources: unsupported anchor +(a)",
  ],
  [
    "a wildcard in what is cloned",
    messageOf(
      "generate: {namespace: x, cloneList: {namespace: there, kinds: [v1/Secret], selector: {matchLabels: {a: b*}}}}",
    ),
    "path: spec.rules[0].generate.selector.: wildcard characters `*/?` not supported",
  ],
  [
    "preconditions in CEL where nothing is",
    messageOf(`celPreconditions: [{name: a, expression: "true"}]\n    generate: {${made}, data: {}}`),
    "path: spec.rules[0].generate..: celPrecondition can only be used with validate.cel",
  ],
  [
    "parameters that nobody refers to",
    messageOf("validate: {cel: {paramKind: {apiVersion: v1, kind: ConfigMap}, expressions: [{expression: a}]}}"),
    "path: spec.rules[0].validate..: cel.paramRef is required",
  ],
  [
    "parameters that are named and selected",
    messageOf(
      "validate: {cel: {paramKind: {apiVersion: v1, kind: ConfigMap}, paramRef: {name: a, selector: {}}, expressions: [{expression: a}]}}",
    ),
    "path: spec.rules[0].validate..: one of cel.paramRef.name or cel.paramRef.selector must be set",
  ],
  ["a good image rule", messageOf(image(`attestors: [{entries: [{${key}}]}]`)), ""],
  [
    "an attestor of nothing",
    messageOf(image("attestors: [{entries: [{}]}]")),
    "spec.rules[0].verifyImages[0].attestors[0].entries[0]: Invalid value: {}: keys, certificates, keyless, or a nested attestor is required",
  ],
  [
    "a set without entries, and one that counts too far",
    messageOf(image(`attestors: [{}, {count: 2, entries: [{${key}}]}]`)),
    '[spec.rules[0].verifyImages[0].attestors[0]: Invalid value: {}: An entry is required, spec.rules[0].verifyImages[0].attestors[1]: Invalid value: {"count":2,"entries":[{"keys":{"publicKeys":"a"}}]}: Count cannot exceed length of entries]',
  ],
  [
    "digests that are written although the rule only audits",
    messageOf('verifyImages: [{image: "*", key: a, mutateDigest: true}]'),
    "spec.rules[0].verifyImages[0].mutateDigest: Invalid value: true: mutateDigest must be set to false for ‘Audit’ failure action",
  ],
  [
    "a field that attestors have not",
    messageOf(image(`attestors: [{entries: [{${key}, when: now}]}]`)),
    'unknown field "spec.rules[0].verifyImages[0].attestors[0].entries[0].when"',
  ],
  [
    "an attestation's own variables",
    messageOf(
      image('attestations: [{type: a, conditions: [{all: [{key: "{{ foo }}", operator: Equals, value: a}]}]}]'),
    ),
    "",
  ],
  [
    "a variable of nothing in an image rule",
    messageOf(image('attestors: [{entries: [{keys: {publicKeys: "{{ foo }}"}}]}]')),
    String.raw`policy contains invalid variables: variable substitution failed for rule r: variable foo must match regex "request\.|element|elementIndex|@|images|images\.|image\.|([a-z_0-9]+\()[^{}]" or patterns []`,
  ],
  [
    "a target that is asked for before it is chosen",
    messageOf(
      `preconditions: {all: [{key: "{{ target.a }}", operator: Equals, value: a}]}\n    mutate: {targets: [{${made}}], patchStrategicMerge: {a: "{{ target.a }}"}}`,
    ),
    String.raw`policy contains invalid variables: invalid variables defined at mutate.targets[0]: variable target.a must match regex "request\.|element|elementIndex|@|images|images\.|image\.|([a-z_0-9]+\()[^{}]" or patterns []`,
  ],
  [
    "a target's own entry in its name",
    messageOf(
      `mutate: {targets: [{${made}}, {${made.replace("name: x", 'name: "{{ own }}"')}, context: [{name: own, variable: {value: a}}]}], patchStrategicMerge: {a: b}}`,
    ),
    String.raw`policy contains invalid variables: invalid variables defined at mutate.targets[1]: variable own must match regex "request\.|element|elementIndex|@|images|images\.|image\.|([a-z_0-9]+\()[^{}]" or patterns []`,
  ],
  [
    "an operation that JSON patches have not",
    messageOf('mutate: {patchesJson6902: "- {op: foo, path: /a}"}'),
    'path must begin with a forward slash: spec.rules[0]: invalid operation {"op":"foo","path":"/a"}: unsupported operation',
  ],
];

for (const [name, message, expected] of cases) test(name, () => assert.equal(message, expected));
