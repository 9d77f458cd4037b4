// Two miniature dialects that the engine does not know: a ValidatingAdmissionPolicy with bindings and parameters, and a
// Kyverno policy that generates and mutates. They show that a dialect arrives without a change of the engine; nothing
// else is to be learnt from them about those dialects.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Need } from "@portcullis/lang";
import { createEngine } from "../../src/engine/engine.ts";
import type { Linked, PolicyFrontend } from "../../src/engine/frontend.ts";
import type { Action, Decision, Effect, Outcome, Suspended } from "../../src/engine/outcome.ts";
import type { Policy } from "../../src/engine/policy.ts";
import type { EvaluationRequest, Json } from "../../src/engine/request.ts";
import { labelled, noCatalog, request, unlimited, worldWith } from "./world.ts";

type Named = {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, Json>;
};

// ── ValidatingAdmissionPolicy: policy × binding × parameters

/** An expression is a field of the object and the largest value that it may have: `replicas`. */
interface VapSpec {
  readonly matchKinds: readonly string[];
  readonly field: string;
  readonly failurePolicy: "Fail" | "Ignore";
}

interface BindingSpec {
  readonly policyName: string;
  readonly paramName: string;
  readonly validationActions: readonly ("Deny" | "Warn" | "Audit")[];
}

const vapActions: Record<string, Action> = { Deny: "deny", Warn: "warn", Audit: "record" };

const vap: PolicyFrontend<Named> = {
  dialect: "vap",
  owns: ({ group }) => group === "admissionregistration.k8s.io",
  read: (object) => ({ unit: object as Named, diagnostics: [] }),
  link: (units) => {
    const policies = units.filter((unit) => unit.kind === "ValidatingAdmissionPolicy");
    const bindings = units.filter((unit) => unit.kind === "ValidatingAdmissionPolicyBinding");
    const linked: Linked = {
      policies: bindings.flatMap((binding) => {
        const found = policies.find((one) => one.metadata.name === (binding.spec as unknown as BindingSpec).policyName);
        return found === undefined ? [] : [bound(found, binding)];
      }),
      mutations: [],
      status: new Map(),
      effects: [],
    };
    return linked;
  },
  respond: (outcomes) => {
    const denied = outcomes.find((one) => one.actions.includes("deny"));
    const warnings = outcomes.filter((one) => one.actions.includes("warn")).map((one) => one.message);
    if (denied === undefined) return { allowed: true, code: 200, reason: "", message: "", warnings };
    const code = denied.reason === "RequestEntityTooLarge" ? 413 : 422;
    return { allowed: false, code, reason: denied.reason ?? "Invalid", message: denied.message, warnings };
  },
};

function bound(definition: Named, binding: Named): Policy {
  const spec = definition.spec as unknown as VapSpec;
  const { paramName, validationActions } = binding.spec as unknown as BindingSpec;
  const id = { dialect: "vap", kind: definition.kind, namespace: "", name: definition.metadata.name };
  return {
    id,
    scope: { kinds: spec.matchKinds, operations: ["CREATE", "UPDATE"] },
    reads: [],
    onError: spec.failurePolicy === "Fail" ? "deny" : "allow",
    evaluate: ({ object, namespace }, { world }) => {
      const need: Need = { kind: "object", key: `v1/ConfigMap/${namespace}/${paramName}`, call: null };
      const [answer] = world.ask([need]);
      if (answer === undefined || "error" in answer) throw new Error(`params: ${answer?.error ?? "none"}`);
      const most = (answer.value as { data: { most: number } }).data.most;
      const value = (object as { spec: Record<string, number> }).spec[spec.field] ?? 0;
      if (value <= most) return [];
      const outcome: Outcome = {
        policy: id,
        rule: "",
        result: "fail",
        actions: validationActions.map((action) => vapActions[action] ?? "record"),
        actionName: validationActions.join(","),
        message: `ValidatingAdmissionPolicy '${definition.metadata.name}' with binding '${binding.metadata.name}' denied request: ${spec.field} is ${value}`,
        details: null,
        reason: "RequestEntityTooLarge",
        properties: { binding: binding.metadata.name, param: paramName },
        effects: [],
      };
      return [outcome];
    },
  };
}

const vapObject = (kind: string, name: string, spec: object): Json => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind,
  metadata: { name },
  spec,
});

const vapObjects: readonly Json[] = [
  vapObject("ValidatingAdmissionPolicyBinding", "everywhere", {
    policyName: "replicas",
    paramName: "limits",
    validationActions: ["Deny", "Audit"],
  }),
  vapObject("ValidatingAdmissionPolicyBinding", "soft", {
    policyName: "replicas",
    paramName: "wishes",
    validationActions: ["Warn"],
  }),
  vapObject("ValidatingAdmissionPolicy", "replicas", {
    matchKinds: ["apps/Deployment"],
    field: "replicas",
    failurePolicy: "Ignore",
  }),
];

const deployment = request({
  kind: { group: "apps", version: "v1", kind: "Deployment" },
  object: { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, spec: { replicas: 7 } },
});

function decided(result: Decision | Suspended): Decision {
  assert.ok("allowed" in result, "suspended");
  return result;
}

test("an admission policy joins bindings and parameters, several actions at once", () => {
  const set = createEngine({ frontends: [vap], catalog: noCatalog }).policySet(
    vapObjects.map((object) => ({ object, file: "vap.yaml" })),
  );
  assert.equal(set.policies.length, 2);
  const waiting = set.evaluate(deployment, worldWith(), unlimited());
  assert.ok("needs" in waiting);
  assert.deepEqual(
    waiting.needs.map((need) => need.key),
    ["v1/ConfigMap/default/limits", "v1/ConfigMap/default/wishes"],
  );
  const decision = decided(
    waiting.resume(
      worldWith({
        "object v1/ConfigMap/default/limits": { value: { data: { most: 5 } } },
        "object v1/ConfigMap/default/wishes": { value: { data: { most: 3 } } },
      }),
    ),
  );
  const text = (binding: string): string =>
    `ValidatingAdmissionPolicy 'replicas' with binding '${binding}' denied request: replicas is 7`;
  assert.deepEqual([decision.allowed, decision.code, decision.message], [false, 413, text("everywhere")]);
  assert.deepEqual(decision.warnings, [text("soft")]);
  assert.deepEqual(decision.outcomes[0]?.actions, ["deny", "record"]);
});

test("parameters that cannot be had follow the failure policy, per binding", () => {
  const set = createEngine({ frontends: [vap], catalog: noCatalog }).policySet(
    vapObjects.map((object) => ({ object, file: "vap.yaml" })),
  );
  const world = worldWith({
    "object v1/ConfigMap/default/limits": { error: "not found" },
    "object v1/ConfigMap/default/wishes": { value: { data: { most: 9 } } },
  });
  const decision = decided(set.evaluate(deployment, world, unlimited()));
  assert.equal(decision.allowed, true);
  assert.equal(decision.outcomes[0]?.message, "params: not found");
  assert.equal(decision.unchecked.length, 1);
});

// ── Kyverno: a rule that generates, and one that mutates

interface RuleSpec {
  readonly matchKind: string;
  readonly addLabel?: string;
  readonly generate?: { readonly kind: string; readonly data: Json; readonly synchronize: boolean };
  readonly mutateExisting?: boolean;
}

const kyverno: PolicyFrontend<Named> = {
  dialect: "kyverno",
  owns: ({ group }) => group === "kyverno.io",
  read: (object) => ({ unit: object as Named, diagnostics: [] }),
  link: (units) => ({
    policies: units.map(generating),
    mutations: units.flatMap((unit) => {
      const { addLabel } = unit.spec as unknown as RuleSpec;
      if (addLabel === undefined) return [];
      return [
        {
          id: kyvernoId(unit),
          scope: scopeOf(unit),
          onError: "deny" as const,
          rank: 30,
          reinvoke: true,
          mutate: ({ object }: EvaluationRequest) => ({ object: labelled(object, addLabel, "yes"), outcomes: [] }),
        },
      ];
    }),
    status: new Map(),
    effects: [],
  }),
  respond: (outcomes) => ({
    allowed: true,
    code: 200,
    reason: "",
    message: "",
    warnings: outcomes.filter((one) => one.actions.includes("warn")).map((one) => one.message),
  }),
};

function kyvernoId({ kind, metadata }: Named): Policy["id"] {
  return { dialect: "kyverno", kind, namespace: "", name: metadata.name };
}

function scopeOf({ spec }: Named): Policy["scope"] {
  return { kinds: [(spec as unknown as RuleSpec).matchKind] };
}

function generating(unit: Named): Policy {
  const { generate, mutateExisting } = unit.spec as unknown as RuleSpec;
  return {
    id: kyvernoId(unit),
    scope: scopeOf(unit),
    reads: generate === undefined ? [] : [{ kinds: [`/${generate.kind}`] }],
    onError: "allow",
    evaluate: (from) => {
      const owner = `${unit.metadata.name}/generate/${from.name}`;
      const effects: Effect[] = [];
      if (generate !== undefined && from.operation !== "DELETE") {
        const data = {
          apiVersion: "v1",
          kind: generate.kind,
          metadata: { name: "made", namespace: from.name },
          data: generate.data,
        };
        effects.push({ kind: "ensure", owner, objects: [{ data }], synchronize: generate.synchronize, apply: false });
      }
      // A trigger that goes wants nothing any more: the controller removes what its owner no longer names.
      if (generate !== undefined && from.operation === "DELETE") {
        effects.push({ kind: "ensure", owner, objects: [], synchronize: generate.synchronize, apply: false });
      }
      if (mutateExisting === true) effects.push({ kind: "later", owner, rule: "mutate", request: from });
      const outcome: Outcome = {
        policy: kyvernoId(unit),
        rule: "generate",
        result: "pass",
        actions: [],
        actionName: "Enforce",
        message: "",
        details: (from.object as { metadata?: { labels?: Json } } | null)?.metadata?.labels ?? null,
        properties: {},
        effects,
      };
      return [outcome];
    },
  };
}

test("a generate rule comes out as an effect of its owner, and its end as an owner that wants nothing", () => {
  const object = (name: string, spec: RuleSpec): Json => ({
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name },
    spec,
  });
  const engine = createEngine({ frontends: [vap, kyverno], catalog: noCatalog });
  const set = engine.policySet([
    {
      object: object("quota", {
        matchKind: "/Namespace",
        addLabel: "managed",
        generate: { kind: "ConfigMap", data: { a: "1" }, synchronize: true },
      }),
      file: "k.yaml",
    },
    { object: object("touch", { matchKind: "/Namespace", mutateExisting: true }), file: "k.yaml" },
    ...vapObjects.map((one) => ({ object: one, file: "vap.yaml" })),
  ]);
  const namespace = request({
    kind: { group: "", version: "v1", kind: "Namespace" },
    name: "team",
    object: { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } },
  });
  const made = decided(set.evaluate(namespace, worldWith(), unlimited()));
  assert.equal(made.allowed, true);
  assert.deepEqual(
    made.effects.map((effect) => effect.kind),
    ["ensure", "later"],
  );
  const [first] = made.effects;
  assert.ok(first?.kind === "ensure");
  assert.equal(first.owner, "quota/generate/team");
  assert.deepEqual(made.patch, [{ op: "add", path: "/metadata/labels", value: { managed: "yes" } }]);
  // Policies judge what the stages made.
  assert.deepEqual(made.outcomes[0]?.details, { managed: "yes" });
  const gone = decided(set.evaluate({ ...namespace, operation: "DELETE", object: null }, worldWith(), unlimited()));
  const [last] = gone.effects;
  assert.ok(last?.kind === "ensure");
  assert.deepEqual(last.objects, []);
  assert.deepEqual(set.policies.at(-2)?.reads, [{ kinds: ["/ConfigMap"] }]);
});
