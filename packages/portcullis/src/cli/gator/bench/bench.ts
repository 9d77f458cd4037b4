// `portcullis gator bench`: gator's command with its flags, its output and its exit codes; times are measured here.
// Reviews run on one thread, so `--concurrency` lets them take turns and gains nothing; how many clients the product
// itself serves side by side is what `npm run bench` measures. Gatekeeper: cmd/gator/bench/bench.go.

import { statSync } from "node:fs";
import { getHeapStatistics } from "node:v8";
import { parseDuration } from "@portcullis/lang/go";
import { type BenchSession, type StatsEntry, openBench } from "@portcullis/policy";
import type { GatorBenchFlags } from "../../flags.ts";
import { gatorOptions } from "../../gator-options.ts";
import { goWriteError } from "../../load/goerrors.ts";
import { fail, readSources } from "../sources.ts";
import { type Thresholds, compareResults, comparisonText, isPassed } from "./compare.ts";
import { type BenchResults, type MemoryStats, latenciesOf, loadBaseline, saveResults } from "./results.ts";
import { type BenchFormat, parseFormat, resultsText } from "./text.ts";

interface Settings extends Thresholds {
  readonly format: BenchFormat;
  readonly iterations: number;
  readonly warmup: number;
  readonly concurrency: number;
}

/** Below, gator says that the 99th percentile means little. */
const iterationsWanted = 1000;

export async function gatorBench(flags: GatorBenchFlags): Promise<number> {
  const settings = settingsOf(flags);
  if (typeof settings === "string") return fail(settings);
  const { iterations, warmup } = settings;
  if (warmup > iterations) {
    warn(`Warning: warmup (${warmup}) exceeds iterations (${iterations}). Consider reducing warmup.\n`);
  }
  const missing = flags.compare !== "" && statSync(flags.compare, { throwIfNoEntry: false }) === undefined;
  if (missing) return fail(`baseline file does not exist: ${flags.compare}`);
  if (iterations < iterationsWanted) {
    warn(
      `Warning: ${iterations} iterations may not provide statistically meaningful P99 metrics. Consider using at least ${iterationsWanted} iterations.\n`,
    );
  }
  const inputs = await readSources(flags);
  if ("error" in inputs) return fail(`benchmark failed: reading sources: ${inputs.error}`);
  if (inputs.length === 0) return fail("benchmark failed: no input data identified");
  if (flags.engine.toLowerCase() === "cel") return fail(`benchmark failed: benchmarking cel: ${celMissing}`);
  const session = openBench(inputs, { ...gatorOptions(), nowMs: () => performance.now() });
  if ("error" in session) return fail(`benchmark failed: ${session.error}`);
  const results = [measure(session, settings, flags)];
  if (flags.engine.toLowerCase() === "all") warn(`Warning: Engine skipped - cel: ${celMissing}\n`);
  process.stdout.write(resultsText(results, settings.format));
  return finish(results, settings, flags);
}

const celMissing = "templates in CEL are not decided yet; use --engine=rego";

/** Saves and compares; the exit code. */
function finish(results: readonly BenchResults[], settings: Settings, { save, compare }: GatorBenchFlags): number {
  if (save !== "") {
    try {
      saveResults(results, save);
    } catch (error) {
      return fail(`saving results: writing results to ${save}: ${goWriteError("open", save, error)}`);
    }
    warn(`\nResults saved to: ${save}`);
  }
  if (compare === "") return 0;
  const baseline = loadBaseline(compare);
  if ("error" in baseline) return fail(`loading baseline: ${baseline.error}`);
  const comparisons = compareResults(baseline, results, settings);
  if (comparisons.length === 0) {
    warn("\nWarning: No matching engines found for comparison");
    return 0;
  }
  process.stdout.write(`\n${comparisonText(comparisons, settings.threshold)}`);
  return comparisons.every(isPassed) ? 0 : 1;
}

// ── measuring

function measure(session: BenchSession, settings: Settings, { stats, memory }: GatorBenchFlags): BenchResults {
  const { iterations, warmup, concurrency } = settings;
  const { objects } = session;
  for (let run = 0; run < warmup; run++) for (const object of objects) session.review(object);
  const nanoseconds: number[] = [];
  const entries: StatsEntry[] = [];
  let violations = 0;
  const bytesBefore = allocatedBytes();
  const began = performance.now();
  for (let run = 0; run < iterations; run++) {
    for (const object of objects) {
      const reviewBegan = performance.now();
      if (stats && run === 0) {
        const reviewed = session.reviewWithStats(object);
        nanoseconds.push(since(reviewBegan));
        violations += reviewed.violations;
        entries.push(...reviewed.stats);
      } else {
        const found = session.review(object);
        nanoseconds.push(since(reviewBegan));
        violations += found;
      }
    }
  }
  const totalDuration = since(began);
  const reviews = iterations * objects.length;
  const { clientCreation, templateCompilation, constraintLoading, dataLoading } = session.setup;
  const setup = { clientCreation, templateCompilation, constraintLoading, dataLoading };
  const setupBreakdown = {
    clientCreation: toNanoseconds(clientCreation),
    templateCompilation: toNanoseconds(templateCompilation),
    constraintLoading: toNanoseconds(constraintLoading),
    dataLoading: toNanoseconds(dataLoading),
  };
  return {
    engine: "rego",
    templateCount: session.templateCount,
    ...(session.skippedTemplates.length === 0 ? {} : { skippedTemplates: session.skippedTemplates }),
    constraintCount: session.constraintCount,
    ...(session.skippedConstraints.length === 0 ? {} : { skippedConstraints: session.skippedConstraints }),
    referentialDataSupported: true,
    objectCount: objects.length,
    iterations,
    concurrency,
    setupDuration: toNanoseconds(Object.values(setup).reduce((sum, one) => sum + one, 0)),
    setupBreakdown,
    totalDuration,
    latencies: latenciesOf(nanoseconds),
    violationCount: violations,
    reviewsPerSecond: totalDuration === 0 ? 0 : reviews / (totalDuration / 1e9),
    ...(memory ? { memoryStats: memoryStats(allocatedBytes() - bytesBefore, reviews) } : {}),
    ...(entries.length === 0 ? {} : { statsEntries: entries }),
  };
}

function since(beganMs: number): number {
  return toNanoseconds(performance.now() - beganMs);
}

function toNanoseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6);
}

function memoryStats(totalBytes: number, reviews: number): MemoryStats {
  return { allocsPerReview: 0, bytesPerReview: Math.trunc(totalBytes / reviews), totalAllocs: 0, totalBytes };
}

/** Since the start of the process; Node 26 counts them, Node 24 does not. */
function allocatedBytes(): number {
  const { total_allocated_bytes: bytes } = getHeapStatistics() as { readonly total_allocated_bytes?: number };
  return bytes ?? 0;
}

// ── flags

/** The settings, or what is wrong with the flags. */
function settingsOf(flags: GatorBenchFlags): Settings | string {
  const engine = flags.engine.toLowerCase();
  if (!["rego", "cel", "all"].includes(engine)) {
    return `invalid engine: invalid engine ${JSON.stringify(flags.engine)} (valid: rego, cel, all)`;
  }
  const format = parseFormat(flags.output);
  if (format === null) {
    return `invalid output format: invalid output format: ${JSON.stringify(flags.output)} (valid: table, json, yaml)`;
  }
  if (flags.filename.length === 0 && flags.image.length === 0) {
    return "at least one --filename or --image must be specified";
  }
  const iterations = Number(flags.iterations);
  if (!(iterations > 0)) return "iterations must be positive";
  const warmup = Number(flags.warmup);
  if (!(warmup >= 0)) return "warmup must be non-negative";
  const threshold = Number(flags.threshold);
  if (!(threshold >= 0)) return "threshold must be non-negative";
  const least = parseDuration(flags.minThreshold);
  if (typeof least !== "bigint") return `invalid argument ${JSON.stringify(flags.minThreshold)} for "--min-threshold"`;
  if (least < 0n) return "min-threshold must be non-negative";
  const concurrency = Number(flags.concurrency);
  if (!(concurrency >= 1)) return "concurrency must be at least 1";
  return { format, iterations, warmup, concurrency, threshold, minThreshold: Number(least) };
}

function warn(text: string): void {
  process.stderr.write(`${text}\n`);
}
