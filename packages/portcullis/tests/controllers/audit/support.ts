// What the audit's tests have in common: a fake cluster with Pods and policies, and an audit over it that works at once.

import { gvkOf, nameOf, namespaceOf, parseYaml } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import type { PolicySet } from "@portcullis/policy";
import { assembleEngine } from "../../../src/app/assemble.ts";
import { worldNow } from "../../../src/app/host.ts";
import { ApiError, type ClusterObject, type Informers } from "../../../src/cluster/api.ts";
import { createWorkQueue } from "../../../src/cluster/workqueue.ts";
import { startAudit } from "../../../src/controllers/audit/audit.ts";
import {
  type Audit,
  type AuditOptions,
  type AuditSettings,
  defaultAuditSettings,
} from "../../../src/controllers/audit/options.ts";
import { trackPolicies } from "../../../src/controllers/audit/tracking.ts";
import { type FakeCluster, type FakeOptions, createFakeCluster } from "../../cluster/fake.ts";

export function objectsIn(text: string): readonly ClusterObject[] {
  const { value } = parseYaml(new Source("test.yaml", text), { dialect: "go" });
  return value.map((document) => document.value as ClusterObject).filter((object) => object !== null);
}

const reportKinds = ["PolicyReport", "ClusterPolicyReport"].map((kind) => ({
  group: "wgpolicyk8s.io",
  version: "v1alpha2",
  kind,
  namespaced: kind === "PolicyReport",
  status: false,
}));

export interface Audited {
  readonly cluster: FakeCluster;
  readonly audit: Audit;
  /** Exchanges all policies; constraints stand in the cluster too. */
  use(policies: string): Promise<void>;
  settle(): Promise<void>;
  /** Writes so far. */
  writes(): number;
  get(resource: string, name: string, inNamespace?: string): Promise<ClusterObject | null>;
}

export interface AuditedOptions {
  readonly objects: readonly ClusterObject[];
  readonly policies: string;
  readonly settings?: Partial<AuditSettings>;
  readonly more?: Partial<AuditOptions>;
  readonly fault?: FakeOptions["fault"];
  /** Changes that informers do not hear of. */
  readonly deaf?: (object: ClusterObject) => boolean;
  /** A resource that nobody may list. */
  readonly forbidden?: string;
}

const constraintKinds = ["K8sLabel", "K8sUser"].map((kind) => ({
  group: "constraints.gatekeeper.sh",
  version: "v1beta1",
  kind,
  resource: kind.toLowerCase(),
  namespaced: false,
}));

const partKind = { group: "portcullis.dev", version: "v1alpha1", kind: "AuditPart", namespaced: true, status: false };

/** What the audit writes. */
export const auditKinds = [...reportKinds, ...constraintKinds, partKind];

export async function audited({
  objects,
  policies,
  settings,
  more,
  fault,
  deaf,
  forbidden,
}: AuditedOptions): Promise<Audited> {
  const cluster = createFakeCluster({
    objects,
    kinds: auditKinds,
    ...(fault !== undefined && { fault }),
  });
  const errors: Error[] = [];
  const tracking = trackPolicies();
  const { engine } = assembleEngine("cluster", (frontend) => tracking.wrap(frontend));
  const audit = startAudit({
    client: cluster.client,
    informers: refusing(deaf === undefined ? cluster.informers : hardOfHearing(cluster.informers, deaf), forbidden),
    createQueue: (work) => createWorkQueue({ work, workers: 4, onError: (_key, error) => errors.push(error) }),
    namespace: "portcullis",
    settings: { ...defaultAuditSettings, intervalMs: 0, gatherMs: 1, ...settings },
    world: worldNow,
    fetch: (needs) => Promise.resolve(needs.map(({ key }) => ({ error: `${key}: nothing is there` }))),
    running: tracking.running,
    clock: {
      epochMs: () => Date.UTC(2026, 0, 2),
      nowMs: () => performance.now(),
      pause: () => new Promise((resolve) => setImmediate(resolve)),
    },
    onError: (error) => errors.push(error),
    ...more,
  });
  let set: PolicySet | null = null;
  const settle = async (): Promise<void> => {
    await cluster.settled();
    await audit.settled();
    await cluster.settled();
    await audit.settled();
  };
  const world: Audited = {
    cluster,
    audit,
    use: async (text) => {
      const wanted = objectsIn(text).map((object) =>
        gvkOf(object).group === "constraints.gatekeeper.sh" ? cluster.put(object) : object,
      );
      const sources = wanted.map((object) => ({ object, file: "cluster" }));
      const gone = (set?.sources ?? []).map(({ object }) => ({
        ...gvkOf(object),
        namespace: namespaceOf(object),
        name: nameOf(object),
      }));
      set = set === null ? engine.policySet(sources) : set.with(sources, gone);
      audit.setPolicies(set);
      await settle();
    },
    settle,
    writes: () => cluster.client.calls.count({ writes: true }),
    get: async (resource, name, inNamespace = "") => {
      const { resources } = await cluster.client.discover();
      const found = resources.find(({ gvr }) => gvr.resource === resource);
      return found === undefined
        ? null
        : cluster.client.get(found.gvr, { namespace: inNamespace, name }).catch(() => null);
    },
  };
  await world.use(policies);
  return world;
}

export function pod(name: string, labels: Readonly<Record<string, string>> = {}, namespace = "default"): ClusterObject {
  const spec = { containers: [{ name: "main", image: "nginx" }] };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace, labels, uid: `uid-${name}` }, spec };
}

export function namespaceObject(name: string, labels: Readonly<Record<string, string>> = {}): ClusterObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/** Informers that miss changes; what is there when they begin they know. */
function hardOfHearing(informers: Informers, deaf: (object: ClusterObject) => boolean): Informers {
  return {
    close: () => informers.close(),
    watch: (resource, options) => {
      const informer = informers.watch(resource, options);
      const isMissed = (object: ClusterObject): boolean => deaf(object) && !known.has(object);
      const known = new Set<ClusterObject>();
      const learn = async (): Promise<void> => {
        await informer.synced;
        for (const object of informer.list()) known.add(object);
      };
      void learn();
      const heard = (object: ClusterObject | null): ClusterObject | null =>
        object !== null && isMissed(object) ? null : object;
      return {
        synced: informer.synced,
        hasSynced: () => informer.hasSynced(),
        get: (name) => heard(informer.get(name)),
        list: (inNamespace) => informer.list(inNamespace).filter((object) => !isMissed(object)),
        get size() {
          return informer.size;
        },
        onChange: (handler) =>
          informer.onChange((change) => {
            if (!informer.hasSynced() || !isMissed(change.object)) handler(change);
          }),
        close: () => informer.close(),
      };
    },
  };
}

/** Informers of a resource that the API server refuses to show never know anything. */
function refusing(informers: Informers, forbidden: string | undefined): Informers {
  return {
    close: () => informers.close(),
    watch: (resource, options = {}) => {
      const informer = informers.watch(resource, options);
      if (resource.resource !== forbidden) return informer;
      setImmediate(() => options.onError?.(new ApiError("secrets is forbidden", { status: 403, reason: "Forbidden" })));
      return { ...informer, synced: new Promise(() => undefined), list: () => [], get: () => null };
    },
  };
}
