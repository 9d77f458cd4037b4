// A run against a baseline: a metric has got worse when it is behind by more than the threshold, in per cent, and, where a
// smallest difference is given, by at least that much time; for the throughput that time is turned into requests.
// Gatekeeper: pkg/gator/bench/compare.go.

import { alignTabs } from "../../output/tabwriter.ts";
import { bytesText, durationShort } from "./text.ts";
import type { BenchResults } from "./results.ts";

export interface Comparison {
  readonly engine: string;
  readonly metrics: readonly Metric[];
}

interface Metric {
  readonly name: string;
  readonly baseline: number;
  readonly current: number;
  /** Per cent; more is worse for times and bytes. */
  readonly delta: number;
  readonly passed: boolean;
}

export interface Thresholds {
  /** Per cent. */
  readonly threshold: number;
  /** Nanoseconds; 0 for none. */
  readonly minThreshold: number;
}

/** One comparison for each engine that is in both. */
export function compareResults(
  baseline: readonly BenchResults[],
  current: readonly BenchResults[],
  thresholds: Thresholds,
): readonly Comparison[] {
  const byEngine = new Map(baseline.map((one) => [one.engine, one]));
  return current.flatMap((one) => {
    const base = byEngine.get(one.engine);
    return base === undefined ? [] : [{ engine: one.engine, metrics: metricsOf(base, one, thresholds) }];
  });
}

export function isPassed({ metrics }: Comparison): boolean {
  return metrics.every(({ passed }) => passed);
}

const times = [
  ["P50 Latency", "p50"],
  ["P95 Latency", "p95"],
  ["P99 Latency", "p99"],
  ["Mean Latency", "mean"],
] as const;

function metricsOf(base: BenchResults, current: BenchResults, thresholds: Thresholds): readonly Metric[] {
  const { threshold, minThreshold } = thresholds;
  const latencies = times.map(([name, field]) => {
    const values = { baseline: base.latencies[field], current: current.latencies[field] };
    const delta = deltaOf(values);
    const isSmall = minThreshold > 0 && values.current - values.baseline < minThreshold;
    return { name, ...values, delta, passed: delta <= threshold || isSmall };
  });
  return [...latencies, throughput(base, current, thresholds), ...memory(base, current, threshold)];
}

function throughput(base: BenchResults, current: BenchResults, { threshold, minThreshold }: Thresholds): Metric {
  const values = { baseline: base.reviewsPerSecond, current: current.reviewsPerSecond };
  const delta = deltaOf(values);
  const tolerated =
    minThreshold > 0 && base.latencies.mean > 0 ? values.baseline * (minThreshold / base.latencies.mean) : 0;
  const passed = -delta <= threshold || values.baseline - values.current < tolerated;
  return { name: "Throughput", ...values, delta, passed };
}

function memory(base: BenchResults, current: BenchResults, threshold: number): readonly Metric[] {
  if (base.memoryStats === undefined || current.memoryStats === undefined) return [];
  const rows = [
    { name: "Allocs/Review", baseline: base.memoryStats.allocsPerReview, current: current.memoryStats.allocsPerReview },
    { name: "Bytes/Review", baseline: base.memoryStats.bytesPerReview, current: current.memoryStats.bytesPerReview },
  ];
  return rows.map((row) => {
    const delta = deltaOf(row);
    return { ...row, delta, passed: delta <= threshold };
  });
}

/** From nothing to something counts as 100 %. */
function deltaOf({ baseline, current }: { readonly baseline: number; readonly current: number }): number {
  if (baseline === 0) return current === 0 ? 0 : 100;
  return ((current - baseline) / baseline) * 100;
}

export function comparisonText(comparisons: readonly Comparison[], threshold: number): string {
  return comparisons.map((one) => oneText(one, threshold)).join("\n");
}

function oneText(comparison: Comparison, threshold: number): string {
  const { engine, metrics } = comparison;
  const rows = metrics.map((metric) => {
    const sign = metric.delta >= 0 ? "+" : "";
    const status = metric.passed ? "✓" : "✗ REGRESSION";
    const shown = valueText(metric.name);
    const cells = [shown(metric.baseline), shown(metric.current), `${sign}${metric.delta.toFixed(1)}%`, status];
    return [metric.name, ...cells].join("\t");
  });
  const head = ["Metric\tBaseline\tCurrent\tDelta\tStatus", "------\t--------\t-------\t-----\t------"];
  const table = alignTabs([...head, ...rows].join("\n"));
  const failed = metrics.filter(({ passed }) => !passed).map(({ name }) => name);
  const limit = `(threshold: ${threshold.toFixed(1)}%)`;
  const end = isPassed(comparison)
    ? `✓ No significant regressions ${limit}`
    : `✗ Regressions detected in: ${failed.join(", ")} ${limit}`;
  return `=== Baseline Comparison: ${engine.toUpperCase()} Engine ===\n\n${table}\n\n${end}\n`;
}

function valueText(name: string): (value: number) => string {
  if (name.includes("Latency")) return durationShort;
  if (name.includes("Bytes")) return bytesText;
  if (name === "Throughput") return (value) => `${value.toFixed(2)}/sec`;
  return (value) => value.toFixed(0);
}
