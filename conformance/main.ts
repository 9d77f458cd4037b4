// `npm run conformance -- [SUITE…] [--json] [--no-gaps] [--only TEXT] [--verbose]`: other people's cases, read from
// $CONFORMANCE_DIR (default ../shared/conformance). One line a suite; exit 1 when a case outside the gaps fails, a gap
// passes, or nothing was run because of a wrong name. A suite whose data is not there says so and does not fail.

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { parseArgs } from "node:util";
import { readGaps } from "./gaps.ts";
import { type EndedCase, type SuiteResult, runSuite } from "./run.ts";
import type { ConformanceSuite } from "./suite.ts";
import { suites } from "./suites/index.ts";

// Thousands of generated programs are loaded once; Node's compile cache would keep every one of them.
setFlagsFromString("--no-compilation-cache");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    "no-gaps": { type: "boolean", default: false },
    only: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});

const repository = resolve(dirname(import.meta.filename), "..");
const dataDir = resolve(process.env["CONFORMANCE_DIR"] ?? join(repository, "..", "shared", "conformance"));
const unknown = positionals.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  const known = suites.map((suite) => suite.name).join(", ");
  console.error(`unknown suite ${unknown.join(", ")}; the suites are ${known}`);
  process.exit(2);
}

const results: SuiteResult[] = [];
const absent: string[] = [];
for (const suite of suites) {
  if (!(positionals.length > 0 ? positionals.includes(suite.name) : suite.onlyByName !== true)) continue;
  if (!existsSync(join(dataDir, suite.needs))) {
    absent.push(suite.name);
    if (!values.json) console.log(`${suite.name}: not run, ${suite.needs} is not in ${dataDir}`);
    continue;
  }
  const unavailable = suite.unavailable?.() ?? null;
  if (unavailable !== null) {
    absent.push(suite.name);
    console.error(`${suite.name}: NOT RUN: ${unavailable}`);
    continue;
  }
  const gaps = values["no-gaps"]
    ? new Map<string, string>()
    : readGaps(join(repository, "conformance", "gaps", `${suite.name}.txt`));
  // oxlint-disable-next-line no-await-in-loop
  const result = await runSuite(suite, { dataDir, gaps, only: values.only ?? null, onCase: progress(suite) });
  results.push(result);
  if (!values.json) print(result);
}
if (values.json) console.log(JSON.stringify({ dataDir, results, absent }, null, 2));
process.exitCode = results.some((result) => result.failures.length > 0 || result.stale.length > 0) ? 1 : 0;

function print(result: SuiteResult): void {
  const { suite, total, passed, gaps, failures, stale } = result;
  console.log(`${suite}: ${passed} passed, ${failures.length} failed, ${gaps} gaps of ${total}`);
  for (const { id, message } of failures)
    console.log(values.verbose ? `  ${id}\n    ${message.replaceAll("\n", "\n    ")}` : `  ${id}`);
  for (const id of stale) console.log(`  ${id} passes now: delete its line in conformance/gaps/${suite}.txt`);
}

/** A line that is rewritten on a terminal and absent elsewhere; a line for each case of a suite that takes minutes. */
function progress({ name, onlyByName }: ConformanceSuite): (ended: EndedCase) => void {
  if (onlyByName === true) return followEach();
  if (!process.stderr.isTTY) return () => {};
  return ({ done, total }) => {
    if (done % 50 === 0 || done === total)
      process.stderr.write(done === total ? "\r\u001B[K" : `\r${name} ${done}/${total}`);
  };
}

function followEach(): (ended: EndedCase) => void {
  let sinceMs = performance.now();
  return ({ id, message, done, total }) => {
    const nowMs = performance.now();
    const seconds = ((nowMs - sinceMs) / 1000).toFixed(1);
    sinceMs = nowMs;
    const why = message === null ? "" : `: ${values.verbose ? message : (message.split("\n")[0] ?? "")}`;
    process.stderr.write(`${done}/${total} ${message === null ? "passes" : "fails"} ${id} (${seconds} s)${why}\n`);
  };
}
