// Where Kyverno crashes, lets through what a policy plainly denies, or refuses what it plainly allows: our answer, and
// Kyverno's where a switch brings it back. Each is a row of docs/compatibility.md; Kyverno's answers were taken from
// Kyverno 1.19.1.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../src/engine/request.ts";
import { admission, decide, decideAll, documents, policySet } from "./decide.ts";

/** A policy with one rule on Pods, in flow style. */
function policy(rule: string): string {
  return `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p, annotations: {pod-policies.kyverno.io/autogen-controllers: none}}
spec:
  validationFailureAction: Enforce
  background: false
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod]}}]}
    ${rule}
`;
}

function pod(team: string, more = ""): Json {
  return documents(
    `{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default, labels: {app: web}, annotations: {team: "${team}"}}, spec: {containers: [{name: c, image: i}]${more}}}`,
  )[0];
}

function deny(key: string, operator: string, value: string): string {
  return policy(
    `validate: {message: m, deny: {conditions: {any: [{key: ${key}, operator: ${operator}, value: ${value}}]}}}`,
  );
}

interface Options {
  readonly peerAnswers?: boolean;
  readonly oldObject?: Json;
}

/** `result: message` of each rule. */
function results(
  text: string,
  object: Json,
  { peerAnswers = false, oldObject = null }: Options = {},
): readonly string[] {
  const set = policySet(documents(text), { settings: { peerAnswers } });
  const asked = admission(object, oldObject === null ? {} : { operation: "UPDATE", oldObject });
  return decide(set, asked).outcomes.map(({ result, message }) => `${result}: ${message}`);
}

/** Ours, then the peer's. */
function both(text: string, object: Json): readonly (string | undefined)[] {
  return [results(text, object)[0], results(text, object, { peerAnswers: true })[0]];
}

const passed = "pass: validation rule 'r' passed.";
const team = '"{{ request.object.metadata.annotations.team }}"';

test("K1: `items(…) | map(…)` works, where Kyverno panics", () => {
  const key = `"{{ items(request.object.metadata.labels, 'k', 'v') | map(&k, @) }}"`;
  assert.deepEqual(results(deny(key, "AnyIn", "[app]"), pod("alpha")), ["fail: m"]);
});

for (const operator of ["AnyNotIn", "AllNotIn", "NotIn"]) {
  test(`K2: a requester's wildcards are no way into the list of ${operator}, unless the switch says so`, () => {
    const text = deny(team, operator, "[alpha, beta]");
    assert.deepEqual(both(text, pod("*")), ["fail: m", passed]);
    assert.deepEqual(both(text, pod("a*")), ["fail: m", passed]);
    assert.deepEqual(both(text, pod("gamma")), ["fail: m", "fail: m"]);
    assert.deepEqual(both(text, pod("alpha")), [passed, passed]);
  });
}

test("K2: the policy's own wildcards count as they do in Kyverno", () => {
  assert.deepEqual(both(deny(team, "AnyNotIn", '["al*"]'), pod("alpha")), [passed, passed]);
  assert.deepEqual(both(deny('"al*"', "AnyIn", `["${team.slice(1, -1)}"]`), pod("alpha")), ["fail: m", "fail: m"]);
});

test("K3: an error in an element's preconditions is an error, where Kyverno skips the element", () => {
  const text = policy(
    'validate: {message: m, foreach: [{list: request.object.spec.containers, preconditions: {all: [{key: "{{ element.nothing }}", operator: NotEquals, value: bar}]}, deny: {}}]}',
  );
  const [ours, peers] = both(text, pod("alpha"));
  assert.match(
    ours ?? "",
    /^error: validation failure: failed to evaluate preconditions: .* Unknown key "nothing" in path$/,
  );
  assert.equal(peers, undefined);
});

test("a `foreach` over a list that is not there says nothing, as in Kyverno", () => {
  const text = policy("validate: {message: m, foreach: [{list: request.object.spec.initContainers, deny: {}}]}");
  assert.deepEqual(results(text, pod("alpha")), []);
});

test("K4: a filter on an absent list has the length 0, where Kyverno has an error, and the policy's author is told", () => {
  const key = "\"{{ request.object.spec.initContainers[?image == 'x'] | length(@) }}\"";
  const text = deny(key, "GreaterThan", "0");
  const [ours, peers] = both(text, pod("alpha"));
  assert.equal(ours, passed);
  assert.match(peers ?? "", /^error: .*JMESPath query failed: Invalid type for: <nil>, expected: /);
  const status = (peerAnswers: boolean) =>
    [...policySet(documents(text), { settings: { peerAnswers } }).status.values()].flat();
  assert.deepEqual(
    status(false).map(({ code, severity }) => [code, severity]),
    [["length-of-absent-filter", "warning"]],
  );
  assert.deepEqual(status(true), []);
});

test("K5: values that read like Kyverno's own skip messages do not make a rule skip", () => {
  const text = policy('validate: {message: m, pattern: {metadata: {annotations: {team: "alpha | beta"}}}}');
  for (const value of ["conditional anchor mismatch", "global anchor mismatch"]) {
    assert.deepEqual(results(text, pod(value)), [
      "fail: validation error: m. rule r failed at path /metadata/annotations/team/",
    ]);
  }
});

test("an old object that cannot be judged forgives nothing", () => {
  const text = deny('"{{ request.object.spec.priority }}"', "GreaterThan", "5");
  const updated = pod("alpha", ", priority: 9");
  assert.deepEqual(results(text, updated, { oldObject: pod("alpha") }), ["fail: m"]);
  assert.deepEqual(results(text, updated, { oldObject: pod("alpha", ", priority: 8") }), [
    "skip: skipping the rule evaluation as pre-existing violations are allowed",
  ]);
});

test("conditions are as asymmetric as Kyverno's: only what lets requesters through is changed", () => {
  assert.deepEqual(both(deny("'1'", "Equals", "1"), pod("a")), [passed, passed]);
  assert.deepEqual(both(deny("1", "Equals", "'1'"), pod("a")), ["fail: m", "fail: m"]);
  assert.deepEqual(both(deny("[]", "AllIn", "[a]"), pod("a")), ["fail: m", "fail: m"]);
  assert.deepEqual(both(deny(team, "NotEquals", "alpha"), pod("*")), ["fail: m", "fail: m"]);
});

test("K6: of several labels that fit a wildcard key, the first by name is looked at", () => {
  const text = policy('validate: {message: m, pattern: {metadata: {labels: {"team-*": good}}}}');
  const labelled = (labels: string): Json =>
    documents(`{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default, labels: ${labels}}, spec: {}}`)[0];
  assert.deepEqual(results(text, labelled("{team-b: bad, team-a: good}")), [passed]);
  assert.deepEqual(results(text, labelled("{team-a: bad, team-b: good}")), [
    "fail: validation error: m. rule r failed at path /metadata/labels/team-a/",
  ]);
});

test("K7: a list in a patch whose conditions leave nothing is left out, where Kyverno panics", () => {
  const text = policy('mutate: {patchStrategicMerge: {spec: {hostAliases: [{(ip): "1.*"}, {(ip): "2.*"}]}}}');
  const object = pod("alpha", ', hostAliases: [{ip: "1.1.1.1"}, {ip: "2.2.2.2"}]');
  const decision = decide(policySet(documents(text)), admission(object));
  assert.deepEqual(decision.patch, []);
  assert.equal(decision.allowed, true);
});

test("`validate.assert`, which Kyverno ignores since 1.19, is no check: the policy is refused", () => {
  const text = policy("validate: {message: m, assert: {any: [{check: {spec: {hostNetwork: true}}}]}}");
  assert.throws(() => policySet(documents(text)), /one of pattern, anyPattern, deny, foreach, cel must be specified/);
});

test("K9: of several variables that cannot be resolved, the first by the order of keys is named", () => {
  const text = policy(
    'validate: {message: m, pattern: {spec: {b: "{{ request.object.b }}", a: "{{ request.object.a }}"}}}',
  );
  assert.deepEqual(results(text, pod("alpha")), [
    'error: variable substitution failed: failed to resolve request.object.a at path /spec/a: JMESPath query failed: Unknown key "a" in path',
  ]);
});

test("K10: a patch that a variable breaks is an error in our reader's words behind Kyverno's", () => {
  const text = policy(
    'mutate: {patchesJson6902: "- {op: add, path: /metadata/labels/a, value: {{ request.object.metadata.annotations.team }}}"}',
  );
  const decision = decide(policySet(documents(text)), admission(pod("}, [")));
  assert.equal(decision.allowed, false);
  assert.match(decision.message, /failed to convert patchesJSON6902 to JSON: /);
});

test("K11: on the command line a loop whose patches change nothing is skipped, as in a cluster", () => {
  const loop =
    'mutate: {foreach: [{list: request.object.spec.containers, patchStrategicMerge: {spec: {containers: [{name: "{{ element.name }}", image: i}]}}}]}';
  const object = `{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default}, spec: {terminationGracePeriodSeconds: 30, containers: [{name: c, image: i}]}}`;
  assert.deepEqual(decideAll(`${policy(loop)}---\n${object}`), ["r skip Pod default/a: 0 elements processed"]);
});

test("K12: numbers from a million on are in lists of numbers, where Kyverno compares `1e+06` with `1000000`", () => {
  const key = '"{{ request.object.spec.priority }}"';
  const million = pod("alpha", ", priority: 1000000");
  assert.deepEqual(both(deny(key, "AnyIn", "[1000000, 2]"), million), ["fail: m", passed]);
  assert.deepEqual(both(deny(key, "AllNotIn", "[1000000]"), million), [passed, "fail: m"]);
  assert.deepEqual(both(deny(key, "AnyIn", "[1000001]"), million), [passed, passed]);
  assert.deepEqual(both(deny(`["${key.slice(1, -1)}"]`, "AnyIn", "[1000000]"), million), ["fail: m", passed]);
  // As in Kyverno: text is compared with what Go prints.
  assert.deepEqual(both(deny(key, "AnyIn", '["1000000"]'), million), [passed, passed]);
  const text = '"{{ to_string(request.object.spec.priority) }}"';
  assert.deepEqual(both(deny(text, "AnyIn", "[1000000]"), million), ["fail: m", "fail: m"]);
  assert.deepEqual(both(deny("1000000", "AnyIn", '["1000000"]'), million), [passed, passed]);
});

test("K24: every rule can compute with the object's numbers, where in a cluster Kyverno's first one alone can", () => {
  const rule = (name: string): string =>
    `{name: ${name}, match: {any: [{resources: {kinds: [Pod]}}]}, validate: {message: "is {{ add(request.object.spec.priority, \`1\`) }}", deny: {}}}`;
  const text = `apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: p}\nspec: {rules: [${rule("a")}, ${rule("b")}]}\n`;
  assert.deepEqual(results(text, pod("alpha", ", priority: 9")), ["fail: is 10", "fail: is 10"]);
});

test("K25: an integer keeps all its digits, where Kyverno's doubles have sixteen", () => {
  const text = policy('validate: {message: "is {{ request.object.spec.priority }}", deny: {}}');
  assert.deepEqual(results(text, pod("alpha", ", priority: 12345678901234567")), ["fail: is 12345678901234567"]);
});

test("K27: after a patch that fails no other rule of the policy patches, where Kyverno goes on with nothing", () => {
  const rule = (name: string, patches: string): string =>
    `{name: ${name}, match: {any: [{resources: {kinds: [Pod]}}]}, mutate: {patchesJson6902: "${patches}"}}`;
  const rules = [
    rule("a", "- {op: copy, from: /none, path: /a}"),
    rule("b", "- {op: add, path: /metadata/b, value: c}"),
  ];
  const text = `apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: p}\nspec: {rules: [${rules.join(", ")}]}\n`;
  const got = results(text, pod("alpha"), { oldObject: pod("beta") });
  assert.equal(got.length, 1);
  assert.match(got[0] ?? "", /^error: failed to patch resource: error in copy for from: '\/none': /);
});

test("K29: an escaped variable under a key with a variable stays one, where Kyverno may resolve it", () => {
  const labels = `"{{ request.object.metadata.name }}": "\\\\{{ request.object.kind }}"`;
  const text = policy(`mutate: {patchStrategicMerge: {metadata: {labels: {${labels}}}}}`);
  const { patch } = decide(policySet(documents(text)), admission(pod("alpha")));
  assert.deepEqual(patch, [{ op: "add", path: "/metadata/labels/a", value: "{{ request.object.kind }}" }]);
});

test("K31: texts beside a patch that come to something else leave the patch alone, where Kyverno fails to read the rule again", () => {
  const count = "{{ length(request.object.metadata) }}";
  const text = policy(
    `reportProperties: {count: "${count}"}\n    mutate: {patchStrategicMerge: {metadata: {labels: {a: b}}}}`,
  );
  const { patch } = decide(policySet(documents(text)), admission(pod("alpha")));
  assert.deepEqual(patch, [{ op: "add", path: "/metadata/labels/a", value: "b" }]);
});

test("K12: numbers in lists are equal when their values are, which Kyverno never finds", () => {
  const key = '"{{ request.object.spec.containers[].ports[].containerPort }}"';
  const ports = documents(
    "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 80}]}]}}",
  )[0];
  assert.deepEqual(both(deny(key, "Equals", "[80]"), ports), ["fail: m", passed]);
  assert.deepEqual(both(deny(key, "NotEquals", "[80]"), ports), [passed, "fail: m"]);
  assert.deepEqual(both(deny(key, "Equals", "[]"), pod("a")), ["fail: m", "fail: m"]);
  const codes = (peerAnswers: boolean): readonly string[] => {
    const set = policySet(documents(deny(key, "NotEquals", "[80]")), { settings: { peerAnswers } });
    return [...set.status.values()].flat().map(({ code }) => code);
  };
  assert.deepEqual([codes(false), codes(true)], [["list-of-integers"], []]);
});

test("K35: an object is no member, where Kyverno panics", () => {
  const sources = '"{{ request.object.spec.containers[].resources }}"';
  const object = documents(
    "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i, resources: {limits: {cpu: 1}}}]}}",
  )[0];
  assert.deepEqual(results(deny(sources, "NotIn", "[a, b]"), object), ["fail: m"]);
  assert.deepEqual(results(deny(sources, "In", "[a, b]"), object), [passed]);
});
