// Policies of a cluster, put together: they are fed to the evaluators, the kinds that templates define are made, data that
// they look at are synchronised, and each is told what became of it.

import type { ClusterTarget } from "../../app/cluster.ts";
import type { ObjectShare } from "../../app/objectshare.ts";
import type { ClusterClient, Informers, ObjectName, WorkQueue } from "../../cluster/api.ts";
import type { SyncMetrics } from "../../server/sync-metrics.ts";
import { startEnsuring } from "./ensure.ts";
import { type PolicyFeed, startFeed } from "./feed.ts";
import type { Refreshed } from "./refreshed.ts";
import { startStatus } from "./status.ts";
import { startSync } from "./sync.ts";

export interface PoliciesOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly target: Pick<ClusterTarget, "change" | "publish">;
  readonly objects: ObjectShare;
  /** A ConfigMap with settings of a dialect. */
  readonly configMap?: ObjectName;
  /** This replica's name. */
  readonly id: string;
  readonly leads: () => boolean;
  /** Whether a replica is there; null while that is not known. */
  readonly isAlive: (id: string) => boolean | null;
  /** Whether the API server asks us about all that the served policies match. */
  readonly isRegistered: () => boolean;
  readonly createQueue: (options: {
    readonly work: (key: string) => Promise<void>;
    readonly workers: number;
  }) => WorkQueue;
  /** On a clock that is never set, for what takes its time. */
  readonly nowMs: () => number;
  readonly metrics?: SyncMetrics;
  /** When the calls of GlobalContextEntries were answered. */
  readonly refreshed?: Refreshed;
  readonly onKinds?: (kinds: readonly string[]) => void;
  readonly onError: (error: Error) => void;
}

export interface ClusterPolicies {
  readonly feed: PolicyFeed;
  /** Resolves when the policies that were there at the start are served, and what they look at is known. */
  readonly ready: Promise<void>;
  /** Who leads has changed, or which replicas there are. */
  refresh(): void;
  close(): Promise<void>;
}

export function startPolicies(options: PoliciesOptions): ClusterPolicies {
  const { client, informers, target, objects, id, leads, isAlive, createQueue, onError } = options;
  const { configMap } = options;
  const feed = startFeed({
    informers,
    change: target.change,
    onError,
    ...(configMap !== undefined && { configMap }),
  });
  const sync = startSync({ ...options, feed, objects, publish: target.publish });
  const ensuring = startEnsuring({
    client,
    feed,
    leads,
    nowMs: options.nowMs,
    createQueue: (work) => createQueue({ work, workers: 4 }),
  });
  const statuses = startStatus({
    client,
    feed,
    id,
    leads,
    isAlive,
    isRegistered: options.isRegistered,
    createQueue: (work) => createQueue({ work, workers: 8 }),
    nowMs: options.nowMs,
    epochMs: Date.now,
    ...(options.refreshed !== undefined && { refreshed: options.refreshed }),
  });
  const ready = (async () => {
    await feed.served;
    await sync.ready();
  })();
  // Who closes before does not wait.
  ready.catch(() => {});
  return {
    feed,
    ready,
    refresh: () => {
      ensuring.refresh();
      statuses.refresh();
    },
    close: async () => {
      sync.close();
      await Promise.all([ensuring.close(), statuses.close()]);
      await feed.close();
    },
  };
}
