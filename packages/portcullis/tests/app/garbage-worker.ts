// Counts what a request leaves in the old space. It does so in a thread, whose heap is that of a young replica: where thousands
// of objects with differing first keys were seen, as in the process of all tests, V8 no longer remembers the hidden classes that
// follow the empty object, and a mutation leaves about 195 bytes of them.

import { getHeapSpaceStatistics } from "node:v8";
import { parentPort } from "node:worker_threads";
import { alwaysPull, asker } from "./asker.ts";

/** What a path answers, and the bytes of old space that a request to it leaves. */
export interface Leavings {
  readonly path: string;
  readonly response: unknown;
  readonly bytes: number;
}

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

const rounds = 3000;

function leavings(path: string, policiesOfPath: string): Leavings {
  const { ask } = asker(policiesOfPath);
  const response = ask(path, pod);
  for (let round = 0; round < rounds; round++) ask(path, pod);
  const before = oldBytes();
  for (let round = 0; round < rounds; round++) ask(path, pod);
  return { path, response, bytes: (oldBytes() - before) / rounds };
}

function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "old_space")?.space_used_size ?? 0;
}

parentPort?.postMessage([leavings("/v1/admit", policies), leavings("/v1/mutate", alwaysPull)]);
