// When what Kyverno's ConfigMap says of webhooks is told.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ApiError, type ClusterObject, type Informers } from "../../../src/cluster/api.ts";
import { followConfigMap } from "../../../src/controllers/webhooks/configmap.ts";
import { type FakeCluster, createFakeCluster } from "../../cluster/fake.ts";

const name = { namespace: "kyverno", name: "kyverno" };

function configMap(webhookLabels: object): ClusterObject {
  const data = { webhookLabels: JSON.stringify(webhookLabels) };
  return { apiVersion: "v1", kind: "ConfigMap", metadata: name, data };
}

interface Followed {
  readonly labels: unknown[];
  readonly refuse: () => void;
}

function follow(context: TestContext, cluster: FakeCluster, isShown = true): Followed {
  const labels: unknown[] = [];
  let refuse = (): void => {};
  const hidden: Informers = {
    close: () => {},
    watch: (resource, options) => {
      refuse = () => options?.onError?.(new ApiError("no", { status: 403, reason: "Forbidden" }));
      return { ...cluster.informers.watch(resource), synced: new Promise(() => {}), onChange: () => () => {}, size: 0 };
    },
  };
  const following = followConfigMap({
    informers: isShown ? cluster.informers : hidden,
    configMap: name,
    namespace: "portcullis",
    onSettings: (said) => labels.push(said.labels ?? "none"),
    onError: () => {},
  });
  context.after(() => following.close());
  return { labels, refuse };
}

test("what is there is told first, then each change", async (context) => {
  const cluster = createFakeCluster({ objects: [configMap({ a: "b" })] });
  const { labels } = follow(context, cluster);
  assert.deepEqual(labels, []);
  await cluster.settled();
  assert.deepEqual(labels, [{ a: "b" }]);
  cluster.put(configMap({ a: "c" }));
  await cluster.settled();
  cluster.drop({ group: "", version: "v1", resource: "configmaps" }, name);
  await cluster.settled();
  assert.deepEqual(labels, [{ a: "b" }, { a: "c" }, "none"]);
});

test("that there is none is told once it is known, and that nobody may look", async (context) => {
  const cluster = createFakeCluster();
  const { labels } = follow(context, cluster);
  await cluster.settled();
  assert.deepEqual(labels, ["none"]);
  const hidden = follow(context, cluster, false);
  await cluster.settled();
  assert.deepEqual(hidden.labels, []);
  hidden.refuse();
  await cluster.settled();
  assert.deepEqual(hidden.labels, ["none"]);
});
