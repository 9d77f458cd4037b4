// The audit of 10,000 generated Pods of about 6 KB against the whole gatekeeper-library, in one process and one thread,
// over a cluster that is only in memory: from the first object that an informer hands over to the last status. Then the
// same once more with nothing changed, and with one Pod changed. Statuses are counted, because they are what a cluster has
// to store.

import { parseYaml } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import type {
  ApiResource,
  ClusterClient,
  ClusterObject,
  Informer,
  Informers,
} from "../packages/portcullis/src/cluster/api.ts";
import { assembleEngine } from "../packages/portcullis/src/app/assemble.ts";
import { worldNow } from "../packages/portcullis/src/app/host.ts";
import { createWorkQueue } from "../packages/portcullis/src/cluster/workqueue.ts";
import { startAudit } from "../packages/portcullis/src/controllers/audit/audit.ts";
import { type Audit, defaultAuditSettings } from "../packages/portcullis/src/controllers/audit/options.ts";
import { pack } from "../packages/portcullis/src/controllers/audit/packing.ts";
import { trackPolicies } from "../packages/portcullis/src/controllers/audit/tracking.ts";
import { type Bench, type Row, less } from "./bench.ts";
import { libraryPolicies } from "./library.ts";
import { generatePods } from "./pods.ts";

const podCount = 10_000;

export const audit: Bench = {
  name: "audit",
  measures: "the audit of 10,000 Pods of about 6 KB against the gatekeeper-library, in one thread",
  run,
};

async function run(): Promise<readonly Row[]> {
  const policies = libraryPolicies();
  if (policies === null) throw new Error("the gatekeeper-library is not in $CONFORMANCE_DIR");
  const sources = policies.flatMap(({ name, text }) =>
    parseYaml(new Source(name, text), { dialect: "go" }).value.map(({ value }) => ({ object: value, file: name })),
  );
  const pods = [...generatePods({ count: podCount, seed: 1 })];
  const { engine, tracking } = assembled();
  const set = engine.policySet(sources);
  const packed = await timed(() => Promise.resolve(memoryCluster(pods)));
  pods.length = 0;
  const cluster = packed.value;
  const running = { audit: start(cluster, tracking) };
  const first = await timed(async () => {
    running.audit.setPolicies(set);
    await running.audit.settled();
  });
  const evaluated = running.audit.evaluations;
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  const heapMb = (heapUsed + external) / 1024 / 1024;
  const second = await timed(async () => {
    running.audit.setPolicies(set);
    await running.audit.settled();
  });
  const unchanged = running.audit.evaluations - evaluated;
  const results = [...running.audit.objects()].reduce((sum, { results: { length } }) => sum + length, 0);
  await running.audit.close();
  const note = `${evaluated} objects, ${set.policies.length} templates, ${results} results, ${cluster.writes()} statuses written, ${heapMb.toFixed(0)} MB of heap and buffers`;
  return [
    less("wall time of the first audit", "s", (packed.wallMs + first.wallMs) / 1000, null, note),
    less(
      "CPU time of the first audit",
      "s",
      (packed.cpuMs + first.cpuMs) / 1000,
      null,
      `${(packed.cpuMs / 1000).toFixed(1)} s of it for packing the objects`,
    ),
    less("CPU time of the second, unchanged", "ms", second.cpuMs, null, `${unchanged} evaluations`),
  ];
}

interface Timed<Value> {
  readonly value: Value;
  readonly wallMs: number;
  readonly cpuMs: number;
}

async function timed<Value>(work: () => Promise<Value>): Promise<Timed<Value>> {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  const value = await work();
  const { user, system } = process.cpuUsage(cpu);
  return { value, wallMs: performance.now() - wall, cpuMs: (user + system) / 1000 };
}

function assembled() {
  const tracking = trackPolicies();
  const { engine } = assembleEngine("cluster", (frontend) => tracking.wrap(frontend));
  return { engine, tracking };
}

function start(cluster: MemoryCluster, tracking: ReturnType<typeof trackPolicies>): Audit {
  const fail = (error: Error): never => {
    throw error;
  };
  return startAudit({
    client: cluster.client,
    informers: cluster.informers,
    createQueue: (work) => createWorkQueue({ work, onError: (_key, error) => fail(error) }),
    namespace: "portcullis",
    settings: { ...defaultAuditSettings, intervalMs: 0, reports: null },
    world: worldNow,
    fetch: () => Promise.resolve([]),
    running: tracking.running,
    clock: {
      epochMs: () => Date.now(),
      nowMs: () => performance.now(),
      pause: () => new Promise((resolve) => setImmediate(resolve)),
    },
    onError: fail,
  });
}

// ── a cluster in memory

interface MemoryCluster {
  readonly client: ClusterClient;
  readonly informers: Informers;
  writes(): number;
}

function memoryCluster(pods: readonly ClusterObject[]): MemoryCluster {
  let writes = 0;
  const namespaces = Array.from({ length: 5 }, (_, at) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: `team-${at}` },
  }));
  const refuse = (): never => {
    throw new Error("not in this cluster");
  };
  const client: ClusterClient = {
    server: "https://memory.invalid",
    call: refuse,
    discover: () =>
      Promise.resolve({
        resources: [resource("pods", "Pod", true), resource("namespaces", "Namespace", false)],
        failed: [],
      }),
    get: () => Promise.resolve({}),
    list: refuse,
    create: refuse,
    update: refuse,
    patch: () => {
      writes++;
      return Promise.resolve({});
    },
    remove: refuse,
    close: () => undefined,
  };
  const ofPods = memoryInformer(pods, pack);
  const informers: Informers = {
    watch: ({ resource: name }, { keep = (one: ClusterObject) => one } = {}) =>
      name === "pods" ? ofPods : memoryInformer(namespaces, keep),
    close: () => undefined,
  };
  return { client, informers, writes: () => writes };
}

function resource(plural: string, kind: string, namespaced: boolean): ApiResource {
  return {
    gvr: { group: "", version: "v1", resource: plural },
    gvk: { group: "", version: "v1", kind },
    namespaced,
    verbs: ["list", "watch"],
    subresources: [],
    preferred: true,
    shortNames: [],
    categories: [],
  };
}

function memoryInformer(objects: readonly ClusterObject[], keep: (object: ClusterObject) => ClusterObject): Informer {
  const kept = new Map<string, ClusterObject>();
  for (const object of objects) {
    const { namespace = "", name } = object["metadata"] as { readonly namespace?: string; readonly name: string };
    kept.set(`${namespace}/${name}`, keep(object));
  }
  return {
    synced: Promise.resolve(),
    hasSynced: () => true,
    get: ({ namespace, name }) => kept.get(`${namespace}/${name}`) ?? null,
    list: () => [...kept.values()],
    size: kept.size,
    onChange: (handler) => {
      for (const object of kept.values()) handler({ what: "added", object });
      return () => undefined;
    },
    close: () => undefined,
  };
}
