// Kyverno's metrics of what it sends and is sent: queries of the API server, requests over HTTP, Events that were dropped. Addresses are
// capped, and namespaces of queries are not told, because each would be a series of its own.
// Kyverno: pkg/metrics/{client,http,events}.go.

import { Counter, Histogram, type Registry } from "prom-client";
import { ruleBuckets } from "./tally.ts";

/** How often something was asked of the API server. */
interface QueryCount {
  readonly verb: string;
  readonly resource: string;
  readonly count: number;
}

export interface KyvernoTraffic {
  /** A request was answered. */
  http(method: string, url: string, seconds: number): void;
  /** From now on these say what was asked of the API server, and how many Events were dropped, whenever somebody reads. */
  follow(sources: Sources): void;
}

interface Sources {
  readonly queries: () => readonly QueryCount[];
  readonly eventsDropped: () => number;
}

/** `capped`: see kyverno-metrics.ts. */
export function kyvernoTraffic(
  register: Registry,
  capped: (limit: number) => (name: string) => string,
): KyvernoTraffic {
  const registers = [register];
  const labelNames = ["http_method", "http_url"];
  const requests = new Counter({
    name: "kyverno_http_requests_total",
    help: "number of http requests",
    labelNames,
    registers,
  });
  const duration = new Histogram({
    name: "kyverno_http_requests_duration_seconds",
    help: "duration of http requests",
    labelNames,
    buckets: ruleBuckets,
    registers,
  });
  const urls = capped(100);
  return {
    http: (method, url, seconds) => {
      const labels = { http_method: method, http_url: urls(url) };
      requests.inc(labels);
      duration.observe(labels, seconds);
    },
    follow: ({ queries, eventsDropped }) => {
      followSources(register, { queries, eventsDropped, kinds: capped(500) });
    },
  };
}

function followSources(
  register: Registry,
  { queries, eventsDropped, kinds }: Sources & { readonly kinds: (name: string) => string },
): readonly Counter[] {
  const registers = [register];
  return [
    new Counter({
      name: "kyverno_client_queries_total",
      help: "can be used to track the number of client queries sent from Kyverno to the API-server",
      labelNames: ["operation", "client_type", "resource_kind", "resource_namespace"],
      registers,
      collect() {
        this.reset();
        for (const { verb, resource, count } of queries()) {
          const kind = kinds(resource);
          const labels = { operation: verb, client_type: "dynamic", resource_kind: kind, resource_namespace: "" };
          this.inc(labels, count);
        }
      },
    }),
    new Counter({
      name: "kyverno_events_dropped_total",
      help: "can be used to track the number of events dropped by the event generator",
      registers,
      collect() {
        this.reset();
        this.inc(eventsDropped());
      },
    }),
  ];
}
