import assert from "node:assert/strict";
import { test } from "node:test";
import { explainRequest } from "../../src/gatekeeper/explain.ts";
import { noCatalog, request } from "../engine/world.ts";
import { constraint, gatorOptions, objectsIn, template } from "./load.ts";

const rego = `package images
violation[{"msg": msg}] {
  container := input.review.object.spec.containers[_]
  not allowed(container.image)
  msg := sprintf("%v is not allowed", [container.name])
}
allowed(image) {
  startswith(image, input.parameters.repo)
}`;

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default", labels: { a: "b" } },
  spec: {
    containers: [
      { name: "good", image: "ours/x" },
      { name: "bad", image: "theirs/y" },
    ],
  },
};

test("an explanation names the criterion that did not match, and the lines with their values", () => {
  const sources = objectsIn(
    template("Images", rego) +
      constraint("Images", "apps", "{match: {kinds: [{apiGroups: [apps], kinds: ['*']}], namespaces: [prod]}}") +
      constraint("Images", "pods", "{match: {kinds: [{apiGroups: [''], kinds: [Pod]}]}, parameters: {repo: ours/}}") +
      constraint("Lost", "none"),
  );
  const explained = explainRequest(sources, request({ object: pod }), {
    ...gatorOptions,
    catalog: noCatalog,
    ask: (needs) => needs.map(() => ({ error: "not there" })),
  });
  assert.deepEqual(
    explained.map((one) => [one.name, one.matched, one.problem]),
    [
      ["apps", false, null],
      ["pods", true, null],
      ["none", false, 'missing ConstraintTemplate: template "lost" not found'],
    ],
  );
  assert.deepEqual(
    explained[0]?.criteria.map((one) => [one.field, one.actual, one.result]),
    [
      ["kinds", "Pod", false],
      ["namespaces", "default", false],
    ],
  );
  const [result] = explained[1]?.results ?? [];
  assert.equal(result?.message, "bad is not allowed");
  const bad = { name: "bad", image: "theirs/y" };
  assert.deepEqual(
    result?.rules.map((rule) => rule.literals.map((one) => [one.line, one.text, one.values])),
    [
      [
        [3, "container := input.review.object.spec.containers[_]", { container: bad }],
        [4, "not allowed(container.image)", { container: bad }],
        [5, 'msg := sprintf("%v is not allowed", [container.name])', { container: bad, msg: "bad is not allowed" }],
      ],
    ],
  );
  const span = result?.rules[0]?.literals[1]?.span;
  assert.deepEqual(span?.source.position(span.start), { line: 13, column: 9 });
});
