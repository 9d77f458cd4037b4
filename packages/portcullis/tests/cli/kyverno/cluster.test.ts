// `kyverno apply --cluster`: what is listed for policies, and what they ask for until they ask for nothing new.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nameOf } from "@portcullis/kube";
import { type ApplyCluster, evaluateCliPolicy, prepareApply, readCliPolicy } from "@portcullis/policy";
import { readForPolicies } from "../../../src/cli/kyverno/cluster.ts";
import { files } from "../../../src/cli/kyverno/files.ts";
import { kyvernoEvaluation } from "../../../src/cli/kyverno/world.ts";
import { createFakeCluster } from "../../cluster/fake.ts";

const policy = `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: teams, annotations: {pod-policies.kyverno.io/autogen-controllers: none}}
spec:
  rules:
  - name: known
    match: {any: [{resources: {kinds: [v1/Pod], namespaceSelector: {matchLabels: {checked: "yes"}}}}]}
    context:
    - {name: settings, configMap: {name: settings, namespace: ops}}
    - {name: secrets, apiCall: {urlPath: "/api/v1/namespaces/{{ settings.data.where }}/secrets", jmesPath: "items[].metadata.name"}}
    validate:
      message: "of {{ secrets }}"
      deny: {conditions: {any: [{key: "{{ request.object.metadata.name }}", operator: AnyNotIn, value: "{{ secrets }}"}]}}
`;

const namespace = (name: string, labels: Readonly<Record<string, string>> = {}) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});
const object = (kind: string, where: string, name: string, more: object = {}) => ({
  apiVersion: "v1",
  kind,
  metadata: { name, namespace: where },
  ...more,
});

function cluster() {
  return createFakeCluster({
    objects: [
      namespace("shop", { checked: "yes" }),
      namespace("free"),
      object("Pod", "shop", "good"),
      object("Pod", "shop", "bad"),
      object("Pod", "free", "bad"),
      object("ConfigMap", "ops", "settings", { data: { where: "vault" } }),
      object("Secret", "vault", "good"),
    ],
  });
}

async function applied(names: readonly string[], where = ""): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-cluster-"));
  try {
    const path = join(folder, "policy.yaml");
    writeFileSync(path, policy);
    const run = (given: ApplyCluster): readonly string[] => {
      const applying = prepareApply(
        {
          policies: [path],
          resources: [],
          targets: [],
          valuesFile: "",
          set: null,
          userInfo: "",
          exceptions: [],
          exceptionsIn: new Set(),
          auditWarn: false,
          warningsAsErrors: false,
          continueOnFail: false,
          cluster: given,
        },
        {
          files,
          read: readCliPolicy,
          evaluate: evaluateCliPolicy,
          evaluation: kyvernoEvaluation,
          print: () => {},
          warn: () => {},
          stdin: () => "",
        },
      );
      return [...applying.responses()].flatMap(({ rules, object: about }) =>
        rules.map(({ status, message }) => `${nameOf(about)} ${status} ${message}`),
      );
    };
    const found = await readForPolicies({
      client: cluster().client,
      policies: [path],
      names,
      namespace: where,
      clusterWide: false,
      rehearse: run,
    });
    return run(found);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("objects of the kinds that policies name are decided with the cluster's own data", async () => {
  assert.deepEqual(await applied([]), ['bad fail of ["good"]', "good pass validation rule 'known' passed."]);
});

test("only objects with the names, of the namespace that were asked for", async () => {
  assert.deepEqual(await applied(["good"]), ["good pass validation rule 'known' passed."]);
  assert.deepEqual(await applied([], "free"), []);
  await assert.rejects(applied(["nobody"]), /failed to load resources \(nobody not found in cluster\)/);
});
