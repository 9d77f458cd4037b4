// gator bench: the numbers that are made of measured times, and the comparison with a baseline, on times that are given.
// Where gator is in $PEERS_DIR, both print the same tables about the same objects once the times are masked.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { peer } from "../../../../../bench/peers.ts";
import { compareResults, comparisonText, isPassed } from "../../../src/cli/gator/bench/compare.ts";
import { type BenchResults, latenciesOf, loadBaseline, saveResults } from "../../../src/cli/gator/bench/results.ts";
import { bytesText, durationShort } from "../../../src/cli/gator/bench/text.ts";
import { alignTabs } from "../../../src/cli/output/tabwriter.ts";

const main = join(import.meta.dirname, "../../../src/cli/main.ts");
const files = join(import.meta.dirname, "files");

function results(times: { readonly mean: number; readonly bytes?: number }): BenchResults {
  const latencies = { min: 0, max: 0, mean: times.mean, p50: times.mean, p95: times.mean, p99: times.mean };
  const bytesPerReview = times.bytes;
  return {
    engine: "rego",
    templateCount: 1,
    constraintCount: 1,
    referentialDataSupported: true,
    objectCount: 1,
    iterations: 1,
    concurrency: 1,
    setupDuration: 0,
    setupBreakdown: { clientCreation: 0, templateCompilation: 0, constraintLoading: 0, dataLoading: 0 },
    totalDuration: 0,
    latencies,
    violationCount: 0,
    reviewsPerSecond: 1e9 / times.mean,
    ...(bytesPerReview === undefined
      ? {}
      : { memoryStats: { allocsPerReview: 0, bytesPerReview, totalAllocs: 0, totalBytes: 0 } }),
  };
}

test("bench: percentiles lie between their nearest ranks", () => {
  assert.deepEqual(latenciesOf([]), { min: 0, max: 0, mean: 0, p50: 0, p95: 0, p99: 0 });
  assert.deepEqual(latenciesOf([7]), { min: 7, max: 7, mean: 7, p50: 7, p95: 7, p99: 7 });
  assert.deepEqual(latenciesOf([40, 10, 30, 20]), { min: 10, max: 40, mean: 25, p50: 25, p95: 38, p99: 39 });
});

test("bench: a run fails when it is behind by both thresholds", () => {
  const compare = (mean: number, minThreshold = 0): boolean =>
    compareResults([results({ mean: 100_000 })], [results({ mean })], { threshold: 10, minThreshold }).every(isPassed);
  assert.ok(compare(100_000));
  assert.ok(compare(110_000));
  assert.ok(!compare(112_000));
  assert.ok(compare(50_000));
  assert.ok(compare(150_000, 60_000));
  assert.ok(!compare(150_000, 40_000));
});

test("bench: bytes are compared without a smallest difference; other engines not at all", () => {
  const thresholds = { threshold: 10, minThreshold: 1e9 };
  const [one] = compareResults([results({ mean: 1, bytes: 100 })], [results({ mean: 1, bytes: 120 })], thresholds);
  assert.ok(one !== undefined && !isPassed(one));
  assert.deepEqual(
    compareResults([{ ...results({ mean: 1 }), engine: "cel" }], [results({ mean: 1 })], thresholds),
    [],
  );
  assert.equal(
    comparisonText([one], 10),
    [
      "=== Baseline Comparison: REGO Engine ===",
      "",
      "Metric         Baseline           Current            Delta   Status",
      "------         --------           -------            -----   ------",
      "P50 Latency    1ns                1ns                +0.0%   ✓",
      "P95 Latency    1ns                1ns                +0.0%   ✓",
      "P99 Latency    1ns                1ns                +0.0%   ✓",
      "Mean Latency   1ns                1ns                +0.0%   ✓",
      "Throughput     1000000000.00/sec  1000000000.00/sec  +0.0%   ✓",
      "Allocs/Review  0                  0                  +0.0%   ✓",
      "Bytes/Review   100 B              120 B              +20.0%  ✗ REGRESSION",
      "",
      "✗ Regressions detected in: Bytes/Review (threshold: 10.0%)",
      "",
    ].join("\n"),
  );
});

test("bench: what is saved is read again, as JSON and as YAML; other files are refused", () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  try {
    const saved = [results({ mean: 1234, bytes: 5 })];
    for (const name of ["a.json", "a.yaml", "a.yml"]) {
      saveResults(saved, join(folder, name));
      assert.deepEqual(loadBaseline(join(folder, name)), saved, name);
    }
    for (const text of ["", "{}", "[1]", '[{"engine": "rego"}]']) {
      writeFileSync(join(folder, "bad.json"), text);
      assert.ok("error" in loadBaseline(join(folder, "bad.json")), text);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("bench: durations, bytes and columns as gator prints them", () => {
  assert.deepEqual([999, 1500, 2_345_678, 1_234_567_890].map(durationShort), ["999ns", "1.50µs", "2.35ms", "1.235s"]);
  assert.deepEqual([1023, 1024, 1_572_864, 3 * 1024 ** 3].map(bytesText), ["1023 B", "1.00 KB", "1.50 MB", "3.00 GB"]);
  assert.equal(alignTabs("a\tb\tc\nlonger\tb\n\nx\ty"), "a       b  c\nlonger  b\n\nx  y");
});

test("gator bench: a baseline that was faster ends in 1, one that was slower in 0", () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  try {
    for (const [mean, status] of [
      [1, 1],
      [1e12, 0],
    ] as const) {
      const baseline = join(folder, "baseline.json");
      saveResults([results({ mean })], baseline);
      const ran = bench(process.execPath, [main, "gator"], ["-n", "2", "--compare", baseline]);
      assert.equal(ran.status, status, ran.stdout + ran.stderr);
      assert.match(ran.stdout, /^=== Baseline Comparison: REGO Engine ===$/m);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("gator bench: results that cannot be written are said in Go's words", () => {
  for (const [path, reason] of [
    ["/nowhere/x.json", "no such file or directory"],
    [tmpdir(), "is a directory"],
  ] as const) {
    const ran = bench(process.execPath, [main, "gator"], ["-n", "1", "--save", path]);
    assert.equal(ran.status, 1);
    const expected = `saving results: writing results to ${path}: open ${path}: ${reason}\n`;
    assert.ok(ran.stderr.endsWith(expected), ran.stderr);
  }
});

test("deviations G20 and G21: CEL is not measured, allocations are not counted", () => {
  const cel = bench(process.execPath, [main, "gator"], ["-n", "1", "-e", "cel"]);
  assert.equal(cel.status, 1);
  assert.match(cel.stderr, /templates in CEL are not decided yet/);
  const all = bench(process.execPath, [main, "gator"], ["-n", "1", "-e", "all", "--memory", "-c", "4"]);
  assert.equal(all.status, 0);
  assert.match(all.stderr, /Warning: Engine skipped - cel: templates in CEL are not decided yet/);
  assert.match(all.stdout, /^ {2}Allocs\/Review: +0$/m);
  assert.match(all.stdout, /^ {2}Concurrency: +4$/m);
});

const gator = peer("gator");
if (gator === null) process.stderr.write("NOT RUN: bench beside gator's: gator is not in $PEERS_DIR\n");

for (const format of ["table", "json", "yaml"]) {
  test(`gator bench -o ${format}: as gator prints it, but for the numbers`, { skip: gator === null }, () => {
    const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
    try {
      const [theirSave, ourSave] = ["theirs", "ours"].map((name) => join(folder, `${name}.${format}`));
      const args = ["-n", "3", "-o", format, "--stats", "--memory", "--save"];
      const theirs = bench(gator ?? "", [], [...args, theirSave ?? ""]);
      const ours = bench(process.execPath, [main, "gator"], [...args, ourSave ?? ""]);
      assert.equal(masked(ours.stdout), masked(theirs.stdout));
      assert.equal(ours.status, theirs.status);
      assert.equal(masked(readFileSync(ourSave ?? "", "utf8")), masked(readFileSync(theirSave ?? "", "utf8")));
      const compared = bench(process.execPath, [main, "gator"], ["-n", "3", "--compare", theirSave ?? ""]);
      assert.match(compared.stdout, /^Throughput /m, "gator's baseline is read");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function bench(file: string, before: readonly string[], args: readonly string[]): Ran {
  const inputs = ["-f", join(files, "policies.yaml"), "-f", join(files, "objects.yaml"), "-e", "rego"];
  return spawnSync(file, [...before, "bench", ...inputs, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Without numbers, units and the widths they make; counts stay. */
function masked(text: string): string {
  return text
    .replaceAll(/\b\d[\d.]*(?:e\+?\d+)?(?:ns|µs|ms|s| [KMG]?B)(?![\w])/g, "N")
    .replaceAll(/((?:reviewsPerSecond|value|Duration|\w+Creation|\w+Compilation|\w+Loading)"?: )[\d.e+]+/g, "$1N")
    .replaceAll(
      /((?:min|max|mean|p50|p95|p99|allocsPerReview|totalAllocs|bytesPerReview|totalBytes)"?: )[\d.e+]+/g,
      "$1N",
    )
    .replaceAll(/(Throughput:|Allocs:|Allocs\/Review:|templateRunTimeNS:) +[\d.]+/g, "$1 N")
    .replaceAll(/ {2,}/g, "  ");
}
