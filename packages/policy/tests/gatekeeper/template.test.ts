import assert from "node:assert/strict";
import { test } from "node:test";
import type { Json } from "../../src/engine/request.ts";
import { loosened } from "../../src/gatekeeper/template/crd.ts";
import { templateReads } from "../../src/gatekeeper/template/read.ts";
import { policySet, template } from "./load.ts";

test("a template wants the CRD of its constraint kind", () => {
  const text = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: k8sfoo, labels: {team: a}}
spec:
  crd:
    spec:
      names: {kind: K8sFoo, shortNames: [kf]}
      validation:
        openAPIV3Schema: {type: object, properties: {repos: {type: array, items: {type: string}}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: 'package foo violation[{"msg": "a"}] { true }'
`;
  const [effect] = policySet(text).effects;
  assert.ok(effect?.kind === "ensure");
  const [object] = effect.objects;
  assert.ok(object !== undefined && "data" in object);
  const crd = object.data as { metadata: Json; spec: Record<string, Json> };
  assert.deepEqual(crd.metadata, {
    name: "k8sfoo.constraints.gatekeeper.sh",
    labels: { team: "a", "gatekeeper.sh/constraint": "yes" },
  });
  assert.deepEqual(crd.spec["names"], {
    kind: "K8sFoo",
    listKind: "K8sFooList",
    plural: "k8sfoo",
    singular: "k8sfoo",
    shortNames: ["kf"],
    categories: ["constraint", "constraints"],
  });
  const versions = crd.spec["versions"] as readonly {
    name: string;
    storage: boolean;
    schema: { openAPIV3Schema: { properties: { spec: { properties: Record<string, Json> } } } };
  }[];
  assert.deepEqual(
    versions.map(({ name, storage }) => [name, storage]),
    [
      ["v1beta1", true],
      ["v1alpha1", false],
    ],
  );
  const spec = versions[0]?.schema.openAPIV3Schema.properties.spec.properties;
  assert.deepEqual(spec?.["enforcementAction"], { type: "string", default: "deny" });
  assert.deepEqual(spec?.["parameters"], {
    type: "object",
    properties: { repos: { type: "array", items: { type: "string" } } },
  });
  assert.equal(effect.owner, "ConstraintTemplate//k8sfoo");
});

test("a legacy schema is loosened wherever it does not say what there is", () => {
  const keep = { "x-kubernetes-preserve-unknown-fields": true };
  assert.deepEqual(
    loosened({
      properties: {
        a: { type: "array" },
        b: { type: "object", additionalProperties: { type: "object" } },
        c: { type: "array", items: { properties: { d: { type: "string" } } } },
      },
    }),
    {
      ...keep,
      properties: {
        a: { type: "array", items: keep },
        b: { type: "object", ...keep, additionalProperties: { type: "object", ...keep } },
        c: { type: "array", items: { ...keep, properties: { d: { type: "string" } } } },
      },
    },
  );
});

test("libraries are reached from within calls, arrays and comprehensions too", () => {
  // The peer leaves these references where nothing is: the rules never fire, or the function is undefined.
  const rego = `package foo
violation[{"msg": msg}] { count(data.lib.a.items) == 2; msg := sprintf("%v %v %v", [data.lib.a.items[0], data.lib.a.f(1), [x | x := data.lib.a.items[_]]]) }`;
  const text = template("Foo", rego, `    libs: ['package lib.a items = ["x", "y"] f(n) = m { m := n + 1 }']`);
  assert.deepEqual([...policySet(text).status], []);
});

test("the CRD of two spellings of one template is the same, whatever the order of the files", () => {
  const a = template("Aaa", 'package a\nviolation[{"msg": "a"}] { true }');
  const b = template("Bbb", 'package b\nviolation[{"msg": "b"}] { true }');
  assert.deepEqual(policySet(a + b).effects, policySet(b + a).effects);
  assert.equal(policySet(a + b).digest, policySet(b + a).digest);
});

test("a template that looks at who asks says so, however it reaches it", () => {
  const templateOf = (rego: string): string => `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: k8sfoo}
spec:
  crd: {spec: {names: {kind: K8sFoo}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package foo
${rego}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sFoo
metadata: {name: foo}
`;
  const reads = (rego: string): unknown => policySet(templateOf(rego)).policies[0]?.readsRequester ?? false;
  assert.equal(reads('      violation[{"msg": "a"}] { input.review.userInfo.username == "x" }'), true);
  assert.equal(reads('      violation[{"msg": "a"}] { r := input.review; r["userInfo"].username == "x" }'), true);
  assert.equal(reads('      violation[{"msg": "a"}] { input.review.object.metadata.name == "x" }'), false);
});

test("the synchronised objects that a template looks at are known by their kinds, through names too", () => {
  const reads = (...lines: readonly string[]): unknown =>
    templateReads({ spec: { targets: [{ rego: ["package foo", ...lines].join("\n") }] } });
  const violation = (body: string): string => `violation[{"msg": "a"}] { ${body} }`;
  assert.deepEqual(reads(violation("input.review.object.data.inventory")), []);
  assert.deepEqual(reads(violation('data.inventory.cluster["v1"].Node[_]')), [{ kinds: ["/Node"] }]);
  assert.deepEqual(reads(violation('inv := data.inventory; inv.cluster["v1"].Node[_]')), [{}, { kinds: ["/Node"] }]);
  assert.deepEqual(
    reads(violation('all = data.inventory.namespace; some ns; one := all[ns]; one["apps/v1"]["Deployment"][_]')),
    [{}, { kinds: ["apps/Deployment"] }],
  );
  assert.deepEqual(
    reads("nodes = data.inventory.cluster.v1", violation("nodes.Node[_]"), violation("nodes := input; nodes.Other")),
    [{ kinds: ["/*", "/Node"] }],
  );
  assert.deepEqual(reads(violation("a = b[0]; b = a[0]; a.x; inv := data.inventory; f(inv)")), [{}]);
  assert.deepEqual(reads("violation["), []);
});
