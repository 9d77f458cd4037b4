// `gator test` beside `portcullis gator test`: all library templates and one constraint per sample against 1,000
// generated Pods of about 6 KB. The answers are compared before anything is said about time.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Bench, type Row, less } from "./bench.ts";
import { libraryPolicies } from "./library.ts";
import { peer } from "./peers.ts";
import { generatePods } from "./pods.ts";
import { type ProcessRun, runProcess } from "./process.ts";

const main = resolve(import.meta.dirname, "../packages/portcullis/src/cli/main.ts");

export const gatekeeperCli: Bench = {
  name: "gatekeeper-cli",
  measures: "gator test beside portcullis gator test, the library's policies against 1,000 Pods of about 6 KB",
  run,
};

async function run(): Promise<readonly Row[]> {
  const policies = libraryPolicies();
  if (policies === null) throw new Error("the gatekeeper-library is not in $CONFORMANCE_DIR");
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  try {
    mkdirSync(join(folder, "pods"));
    for (const { name, text } of policies) writeFileSync(join(folder, name), text);
    const pods = generatePods({ count: 1000, seed: 1 });
    for (const [index, pod] of pods.entries())
      writeFileSync(join(folder, "pods", `${index}.json`), JSON.stringify(pod));
    const bytes = JSON.stringify(pods).length / pods.length;
    const args = ["test", "-f", folder, "-o", "json"];
    const gator = peer("gator");
    const theirs = gator === null ? null : await runProcess(gator, [...args, "--enable-k8s-native-validation=false"]);
    const ours = await runProcess(process.execPath, [main, "gator", ...args]);
    const rows = compareAnswers(ours, theirs);
    const note = `${policies.length} policy files, Pods of ${bytes.toFixed(0)} bytes, ${rows} equal rows`;
    return [
      less("wall time", "s", ours.wallMs / 1000, theirs === null ? null : theirs.wallMs / 1000, note),
      less("peak memory", "MB", ours.peakMegabytes ?? Number.NaN, theirs?.peakMegabytes ?? null),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface GatorResult {
  readonly msg: string;
  readonly enforcementAction: string;
  readonly constraint: { readonly kind: string; readonly metadata: { readonly name: string } };
  readonly violatingObject: {
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly namespace?: string };
  };
}

/** How many rows both have. Throws when they differ or when there is nothing to compare. */
function compareAnswers(ours: ProcessRun, theirs: ProcessRun | null): number {
  const mine = sortedRows(ours);
  if (mine.length === 0) throw new Error("no violation was found, so nothing was measured");
  if (theirs !== null) {
    const other = sortedRows(theirs);
    const missing = other.filter((row) => !mine.includes(row));
    const extra = mine.filter((row) => !other.includes(row));
    if (mine.length !== other.length || missing.length > 0 || extra.length > 0) {
      throw new Error(
        `the answers differ: ${mine.length} rows against ${other.length}; missing ${missing[0] ?? "-"}; extra ${extra[0] ?? "-"}`,
      );
    }
    if (ours.exitCode !== theirs.exitCode)
      throw new Error(`exit codes differ: ${ours.exitCode} and ${theirs.exitCode}`);
  }
  return mine.length;
}

function sortedRows({ stdout, stderr }: ProcessRun): readonly string[] {
  if (stdout.trim() === "") throw new Error(`no output: ${stderr}`);
  return (JSON.parse(stdout) as readonly GatorResult[])
    .map(({ msg, enforcementAction, constraint, violatingObject: object }) =>
      [
        constraint.kind,
        constraint.metadata.name,
        object.kind,
        object.metadata.namespace ?? "",
        object.metadata.name,
        enforcementAction,
        msg,
      ].join(" | "),
    )
    .toSorted();
}
