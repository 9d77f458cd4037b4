// The results of a benchmark as tables, JSON and YAML. Gatekeeper: pkg/gator/bench/output.go.

import { durationText } from "@portcullis/lang/go";
import { structJson } from "../../output/gojson.ts";
import { GoStruct, writeGoYaml } from "../../output/goyaml-writer.ts";
import { alignTabs } from "../../output/tabwriter.ts";
import type { BenchResults } from "./results.ts";

export type BenchFormat = "table" | "json" | "yaml";

/** Null for a format that nobody knows. */
export function parseFormat(text: string): BenchFormat | null {
  const lower = text.toLowerCase();
  if (lower === "" || lower === "table") return "table";
  return lower === "json" || lower === "yaml" ? lower : null;
}

export function resultsText(results: readonly BenchResults[], format: BenchFormat): string {
  if (format === "table") return results.map(tableOf).join("\n");
  const shown = results.map(shownResults);
  return format === "json" ? structJson(shown, 0, "  ") : writeGoYaml(shown.map(asStruct), "yaml.v3", "doubles");
}

/** `1.23ms`; three digits from a second on. */
export function durationShort(nanoseconds: number): string {
  if (nanoseconds < 1e3) return `${Math.trunc(nanoseconds)}ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toFixed(2)}µs`;
  if (nanoseconds < 1e9) return `${(nanoseconds / 1e6).toFixed(2)}ms`;
  return `${(nanoseconds / 1e9).toFixed(3)}s`;
}

export function bytesText(bytes: number): string {
  const units = [
    ["GB", 1024 ** 3],
    ["MB", 1024 ** 2],
    ["KB", 1024],
  ] as const;
  for (const [unit, size] of units) if (bytes >= size) return `${(bytes / size).toFixed(2)} ${unit}`;
  return `${Math.trunc(bytes)} B`;
}

// ── tables

function tableOf(results: BenchResults): string {
  const sections = [configuration(results), skipped(results), timing(results), latencies(results), found(results)];
  const title = `=== Benchmark Results: ${results.engine.toUpperCase()} Engine ===`;
  const texts = sections.filter((section) => section.length > 0).map((section) => section.join("\n"));
  return `${title}\n\n${alignTabs(texts.join("\n\n"))}\n`;
}

function configuration(results: BenchResults): readonly string[] {
  return [
    "Configuration:",
    `  Templates:\t${results.templateCount}`,
    `  Constraints:\t${results.constraintCount}`,
    `  Objects:\t${results.objectCount}`,
    `  Iterations:\t${results.iterations}`,
    ...(results.concurrency > 1 ? [`  Concurrency:\t${results.concurrency}`] : []),
    `  Total Reviews:\t${results.iterations * results.objectCount}`,
  ];
}

function skipped({ skippedTemplates = [], skippedConstraints = [] }: BenchResults): readonly string[] {
  if (skippedTemplates.length === 0 && skippedConstraints.length === 0) return [];
  const line = (name: string, names: readonly string[]): readonly string[] =>
    names.length === 0 ? [] : [`  Skipped ${name}:\t${names.length} (${names.join(", ")})`];
  return ["Warnings:", ...line("Templates", skippedTemplates), ...line("Constraints", skippedConstraints)];
}

function timing({ setupDuration, setupBreakdown, totalDuration, reviewsPerSecond }: BenchResults): readonly string[] {
  return [
    "Timing:",
    `  Setup Duration:\t${durationShort(setupDuration)}`,
    `    └─ Client Creation:\t${durationShort(setupBreakdown.clientCreation)}`,
    `    └─ Template Compilation:\t${durationShort(setupBreakdown.templateCompilation)}`,
    `    └─ Constraint Loading:\t${durationShort(setupBreakdown.constraintLoading)}`,
    `    └─ Data Loading:\t${durationShort(setupBreakdown.dataLoading)}`,
    `  Total Duration:\t${durationShort(totalDuration)}`,
    `  Throughput:\t${reviewsPerSecond.toFixed(2)} reviews/sec`,
  ];
}

function latencies({ latencies: all }: BenchResults): readonly string[] {
  const rows = Object.entries({ ...all }).map(([name, value]) => {
    const title = name.startsWith("p") ? name.toUpperCase() : `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    return `  ${title}:\t${durationShort(value)}`;
  });
  return ["Latency (per review):", ...rows];
}

function found({ violationCount, memoryStats, statsEntries = [] }: BenchResults): readonly string[] {
  const lines = ["Results:", `  Violations Found:\t${violationCount}`];
  if (memoryStats !== undefined) {
    lines.push(
      "",
      "Memory:",
      `  Allocs/Review:\t${memoryStats.allocsPerReview}`,
      `  Bytes/Review:\t${bytesText(memoryStats.bytesPerReview)}`,
      `  Total Allocs:\t${memoryStats.totalAllocs}`,
      `  Total Bytes:\t${bytesText(memoryStats.totalBytes)}`,
    );
  }
  if (statsEntries.length > 0) lines.push("", "Per-Constraint Statistics (from first iteration):");
  for (const { statsFor, scope, stats } of statsEntries) {
    lines.push(`  Constraint: ${statsFor} (Scope: ${scope})`);
    lines.push(...stats.map(({ name, value, source }) => `    ${name}:\t${value} ${source.type}`));
  }
  return lines;
}

// ── JSON and YAML

type Fields = Readonly<Record<string, unknown>>;

function shownResults(results: BenchResults): Fields {
  const { skippedTemplates, skippedConstraints, memoryStats, statsEntries = [] } = results;
  return {
    engine: results.engine,
    templateCount: results.templateCount,
    constraintCount: results.constraintCount,
    objectCount: results.objectCount,
    iterations: results.iterations,
    concurrency: results.concurrency,
    totalReviews: results.iterations * results.objectCount,
    setupDuration: longDuration(results.setupDuration),
    setupBreakdown: durations({ ...results.setupBreakdown }),
    totalDuration: longDuration(results.totalDuration),
    latencies: durations({ ...results.latencies }),
    violationCount: results.violationCount,
    reviewsPerSecond: results.reviewsPerSecond,
    memoryStats: memoryStats && {
      ...memoryStats,
      bytesPerReview: bytesText(memoryStats.bytesPerReview),
      totalBytes: bytesText(memoryStats.totalBytes),
    },
    statsEntries: statsEntries.length === 0 ? undefined : statsEntries.map(shownStats),
    skippedTemplates,
    skippedConstraints,
    referentialDataSupported: results.referentialDataSupported,
  };
}

function shownStats({ scope, statsFor, stats, labels }: NonNullable<BenchResults["statsEntries"]>[number]): Fields {
  return {
    scope,
    statsFor,
    stats: stats.map(({ name, value, source }) => ({ name, value, source: `${source.type}/${source.value}` })),
    labels,
  };
}

function durations(fields: Readonly<Record<string, number>>): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, longDuration(value)]));
}

function longDuration(nanoseconds: number): string {
  return durationText(BigInt(Math.trunc(nanoseconds)));
}

/** Fields in their order, in YAML too. */
function asStruct(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asStruct);
  if (typeof value !== "object" || value === null) return value;
  return new GoStruct(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asStruct(item)])));
}
