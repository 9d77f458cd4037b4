// Cleanup policies: which objects they delete, and what hinders them. The time to live that an object says itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createEngine } from "../../../src/engine/engine.ts";
import type { Json } from "../../../src/engine/request.ts";
import { timeToLive } from "../../../src/kyverno/cleanup/ttl.ts";
import { kyvernoFrontend } from "../../../src/kyverno/frontend.ts";
import { noCatalog, request, unlimited, worldWith } from "../../engine/world.ts";

const frontend = kyvernoFrontend();
const engine = createEngine({ frontends: [frontend], catalog: noCatalog });

function cleaning(spec: Readonly<Record<string, Json>>, kind = "ClusterCleanupPolicy"): Json {
  const match = { any: [{ resources: { kinds: ["Pod"] } }] };
  const metadata = kind === "CleanupPolicy" ? { name: "clean", namespace: "team" } : { name: "clean" };
  return { apiVersion: "kyverno.io/v2", kind, metadata, spec: { schedule: "*/5 * * * *", match, ...spec } };
}

function pod(name: string, namespace = "team", more: Readonly<Record<string, Json>> = {}) {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace, uid: `u-${name}` }, ...more };
}

function deleted(policy: Json, object: ReturnType<typeof pod>, globals: readonly Json[] = []): Json {
  const sources = [policy, ...globals].map((one) => ({ object: one, file: "p.yaml" }));
  const [own] = engine.policySet(sources).policies;
  const { name, namespace } = object.metadata;
  const asked = request({ point: "schedule", operation: null, name, namespace, object, dryRun: null });
  const labels = { [`object v1/Namespace//team`]: { value: { metadata: { labels: { env: "dev" } } } } };
  const list = { value: [{ metadata: { name: "old" } }] };
  const resources = '{"group":"","namespace":"","resource":"configmaps","version":"v1"}';
  const world = worldWith({ ...labels, [`kyverno.resources ${resources}`]: list });
  const outcomes = own?.evaluate(asked, { world, budget: unlimited(), catalog: noCatalog, shared: new Map() }) ?? [];
  return outcomes.map(({ result, message, effects }) => [result, message, effects]);
}

const goes = [
  "pass",
  "resource matched",
  [
    {
      kind: "delete",
      target: { group: "", version: "v1", kind: "Pod", namespace: "team", name: "old", uid: "u-old" },
      propagation: "",
    },
  ],
];

test("an object that matches and for which the conditions hold is deleted", () => {
  const conditions = { any: [{ key: "{{ target.status.phase }}", operator: "Equals", value: "Failed" }] };
  const policy = cleaning({ conditions });
  assert.deepEqual(deleted(policy, pod("old", "team", { status: { phase: "Failed" } })), [goes]);
  assert.deepEqual(deleted(policy, pod("old", "team", { status: { phase: "Running" } })), []);
  const [[result, message]] = deleted(policy, pod("old")) as [[string, string]];
  assert.equal(result, "error");
  assert.match(message, /^failed to substitute variables in condition key: failed to resolve target\.status\.phase /);
});

test("exclude, namespaces and selectors of namespaces keep objects", () => {
  const exclude = { any: [{ resources: { names: ["keep-*"] } }] };
  assert.deepEqual(deleted(cleaning({ exclude }), pod("old")), [goes]);
  assert.deepEqual(deleted(cleaning({ exclude }), pod("keep-me")), []);
  assert.deepEqual(deleted(cleaning({ exclude: {} }), pod("old")), []);
  assert.deepEqual(deleted(cleaning({}, "CleanupPolicy"), pod("old")), [goes]);
  assert.deepEqual(deleted(cleaning({}, "CleanupPolicy"), pod("old", "other")), []);
  const selecting = (env: string): Json => {
    const resources = { kinds: ["Pod"], namespaceSelector: { matchLabels: { env } } };
    return cleaning({ match: { any: [{ resources }] } });
  };
  assert.deepEqual(deleted(selecting("dev"), pod("old")), [goes]);
  assert.deepEqual(deleted(selecting("prod"), pod("old")), []);
});

test("a filter without kinds takes nothing of a kind that no filter names", () => {
  const match = { any: [{ resources: { kinds: ["ConfigMap"] } }, { resources: { names: ["old"] } }] };
  assert.deepEqual(deleted(cleaning({ match }), pod("old")), []);
});

test("only a schedule asks a cleanup policy", () => {
  const [own] = engine.policySet([{ object: cleaning({}), file: "p.yaml" }]).policies;
  assert.equal(own?.schedule, "*/5 * * * *");
  const evaluation = { world: worldWith(), budget: unlimited(), catalog: noCatalog, shared: new Map() };
  assert.deepEqual(own.evaluate(request({ object: pod("old") }), evaluation), []);
});

test("conditions see the context, shared entries included", () => {
  const entry = {
    apiVersion: "kyverno.io/v2beta1",
    kind: "GlobalContextEntry",
    metadata: { name: "known" },
    spec: {
      kubernetesResource: { version: "v1", resource: "configmaps" },
      projections: [{ name: "names", jmesPath: "[].metadata.name" }],
    },
  };
  const context = [{ name: "names", globalReference: { name: "known.names" } }];
  const conditions = { all: [{ key: "{{ target.metadata.name }}", operator: "AnyIn", value: "{{ names }}" }] };
  const policy = cleaning({ context, conditions });
  assert.deepEqual(deleted(policy, pod("old"), [entry]), [goes]);
  assert.deepEqual(deleted(policy, pod("new"), [entry]), []);
});

function problems(object: Json): readonly string[] {
  return frontend.read(object, { file: "p.yaml" }).diagnostics.map(({ message }) => message);
}

test("what Kyverno's admission refuses is refused", () => {
  const at = "spec.";
  const cron = "schedule spec in the cleanupPolicy is not in proper cron format";
  assert.deepEqual(problems(cleaning({ schedule: "never" })), [`${at}schedule: Invalid value: "never": ${cron}`]);
  const users = { any: [{ resources: { kinds: ["Pod"] }, subjects: [{ kind: "User", name: "me" }] }] };
  const forbidden = `${at}match.any[0].subjects: Forbidden: Usage of user info is forbidden`;
  assert.deepEqual(problems(cleaning({ match: users })), [forbidden]);
  const context = [{ name: "c", configMap: { name: "c" } }];
  assert.match(problems(cleaning({ context })).join(), /ConfigMap is not allowed in CleanUp Policy$/);
  const same = { any: [{ resources: { kinds: ["Pod"] } }] };
  assert.match(problems(cleaning({ exclude: same })).join(), /CleanupPolicy is matching an empty set$/);
  assert.match(
    problems(cleaning({ match: { any: [{ resources: { kinds: "Pod" } }] } })).join(),
    /kinds: Invalid value/,
  );
  assert.deepEqual(problems(cleaning({ deletes: true })), ['unknown field "spec.deletes"']);
});

test("refusals print a spec as Kyverno's types do, and name what no query can be", () => {
  const image = [{ name: "c", imageRegistry: { reference: "x" } }];
  assert.deepEqual(problems(cleaning({ context: image })), [
    'spec.context: Invalid value: [{"name":"c","imageRegistry":{"reference":"x"}}]: ImageRegistry is not allowed in CleanUp Policy',
  ]);
  assert.deepEqual(
    problems(cleaning({ match: { any: [{}] }, exclude: { any: [{ resources: {} }] }, conditions: {} })),
    [
      'spec: Invalid value: {"match":{"any":[{"resources":{}}]},"exclude":{"any":[{"resources":{}}]},"schedule":"*/5 * * * *","conditions":{}}: CleanupPolicy is matching an empty set',
    ],
  );
  const asking = (key: string): Json => cleaning({ conditions: { any: [{ key, operator: "Equals", value: 1 }] } });
  const failed = "variable substitution failed for policy clean: ";
  assert.deepEqual(problems(asking("{{ target.a b }}")), [
    `${failed}failed to resolve target.a b at path /any/0/key: invalid JMESPath query target.a b: SyntaxError: Unexpected token at the end of the expression: tUnquotedIdentifier`,
  ]);
  assert.deepEqual(problems(asking("{{ target.metadata.name }}")), []);
  const every = { match: { any: [{ resources: { kinds: ["*/Namespace"] } }] } };
  assert.deepEqual(problems(cleaning(every, "CleanupPolicy")), []);
});

test("global context entries are judged with Kyverno's words", () => {
  const entry = (spec: Json): Json => {
    return { apiVersion: "kyverno.io/v2beta1", kind: "GlobalContextEntry", metadata: { name: "e" }, spec };
  };
  const call = { urlPath: "/api/v1/pods", refreshInterval: "10s" };
  assert.deepEqual(problems(entry({ apiCall: call })), []);
  const either = "A global context entry should either have KubernetesResource or APICall";
  assert.deepEqual(problems(entry({})), [`spec.kubernetesResource: Forbidden: ${either}`]);
  const post = "An External API call with data should have method as POST";
  assert.deepEqual(problems(entry({ apiCall: { ...call, data: [] } })), [`spec.apiCall.method: Forbidden: ${post}`]);
  const projections = [{ name: "e", jmesPath: "a" }];
  assert.match(
    problems(entry({ apiCall: call, projections })).join(),
    /requires a name different from the global context entry/,
  );
});

const made = "2026-01-01T00:00:00Z";

function goesAt(ttl: string, annotations: Json = {}): Json {
  const labels = { "cleanup.kyverno.io/ttl": ttl };
  const life = timeToLive({ metadata: { creationTimestamp: made, labels, annotations } });
  return life !== null && "atMs" in life ? [new Date(life.atMs).toISOString(), life.propagation] : life;
}

test("an object goes a while after it was made, or at a time", () => {
  assert.deepEqual(goesAt("90s"), ["2026-01-01T00:01:30.000Z", ""]);
  assert.deepEqual(goesAt("1d"), ["2026-01-02T00:00:00.000Z", ""]);
  assert.deepEqual(goesAt("2weeks"), ["2026-01-15T00:00:00.000Z", ""]);
  assert.deepEqual(goesAt("1d 2hours"), ["2026-01-02T02:00:00.000Z", ""]);
  assert.deepEqual(goesAt("2026-03-01"), ["2026-03-01T00:00:00.000Z", ""]);
  assert.deepEqual(goesAt("2026-03-01T123000Z"), ["2026-03-01T12:30:00.000Z", ""]);
  const orphan = { "cleanup.kyverno.io/propagation-policy": "Orphan" };
  assert.deepEqual(goesAt("1h", orphan), ["2026-01-01T01:00:00.000Z", "Orphan"]);
  assert.equal(timeToLive({ metadata: { creationTimestamp: made } }), null);
  const error = 'parsing time "soon" as "2006-01-02": cannot parse "soon" as "2006"';
  assert.deepEqual(goesAt("soon"), { error });
});
