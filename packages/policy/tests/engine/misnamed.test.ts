// Kinds in matches that no object has, in both dialects.

import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinCatalog, meantKind } from "@portcullis/kube";
import { lintPolicies as lintGatekeeper } from "../../src/gatekeeper/lint/lint.ts";
import { lintPolicies as lintKyverno } from "../../src/kyverno/lint/lint.ts";

test("a resource's name and other letters mean a kind; a kind, a wildcard and a stranger mean none", () => {
  const meant = ["Pods", "pods", "pod", "deployment", "NetworkPolicies", "ingresses", "configmap"].map(meantKind);
  assert.deepEqual(meant, ["Pod", "Pod", "Pod", "Deployment", "NetworkPolicy", "Ingress", "ConfigMap"]);
  assert.deepEqual(["Pod", "Endpoints", "*", "", "Foo", "constructor"].map(meantKind), Array(6).fill(null));
});

test("a constraint that names what no object has is told", () => {
  const kinds = [{ apiGroups: ["*"], kinds: ["Pod", "pods"] }];
  const object = {
    apiVersion: "constraints.gatekeeper.sh/v1beta1",
    kind: "K8sX",
    metadata: { name: "x" },
    spec: { match: { kinds } },
  };
  const found = lintGatekeeper([{ object, file: "a.yaml" }], builtinCatalog());
  assert.deepEqual(
    found.map(({ code, hint }) => [code, hint]),
    [["lint/misnamed-kind", "write Pod"]],
  );
});

test("so is a rule, in whatever part of its match or exclude it does", () => {
  const filter = (kind: string) => ({ resources: { kinds: [kind] } });
  const rule = {
    name: "r",
    match: { any: [filter("Pods"), filter("apps/v1/Deployment")], all: [filter("apps/v1/deployments")] },
    exclude: filter("Namespaces"),
    validate: { message: "m", pattern: {} },
  };
  const object = {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "p" },
    spec: { rules: [rule] },
  };
  const paths: unknown[] = [];
  const locate = (path: readonly unknown[]): null => {
    paths.push(path.join("."));
    return null;
  };
  const found = lintKyverno([{ object, file: "a.yaml", locate }]);
  assert.deepEqual(
    found.map(({ hint }) => hint),
    ["write Pod", "write Deployment", "write Namespace"],
  );
  assert.deepEqual(paths.slice(-3), [
    "spec.rules.0.match.any.0.resources.kinds.0",
    "spec.rules.0.match.all.0.resources.kinds.0",
    "spec.rules.0.exclude.resources.kinds.0",
  ]);
});
