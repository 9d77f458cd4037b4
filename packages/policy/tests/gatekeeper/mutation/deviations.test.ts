// Where our answer is not Gatekeeper's: each row of docs/compatibility.md about mutation has its test here.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Decimal, parseJson } from "@portcullis/lang";
import type { Decision } from "../../../src/engine/outcome.ts";
import type { Json } from "../../../src/engine/request.ts";
import { gatorExpand } from "../../../src/gatekeeper/gator/expand.ts";
import { gatorOptions } from "../load.ts";
import { type MutationCase, mutateCase, setOf } from "./corpus.ts";

const podKinds = [{ groups: [""], versions: ["v1"], kinds: ["Pod"] }];

function assign(location: string, parameters: Json, match: Json = {}): Json {
  return {
    apiVersion: "mutations.gatekeeper.sh/v1",
    kind: "Assign",
    metadata: { name: "a" },
    spec: { applyTo: podKinds, match, location, parameters: { assign: parameters } },
  };
}

function pod(spec: Json): Json {
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "web", namespace: "shop" }, spec };
}

function mutated(mutator: Json, object: Json, more: Partial<MutationCase> = {}): Decision {
  const one: MutationCase = { file: "", name: "", mutators: [mutator], object, want: {}, ...more };
  return mutateCase(one, setOf(one, "cluster"));
}

function specOf({ object }: Decision): Json {
  return (object as { readonly spec: Json }).spec;
}

test("M1: a number that is there already is no change, and is not annotated", () => {
  const { patch, object } = mutated(assign("spec.x", { value: 5 }), pod({ x: 5 }), { annotations: true });
  assert.deepEqual(patch, []);
  assert.deepEqual(object, pod({ x: 5 }));
});

test("M2: integers beyond 2^53 are assigned as they are written", () => {
  const value = parseJson("9007199254740993");
  const { x } = specOf(mutated(assign("spec.x", { value }), pod({}))) as { readonly x: Decimal };
  assert.equal(x.text, "9007199254740993");
});

test("M3: merging no values into an absent list makes an empty list", () => {
  const mutator = {
    apiVersion: "mutations.gatekeeper.sh/v1",
    kind: "ModifySet",
    metadata: { name: "s" },
    spec: { applyTo: podKinds, location: "spec.l", parameters: { operation: "merge", values: {} } },
  };
  assert.deepEqual(specOf(mutated(mutator, pod({}))), { l: [] });
});

test("M4: a value that is no key for a provider is shown", () => {
  const mutator = assign("spec.x", { externalData: { provider: "p" } });
  const [outcome] = mutated(mutator, pod({ x: 5 }), { providers: {} }).outcomes;
  assert.match(
    outcome?.message ?? "",
    /: value assigned to external data placeholder is not a string, got 5 \(int64\)$/,
  );
});

test("M5: a Namespace that is not there stops only mutators that select by its labels", () => {
  const without = mutated(assign("spec.x", { value: "y" }), pod({}));
  assert.deepEqual(specOf(without), { x: "y" });
  const selecting = mutated(
    assign("spec.x", { value: "y" }, { namespaceSelector: { matchLabels: { a: "b" } } }),
    pod({}),
  );
  assert.match(selecting.outcomes[0]?.message ?? "", /namespace-scoped object but missing Namespace$/);
});

test("M8: a conflict that is over leaves nothing behind, whatever conflicts a mutator passes by", () => {
  const named = (name: string, location: string): Json => {
    return { ...(assign(location, { value: "x" }) as object), metadata: { name } };
  };
  const passing = named("passing", "spec.a");
  const others = [named("one", "spec.a[k: x].b"), named("two", "spec.a[name: x].b")];
  const was: MutationCase = { file: "", name: "", mutators: [passing, ...others], object: pod({ c: 1 }), want: {} };
  assert.deepEqual(specOf(mutateCase(was, setOf(was, "cluster"))), { c: 1, a: "x" });
});

test("M9: elements that were assigned equal objects are different elements", () => {
  const mutators = [
    assign("spec.containers[name: *].securityContext", { value: { runAsNonRoot: true } }),
    {
      ...(assign("spec.containers[name: main].securityContext.runAsUser", { value: 1000 }) as object),
      metadata: { name: "b" },
    },
  ];
  const object = pod({ containers: [{ name: "main" }, { name: "sidecar" }] });
  const one: MutationCase = { file: "", name: "", mutators, object, want: {} };
  assert.deepEqual(specOf(mutateCase(one, setOf(one, "cluster"))), {
    containers: [
      { name: "main", securityContext: { runAsNonRoot: true, runAsUser: 1000 } },
      { name: "sidecar", securityContext: { runAsNonRoot: true } },
    ],
  });
});

test("M10: a kind that a template names twice", () => {
  const expansion = (name: string, kind: string, generated: string): Json => ({
    apiVersion: "expansion.gatekeeper.sh/v1alpha1",
    kind: "ExpansionTemplate",
    metadata: { name },
    spec: {
      applyTo: [{ groups: ["", ""], versions: ["v1"], kinds: [kind] }],
      templateSource: "spec.template",
      generatedGVK: { version: "v1", kind: generated },
    },
  });
  const first = {
    apiVersion: "v1",
    kind: "A",
    metadata: { name: "x" },
    spec: { template: { spec: { template: {} } } },
  };
  const got = gatorExpand([expansion("a", "A", "B"), expansion("b", "B", "C"), first], gatorOptions);
  assert.ok("objects" in got);
  assert.deepEqual(
    got.objects.map((object) => (object as { readonly kind: string }).kind),
    ["B", "C"],
  );
});

test("M6: gator's expansion finds elements by an integer key", () => {
  const got = gatorExpand(
    [
      {
        apiVersion: "expansion.gatekeeper.sh/v1alpha1",
        kind: "ExpansionTemplate",
        metadata: { name: "e" },
        spec: {
          applyTo: [{ groups: ["apps"], versions: ["v1"], kinds: ["Deployment"] }],
          templateSource: "spec.template",
          generatedGVK: { version: "v1", kind: "Pod" },
        },
      },
      assign("spec.ports[port: 80].name", { value: "http" }),
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web" },
        spec: { template: { spec: { ports: [{ port: 80 }] } } },
      },
    ],
    gatorOptions,
  );
  assert.ok("objects" in got);
  const [made] = got.objects as readonly { readonly spec: Json }[];
  assert.deepEqual(made?.spec, { ports: [{ port: 80, name: "http" }] });
});
