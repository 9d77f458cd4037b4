// Where policies of different dialects meet: on the facts themselves, and on real policies of both dialects.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Document, builtinCatalog, parseYaml } from "@portcullis/kube";
import { Source, formatDiagnostic } from "@portcullis/lang";
import { lintSources } from "../../src/engine/lint.ts";
import { type PolicyFacts, findOverlaps } from "../../src/engine/overlap.ts";
import { gatekeeperFrontend } from "../../src/gatekeeper/frontend.ts";
import { kyvernoFrontend } from "../../src/kyverno/frontend.ts";

function facts(
  policy: string,
  more: Partial<Record<"decides" | "writes", readonly string[]>>,
  rest: Partial<PolicyFacts> = {},
) {
  const fields = (paths: readonly string[] = []) => paths.map((path) => ({ path, span: null }));
  return {
    policy,
    kinds: ["/Pod"],
    namespaces: null,
    ...rest,
    decides: fields(more.decides),
    writes: fields(more.writes),
  } satisfies PolicyFacts;
}

function texts(all: readonly PolicyFacts[]): readonly string[] {
  return findOverlaps(all).map(({ code, message }) => `${code}: ${message}`);
}

test("two policies about one field of one kind meet, once, however many fields they share", () => {
  const image = { decides: ["spec.containers[].image", "spec.initContainers[].image"] };
  assert.deepEqual(texts([facts("A a", image), facts("B b", image)]), [
    "lint/overlap: A a and B b decide about `spec.containers[].image` and `spec.initContainers[].image` of Pod",
  ]);
});

test("other kinds, other namespaces, other fields and the names of objects do not meet", () => {
  const image = { decides: ["spec.containers[].image"] };
  assert.deepEqual(texts([facts("A a", image), facts("B b", image, { kinds: ["apps/Deployment"] })]), []);
  assert.deepEqual(texts([facts("A a", image, { namespaces: ["x"] }), facts("B b", image, { namespaces: ["y"] })]), []);
  assert.deepEqual(texts([facts("A a", image), facts("B b", { decides: ["spec.hostNetwork"] })]), []);
  assert.deepEqual(
    texts([facts("A a", { decides: ["metadata.name"] }), facts("B b", { decides: ["metadata.name"] })]),
    [],
  );
  assert.deepEqual(texts([facts("A a", image), facts("A a", image)]), []);
});

test("wildcards of kinds meet what they take in", () => {
  const image = { decides: ["spec.containers[].image"] };
  assert.deepEqual(texts([facts("A a", image, { kinds: null }), facts("B b", image)]), [
    "lint/overlap: A a and B b decide about `spec.containers[].image` of Pod",
  ]);
});

test("three policies are one finding, with the others in its notes", () => {
  const host = { decides: ["spec.hostNetwork"] };
  const [found] = findOverlaps([facts("A a", host), facts("B b", host), facts("C c", host)]);
  assert.deepEqual(
    [found?.message, found?.notes?.map(({ message }) => message)],
    ["A a, B b and C c decide about `spec.hostNetwork` of Pod", ["A a is here", "B b is here"]],
  );
});

test("mutations meet where one writes above what another writes", () => {
  assert.deepEqual(
    texts([
      facts("A a", { writes: ["spec.securityContext"] }),
      facts("B b", { writes: ["spec.securityContext.runAsUser"] }),
      facts("C c", { writes: ["spec.hostNetwork"] }),
    ]),
    ["lint/mutation-overlap: A a and B b write `spec.securityContext` of Pod"],
  );
});

// ── both dialects

const template = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: k8sallowedrepos}
spec:
  crd: {spec: {names: {kind: K8sAllowedRepos}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package k8sallowedrepos
      violation[{"msg": msg}] {
        container := input_containers[_]
        not startswith(container.image, "x/")
        msg := container.name
      }
      input_containers[c] { c := input.review.object.spec.containers[_] }
      input_containers[c] { c := input.review.object.spec.initContainers[_] }
`;
const constraint = `apiVersion: constraints.gatekeeper.sh/v1beta1
kind: K8sAllowedRepos
metadata: {name: repos}
spec: {match: {kinds: [{apiGroups: [""], kinds: [Pod]}]}}
`;
const clusterPolicy = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: no-latest}
spec:
  rules:
  - name: tag
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      message: m
      pattern: {spec: {containers: [{image: "!*:latest"}]}}
  - name: init
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
      message: m
      foreach:
      - list: request.object.spec.initContainers
        deny: {conditions: {any: [{key: "{{ element.image }}", operator: Equals, value: x}]}}
`;
const assign = `apiVersion: mutations.gatekeeper.sh/v1
kind: Assign
metadata: {name: pull-policy}
spec:
  applyTo: [{groups: [""], versions: [v1], kinds: [Pod]}]
  location: "spec.containers[name:*].imagePullPolicy"
  parameters: {assign: {value: Always}}
`;
const mutate = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: set-pull-policy}
spec:
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod]}}]}
    mutate:
      patchStrategicMerge: {spec: {containers: [{(image): "*:latest", imagePullPolicy: IfNotPresent}]}}
`;

function lint(...sources: readonly (readonly [file: string, text: string])[]): readonly string[] {
  const policies = sources.map(([file, text]) => {
    const [document] = parseYaml(new Source(file, text), { dialect: "go" }).value as readonly [Document];
    return { file, object: document.value, locate: (path: readonly (string | number)[]) => document.positionOf(path) };
  });
  const frontends = [gatekeeperFrontend({ load: () => () => null }), kyvernoFrontend()];
  return lintSources(frontends, policies, builtinCatalog())
    .filter(({ code }) => code.includes("overlap"))
    .map((one) => {
      const notes = (one.notes ?? []).map((note) => formatDiagnostic({ code: "note", severity: "info", ...note }));
      return [formatDiagnostic({ ...one, hint: "" }).replace(/ \(\)$/, ""), ...notes].join("\n");
    });
}

test("a constraint and a ClusterPolicy about images meet, with both places", () => {
  assert.deepEqual(lint(["t.yaml", template], ["c.yaml", constraint], ["p.yaml", clusterPolicy]), [
    "p.yaml:10:46: lint/overlap: K8sAllowedRepos repos and ClusterPolicy no-latest decide about `spec.containers[].image` and `spec.initContainers[].image` of Pod\nc.yaml:3:18: note: K8sAllowedRepos repos is here",
  ]);
});

test("an Assign and a patch that write the same field meet, with both places", () => {
  assert.deepEqual(lint(["a.yaml", assign], ["m.yaml", mutate]), [
    "m.yaml:9:88: lint/mutation-overlap: Assign pull-policy and ClusterPolicy set-pull-policy write `spec.containers[].imagePullPolicy` of Pod\na.yaml:6:14: note: Assign pull-policy is here",
  ]);
});
