// Gatekeeper's metrics of mutation and of the kinds beside templates and constraints, with its names, labels and buckets.
// A request whose mutation failed counts as `error`; Gatekeeper itself calls that a success.
// Gatekeeper: pkg/webhook/stats_reporter.go, pkg/mutation/stats_reporter.go, pkg/controller/{mutators,externaldata,expansion}.

import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** One request that mutators were asked about. */
export interface MutationRequest {
  readonly status: "success" | "skip" | "error";
  /** How often each object went through the mutators; 0: nothing changed it. */
  readonly iterations: readonly number[];
}

/** How many objects of a kind there are. */
export interface ObjectCount {
  readonly of: "mutators" | "providers" | "expansion_templates";
  readonly status: "active" | "error";
  readonly count: number;
}

export interface ObjectMetrics {
  mutation(request: MutationRequest, seconds: number): void;
  objects(counts: readonly ObjectCount[], conflicting: number): void;
  /** An object was read. */
  ingested(kind: string, status: "active" | "error", seconds: number): void;
}

const iterationBuckets = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 50, 100, 200, 500];

const ingestionBuckets = [0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.009, 0.01, 0.02, 0.03, 0.04, 0.05];

const mutatorKinds: ReadonlySet<string> = new Set(["Assign", "AssignMetadata", "ModifySet", "AssignImage"]);

export function objectMetrics(register: Registry, requestBuckets: readonly number[]): ObjectMetrics {
  const metrics = instruments(register, requestBuckets);
  return {
    mutation: ({ status, iterations }, seconds) => {
      metrics.requests.inc({ mutation_status: status });
      metrics.duration.observe({ mutation_status: status }, seconds);
      for (const count of iterations) metrics.iterations.observe({ success: "true" }, count);
      if (status === "error" && iterations.length === 0) metrics.iterations.observe({ success: "false" }, 1);
    },
    objects: (counts, conflicting) => {
      for (const gauge of Object.values(metrics.counts)) gauge.reset();
      for (const { of, status, count } of counts) metrics.counts[of].set({ status }, count);
      metrics.conflicting.set(conflicting);
    },
    ingested: (kind, status, seconds) => {
      if (mutatorKinds.has(kind)) {
        metrics.ingestions.inc({ status });
        metrics.ingestionDuration.observe({ status }, seconds);
      } else if (kind === "Provider" && status === "error") metrics.providerErrors.inc();
    },
  };
}

function instruments(register: Registry, requestBuckets: readonly number[]) {
  const registers = [register];
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames: ["status"], registers });
  return {
    requests: new Counter({
      name: "gatekeeper_mutation_request_count_total",
      help: "The number of requests that are routed to mutation webhook",
      labelNames: ["mutation_status"],
      registers,
    }),
    duration: new Histogram({
      name: "gatekeeper_mutation_request_duration_seconds",
      help: "The response time in seconds",
      labelNames: ["mutation_status"],
      buckets: [...requestBuckets],
      registers,
    }),
    iterations: new Histogram({
      name: "gatekeeper_mutation_system_iterations",
      help: "The distribution of Mutation System iterations before convergence",
      labelNames: ["success"],
      buckets: iterationBuckets,
      registers,
    }),
    ingestions: new Counter({
      name: "gatekeeper_mutator_ingestion_count_total",
      help: "Total number of Mutator ingestion actions",
      labelNames: ["status"],
      registers,
    }),
    ingestionDuration: new Histogram({
      name: "gatekeeper_mutator_ingestion_duration_seconds",
      help: "The distribution of Mutator ingestion durations",
      labelNames: ["status"],
      buckets: ingestionBuckets,
      registers,
    }),
    counts: {
      mutators: gauge("gatekeeper_mutators", "The current number of Mutator objects"),
      providers: gauge("gatekeeper_providers", "Number of external data providers by status"),
      expansion_templates: gauge("gatekeeper_expansion_templates", "Number of observed expansion templates"),
    },
    conflicting: new Gauge({
      name: "gatekeeper_mutator_conflicting_count",
      help: "The current number of conflicting Mutator objects",
      registers,
    }),
    providerErrors: new Counter({
      name: "gatekeeper_provider_error_count_total",
      help: "Incremental counter for all provider errors occurring over time",
      registers,
    }),
  };
}
