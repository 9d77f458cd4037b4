import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterObject } from "../../../src/cluster/api.ts";
import { definitionResource } from "../../../src/cluster/definitions.ts";
import { leases } from "../../../src/cluster/lease.ts";
import { ownDefinitions } from "../../../src/controllers/install/crds/own.ts";
import { ensureDefinitions } from "../../../src/controllers/install/definitions.ts";
import { enforcementOf } from "../../../src/controllers/install/enforced.ts";
import { livingReplicas } from "../../../src/controllers/install/living.ts";
import { missingRights } from "../../../src/controllers/install/missing.ts";
import { policyRole } from "../../../src/controllers/install/rights.ts";
import { uninstall } from "../../../src/controllers/install/uninstall.ts";
import { createFakeCluster } from "../../cluster/fake.ts";

const members = ["a", "b"];

function constraint(byPod: readonly object[], generation = 2): ClusterObject {
  return {
    apiVersion: "constraints.gatekeeper.sh/v1beta1",
    kind: "K8sThing",
    metadata: { name: "thing", generation },
    status: { byPod },
  };
}

function clusterPolicy(condition: object | null): ClusterObject {
  return {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: "p", generation: 1 },
    status: condition === null ? {} : { conditions: [condition] },
  };
}

test("enforced is what every living replica says of the present generation", () => {
  const a = { id: "a", observedGeneration: 2 };
  const b = { id: "b", observedGeneration: 2 };
  assert.deepEqual(enforcementOf(constraint([a, b]), members), { state: "enforced", by: 2 });
  assert.deepEqual(enforcementOf(constraint([a]), members), { state: "waiting", by: 1 });
  assert.deepEqual(enforcementOf(constraint([a, { ...b, observedGeneration: 1 }]), members), {
    state: "waiting",
    by: 1,
  });
  assert.deepEqual(enforcementOf(constraint([a, b, { id: "gone" }]), members), { state: "enforced", by: 2 });
  assert.deepEqual(enforcementOf(constraint([a, { ...b, errors: [{ message: "no" }] }]), members), {
    state: "failed",
    errors: ["no"],
  });
  assert.deepEqual(enforcementOf(constraint([a, b]), []), { state: "waiting", by: 0 });
});

test("Kyverno's policies say it by a condition, and what has no status is stored", () => {
  const ready = { type: "Ready", status: "True", message: "Ready" };
  assert.deepEqual(enforcementOf(clusterPolicy(ready), members), { state: "enforced", by: 2 });
  assert.deepEqual(enforcementOf(clusterPolicy(null), members), { state: "waiting", by: 0 });
  assert.deepEqual(enforcementOf(clusterPolicy({ ...ready, status: "False", message: "why" }), members), {
    state: "failed",
    errors: ["why"],
  });
  const unbuilt = { ...clusterPolicy(null), apiVersion: "policies.kyverno.io/v1", kind: "ValidatingPolicy" };
  const status = { conditionStatus: { ready: false, message: "nobody enforces it" } };
  assert.deepEqual(enforcementOf({ ...unbuilt, status }, members), { state: "failed", errors: ["nobody enforces it"] });
  assert.deepEqual(enforcementOf({ apiVersion: "v1", kind: "ConfigMap", metadata: {} }, members), { state: "stored" });
});

/** Definitions are served as soon as they are there. */
function serving(cluster: ReturnType<typeof createFakeCluster>): void {
  cluster.informers.watch(definitionResource).onChange(({ what, object }) => {
    if (what !== "added" || object["status"] !== undefined) return;
    cluster.put({ ...object, status: { conditions: [{ type: "Established", status: "True" }] } });
  });
}

test("definitions that are missing are made, ours are brought up to date, others' are left alone", async () => {
  const [ours, theirs, third] = ownDefinitions();
  assert.ok(ours !== undefined && theirs !== undefined && third !== undefined);
  const status = { conditions: [{ type: "Established", status: "True" }] };
  const cluster = createFakeCluster({
    objects: [
      { ...ours, status },
      { ...theirs, metadata: { ...(theirs["metadata"] as object), labels: {} }, status },
    ],
  });
  serving(cluster);
  const name = ({ metadata }: Readonly<Record<string, unknown>>): string =>
    (metadata as { readonly name: string }).name;
  const first = await ensureDefinitions(cluster.client, [ours, theirs, third], 2000);
  assert.deepEqual(first, { created: [name(third)], updated: [name(ours)], kept: [name(theirs)] });
  const writes = cluster.client.calls.count({ writes: true });
  const second = await ensureDefinitions(cluster.client, [ours, theirs, third], 2000);
  assert.deepEqual(second, { created: [], updated: [], kept: [ours, theirs, third].map(name) });
  assert.equal(cluster.client.calls.count({ writes: true }), writes);
});

test("a resource that may not be listed is told once, whoever needs it", async () => {
  const cluster = createFakeCluster({
    paths: { "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": { status: { allowed: false } } },
  });
  const { resources } = await cluster.client.discover();
  const lines = await missingRights({
    client: cluster.client,
    resources,
    policies: [
      { scope: { kinds: ["/Secret"] }, reads: [{ kinds: ["*/Secret"] }] },
      { scope: {}, reads: [] },
    ],
  });
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^policies look at secrets, which portcullis may not list/);
});

test("a role is rendered for what is not read anyway, once for each group", () => {
  const at = (group: string, resource: string) => ({ group, version: "v1", resource });
  assert.equal(
    policyRole([at("", "pods"), at("apps", "deployments"), at("gateway.networking.k8s.io", "gateways")]),
    null,
  );
  const role = policyRole([at("", "secrets"), at("example.com", "widgets"), at("example.com", "gadgets")]);
  assert.deepEqual(role?.["rules"], [
    { apiGroups: [""], resources: ["secrets"], verbs: ["get", "list", "watch"] },
    { apiGroups: ["example.com"], resources: ["widgets", "gadgets"], verbs: ["get", "list", "watch"] },
  ]);
});

test("what is not ours stays when we leave, and leaving twice is leaving once", async () => {
  const kind = "ValidatingWebhookConfiguration";
  const apiVersion = "admissionregistration.k8s.io/v1";
  const labels = { "app.kubernetes.io/managed-by": "portcullis" };
  const part = { apiVersion: "portcullis.dev/v1alpha1", kind: "AuditPart" };
  const cluster = createFakeCluster({
    kinds: [{ group: "portcullis.dev", version: "v1alpha1", kind: part.kind, namespaced: true, status: false }],
    objects: [
      { ...part, metadata: { name: "a.1", namespace: "portcullis" }, replica: "a" },
      { apiVersion, kind, metadata: { name: "portcullis", labels } },
      { apiVersion, kind, metadata: { name: "theirs", labels } },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "certificates", namespace: "portcullis" } },
      {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name: "portcullis-a", namespace: "portcullis" },
      },
      { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { name: "other", namespace: "portcullis" } },
    ],
  });
  const options = {
    client: cluster.client,
    namespace: "portcullis",
    configurationName: "portcullis",
    secretName: "certificates",
  };
  assert.deepEqual(await uninstall(options), [`${kind}/portcullis`, "AuditPart/a.1", "Lease/portcullis-a"]);
  assert.deepEqual(await uninstall(options), []);
});

test("a replica that renews its Lease lives; one that was killed or ended does not", async () => {
  const leaseOf = (name: string, renewTime: string): ClusterObject => ({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name, namespace: "portcullis" },
    spec: { holderIdentity: "x", leaseDurationSeconds: 1, renewTime },
  });
  const [now, past] = [new Date().toISOString(), "2020-01-01T00:00:00.000000Z"];
  const cluster = createFakeCluster({
    objects: [leaseOf("portcullis-killed", now), leaseOf("portcullis-old", past), leaseOf("other", now)],
  });
  const options = { client: cluster.client, namespace: "portcullis", pauseMs: 10 };
  assert.deepEqual(await livingReplicas(options), []);
  const looking = livingReplicas(options);
  await cluster.client.create(leases, leaseOf("portcullis-a", new Date(Date.now() + 1).toISOString()));
  assert.deepEqual(await looking, ["a"]);
});
