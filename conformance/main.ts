// `npm run conformance -- [SUITE…] [--json] [--no-gaps] [--only TEXT] [--verbose]`: other people's cases, read from
// $CONFORMANCE_DIR (default ../shared/conformance). One line a suite; exit 1 when a case outside the gaps fails, a gap
// passes, or nothing was run because of a wrong name. A suite whose data is not there says so and does not fail.

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { parseArgs } from "node:util";
import { readGaps } from "./gaps.ts";
import { type SuiteResult, runSuite } from "./run.ts";
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
  if (positionals.length > 0 && !positionals.includes(suite.name)) continue;
  if (!existsSync(join(dataDir, suite.needs))) {
    absent.push(suite.name);
    if (!values.json) console.log(`${suite.name}: not run, ${suite.needs} is not in ${dataDir}`);
    continue;
  }
  const gaps = values["no-gaps"]
    ? new Map<string, string>()
    : readGaps(join(repository, "conformance", "gaps", `${suite.name}.txt`));
  // oxlint-disable-next-line no-await-in-loop
  const result = await runSuite(suite, { dataDir, gaps, only: values.only ?? null, onCase: progress(suite.name) });
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

/** A line that is rewritten on a terminal and absent elsewhere. */
function progress(suite: string): (done: number, total: number) => void {
  if (!process.stderr.isTTY) return () => {};
  return (done, total) => {
    if (done % 50 === 0 || done === total)
      process.stderr.write(done === total ? "\r\u001B[K" : `\r${suite} ${done}/${total}`);
  };
}
