import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterObject } from "../../../src/cluster/api.ts";
import { type Neighbours, watchNeighbours, yieldingClient } from "../../../src/controllers/neighbours/neighbours.ts";
import { type FakeCluster, createFakeCluster } from "../../cluster/fake.ts";

const constraint = {
  apiVersion: "constraints.gatekeeper.sh/v1beta1",
  kind: "K8sThing",
  metadata: { name: "thing" },
};
const constraints = { group: "constraints.gatekeeper.sh", version: "v1beta1", resource: "k8sthings" };

function configuration(name: string, webhooks: readonly unknown[] = [{ name: "validation.gatekeeper.sh" }]) {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks,
  };
}

function lease(renewedMs: number, name = "kyverno"): ClusterObject {
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name, namespace: "kyverno" },
    spec: { holderIdentity: "pod", leaseDurationSeconds: 12, renewTime: new Date(renewedMs).toISOString() },
  };
}

async function around(objects: readonly ClusterObject[]): Promise<{ cluster: FakeCluster; neighbours: Neighbours }> {
  const kinds = [{ group: constraints.group, version: "v1beta1", kind: "K8sThing", namespaced: false }];
  const cluster = createFakeCluster({ objects, kinds });
  const neighbours = watchNeighbours({ informers: cluster.informers, onError: (error) => assert.fail(error) });
  await neighbours.known;
  return { cluster, neighbours };
}

test("a living Gatekeeper is known by its configuration, ours and an empty one are nobody", async (context) => {
  const { cluster, neighbours } = await around([
    configuration("portcullis"),
    configuration("gatekeeper-validating-webhook-configuration", []),
  ]);
  context.after(() => neighbours.close());
  assert.deepEqual(neighbours.list(), []);
  cluster.put(configuration("gatekeeper-validating-webhook-configuration"));
  await cluster.settled();
  assert.deepEqual(neighbours.list(), [
    { dialect: "gatekeeper", evidence: "webhook configuration gatekeeper-validating-webhook-configuration" },
  ]);
  assert.equal(neighbours.owns("kyverno"), false);
});

test("a living Kyverno is known by its Lease, as long as it is renewed", async (context) => {
  const old = await around([lease(Date.now() - 3_600_000)]);
  const living = await around([lease(Date.now())]);
  context.after(() => {
    old.neighbours.close();
    living.neighbours.close();
  });
  assert.equal(old.neighbours.owns("kyverno"), false);
  assert.deepEqual(living.neighbours.list(), [{ dialect: "kyverno", evidence: "Lease kyverno/kyverno" }]);
});

test("beside a neighbour, what is its own is read only; when it leaves, it is written again", async (context) => {
  const name = "gatekeeper-validating-webhook-configuration";
  const { cluster, neighbours } = await around([configuration(name)]);
  context.after(() => neighbours.close());
  const client = yieldingClient(cluster.client, neighbours);
  await client.create(constraints, constraint);
  await client.patch(constraints, { namespace: "", name: "thing" }, {}, { type: "merge" });
  await client.remove(constraints, { namespace: "", name: "thing" });
  assert.equal(cluster.client.calls.count({ writes: true }), 0);
  await client.create(
    { group: "", version: "v1", resource: "configmaps" },
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "ours", namespace: "portcullis" } },
  );
  assert.equal(cluster.client.calls.count({ writes: true }), 1);
  cluster.drop(
    { group: "admissionregistration.k8s.io", version: "v1", resource: "validatingwebhookconfigurations" },
    { namespace: "", name },
  );
  await cluster.settled();
  await client.create(constraints, constraint);
  assert.equal(cluster.client.calls.count({ writes: true }), 2);
});
