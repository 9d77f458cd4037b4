// What the metrics show of a cluster: how often the API server was asked and Events were dropped, and what Kyverno's ConfigMap
// `kyverno-metrics`, which lies beside its other one, lets be seen.

import type { ClusterObject, Informers } from "../cluster/api.ts";
import type { CallTally } from "../cluster/tally.ts";
import { readExposure } from "../server/exposure.ts";
import type { Metrics } from "../server/metrics.ts";
import type { AdmissionEvents } from "./admission-events.ts";

export interface MeasuringOptions {
  readonly metrics: Pick<Metrics, "expose" | "traffic">;
  readonly calls: Pick<CallTally, "rows">;
  readonly events: Pick<AdmissionEvents, "dropped">;
  readonly informers: Informers;
  /** Where Kyverno's ConfigMaps are. */
  readonly namespace: string;
  readonly onError: (error: Error) => void;
}

const configMaps = { group: "", version: "v1", resource: "configmaps" };

export function measure({ metrics, calls, events, informers, namespace, onError }: MeasuringOptions): {
  close(): void;
} {
  metrics.traffic.follow({ queries: () => calls.rows(), eventsDropped: () => events.dropped });
  const keep = (object: ClusterObject): ClusterObject => object;
  const fieldSelector = "metadata.name=kyverno-metrics";
  const informer = informers.watch(configMaps, { namespace, fieldSelector, keep, onError });
  informer.onChange(({ what, object }) => {
    metrics.expose(what === "removed" ? null : readExposure(object["data"]));
  });
  return { close: () => informer.close() };
}
