import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Answer, Budget, formatDiagnostic } from "@portcullis/lang";
import { admissionProblems } from "../../src/engine/engine.ts";
import type { Decision } from "../../src/engine/outcome.ts";
import type { PolicySet } from "../../src/engine/policyset.ts";
import type { EvaluationRequest, Json } from "../../src/engine/request.ts";
import { namespaceNeed } from "../../src/gatekeeper/review.ts";
import { request, unlimited, worldWith } from "../engine/world.ts";
import { constraint, objectsIn, policySet, template } from "./load.ts";

const namespace: Json = { apiVersion: "v1", kind: "Namespace", metadata: { name: "default", labels: { team: "a" } } };

function answers(objects: Readonly<Record<string, Json>> = { default: namespace }): Record<string, Answer> {
  const known = Object.entries(objects).map(
    ([name, value]) => [`object ${namespaceNeed(name).key}`, { value }] as const,
  );
  return Object.fromEntries(known);
}

function decide(set: PolicySet, changes: Partial<EvaluationRequest> = {}, given = answers()): Decision {
  const decision = set.evaluate(request(changes), worldWith(given), unlimited());
  assert.ok("allowed" in decision, "suspended");
  return decision;
}

const echo = `package echo
violation[{"msg": msg}] { msg := input.parameters.msg }`;

test("lines are sorted by action and message, warnings apart, dryrun tells nobody", () => {
  const set = policySet(
    template("Echo", echo) +
      constraint("Echo", "z", "{parameters: {msg: alpha}}") +
      constraint("Echo", "a", "{parameters: {msg: beta}}") +
      constraint("Echo", "w", "{enforcementAction: warn, parameters: {msg: careful}}") +
      constraint("Echo", "d", "{enforcementAction: dryrun, parameters: {msg: quiet}}"),
  );
  const decision = decide(set);
  assert.deepEqual(
    [decision.allowed, decision.code, decision.reason, decision.message, decision.warnings],
    [false, 403, "Forbidden", "[z] alpha\n[a] beta", ["[w] careful"]],
  );
  assert.deepEqual(
    decision.outcomes.map((one) => [one.policy.name, one.result, one.actionName, one.actions]),
    [
      ["a", "fail", "deny", ["deny"]],
      ["d", "fail", "dryrun", ["record"]],
      ["w", "warn", "warn", ["warn"]],
      ["z", "fail", "deny", ["deny"]],
    ],
  );
});

test("code 299 when something only warns, 200 when nothing is said", () => {
  const set = policySet(
    template("Echo", echo) + constraint("Echo", "w", "{enforcementAction: warn, parameters: {msg: careful}}"),
  );
  const warned = decide(set);
  assert.deepEqual([warned.allowed, warned.code, warned.warnings], [true, 299, ["[w] careful"]]);
  const silent = decide(policySet(template("Echo", echo) + constraint("Echo", "w")));
  assert.deepEqual([silent.allowed, silent.code, silent.message], [true, 200, ""]);
});

test("scoped actions hold at their points, several at once", () => {
  const scoped = (name: string, actions: string): string =>
    constraint(
      "Echo",
      name,
      `{enforcementAction: scoped, scopedEnforcementActions: ${actions}, parameters: {msg: ${name}}}`,
    );
  const set = policySet(
    template("Echo", echo) +
      scoped(
        "both",
        "[{action: warn, enforcementPoints: [{name: '*'}]}, {action: deny, enforcementPoints: [{name: validation.gatekeeper.sh}]}]",
      ) +
      scoped("audited", "[{action: deny, enforcementPoints: [{name: audit.gatekeeper.sh}]}]"),
  );
  const webhook = decide(set);
  assert.deepEqual([webhook.message, webhook.warnings], ["[both] both", ["[both] both"]]);
  assert.equal(webhook.outcomes[0]?.properties["scopedActions"], "deny,warn");
  const audit = decide(set, { point: "audit", operation: null });
  assert.deepEqual(
    audit.outcomes.map((one) => [one.policy.name, one.actions]),
    [
      ["audited", ["deny"]],
      ["both", ["warn"]],
    ],
  );
});

test("input.review has exactly the keys that Go marshals", () => {
  const set = policySet(
    template("See", `package see\nviolation[{"msg": "seen", "details": input.review}] { true }`) +
      constraint("See", "c"),
  );
  const object = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "default" } };
  const details = decide(set, {
    requestKind: { group: "", version: "v1", kind: "Pod" },
    requestResource: { group: "", version: "v1", resource: "pods" },
    subResource: "status",
    options: { kind: "CreateOptions" },
    user: { username: "ada", uid: "", groups: ["system:authenticated"], extra: {} },
  }).outcomes[0]?.details;
  assert.deepEqual(structuredClone(details), {
    uid: "1",
    kind: { group: "", version: "v1", kind: "Pod" },
    resource: { group: "", version: "v1", resource: "pods" },
    requestKind: { group: "", version: "v1", kind: "Pod" },
    requestResource: { group: "", version: "v1", resource: "pods" },
    subResource: "status",
    name: "web",
    namespace: "default",
    operation: "CREATE",
    userInfo: { username: "ada", groups: ["system:authenticated"] },
    object,
    oldObject: null,
    options: { kind: "CreateOptions" },
    dryRun: false,
    namespaceObject: namespace,
  });
});

test("a cluster-scoped object has an empty namespaceObject, and a Namespace no namespace", () => {
  const set = policySet(
    template("See", `package see\nviolation[{"msg": "seen", "details": input.review}] { true }`) +
      constraint("See", "c"),
  );
  const details = decide(set, {
    kind: { group: "", version: "v1", kind: "Namespace" },
    namespace: "team",
    name: "team",
    object: { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } },
  }).outcomes[0]?.details as Record<string, Json>;
  assert.deepEqual([details["namespaceObject"], Object.hasOwn(details, "namespace")], [{}, false]);
});

test("on DELETE the object is the old object, and without one the answer is 500", () => {
  const rego = `package see\nviolation[{"msg": msg}] { msg := input.review.object.metadata.labels.a }`;
  const set = policySet(
    template("See", rego) + constraint("See", "c", "{match: {labelSelector: {matchLabels: {a: b}}}}"),
  );
  const oldObject = { apiVersion: "v1", kind: "Pod", metadata: { name: "web", labels: { a: "b" } } };
  assert.equal(decide(set, { operation: "DELETE", object: null, oldObject }).message, "[c] b");
  const none = decide(set, { operation: "DELETE", object: null });
  assert.deepEqual(
    [none.allowed, none.code, none.message],
    [
      false,
      500,
      "error reviewing resource web: admission.k8s.gatekeeper.sh: target.HandleReview failed for target " +
        '"admission.k8s.gatekeeper.sh": oldObject cannot be nil for DELETE operations\n',
    ],
  );
});

test("on UPDATE a constraint applies if the object or the old object matches", () => {
  const set = policySet(
    template("Echo", echo) +
      constraint("Echo", "c", "{match: {labelSelector: {matchLabels: {a: b}}}, parameters: {msg: stop}}"),
  );
  const pod = (labels: Json): Json => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "web", labels } });
  const update = (object: Json, oldObject: Json): string =>
    decide(set, { operation: "UPDATE", object, oldObject }).message;
  assert.equal(update(pod({ a: "b" }), pod({})), "[c] stop");
  assert.equal(update(pod({}), pod({ a: "b" })), "[c] stop");
  assert.equal(update(pod({}), pod({})), "");
});

test("a template's operations count at the webhook only", () => {
  const set = policySet(
    template("Echo", echo, "    operations: [UPDATE]") + constraint("Echo", "c", "{parameters: {msg: stop}}"),
  );
  assert.equal(decide(set).allowed, true);
  assert.equal(decide(set, { operation: "UPDATE" }).allowed, false);
  assert.equal(decide(set, { point: "audit", operation: null }).outcomes.length, 1);
});

test("an unknown Namespace rejects only for constraints that select by namespace", () => {
  const set = policySet(
    template("Echo", echo) +
      constraint(
        "Echo",
        "selecting",
        "{match: {namespaceSelector: {matchLabels: {team: a}}}, parameters: {msg: matched}}",
      ) +
      constraint("Echo", "plain", "{enforcementAction: warn, parameters: {msg: hello}}"),
  );
  const matched = decide(set);
  assert.equal(matched.message, "[selecting] matched");
  const unknown = decide(set, {}, { [`object ${namespaceNeed("default").key}`]: { error: "not found" } });
  assert.deepEqual(
    [unknown.message, unknown.warnings],
    [
      "[selecting] unable to match constraints: error matching the requested object: web :failed to run Match criteria: namespace selector for namespace-scoped object but missing Namespace",
      ["[plain] hello"],
    ],
  );
  assert.equal(unknown.outcomes.find((one) => one.policy.name === "selecting")?.details, undefined);
});

test("the Namespace is asked for once for all templates", () => {
  const set = policySet(
    template("Echo", echo) + constraint("Echo", "c") + template("Other", echo) + constraint("Other", "c"),
  );
  const waiting = set.evaluate(request(), worldWith(), unlimited());
  assert.ok("needs" in waiting);
  assert.deepEqual(waiting.needs, [namespaceNeed("default")]);
});

test("data.inventory is asked for only by templates that look at it", () => {
  const rego = `package u
violation[{"msg": msg}] {
  other := data.inventory.namespace[ns]["v1"]["Pod"][name]
  msg := sprintf("%v/%v %v", [ns, name, other.x])
}`;
  const set = policySet(
    template("Unique", rego) + constraint("Unique", "c") + template("Echo", echo) + constraint("Echo", "c"),
  );
  assert.deepEqual(
    set.policies.map((one) => [one.id.kind, one.reads]),
    [
      ["Echo", []],
      ["Unique", [{ kinds: ["/Pod"] }]],
    ],
  );
  const waiting = set.evaluate(request(), worldWith(answers()), unlimited());
  assert.ok("needs" in waiting);
  assert.deepEqual(
    waiting.needs.map((need) => need.kind),
    ["gatekeeper.inventory"],
  );
  const inventory = { namespace: { prod: { v1: { Pod: { db: { x: 1000000 } } } } } };
  const decision = decide(set, {}, { ...answers(), "gatekeeper.inventory ": { value: inventory } });
  assert.equal(decision.message, "[c] prod/db 1000000");
});

test("a message that is no string fails its own constraint, with its own action", () => {
  const rego = `package s\nviolation[{"msg": input.parameters.msg}] { true }`;
  const set = policySet(
    template("Any", rego) +
      constraint("Any", "bad", "{enforcementAction: dryrun, parameters: {msg: [1, {a: true}]}}") +
      constraint("Any", "good", "{parameters: {msg: fine}}"),
  );
  const decision = decide(set);
  assert.equal(decision.message, "[good] fine");
  assert.deepEqual(
    decision.outcomes.map((one) => [one.policy.name, one.result, one.message]),
    [
      [
        "bad",
        "error",
        "extracting message binding: .msg accessor error: [1 map[a:true]] is of the type []interface {}, expected string",
      ],
      ["good", "fail", "fine"],
    ],
  );
});

test("an error at run time is a violation of its constraint, with OPA's text", () => {
  const rego = `package c
violation[{"msg": msg}] { msg := pick(input.parameters.x) }
pick(x) = "a" { x > 0 }
pick(x) = "b" { x > 1 }`;
  const set = policySet(
    template("Pick", rego) +
      constraint("Pick", "one", "{parameters: {x: 1}}") +
      constraint("Pick", "two", "{parameters: {x: 2}}"),
  );
  const decision = decide(set);
  assert.equal(
    decision.message,
    "[one] a\n[two] template:4: eval_conflict_error: functions must not produce multiple outputs for same inputs",
  );
});

test("a runaway template is stopped, named, and denies for its own constraints only", () => {
  const rego = `package r\nviolation[{"msg": "never"}] { x := numbers.range(1, 3000)[_]; y := numbers.range(1, 3000)[_]; x * y == -1 }`;
  const set = policySet(
    template("Run", rego) +
      constraint("Run", "away") +
      template("Zecho", echo) +
      constraint("Zecho", "calm", "{parameters: {msg: stop}}"),
  );
  let now = 0;
  const budget = new Budget({ deadlineMs: 100 }, () => now++);
  const decision = set.evaluate(request(), worldWith(answers()), budget);
  assert.ok("allowed" in decision);
  assert.equal(decision.message, "[away] eval_cancel_error: the policy did not end before its deadline\n[calm] stop");
  assert.equal(decision.outcomes[0]?.properties["limit"], "deadline");
});

test("problems of templates and constraints are in the status, with their place in the file", () => {
  const text =
    template("Broken", `package b\nviolation[{"msg": msg}] {\n  msg := nope(1)\n}`) +
    constraint("Broken", "c") +
    template("Echo", echo, "    surprise: 1") +
    constraint("Echo", "loud", "{enforcementAction: denny}") +
    constraint("Missing", "m");
  const set = policySet(text);
  const status = Object.fromEntries([...set.status].map(([key, found]) => [key, found.map(formatDiagnostic)]));
  assert.deepEqual(status, {
    "ConstraintTemplate//broken": ["test.yaml:12:16: rego_type_error: undefined function nope"],
    "Broken//c": ['test.yaml:16:7: constraint: missing ConstraintTemplate: template "broken" not found'],
    "ConstraintTemplate//echo": [
      'test.yaml:30:15: unknown-field: strict decoding error: unknown field "spec.targets[0].surprise"',
    ],
    "Echo//loud": ['test.yaml:33:7: constraint: missing ConstraintTemplate: template "echo" not found'],
    "Missing//m": ['test.yaml:38:7: constraint: missing ConstraintTemplate: template "missing" not found'],
  });
});

test("a template with CEL and Rego is decided by its Rego, one with CEL alone is refused with that reason", () => {
  const code = (engines: string): string => `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: mixed}
spec:
  crd: {spec: {names: {kind: Mixed}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    code:
${engines}`;
  const cel = `    - engine: K8sNativeValidation
      source: {validations: [{expression: "false", message: from CEL}]}
`;
  const rego = `    - engine: Rego
      source: {rego: 'package m violation[{"msg": "from Rego"}] { true }'}
`;
  assert.equal(decide(policySet(code(cel + rego) + constraint("Mixed", "c"))).message, "[c] from Rego");
  const [refused] = policySet(code(cel)).status.get("ConstraintTemplate//mixed") ?? [];
  assert.match(refused?.message ?? "", /^no language driver is installed/);
  assert.match(refused?.hint ?? "", /K8sNativeValidation/);
});

test("the order of the files changes nothing", () => {
  const parts = [
    template("Echo", echo),
    template("Other", `package o\nviolation[{"msg": msg, "details": {"n": n}}] { n := [2, 1][_]; msg := "same" }`),
    constraint("Echo", "b", "{parameters: {msg: two}}"),
    constraint("Echo", "a", "{parameters: {msg: one}}"),
    constraint("Other", "a"),
    constraint("Other", "w", "{enforcementAction: warn}"),
  ];
  const first = decide(policySet(parts.join("")));
  fc.assert(
    fc.property(fc.shuffledSubarray(parts, { minLength: parts.length }), (shuffled) => {
      assert.deepEqual(decide(policySet(shuffled.join(""))), first);
    }),
    { numRuns: 20 },
  );
  assert.equal(first.message, "[a] one\n[a] same\n[a] same\n[b] two");
});

test("a policy is judged before it is admitted, together with the policies that are there", () => {
  const set = policySet(template("Echo", echo));
  const problems = (text: string): readonly string[] =>
    objectsIn(text).flatMap((source) => admissionProblems(set, source).map((one) => one.message));
  assert.deepEqual(problems(constraint("Echo", "fine")), []);
  assert.deepEqual(problems(constraint("Echo", "odd", "{match: {foo: 1}}")), [
    "invalid Constraint: unknown fields: [spec.match.foo]",
  ]);
  assert.deepEqual(problems(template("Bad", "package bad")), [
    "invalid ConstraintTemplate: invalid rego: invalid module: missing required rules: [violation]",
  ]);
  assert.deepEqual(problems("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"), []);
});
