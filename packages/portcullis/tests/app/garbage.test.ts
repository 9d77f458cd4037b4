// What a request leaves behind must go with the short collections of the young space. What V8 moves to the old space is freed
// only by a full collection, which takes ten times as long and holds up whoever is asked meanwhile.

import assert from "node:assert/strict";
import { test } from "node:test";
import { getHeapSpaceStatistics } from "node:v8";
import { alwaysPull, asker } from "./asker.ts";

const policies = `
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: k8sconflict}
spec:
  crd: {spec: {names: {kind: K8sConflict}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package k8sconflict
      probe(c) = p { p := c.livenessProbe }
      probe(c) = p { p := c.readinessProbe }
      violation[{"msg": "probe"}] { probe(input.review.object.spec.containers[_]).host != "" }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sConflict
metadata: {name: conflict}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: wants-team}
spec:
  validationFailureAction: Enforce
  rules:
  - name: team
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate: {message: "team is missing", pattern: {metadata: {labels: {team: "?*"}}}}
`;

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default" },
  spec: {
    containers: [
      { name: "web", image: "web:1", livenessProbe: { periodSeconds: 1 }, readinessProbe: { periodSeconds: 2 } },
    ],
  },
};

test("requests leave nothing that only a full collection frees", () => {
  const { ask } = asker(policies);
  const { status } = ask("/v1/admit", pod);
  assert.match(String(status?.["message"]), /multiple outputs[^]*team is missing/);
  leavesNothing(() => ask("/v1/admit", pod));
});

test("nor do mutations", () => {
  const { ask } = asker(alwaysPull);
  assert.notEqual(ask("/v1/mutate", pod).patch, undefined);
  leavesNothing(() => ask("/v1/mutate", pod));
});

function leavesNothing(ask: () => unknown): void {
  const rounds = 3000;
  for (let round = 0; round < rounds; round++) ask();
  const before = oldBytes();
  for (let round = 0; round < rounds; round++) ask();
  const bytes = (oldBytes() - before) / rounds;
  assert.ok(bytes < 60, `${bytes.toFixed(0)} bytes a request`);
}

function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "old_space")?.space_used_size ?? 0;
}
