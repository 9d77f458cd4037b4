// `gator test` beside `portcullis gator test`: all library templates and one constraint per sample against 1,000
// generated Pods of about 6 KB. The answers are compared as JSON before anything is said about time; what is compared
// then is the text output, which is what people run, and the JSON. Ours is the built bundle, as users install it; the
// tree, which has to strip types from some hundred modules first, is stated beside it. Of three runs, one program after the
// other, the one with the median wall time is told: a machine's speed changes from minute to minute.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Bench, type Row, less } from "./bench.ts";
import { libraryPolicies } from "./library.ts";
import { peer } from "./peers.ts";
import { generatePods } from "./pods.ts";
import { type ProcessRun, runProcess } from "./process.ts";

const root = resolve(import.meta.dirname, "..");

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
    mkdirSync(join(folder, "input/pods"), { recursive: true });
    for (const { name, text } of policies) writeFileSync(join(folder, "input", name), text);
    const pods = generatePods({ count: 1000, seed: 1 });
    for (const [index, pod] of pods.entries())
      writeFileSync(join(folder, "input/pods", `${index}.json`), JSON.stringify(pod));
    const bytes = JSON.stringify(pods).length / pods.length;
    const bundle = join(folder, "bundle");
    execFileSync("rolldown", ["-c", "rolldown.config.ts", "-d", bundle], { cwd: root, stdio: "ignore" });
    const programs: Programs = {
      bundle: [process.execPath, join(bundle, "main.mjs"), "gator"],
      tree: [process.execPath, join(root, "packages/portcullis/src/cli/main.ts"), "gator"],
      gator: peer("gator"),
    };
    const json = await runAll(programs, ["test", "-f", join(folder, "input"), "-o", "json"]);
    const rows = compareAnswers(json.bundle, json.gator);
    const text = await runAll(programs, ["test", "-f", join(folder, "input")]);
    const note = `${policies.length} policy files, Pods of ${bytes.toFixed(0)} bytes, ${rows} equal rows`;
    return [...rowsOf("text", text, note), ...rowsOf("JSON", json)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Programs {
  readonly bundle: readonly string[];
  readonly tree: readonly string[];
  readonly gator: string | null;
}

interface Runs {
  readonly bundle: ProcessRun;
  readonly tree: ProcessRun;
  readonly gator: ProcessRun | null;
}

async function runAll(programs: Programs, args: readonly string[]): Promise<Runs> {
  const rounds: Runs[] = [];
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for (let round = 0; round < 3; round++) rounds.push(await runOnce(programs, args));
  const gators = rounds.flatMap(({ gator }) => (gator === null ? [] : [gator]));
  return {
    bundle: median(rounds.map(({ bundle }) => bundle)),
    tree: median(rounds.map(({ tree }) => tree)),
    gator: gators.length === 0 ? null : median(gators),
  };
}

async function runOnce({ bundle, tree, gator }: Programs, args: readonly string[]): Promise<Runs> {
  const start = ([command = "", ...rest]: readonly string[]): Promise<ProcessRun> => runProcess(command, rest);
  return {
    bundle: await start([...bundle, ...args]),
    tree: await start([...tree, ...args]),
    gator: gator === null ? null : await start([gator, ...args, "--enable-k8s-native-validation=false"]),
  };
}

function median(runs: readonly ProcessRun[]): ProcessRun {
  return runs.toSorted((a, b) => a.wallMs - b.wallMs)[Math.floor(runs.length / 2)] as ProcessRun;
}

function rowsOf(output: string, { bundle, tree, gator }: Runs, note?: string): readonly Row[] {
  const seconds = (milliseconds: number | null | undefined): number => (milliseconds ?? Number.NaN) / 1000;
  const theirs = (milliseconds: number | null | undefined): number | null =>
    gator === null ? null : seconds(milliseconds);
  return [
    less(`${output}: wall time`, "s", seconds(bundle.wallMs), theirs(gator?.wallMs), note),
    less(`${output}: processor time`, "s", seconds(bundle.cpuMs), theirs(gator?.cpuMs)),
    less(`${output}: peak memory`, "MB", bundle.peakMegabytes ?? Number.NaN, gator?.peakMegabytes ?? null),
    less(`${output}: wall time of the tree`, "s", seconds(tree.wallMs), theirs(gator?.wallMs)),
  ];
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
