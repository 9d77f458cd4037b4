// Generate rules and mutations of existing objects: what comes out of a decision as effects.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Answer } from "@portcullis/lang";
import { createEngine } from "../../../src/engine/engine.ts";
import type { Effect, Outcome } from "../../../src/engine/outcome.ts";
import type { EvaluationRequest, Json } from "../../../src/engine/request.ts";
import { canonicalJson } from "../../../src/engine/digest.ts";
import { kyvernoFrontend } from "../../../src/kyverno/frontend.ts";
import { copyOf } from "../../../src/kyverno/generate/labels.ts";
import { noCatalog, request, unlimited, worldWith } from "../../engine/world.ts";

const engine = createEngine({ frontends: [kyvernoFrontend()], catalog: noCatalog });

interface PolicyOptions {
  readonly kind?: "ClusterPolicy" | "Policy";
  readonly namespace?: string;
  readonly spec?: Readonly<Record<string, Json>>;
  readonly rule?: Readonly<Record<string, Json>>;
}

function generating(generate: Json, { kind = "ClusterPolicy", namespace, spec, rule }: PolicyOptions = {}): Json {
  const match = { any: [{ resources: { kinds: [kind === "Policy" ? "ConfigMap" : "Namespace"] } }] };
  return {
    apiVersion: "kyverno.io/v1",
    kind,
    metadata: { name: "make", ...(namespace === undefined ? {} : { namespace }) },
    spec: { ...spec, rules: [{ name: "r", match, generate, ...rule }] },
  };
}

function decide(policy: Json, asked: EvaluationRequest, answers: Readonly<Record<string, Answer>> = {}) {
  const { policies } = engine.policySet([{ object: policy, file: "p.yaml" }]);
  const evaluation = { world: worldWith(answers), budget: unlimited(), catalog: noCatalog, shared: new Map() };
  const outcomes: Outcome[] = policies.flatMap((one) => one.evaluate(asked, evaluation));
  return { outcomes, effects: outcomes.flatMap(({ effects }) => effects) };
}

const team = { apiVersion: "v1", kind: "Namespace", metadata: { name: "team", uid: "u1", labels: { tier: "gold" } } };

function forNamespace(changes: Partial<EvaluationRequest> = {}): EvaluationRequest {
  const kind = { group: "", version: "v1", kind: "Namespace" };
  return request({ kind, namespace: "team", name: "team", object: team, ...changes });
}

const labels = {
  "app.kubernetes.io/managed-by": "kyverno",
  "generate.kyverno.io/policy-name": "make",
  "generate.kyverno.io/policy-namespace": "",
  "generate.kyverno.io/rule-name": "r",
  "generate.kyverno.io/trigger-version": "v1",
  "generate.kyverno.io/trigger-group": "",
  "generate.kyverno.io/trigger-kind": "Namespace",
  "generate.kyverno.io/trigger-namespace": "",
  "generate.kyverno.io/trigger-uid": "u1",
};

const owner = "ClusterPolicy//make/r/v1/Namespace//team";

const quota = {
  apiVersion: "v1",
  kind: "ResourceQuota",
  name: "quota",
  namespace: "{{request.object.metadata.name}}",
  synchronize: true,
  data: {
    metadata: { name: "other", labels: { own: "{{request.object.metadata.labels.tier}}" }, resourceVersion: "5" },
    spec: { hard: { cpu: 4 } },
  },
};

test("data becomes an object of its owner, with the labels by which it is found again", () => {
  const { outcomes, effects } = decide(generating(quota), forNamespace());
  assert.deepEqual(
    outcomes.map(({ rule, result, message, actions }) => [rule, result, message, actions]),
    [["r", "pass", "", ["record"]]],
  );
  const data = {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "quota", namespace: "team", labels: { own: "gold", ...labels } },
    spec: { hard: { cpu: 4 } },
  };
  assert.deepEqual(effects, [{ kind: "ensure", owner, objects: [{ data }], synchronize: true, apply: false }]);
});

test("a copy stays a reference, and onto itself is none", () => {
  const clone = {
    apiVersion: "v1",
    kind: "Secret",
    name: "regcred",
    namespace: "team",
    clone: { name: "regcred", namespace: "default" },
  };
  const ref = { group: "", version: "v1", kind: "Secret", namespace: "default", name: "regcred" };
  const as = { namespace: "team", name: "regcred", labels };
  assert.deepEqual(objectsOf(decide(generating(clone), forNamespace()).effects), [{ clone: ref, as }]);
  const self = { ...clone, namespace: "default" };
  assert.deepEqual(objectsOf(decide(generating(self), forNamespace()).effects), []);
});

function objectsOf(effects: readonly Effect[]): readonly Json[] {
  return effects.flatMap((effect) => (effect.kind === "ensure" ? effect.objects : []));
}

test("a list of copies names its sources", () => {
  const cloneList = {
    namespace: "default",
    kinds: ["v1/Secret", "apps/v1/Deployment"],
    selector: { matchLabels: { a: "b" } },
  };
  const { effects } = decide(generating({ namespace: "team", synchronize: true, cloneList }), forNamespace());
  const kinds = [
    { group: "", version: "v1", kind: "Secret" },
    { group: "apps", version: "v1", kind: "Deployment" },
  ];
  const sources = { kinds, namespace: "default", selector: { matchLabels: { a: "b" } } };
  assert.deepEqual(objectsOf(effects), [{ cloneAll: sources, as: { namespace: "team", name: "", labels } }]);
});

test("a copy leaves behind what only the server of its source knows", () => {
  const source = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: "regcred",
      namespace: "default",
      uid: "s1",
      resourceVersion: "7",
      creationTimestamp: "2026-01-01T00:00:00Z",
      managedFields: [],
      ownerReferences: [{ name: "o" }],
      annotations: { a: "b" },
      labels: { c: "d" },
    },
    data: { password: "x" },
  };
  const copy = copyOf(source, { namespace: "team", name: "", labels: { mine: "yes" } });
  assert.deepEqual(copy, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: "regcred",
      namespace: "team",
      annotations: { a: "b" },
      labels: {
        c: "d",
        mine: "yes",
        "generate.kyverno.io/clone-source": "",
        "generate.kyverno.io/source-group": "",
        "generate.kyverno.io/source-version": "v1",
        "generate.kyverno.io/source-kind": "Secret",
        "generate.kyverno.io/source-namespace": "default",
        "generate.kyverno.io/source-uid": "s1",
      },
    },
    data: { password: "x" },
  });
});

const each = {
  foreach: [
    {
      list: "request.object.metadata.annotations.\"make\" | split(@, ',')",
      preconditions: { all: [{ key: "{{element}}", operator: "NotEquals", value: "skip" }] },
      apiVersion: "v1",
      kind: "ConfigMap",
      name: "{{element}}-{{elementIndex}}",
      namespace: "team",
      data: { data: { of: "{{ request.object.metadata.annotations.{{element}} || 'none' }}" } },
    },
  ],
};

test("a list makes one object for each element that its preconditions let through", () => {
  const object = { ...team, metadata: { ...team.metadata, annotations: { make: "a,skip,b", a: "1" } } };
  const { effects } = decide(generating(each), forNamespace({ object }));
  const made = objectsOf(effects).map((one) => (one as { data: { metadata: { name: string }; data: Json } }).data);
  assert.deepEqual(
    made.map(({ metadata, data }) => [metadata.name, data]),
    [
      ["a-0", { of: "1" }],
      ["b-2", { of: "none" }],
    ],
  );
});

test("what goes wrong with one element leaves the others, and then nothing is removed", () => {
  const [loop] = each.foreach;
  const failing = {
    foreach: [{ ...loop, data: { data: { of: "{{ request.object.metadata.annotations.{{element}} }}" } } }],
  };
  const object = { ...team, metadata: { ...team.metadata, annotations: { make: "a,b", a: "1" } } };
  const { outcomes, effects } = decide(generating(failing), forNamespace({ object }));
  const [outcome] = outcomes;
  assert.equal(outcome?.result, "error");
  assert.match(
    outcome.message,
    /^failed to process 0 foreach in rule r: failed to process 1 element: failed to resolve /,
  );
  assert.deepEqual(outcome.actions, ["record"]);
  const [effect] = effects;
  assert.ok(effect?.kind === "ensure");
  assert.equal(effect.objects.length, 1);
  assert.equal(effect.partial, true);
});

test("the owner wants nothing once its trigger is gone or no longer matches", () => {
  const gone = forNamespace({ operation: "DELETE", object: null, oldObject: team });
  const nothing = [{ kind: "ensure", owner, objects: [], synchronize: true, apply: false }];
  assert.deepEqual(decide(generating(quota), gone).effects, nothing);
  const gold = { all: [{ key: "{{request.object.metadata.labels.tier}}", operator: "Equals", value: "gold" }] };
  const fallen = { ...team, metadata: { ...team.metadata, labels: { tier: "tin" } } };
  const changed = forNamespace({ operation: "UPDATE", object: fallen, oldObject: team });
  assert.deepEqual(decide(generating(quota, { rule: { preconditions: gold } }), changed).effects, nothing);
  // Without synchronize what was made stays.
  assert.deepEqual(decide(generating({ ...quota, synchronize: false }), gone).effects, []);
});

test("a rule for DELETE makes something of the old object", () => {
  const match = { any: [{ resources: { kinds: ["Namespace"], operations: ["DELETE"] } }] };
  const gone = forNamespace({ operation: "DELETE", object: null, oldObject: team });
  const event = { ...quota, namespace: "default", data: { reason: "{{request.object.metadata.name}} is gone" } };
  const [made] = objectsOf(decide(generating(event, { rule: { match } }), gone).effects);
  assert.equal((made as { data: { reason: string } }).data.reason, "team is gone");
});

test("a scan makes something only where the rule is also for what was there before", () => {
  const scan = forNamespace({ point: "audit", operation: null });
  assert.deepEqual(decide(generating(quota), scan).effects, []);
  assert.equal(decide(generating({ ...quota, generateExisting: true }), scan).effects.length, 1);
  assert.equal(decide(generating(quota, { spec: { generateExisting: true } }), scan).effects.length, 1);
});

test("who makes what rules want does not trigger them again, unless they ask for it", () => {
  const username = "system:serviceaccount:kyverno:kyverno-background-controller";
  const made = forNamespace({ user: { username, uid: "", groups: [], extra: null } });
  assert.deepEqual(decide(generating(quota), made).effects, []);
  assert.equal(decide(generating(quota, { rule: { skipBackgroundRequests: false } }), made).effects.length, 1);
});

test("a namespaced policy that makes something elsewhere is refused", () => {
  const policy = generating({ ...quota, namespace: "other" }, { kind: "Policy", namespace: "mine" });
  const { diagnostics } = kyvernoFrontend().read(policy, { file: "p.yaml" });
  const [message = ""] = diagnostics.map((one) => one.message);
  assert.match(
    message,
    /namespaced policy cannot generate resources in other namespaces, expected: mine, received: other/,
  );
});

// ── mutate existing

const touching = {
  apiVersion: "kyverno.io/v1",
  kind: "ClusterPolicy",
  metadata: { name: "touch" },
  spec: {
    rules: [
      {
        name: "m",
        match: { any: [{ resources: { kinds: ["Namespace"] } }] },
        mutate: {
          targets: [
            {
              apiVersion: "v1",
              kind: "Secret",
              name: "s*",
              namespace: "{{request.object.metadata.name}}",
              preconditions: { all: [{ key: "{{target.type}}", operator: "Equals", value: "Opaque" }] },
            },
          ],
          patchStrategicMerge: { metadata: { labels: { from: "{{target.metadata.name}}" } } },
        },
      },
    ],
  },
};

test("a mutation of what exists is put off, and comes out as patches when it is asked again", () => {
  const asked = forNamespace();
  const [later] = decide(touching, asked).effects;
  assert.ok(later?.kind === "later");
  assert.deepEqual([later.rule, later.request], ["m", asked]);
  const call = {
    group: "*",
    kind: "Secret",
    name: "s*",
    namespace: "team",
    selector: null,
    subresource: "",
    version: "v1",
  };
  const secret = (name: string, type: string) => {
    return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "team" }, type };
  };
  const value = [secret("s1", "Opaque"), secret("s2", "other")];
  const answers = { [`kyverno.targets ${canonicalJson(call)}`]: { value } };
  const { outcomes, effects } = decide(touching, { ...later.request, point: "schedule" }, answers);
  assert.deepEqual(
    outcomes.map(({ result, message }) => [result, message]),
    [
      ["pass", "mutated Secret/s1 in namespace team"],
      ["skip", "preconditions not met"],
    ],
  );
  const patched = { ...secret("s1", "Opaque"), metadata: { name: "s1", namespace: "team", labels: { from: "s1" } } };
  const target = { group: "", version: "v1", kind: "Secret", namespace: "team", name: "s1" };
  const patchOwner = "ClusterPolicy//touch/m/v1/Namespace//team/v1/Secret/team/s1";
  assert.deepEqual(effects, [{ kind: "patch", owner: patchOwner, target, patch: patched }]);
});

test("targets that cannot be fetched are an error of the rule", () => {
  const call = {
    group: "*",
    kind: "Secret",
    name: "s*",
    namespace: "team",
    selector: null,
    subresource: "",
    version: "v1",
  };
  const answers = { [`kyverno.targets ${canonicalJson(call)}`]: { error: "forbidden" } };
  const [outcome] = decide(touching, forNamespace({ point: "schedule" }), answers).outcomes;
  assert.deepEqual([outcome?.result, outcome?.message, outcome?.actions], ["error", ": forbidden", ["record"]]);
});

test("a name that comes to a number is no name, and nothing is made", () => {
  const name = "{{ length(request.object.metadata.labels) }}";
  const policy = generating({ apiVersion: "v1", kind: "ConfigMap", namespace: "team", name, data: {} });
  const { outcomes, effects } = decide(policy, forNamespace());
  assert.deepEqual(effects, []);
  assert.deepEqual(
    outcomes.map(({ result, message }) => `${result}: ${message}`),
    ["error: the name of what is generated is no text but 1"],
  );
});
