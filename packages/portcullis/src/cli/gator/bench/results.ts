// What a benchmark found: counts, times in nanoseconds, latencies from every single review. A percentile lies between its
// two nearest ranks, by their distance. Results are saved and read again in gator's form, so that a baseline of gator's
// can be compared with; which of the fields are there is checked, because a baseline comes from somewhere else.
// Gatekeeper: pkg/gator/bench/{types,metrics,compare}.go.

import { readFileSync, writeFileSync } from "node:fs";
import { parseYaml } from "@portcullis/kube";
import { Source } from "@portcullis/lang";
import type { StatsEntry } from "@portcullis/policy";
import { structJson } from "../../output/gojson.ts";
import { writeGoYaml } from "../../output/goyaml-writer.ts";

/** Fields in the order in which gator writes them. Durations are nanoseconds. */
export interface BenchResults {
  readonly engine: string;
  readonly templateCount: number;
  readonly skippedTemplates?: readonly string[];
  readonly constraintCount: number;
  readonly skippedConstraints?: readonly string[];
  readonly referentialDataSupported: boolean;
  readonly objectCount: number;
  readonly iterations: number;
  readonly concurrency: number;
  readonly setupDuration: number;
  readonly setupBreakdown: SetupBreakdown;
  readonly totalDuration: number;
  readonly latencies: Latencies;
  readonly violationCount: number;
  readonly reviewsPerSecond: number;
  readonly memoryStats?: MemoryStats;
  readonly statsEntries?: readonly StatsEntry[];
}

interface SetupBreakdown {
  readonly clientCreation: number;
  readonly templateCompilation: number;
  readonly constraintLoading: number;
  readonly dataLoading: number;
}

export interface Latencies {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** V8 counts bytes, not allocations: those are 0. */
export interface MemoryStats {
  readonly allocsPerReview: number;
  readonly bytesPerReview: number;
  readonly totalAllocs: number;
  readonly totalBytes: number;
}

export function latenciesOf(nanoseconds: readonly number[]): Latencies {
  const sorted = nanoseconds.toSorted((a, b) => a - b);
  const total = sorted.reduce((sum, one) => sum + one, 0);
  return {
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    mean: sorted.length === 0 ? 0 : Math.trunc(total / sorted.length),
    p50: percentile(sorted, 50),
    p95: percentile(sorted, 95),
    p99: percentile(sorted, 99),
  };
}

function percentile(sorted: readonly number[], percent: number): number {
  const rank = (percent / 100) * (sorted.length - 1);
  const lower = Math.trunc(rank);
  const weight = rank - lower;
  const below = sorted[lower] ?? 0;
  const above = sorted[lower + 1] ?? below;
  return Math.trunc(below * (1 - weight) + above * weight);
}

function isYaml(path: string): boolean {
  return /\.ya?ml$/.test(path);
}

/** Throws what writing a file throws. */
export function saveResults(results: readonly BenchResults[], path: string): void {
  const text = isYaml(path) ? writeGoYaml(results, "go") : structJson(results, 0, "  ");
  writeFileSync(path, text, { mode: 0o600 });
}

/** The results in a file, or what is wrong with it. */
export function loadBaseline(path: string): readonly BenchResults[] | { readonly error: string } {
  let value: unknown;
  try {
    const text = readFileSync(path, "utf8");
    value = isYaml(path) ? parseYaml(new Source(path, text), { dialect: "go" }).value[0]?.value : JSON.parse(text);
  } catch (error) {
    return { error: `unmarshaling baseline: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (!Array.isArray(value) || !value.every(isResults)) {
    return { error: "unmarshaling baseline: expected a list of results as --save writes them" };
  }
  return value;
}

function isResults(value: unknown): value is BenchResults {
  if (typeof value !== "object" || value === null) return false;
  const { engine, reviewsPerSecond, latencies } = value as Partial<BenchResults>;
  if (typeof engine !== "string" || typeof reviewsPerSecond !== "number") return false;
  if (typeof latencies !== "object") return false;
  return (["mean", "p50", "p95", "p99"] as const).every((name) => typeof latencies[name] === "number");
}
