// Counts of Kyverno's rule results and their durations. Every rule of every policy says something about every request, far
// too much to tell the server each time; so each evaluator thread counts by itself, and the server takes the counts when
// somebody reads the metrics. How many series there are is bounded on both sides: what comes later is counted without
// saying what it was about.

/** Upper bounds in seconds. Kyverno: pkg/config/metricsconfig.go. */
export const ruleBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 25, 30];

/** Kyverno: pkg/metrics/policy_engine.go RecordResponse. */
const resultLabels = [
  "policy_validation_mode",
  "policy_type",
  "policy_background_mode",
  "policy_namespace",
  "policy_name",
  "resource_kind",
  "resource_namespace",
  "resource_request_operation",
  "rule_name",
  "rule_result",
  "rule_type",
  "rule_execution_cause",
  "dry_run",
] as const;

export interface Tally {
  /** In the order of `resultLabels`. */
  readonly labels: readonly string[];
  count: number;
  seconds: number;
  /** Per bucket, not added up; the last is for what is beyond all bounds. */
  readonly buckets: number[];
}

export function newTally(labels: readonly string[]): Tally {
  return { labels, count: 0, seconds: 0, buckets: ruleBuckets.map(() => 0).concat(0) };
}

export function addTo(tally: Tally, seconds: number): void {
  tally.count++;
  tally.seconds += seconds;
  let bucket = 0;
  while (bucket < ruleBuckets.length && seconds > (ruleBuckets[bucket] ?? 0)) bucket++;
  tally.buckets[bucket] = (tally.buckets[bucket] ?? 0) + 1;
}

export interface Tallies {
  merge(tally: Tally): void;
  readonly all: Iterable<Tally>;
}

/**
 * The counts of all threads; after `limit` series further ones no longer say which kind and namespace they are about, and after twice
 * as many, which policy and rule.
 */
export function createTallies(limit: number): Tallies {
  const known = new Map<string, Tally>();
  const seriesOf = (labels: readonly string[]): Tally => {
    const found = known.get(labels.join("\n"));
    if (found !== undefined) return found;
    const kept = known.size < limit ? labels : withoutSubject(labels);
    const key = kept.join("\n");
    const there = known.get(key);
    if (there !== undefined) return there;
    const told = known.size < limit * 2 ? kept : withoutPolicy(kept);
    const tally = known.get(told.join("\n")) ?? newTally(told);
    known.set(told.join("\n"), tally);
    return tally;
  };
  return {
    merge: ({ labels, count, seconds, buckets }) => {
      const tally = seriesOf(labels);
      tally.count += count;
      tally.seconds += seconds;
      for (const [bucket, more] of buckets.entries()) tally.buckets[bucket] = (tally.buckets[bucket] ?? 0) + more;
    },
    get all() {
      return known.values();
    },
  };
}

function withoutSubject(labels: readonly string[]): readonly string[] {
  return withLabel(withLabel(labels, "resource_kind", "other"), "resource_namespace", "other");
}

function withoutPolicy(labels: readonly string[]): readonly string[] {
  const names = ["policy_namespace", "policy_name", "rule_name"] as const;
  return names.reduce((kept, name) => withLabel(kept, name, "other"), labels);
}

function withLabel(labels: readonly string[], name: (typeof resultLabels)[number], value: string): readonly string[] {
  return labels.with(resultLabels.indexOf(name), value);
}

// ── as Prometheus reads it

/**
 * The counter and the histogram, in the text format. A histogram is eighteen lines for each series; without the namespaces
 * of the resources, which it leaves empty, it stays readable in clusters with many.
 */
export function tallyText(tallies: Tallies, mostDurations: number): string {
  const durations = createTallies(mostDurations);
  for (const tally of tallies.all)
    durations.merge({ ...tally, labels: withLabel(tally.labels, "resource_namespace", "") });
  return [
    "# HELP kyverno_policy_results_total can be used to track the results associated with the policies applied in the user's cluster, at the level from rule to policy to admission requests",
    "# TYPE kyverno_policy_results_total counter",
    ...Array.from(tallies.all, ({ labels, count }) => `kyverno_policy_results_total{${labelText(labels)}} ${count}`),
    "",
    "# HELP kyverno_policy_execution_duration_seconds can be used to track the latencies (in seconds) associated with the execution/processing of the individual rules under Kyverno policies whenever they evaluate incoming resource requests",
    "# TYPE kyverno_policy_execution_duration_seconds histogram",
    ...Array.from(durations.all, (tally) => histogramLines(labelText(tally.labels), tally)).flat(),
    "",
  ].join("\n");
}

function labelText(labels: readonly string[]): string {
  return labels.map((value, at) => `${resultLabels[at] ?? ""}="${escaped(value)}"`).join(",");
}

function histogramLines(labels: string, { count, seconds, buckets }: Tally): readonly string[] {
  const name = "kyverno_policy_execution_duration_seconds";
  let sum = 0;
  const lines = ruleBuckets.map((bound, at) => {
    sum += buckets[at] ?? 0;
    return `${name}_bucket{${labels},le="${bound}"} ${sum}`;
  });
  return [
    ...lines,
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${seconds}`,
    `${name}_count{${labels}} ${count}`,
  ];
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
