// Several replicas that audit one fake cluster: each sees the others come and go when it is told, may be killed in the middle of
// anything, and remembers what it removed.

import assert from "node:assert/strict";
import { gvkOf, stringAt, valueAt } from "@portcullis/kube";
import type { PolicySet } from "@portcullis/policy";
import { assembleEngine } from "../../../src/app/assemble.ts";
import { worldNow } from "../../../src/app/host.ts";
import { ApiError, type ClusterClient, type ClusterObject, type Informers } from "../../../src/cluster/api.ts";
import { createWorkQueue } from "../../../src/cluster/workqueue.ts";
import { startAudit } from "../../../src/controllers/audit/audit.ts";
import { type Audit, defaultAuditSettings } from "../../../src/controllers/audit/options.ts";
import { trackPolicies } from "../../../src/controllers/audit/tracking.ts";
import { type FakeCluster, createFakeCluster } from "../../cluster/fake.ts";
import { auditKinds, objectsIn } from "./support.ts";

interface Replica {
  readonly name: string;
  readonly audit: Audit;
  /** Keys of objects whose first result nobody had told. */
  readonly told: string[];
}

export interface Replicas {
  readonly cluster: FakeCluster;
  readonly running: ReadonlyMap<string, Replica>;
  start(name: string): void;
  /** From now on nothing that it does has any effect. */
  kill(name: string): void;
  /** Lets a replica see who is there now. */
  look(name: string): void;
  /** Exchanges all policies, for all replicas. */
  use(policies: string): Promise<void>;
  /** Lets everybody see everybody, and waits until nothing is to be done. */
  settle(): Promise<void>;
  /** Somebody writes into the report of an object. */
  edit(uid: string): Promise<void>;
  /** Reports that were removed although their object was there. */
  readonly mistakes: readonly string[];
}

const pods = { group: "", version: "v1", resource: "pods" };

export async function createReplicas(objects: readonly ClusterObject[], policies: string): Promise<Replicas> {
  const cluster = createFakeCluster({ objects, kinds: auditKinds });
  const running = new Map<string, Replica & { readonly kill: () => void }>();
  const mistakes: string[] = [];
  let sources = await stored(cluster, policies);
  const names = (): readonly string[] => [...running.keys()].toSorted();
  const share = (self: string): Parameters<Audit["setShare"]>[0] => {
    const members = [...new Set([...names(), self])].toSorted();
    return { self, members, alive: members, leads: members[0] === self };
  };
  const engine = assembleEngine("cluster").engine;
  const setOf = (): PolicySet => engine.policySet(sources.map((object) => ({ object, file: "cluster" })));
  return {
    cluster,
    running,
    mistakes,
    start: (name) => {
      const life = { isDead: false };
      const told: string[] = [];
      const tracking = trackPolicies();
      const own = assembleEngine("cluster", (frontend) => tracking.wrap(frontend)).engine;
      const onError = (error: Error): void => {
        if (!life.isDead) throw error;
      };
      const audit = startAudit({
        client: mortal(cluster.client, { life, onRemove: noteMistake(cluster, mistakes) }),
        informers: mortalInformers(cluster.informers, life),
        createQueue: (work) => createWorkQueue({ work, workers: 2, onError: (_key, error) => onError(error) }),
        namespace: "portcullis",
        settings: { ...defaultAuditSettings, intervalMs: 0, rescanMs: 0, gatherMs: 1, violationsLimit: 3 },
        world: worldNow,
        fetch: () => Promise.resolve([]),
        running: tracking.running,
        share: share(name),
        clock: {
          epochMs: () => Date.UTC(2026, 0, 2),
          nowMs: () => performance.now(),
          pause: () => new Promise((resolve) => setImmediate(resolve)),
        },
        onResults: ({ key }, _before, isTold) => {
          if (!isTold) told.push(key);
        },
        onError,
      });
      audit.setPolicies(own.policySet(sources.map((object) => ({ object, file: "cluster" }))));
      const kill = (): void => {
        life.isDead = true;
        void audit.close();
      };
      running.set(name, { name, audit, told, kill });
    },
    kill: (name) => {
      running.get(name)?.kill();
      running.delete(name);
    },
    look: (name) => running.get(name)?.audit.setShare(share(name)),
    use: async (text) => {
      sources = await stored(cluster, text);
      const set = setOf();
      for (const { audit } of running.values()) audit.setPolicies(set);
    },
    edit: async (uid) => {
      const resource = { group: "wgpolicyk8s.io", version: "v1alpha2", resource: "policyreports" };
      const name = { namespace: "default", name: uid };
      await cluster.client.patch(resource, name, { results: [] }, { type: "merge" }).catch(() => null);
    },
    settle: async () => {
      for (const name of names()) running.get(name)?.audit.setShare(share(name));
      for (let round = 0; round < 6; round++) {
        // oxlint-disable-next-line no-await-in-loop -- what one tells the other has to write
        await cluster.settled();
        // oxlint-disable-next-line no-await-in-loop
        await Promise.all([...running.values()].map(({ audit }) => audit.settled()));
      }
    },
  };
}

/** Constraints stand in the cluster, with their generations and the statuses that they have. */
async function stored(cluster: FakeCluster, policies: string): Promise<readonly ClusterObject[]> {
  const constraints = { group: "constraints.gatekeeper.sh", version: "v1beta1", resource: "k8slabel" };
  return Promise.all(
    objectsIn(policies).map(async (object) => {
      if (gvkOf(object).group !== constraints.group) return object;
      const name = { namespace: "", name: stringAt(object, "metadata", "name") };
      const known = await cluster.client.get(constraints, name).catch(() => null);
      return cluster.put({ ...object, ...(known?.["status"] !== undefined && { status: known["status"] }) });
    }),
  );
}

export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    // oxlint-disable-next-line no-await-in-loop -- turns of the event loop
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

interface Life {
  isDead: boolean;
}

function mortal(
  client: ClusterClient,
  { life, onRemove }: { readonly life: Life; readonly onRemove: (name: string, inNamespace: string) => Promise<void> },
): ClusterClient {
  const check = async (): Promise<void> => {
    await Promise.resolve();
    if (life.isDead) throw new ApiError("killed", { status: 0, reason: "" });
  };
  return {
    ...client,
    // Long enough for others to do something meanwhile.
    get: async (...args) => {
      await turns(3);
      await check();
      return client.get(...args);
    },
    list: async function* slowly(...args) {
      await turns(10);
      yield* client.list(...args);
    },
    create: async (...args) => (await check(), client.create(...args)),
    patch: async (...args) => {
      await check();
      const patched = await client.patch(...args);
      await turns(3);
      return patched;
    },
    remove: async (resource, name, options) => {
      await check();
      if (resource.resource === "policyreports") await onRemove(name.name, name.namespace);
      await client.remove(resource, name, options);
    },
  };
}

/** Every Pod has results at all times, so that nobody has a reason to remove its report. */
function noteMistake(cluster: FakeCluster, mistakes: string[]): (uid: string) => Promise<void> {
  return async (uid) => {
    for await (const page of cluster.client.list(pods)) {
      if (page.some((object) => stringAt(object, "metadata", "uid") === uid)) mistakes.push(uid);
    }
  };
}

function mortalInformers(informers: Informers, life: Life): Informers {
  return {
    close: () => informers.close(),
    watch: (resource, options) => {
      const informer = informers.watch(resource, options);
      return {
        ...informer,
        get size() {
          return informer.size;
        },
        onChange: (handler) => informer.onChange((change) => (life.isDead ? undefined : handler(change))),
      };
    },
  };
}

/** Statuses of constraints and reports, without times: what users read. */
export async function toldIn(cluster: FakeCluster): Promise<unknown> {
  const all = async (group: string, version: string, resource: string): Promise<readonly ClusterObject[]> => {
    const found: ClusterObject[] = [];
    for await (const page of cluster.client.list({ group, version, resource })) found.push(...page);
    return found;
  };
  const constraints = await all("constraints.gatekeeper.sh", "v1beta1", "k8slabel");
  const reports = await all("wgpolicyk8s.io", "v1alpha2", "policyreports");
  const untimed = (result: unknown): unknown => ({ ...(result as object), timestamp: null });
  return {
    statuses: constraints.map((object) => ({
      name: stringAt(object, "metadata", "name"),
      total: valueAt(object, "status", "totalViolations"),
      violations: valueAt(object, "status", "violations"),
    })),
    reports: reports.map((report) => ({
      uid: stringAt(report, "metadata", "name"),
      scope: report["scope"],
      results: (report["results"] as readonly unknown[]).map(untimed),
    })),
  };
}

export async function partsIn(cluster: FakeCluster): Promise<readonly string[]> {
  const replicas: string[] = [];
  const resource = { group: "portcullis.dev", version: "v1alpha1", resource: "auditparts" };
  for await (const page of cluster.client.list(resource))
    replicas.push(...page.map((object) => stringAt(object, "replica")));
  return replicas;
}

/** What one replica finds that starts from nothing. */
export async function freshly(cluster: FakeCluster, policies: string): Promise<unknown> {
  const objects: ClusterObject[] = [];
  for (const resource of ["pods", "namespaces"]) {
    // oxlint-disable-next-line no-await-in-loop -- there are two
    for await (const page of cluster.client.list({ group: "", version: "v1", resource })) objects.push(...page);
  }
  const alone = await createReplicas(objects, policies);
  alone.start("alone");
  await alone.settle();
  const told = await toldIn(alone.cluster);
  alone.kill("alone");
  assert.deepEqual(alone.mistakes, []);
  return told;
}
