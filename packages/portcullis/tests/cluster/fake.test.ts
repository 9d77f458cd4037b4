// The fake cluster answers as an API server does where controllers depend on it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { stringAt, valueAt } from "@portcullis/kube";
import { ApiError, type ClusterObject } from "../../src/cluster/api.ts";
import { createFakeCluster } from "./fake.ts";

const things = { group: "example.io", version: "v1", resource: "things" };
const configMaps = { group: "", version: "v1", resource: "configmaps" };
const kinds = [{ group: "example.io", version: "v1", kind: "Thing" }];
const thing = (spec: unknown, more: object = {}): ClusterObject => ({
  apiVersion: "example.io/v1",
  kind: "Thing",
  metadata: { name: "one", namespace: "default", ...more },
  spec,
});
const name = { namespace: "default", name: "one" };

async function refusal(call: Promise<unknown>): Promise<ApiError> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ApiError);
  return error;
}

test("fake: versions must agree, statuses and generations are kept apart", async () => {
  const { client } = createFakeCluster({ kinds });
  const made = await client.create(things, { ...thing({ a: 1 }), status: { dropped: true } });
  assert.equal(valueAt(made, "metadata", "generation"), 1);
  assert.equal(made["status"], undefined);
  const written = await client.update(
    things,
    { ...made, spec: { a: 9 }, status: { ready: true } },
    { subresource: "status" },
  );
  assert.deepEqual([written["spec"], written["status"]], [{ a: 1 }, { ready: true }]);
  assert.equal(valueAt(written, "metadata", "generation"), 1);
  const stale = await refusal(client.update(things, { ...made, spec: { a: 2 } }));
  assert.deepEqual([stale.status, stale.reason], [409, "Conflict"]);
  const changed = await client.update(things, { ...written, spec: { a: 2 } });
  assert.equal(valueAt(changed, "metadata", "generation"), 2);
  assert.deepEqual(changed["status"], { ready: true });
  const again = await client.update(things, changed);
  assert.equal(stringAt(again, "metadata", "resourceVersion"), stringAt(changed, "metadata", "resourceVersion"));
  assert.equal((await refusal(client.create(things, thing({})))).reason, "AlreadyExists");
  assert.equal(client.calls.count({ writes: true }), 6);
});

test("fake: finalizers hold an object until they are gone", async () => {
  const { client, put } = createFakeCluster({ kinds });
  put(thing({}, { finalizers: ["example.io/hold"] }));
  await client.remove(things, name);
  const held = await client.get(things, name);
  assert.notEqual(stringAt(held, "metadata", "deletionTimestamp"), "");
  await client.update(things, { ...held, metadata: { ...(held["metadata"] as object), finalizers: [] } });
  assert.equal((await refusal(client.get(things, name))).status, 404);
});

test("fake: apply takes back what its manager no longer says", async () => {
  const { client } = createFakeCluster();
  const map = (data: object): ClusterObject => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "one" },
    data,
  });
  await client.patch(configMaps, name, map({ a: "1" }), { type: "apply", fieldManager: "x" });
  await client.patch(configMaps, name, map({ b: "1" }), { type: "apply", fieldManager: "y" });
  const last = await client.patch(configMaps, name, map({ c: "1" }), { type: "apply", fieldManager: "x" });
  assert.deepEqual(last["data"], { b: "1", c: "1" });
});

test("fake: informers and lists agree on selectors", async () => {
  const { client, informers, put, drop, settled } = createFakeCluster({ kinds });
  put(thing({}, { labels: { app: "web" } }));
  put(thing({}, { name: "two", labels: { app: "db" } }));
  const informer = informers.watch(things, { labelSelector: "app in (web,api),!hidden" });
  const seen: string[] = [];
  informer.onChange(({ what, object }) => seen.push(`${what} ${stringAt(object, "metadata", "name")}`));
  await informer.synced;
  put(thing({}, { labels: { app: "web", hidden: "" } }));
  put(thing({}, { name: "three", labels: { app: "api" } }));
  drop(things, { namespace: "default", name: "three" });
  await settled();
  assert.deepEqual(seen, ["added one", "removed one", "added three", "removed three"]);
  const listed: string[] = [];
  for await (const page of client.list(things, { labelSelector: "app!=web", limit: 1 }))
    listed.push(page.map((object) => stringAt(object, "metadata", "name")).join());
  assert.deepEqual(listed, ["two"]);
  assert.equal(informer.size, 0);
});
