// Gatekeeper's metrics of what is synchronised and watched for policies, with its names, labels and buckets. They are there where there
// is a cluster to synchronise. Namespaces are always held, and therefore always counted.
// Gatekeeper: pkg/syncutil/stats_reporter.go, pkg/watch/stats_reporter.go.

import { Gauge, Histogram, type Registry } from "prom-client";
import { capped } from "./kyverno-metrics.ts";

/** What is held at one moment. */
export interface SyncCounts {
  /** Kind → how many objects of it, without those that Config excludes. */
  readonly objects: ReadonlyMap<string, number>;
  /** Kinds that are watched because of policies, and those that should be. */
  readonly watched: number;
  readonly intended: number;
}

export interface SyncMetrics {
  /** From now on this says what is held, whenever somebody reads. */
  follow(counts: () => SyncCounts): void;
  /** An object was taken. */
  took(seconds: number): void;
}

const takingBuckets = [
  0.0001, 0.0002, 0.0003, 0.0004, 0.0005, 0.0006, 0.0007, 0.0008, 0.0009, 0.001, 0.002, 0.003, 0.004, 0.005, 0.01, 0.02,
  0.03, 0.04, 0.05,
];

export function syncMetrics(register: Registry): SyncMetrics {
  let all: ReturnType<typeof instruments> | null = null;
  return {
    follow: (counts) => {
      all ??= instruments(register, counts);
    },
    took: (seconds) => {
      all?.duration.observe(seconds);
      all?.lastRun.setToCurrentTime();
    },
  };
}

function instruments(register: Registry, counts: () => SyncCounts) {
  const registers = [register];
  const kinds = capped(500);
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  return {
    objects: new Gauge({
      name: "gatekeeper_sync",
      help: "Total number of resources of each kind being cached",
      labelNames: ["kind", "status"],
      registers,
      collect() {
        this.reset();
        for (const [name, count] of counts().objects) {
          const kind = kinds(name);
          this.inc({ kind, status: "active" }, count);
          this.set({ kind, status: "error" }, 0);
        }
      },
    }),
    duration: new Histogram({
      name: "gatekeeper_sync_duration_seconds",
      help: "Latency of sync operation in seconds",
      buckets: takingBuckets,
      registers,
    }),
    lastRun: new Gauge({
      name: "gatekeeper_sync_last_run_time_seconds",
      help: "Timestamp of last sync operation",
      registers,
    }),
    watched: gauge(
      "gatekeeper_watch_manager_watched_gvk",
      "The total number of Group/Version/Kinds currently watched by the watch manager",
      () => counts().watched,
    ),
    intended: gauge(
      "gatekeeper_watch_manager_intended_watch_gvk",
      "The total number of Group/Version/Kinds that the watch manager has instructions to watch. This could differ from the actual count due to resources being pending, non-existent, or a failure of the watch manager to restart",
      () => counts().intended,
    ),
  };
}
