// The cluster client on a real kube-apiserver and etcd: verbs and patches, discovery as CRDs come, credentials that change,
// informers through a cut connection, a restarted API server and a compacted etcd, leaders and shards.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { nameOf, stringAt, valueAt } from "@portcullis/kube";
import { ApiError, type ClusterObject, isConflict } from "../packages/portcullis/src/cluster/api.ts";
import { type StreamingClient, createClient } from "../packages/portcullis/src/cluster/client.ts";
import { createElection } from "../packages/portcullis/src/cluster/election.ts";
import { createInformers } from "../packages/portcullis/src/cluster/informer.ts";
import { readClusterConfig } from "../packages/portcullis/src/cluster/kubeconfig.ts";
import { leases } from "../packages/portcullis/src/cluster/lease.ts";
import { createMembership } from "../packages/portcullis/src/cluster/shards.ts";
import { lookForBinaries } from "./binaries.ts";
import { type ControlPlane, startControlPlane, waitFor } from "./control-plane.ts";

const { binaries, missing } = lookForBinaries();

const configMaps = { group: "", version: "v1", resource: "configmaps" };
const crds = { group: "apiextensions.k8s.io", version: "v1", resource: "customresourcedefinitions" };
const widgets = { group: "example.io", version: "v1", resource: "widgets" };
const inDefault = (name: string): { readonly namespace: string; readonly name: string } => ({
  namespace: "default",
  name,
});

function configMap(name: string, data: Readonly<Record<string, string>>, labels: object = {}): ClusterObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { ...inDefault(name), labels }, data };
}

suite("the cluster client on a real API server", { skip: missing }, () => {
  test("verbs, discovery, credentials, informers, leaders", { timeout: 300_000 }, async (context) => {
    if (typeof binaries === "string") return;
    const cluster = await startControlPlane(binaries.etcd, binaries["kube-apiserver"]);
    const client = clientOf(cluster.kubeconfig);
    context.after(async () => {
      client.close();
      await cluster.stop();
    });
    await context.test("objects are created, changed by every kind of patch, and removed", () => verbs(client));
    await context.test("resources appear in discovery, and statuses are kept apart", () => customResources(client));
    await context.test("a token in a file and a credential program are asked again", () => credentials(cluster));
    await context.test("lists go on when etcd was compacted between pages", () => expiringList(client, cluster));
    await context.test("an informer stays in step through a cut and a restart", () => informerFaults(client, cluster));
    await context.test("a live watch goes on behind a restart", () => liveRestart(client, cluster));
    await context.test("of two electors one leads, and hands over", () => elections(client));
  });
});

function clientOf(kubeconfig: string): StreamingClient {
  return createClient(readClusterConfig({ kubeconfig, env: process.env, home: "/nonexistent" }));
}

async function refusal(call: Promise<unknown>): Promise<ApiError> {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ApiError, String(error));
  return error;
}

async function verbs(client: StreamingClient): Promise<void> {
  const name = inDefault("one");
  const made = await client.create(configMaps, configMap("one", { a: "1" }), { fieldValidation: "Strict" });
  assert.match((await refusal(client.create(configMaps, made))).message, /^resourceVersion should not be set/);
  assert.equal((await refusal(client.create(configMaps, configMap("one", {})))).reason, "AlreadyExists");
  const unknown = { ...configMap("two", {}), unknown: true };
  assert.match(
    (await refusal(client.create(configMaps, unknown, { fieldValidation: "Strict" }))).message,
    /unknown field/,
  );
  await client.create(configMaps, configMap("dry", {}), { dryRun: true });
  assert.equal((await refusal(client.get(configMaps, inDefault("dry")))).status, 404);
  const updated = await client.update(configMaps, { ...made, data: { a: "2" } });
  const stale = await refusal(client.update(configMaps, { ...made, data: { a: "3" } }));
  assert.ok(isConflict(stale));
  assert.match(stale.message, /the object has been modified; please apply your changes to the latest version/);
  await client.patch(configMaps, name, [{ op: "add", path: "/data/b", value: "2" }], { type: "json" });
  await client.patch(configMaps, name, { data: { a: null, c: "3" } }, { type: "merge" });
  await client.patch(configMaps, name, { data: { d: "4" } }, { type: "strategic" });
  const apply = (data: Readonly<Record<string, string>>): Promise<ClusterObject> =>
    client.patch(configMaps, name, configMap("one", data), { type: "apply", fieldManager: "e2e" });
  await apply({ e: "5", f: "6" });
  assert.deepEqual((await apply({ e: "5" }))["data"], { b: "2", c: "3", d: "4", e: "5" });
  assert.equal((await refusal(apply({ b: "mine" }))).reason, "Conflict");
  const { uid, resourceVersion } = updated["metadata"] as { uid: string; resourceVersion: string };
  assert.equal((await refusal(client.remove(configMaps, name, { uid: "other" }))).status, 409);
  assert.equal((await refusal(client.remove(configMaps, name, { resourceVersion }))).status, 409);
  await client.remove(configMaps, name, { uid, propagation: "Background" });
  assert.equal((await refusal(client.get(configMaps, name))).message, 'configmaps "one" not found');
}

async function customResources(client: StreamingClient): Promise<void> {
  const before = await client.discover();
  assert.deepEqual(before.failed, []);
  const deployments = before.resources.find(({ gvr }) => gvr.resource === "deployments");
  assert.deepEqual(deployments?.subresources.toSorted(), ["scale", "status"]);
  await client.create(crds, {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "widgets.example.io" },
    spec: {
      group: "example.io",
      scope: "Namespaced",
      names: { plural: "widgets", kind: "Widget" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      ],
    },
  });
  await waitFor("discovery of widgets", 30, async () =>
    (await client.discover(true)).resources.some(({ gvk }) => gvk.kind === "Widget"),
  );
  const widget = { apiVersion: "example.io/v1", kind: "Widget", metadata: inDefault("w"), spec: { a: 1 } };
  const made = await client.create(widgets, widget);
  const marked = await client.update(
    widgets,
    { ...made, spec: { a: 2 }, status: { ok: true } },
    { subresource: "status" },
  );
  assert.deepEqual(
    [marked["spec"], marked["status"], valueAt(marked, "metadata", "generation")],
    [{ a: 1 }, { ok: true }, 1],
  );
  const names: string[] = [];
  for await (const page of client.list(widgets, { metadataOnly: true })) {
    for (const item of page) {
      assert.deepEqual(Object.keys(item).toSorted(), ["apiVersion", "kind", "metadata"]);
      names.push(`${stringAt(item, "kind")} ${nameOf(item)}`);
    }
  }
  assert.deepEqual(names, ["Widget w"]);
}

async function credentials({ folder, kubeconfig }: ControlPlane): Promise<void> {
  const { clusters } = JSON.parse(readFileSync(kubeconfig, "utf8")) as {
    clusters: unknown;
  };
  const write = (name: string, user: unknown): string => {
    const file = join(folder, name);
    const contexts = [{ name: "c", context: { cluster: "bench", user: "u" } }];
    const config = { clusters, contexts, users: [{ name: "u", user }], "current-context": "c" };
    writeFileSync(file, JSON.stringify(config));
    return file;
  };
  writeFileSync(join(folder, "token"), "expired");
  const byFile = clientOf(write("by-file", { tokenFile: "token" }));
  assert.equal((await refusal(byFile.discover())).status, 401);
  writeFileSync(join(folder, "token"), "bench-token\n");
  assert.ok((await byFile.discover()).resources.length > 50);
  const who = (user: string): Promise<unknown> => {
    const as = clientOf(write("by-program", { exec: program, ...(user === "" ? {} : { as: user }) }));
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
    const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    return as
      .call({ method: "POST", path, body: review })
      .then((answer) => valueAt(answer, "status", "userInfo", "username"))
      .finally(() => as.close());
  };
  const answer = {
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    status: { token: "bench-token" },
  };
  const program = {
    apiVersion: answer.apiVersion,
    command: process.execPath,
    args: ["-e", `process.stdout.write(${JSON.stringify(JSON.stringify(answer))})`],
  };
  assert.deepEqual([await who(""), await who("jane")], ["admin", "jane"]);
  byFile.close();
}

/** Everything before now can no longer be read from etcd. */
async function compact({ etcdUrl, call }: ControlPlane): Promise<void> {
  const list = JSON.parse((await call("GET", "/api/v1/namespaces")).body) as { metadata: { resourceVersion: string } };
  const revision = list.metadata.resourceVersion;
  const body = JSON.stringify({ revision, physical: true });
  const answer = await fetch(`${etcdUrl}/v3/kv/compaction`, { method: "POST", body });
  assert.equal(answer.status, 200, await answer.text());
}

async function expiringList(client: StreamingClient, cluster: ControlPlane): Promise<void> {
  const names = Array.from({ length: 9 }, (_, index) => `page-${index}`);
  for (const name of names) await client.create(configMaps, configMap(name, {}, { paged: "yes" }));
  const seen: string[] = [];
  for await (const page of client.list(configMaps, { namespace: "default", labelSelector: "paged=yes", limit: 3 })) {
    seen.push(...page.map(nameOf));
    if (seen.length > 3) continue;
    await client.patch(configMaps, inDefault("page-8"), { data: { changed: "yes" } }, { type: "merge" });
    await cluster.restartApiServer();
    await compact(cluster);
  }
  assert.deepEqual(seen, names);
  assert.ok(client.calls.count({ resource: "configmaps", verb: "list", status: 410 }) > 0, "nothing expired");
}

/** A way to the API server that can be cut: connections end, and new ones are refused until it is mended. */
async function startWay(
  port: number,
): Promise<{ readonly port: number; cut(): Promise<void>; mend(): Promise<void>; close(): void }> {
  const sockets = new Set<Socket>();
  const listen = (at: number): Promise<Server> =>
    new Promise((resolve, reject) => {
      const server = createServer((inner) => {
        const outer = connect(port, "127.0.0.1");
        for (const socket of [inner, outer]) {
          sockets.add(socket);
          socket.on("error", () => socket.destroy());
          socket.on("close", () => {
            inner.destroy();
            outer.destroy();
            sockets.delete(socket);
          });
        }
        inner.pipe(outer).pipe(inner);
      });
      server.once("error", reject);
      server.listen(at, "127.0.0.1", () => resolve(server));
    });
  let server = await listen(0);
  const own = (server.address() as AddressInfo).port;
  const cut = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port: own,
    cut,
    mend: async () => {
      server = await listen(own);
    },
    close: () => void cut(),
  };
}

async function informerFaults(client: StreamingClient, cluster: ControlPlane): Promise<void> {
  const way = await startWay(cluster.apiPort);
  const config = readClusterConfig({ kubeconfig: cluster.kubeconfig, env: {}, home: "/nonexistent" });
  const through = createClient({ ...config, server: `https://127.0.0.1:${way.port}` });
  const informers = createInformers(through, { backoffMinMs: 50, backoffMaxMs: 500 });
  try {
    const changes: string[] = [];
    const labelSelector = "faults=yes";
    const errors: string[] = [];
    const informer = informers.watch(configMaps, { labelSelector, onError: ({ message }) => errors.push(message) });
    const put = (name: string): Promise<ClusterObject> =>
      client.create(configMaps, configMap(name, {}, { faults: "yes" }));
    await put("stays");
    await put("goes");
    await put("again");
    await waitFor("the first three", 30, () => Promise.resolve(informer.size === 3));
    informer.onChange(({ what, object }) => changes.push(`${what} ${nameOf(object)}`));
    changes.length = 0;
    await way.cut();
    await client.remove(configMaps, inDefault("goes"));
    await client.remove(configMaps, inDefault("again"));
    await put("again");
    await put("comes");
    await cluster.restartApiServer();
    await compact(cluster);
    await way.mend();
    await waitFor("the informer", 60, () => Promise.resolve(changes.length >= 4));
    assert.deepEqual(changes.toSorted(), ["added again", "added comes", "removed again", "removed goes"]);
    assert.ok(changes.indexOf("removed again") < changes.indexOf("added again"));
    assert.match(errors.join("\n"), /ECONNREFUSED[^]*too old resource version/);
  } finally {
    informers.close();
    through.close();
    way.close();
  }
}

async function liveRestart(client: StreamingClient, cluster: ControlPlane): Promise<void> {
  const errors: string[] = [];
  const informers = createInformers(client, { backoffMinMs: 50, backoffMaxMs: 500 });
  const options = { metadataOnly: true, namespace: "default", onError: (error: Error) => errors.push(error.message) };
  const informer = informers.watch(configMaps, options);
  const seen: string[] = [];
  informer.onChange(({ what, object }) => seen.push(`${what} ${stringAt(object, "kind")} ${nameOf(object)}`));
  await informer.synced;
  seen.length = 0;
  await cluster.restartApiServer();
  await client.create(configMaps, configMap("after-restart", {}));
  await waitFor("the informer", 60, () => Promise.resolve(seen.length > 0));
  assert.deepEqual(seen, ["added ConfigMap after-restart"]);
  assert.ok(errors.length > 0);
  informers.close();
}

async function elections(client: StreamingClient): Promise<void> {
  const about = { client, namespace: "default", leaseMs: 2000, renewMs: 1500, retryMs: 100 };
  const [one, two] = ["one", "two"].map((identity) => createElection({ ...about, name: "e2e", identity }));
  assert.ok(one !== undefined && two !== undefined);
  const informers = createInformers(client);
  const members = ["one", "two"].map((identity) =>
    createMembership({ client, informers, namespace: "default", group: "e2e", identity, leaseMs: 2000, renewMs: 100 }),
  );
  await waitFor("a leader", 30, () => Promise.resolve(one.isLeader || two.isLeader));
  for (let look = 0; look < 20; look++) {
    assert.notEqual(one.isLeader, two.isLeader);
    await sleep(50);
  }
  const [leader, other] = one.isLeader ? [one, two] : [two, one];
  await leader.close();
  await waitFor("the other leader", 30, () => Promise.resolve(other.isLeader));
  assert.equal(valueAt(await client.get(leases, inDefault("e2e")), "spec", "leaseTransitions"), 1);
  await waitFor("both members", 30, () => Promise.resolve(members.every((each) => each.members.length === 2)));
  await members[0]?.close();
  await waitFor("one member", 30, () => Promise.resolve(members[1]?.members.length === 1));
  await Promise.all([members[1]?.close(), other.close()]);
  informers.close();
}
