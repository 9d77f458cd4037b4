// Rules that ask for what is not built: an error result wherever they apply, which denies unless the policy says otherwise,
// and a warning with its place when the policy is read. None of them ever passes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinCatalog, parseYaml, valueAt } from "@portcullis/kube";
import { Source, formatDiagnostic } from "@portcullis/lang";
import { createEngine } from "../../src/engine/engine.ts";
import type { EvaluationRequest } from "../../src/engine/request.ts";
import { kyvernoFrontend } from "../../src/kyverno/frontend.ts";
import { admission, decide, documents } from "./decide.ts";

const named = "name: r, match: {any: [{resources: {kinds: [Pod]}}]}";
const plain = "validate: {failureAction: Enforce, pattern: {spec: {hostNetwork: false}}}";

const unbuilt = [
  {
    field: "validate.manifests",
    spec: `rules: [{${named}, validate: {failureAction: Enforce, manifests: {attestors: [{entries: [{keys: {publicKeys: a}}]}]}}}]`,
    place: "6:",
  },
  {
    field: "verifyImages",
    spec: `rules: [{${named}, verifyImages: [{imageReferences: ["*"], failureAction: Enforce, attestors: [{entries: [{keys: {publicKeys: a}}]}]}]}]`,
    place: "6:",
  },
  {
    field: "webhookConfiguration.matchConditions",
    spec: `webhookConfiguration: {matchConditions: [{name: c, expression: 'false'}]}\n  rules: [{${named}, ${plain}}]`,
    place: "6:",
  },
];

const policyText = (spec: string): string => `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  ${spec}
`;

function setOf(text: string) {
  const [document] = parseYaml(new Source("policy.yaml", text), { dialect: "go" }).value;
  assert.ok(document !== undefined);
  const engine = createEngine({ frontends: [kyvernoFrontend()], catalog: builtinCatalog() });
  const locate = (path: readonly (string | number)[]) => document.positionOf(path);
  return engine.policySet([{ object: document.value, file: "policy.yaml", locate }]);
}

const [pod] = documents("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b}, spec: {hostNetwork: false}}");

for (const { field, spec, place } of unbuilt) {
  test(`${field} is not built, which is an error result at every point, and a warning beforehand`, () => {
    const set = setOf(policyText(spec));
    const asked: readonly Partial<EvaluationRequest>[] = [{}, { point: "cli" }, { point: "audit", user: null }];
    for (const how of asked) {
      const decision = decide(set, admission(pod, how));
      const results = decision.outcomes.map(({ result, message }) => `${result}: ${message}`);
      assert.deepEqual(results, [`error: ${field} is not supported yet`], String(how.point));
      assert.equal(decision.allowed, false);
    }
    const warned = [...set.status.values()].flat().map((one) => formatDiagnostic(one).split("\n")[0] ?? "");
    assert.equal(warned.length, 1);
    assert.match(
      warned[0] ?? "",
      new RegExp(`^policy.yaml:${place}.*unsupported-rule: .*${field} is not supported yet`),
    );
  });
}

test("data of an image registry are not there, which is an error where something asks for them", () => {
  const context = "context: [{name: image, imageRegistry: {reference: nginx}}]";
  const deny = 'deny: {conditions: {all: [{key: "{{ image.registry }}", operator: Equals, value: a}]}}';
  const set = setOf(policyText(`rules: [{${named}, ${context}, validate: {failureAction: Enforce, ${deny}}}]`));
  const decision = decide(set, admission(pod));
  assert.equal(decision.allowed, false);
  assert.match(decision.message, /image data from registries is not supported yet: context entry image/);
  const [warning] = [...set.status.values()].flat();
  assert.equal(warning?.message, "rule r: imageRegistry is not supported yet: the rule gives an error result");
});

test("a policy of a kind that is not built is refused and never in a set", () => {
  const [object] = documents(
    "{apiVersion: policies.kyverno.io/v1, kind: ValidatingPolicy, metadata: {name: v}, spec: {}}",
  );
  const engine = createEngine({ frontends: [kyvernoFrontend()], catalog: builtinCatalog() });
  const set = engine.policySet([{ object, file: "f" }]);
  assert.equal(set.policies.length, 0);
  assert.deepEqual(
    [...set.status.values()].flat().map(({ severity, message }) => `${severity} ${message}`),
    ["error ValidatingPolicy (policies.kyverno.io/v1) is not supported yet"],
  );
  assert.equal(valueAt(object, "kind"), "ValidatingPolicy");
});
