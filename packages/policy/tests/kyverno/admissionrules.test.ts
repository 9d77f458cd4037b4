import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinCatalog } from "@portcullis/kube";
import { type Policy, createEngine, kyvernoFrontend } from "../../src/index.ts";

const engine = createEngine({ frontends: [kyvernoFrontend()], catalog: builtinCatalog() });

const validate = { message: "no", pattern: { metadata: { name: "?*" } } };
const mutate = { patchStrategicMerge: { metadata: { labels: { a: "b" } } } };

function policySet(rules: readonly object[], more: object = {}) {
  const named = rules.map((rule, at) => ({ name: `rule-${at}`, ...rule }));
  const metadata = { name: "p", annotations: { "pod-policies.kyverno.io/autogen-controllers": "none" } };
  const object = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata,
    spec: { background: false, ...more, rules: named },
  };
  const set = engine.policySet([{ object, file: "p.yaml" }]);
  assert.deepEqual(
    [...set.status.values()].flat().filter(({ severity }) => severity === "error"),
    [],
  );
  return set;
}

/** `group/version/Kind/subresource OPERATIONS`. */
function lines(admission: Policy["admission"] = []): readonly string[] {
  return admission.map(
    ({ group, version, kind, subresource, operations }) =>
      `${group}/${version}/${kind}/${subresource ?? "?"} ${operations.join(",")}`,
  );
}

function asked(rules: readonly object[], more: object = {}): readonly string[] {
  return lines(policySet(rules, more).policies[0]?.admission);
}

function match(kinds: readonly string[], operations: readonly string[] = []): object {
  return { any: [{ resources: { kinds, ...(operations.length > 0 && { operations }) } }] };
}

test("a rule that names no operation validates at all four, and mutates at two", () => {
  assert.deepEqual(asked([{ match: match(["Pod", "apps/v1/Deployment"]), validate }]), [
    "*/*/Pod/ CREATE,UPDATE,DELETE,CONNECT",
    "apps/v1/Deployment/ CREATE,UPDATE,DELETE,CONNECT",
  ]);
  const { policies, mutations } = policySet([{ match: match(["Pod"]), mutate }]);
  assert.deepEqual(lines(mutations[0]?.admission), ["*/*/Pod/ CREATE,UPDATE"]);
  assert.deepEqual(lines(policies[0]?.admission), []);
});

test("operations of rules are joined, and subresources are kinds of their own", () => {
  assert.deepEqual(
    asked([
      { match: match(["Pod"], ["CREATE"]), validate },
      { match: match(["Pod"], ["DELETE"]), validate },
      { match: match(["Pod/exec"], ["CONNECT"]), validate },
    ]),
    ["*/*/Pod/ CREATE,DELETE", "*/*/Pod/exec CONNECT"],
  );
});

test("an exclude that names kinds and operations only takes them out; one that names more does not", () => {
  const rule = { match: match(["Pod", "Service"]), validate };
  assert.deepEqual(asked([{ ...rule, exclude: match([], ["DELETE", "CONNECT"]) }]), [
    "*/*/Pod/ CREATE,UPDATE",
    "*/*/Service/ CREATE,UPDATE",
  ]);
  const exclude = { any: [{ resources: { kinds: ["Pod"], namespaces: ["kube-system"] } }] };
  assert.equal(asked([{ ...rule, exclude }]).length, 2);
});

test("a policy that is not asked at admission asks for nothing", () => {
  assert.deepEqual(asked([{ match: match(["Pod"]), validate }], { admission: false, background: true }), []);
});
