// Kyverno's command line beside ours: `apply` of the library's pod-security and best-practices policies to 1,000 generated
// Pods, and `test` over the library's tests that both can decide, in one process each. Answers are compared row by row
// before anything is said about time. Ours is the built bundle, as users install it. Of three runs, one
// program after the other, the one with the median wall time is told: a machine's speed changes from minute to minute.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type Bench, type Row, less } from "./bench.ts";
import { peer } from "./peers.ts";
import { generatePods } from "./pods.ts";
import { type ProcessRun, runProcess } from "./process.ts";

const root = resolve(import.meta.dirname, "..");

export const kyvernoCli: Bench = {
  name: "kyverno-cli",
  measures:
    "kyverno apply and test beside portcullis kyverno: 1,000 Pods of about 6 KB, and the policy library's tests",
  run,
};

async function run(): Promise<readonly Row[]> {
  const data = resolve(process.env["CONFORMANCE_DIR"] ?? join(root, "../shared/conformance"));
  const library = join(data, "kyverno-policies");
  if (!existsSync(library)) throw new Error("the policy library is not in $CONFORMANCE_DIR");
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  try {
    const bundle = join(folder, "bundle");
    execFileSync("rolldown", ["-c", "rolldown.config.ts", "-d", bundle], { cwd: root, stdio: "ignore" });
    const programs: Programs = {
      ours: [process.execPath, join(bundle, "main.mjs"), "kyverno"],
      theirs: peer("kyverno"),
    };
    const starts = await threeTimes(() => runOurs(programs, ["version"]));
    if (starts.exitCode !== 0) throw new Error(`the bundle does not start: ${starts.stderr}`);
    return [
      less("start of the bundle", "s", starts.wallMs / 1000, null, "`kyverno version`"),
      ...(await benchApply(library, folder, programs)),
      ...(await benchTests(library, folder, programs)),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Programs {
  readonly ours: readonly string[];
  readonly theirs: string | null;
}

interface Runs {
  readonly ours: ProcessRun;
  readonly theirs: ProcessRun | null;
}

function runOurs({ ours: [command = "", ...rest] }: Programs, args: readonly string[]): Promise<ProcessRun> {
  return runProcess(command, [...rest, ...args]);
}

async function runBoth(programs: Programs, args: readonly string[]): Promise<Runs> {
  const theirs: ProcessRun[] = [];
  const ours = await threeTimes(async () => {
    if (programs.theirs !== null) theirs.push(await runProcess(programs.theirs, args));
    return runOurs(programs, args);
  });
  return { ours, theirs: programs.theirs === null ? null : median(theirs) };
}

async function threeTimes(once: () => Promise<ProcessRun>): Promise<ProcessRun> {
  const runs: ProcessRun[] = [];
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for (let round = 0; round < 3; round++) runs.push(await once());
  return median(runs);
}

function median(runs: readonly ProcessRun[]): ProcessRun {
  return runs.toSorted((a, b) => a.wallMs - b.wallMs)[Math.floor(runs.length / 2)] as ProcessRun;
}

function rowsOf(what: string, { ours, theirs }: Runs, note: string): readonly Row[] {
  const seconds = (milliseconds: number | null | undefined): number => (milliseconds ?? Number.NaN) / 1000;
  const other = (milliseconds: number | null | undefined): number | null =>
    theirs === null ? null : seconds(milliseconds);
  return [
    less(`${what}: wall time`, "s", seconds(ours.wallMs), other(theirs?.wallMs), note),
    less(`${what}: processor time`, "s", seconds(ours.cpuMs), other(theirs?.cpuMs)),
    less(`${what}: peak memory`, "MB", ours.peakMegabytes ?? Number.NaN, theirs?.peakMegabytes ?? null),
  ];
}

/** How many rows both have. Throws when they differ or when there is nothing to compare. */
function compareRows(ours: readonly string[], theirs: readonly string[] | null): number {
  if (ours.length === 0) throw new Error("there are no results, so nothing was measured");
  if (theirs === null) return ours.length;
  const [mine, other] = [ours.toSorted(), theirs.toSorted()];
  const at = mine.findIndex((row, index) => row !== other[index]);
  if (at === -1 && mine.length === other.length) return mine.length;
  const rows = `ours ${mine[at] ?? "-"}; theirs ${other[at] ?? "-"}`;
  throw new Error(`the answers differ: ${mine.length} rows against ${other.length}; ${rows}`);
}

// ── apply

async function benchApply(library: string, folder: string, programs: Programs): Promise<readonly Row[]> {
  const policies = ["pod-security", "best-practices"].flatMap((part) => policyFiles(join(library, part)));
  const pods = generatePods({ count: 1000, seed: 1 });
  const file = join(folder, "pods.yaml");
  writeFileSync(file, pods.map((pod) => JSON.stringify(pod)).join("\n---\n"));
  const args = ["apply", ...policies, "-r", file];
  const asReports = [...args, "-p", "--output-format", "json"];
  const theirs = programs.theirs === null ? null : await runProcess(programs.theirs, asReports);
  const rows = compareRows(reportRows(await runOurs(programs, asReports)), theirs === null ? null : reportRows(theirs));
  const note = `${policies.length} policies, ${rows} equal results`;
  return rowsOf("apply", await runBoth(programs, args), note);
}

/** Files below a folder with a ClusterPolicy whose rules both can decide. */
function policyFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".yaml") && !/(^|\/)\./.test(path))
    .toSorted()
    .map((path) => join(folder, path))
    .filter((path) => isDecided(readFileSync(path, "utf8")));
}

function isDecided(text: string): boolean {
  return /^kind: ClusterPolicy$/m.test(text) && !/^\s+(?:- )?(?:verifyImages|manifests):/m.test(text);
}

interface Report {
  readonly results: readonly {
    readonly policy: string;
    readonly rule: string;
    readonly result: string;
    readonly message?: string;
    readonly resources: readonly { readonly kind: string; readonly namespace?: string; readonly name: string }[];
  }[];
}

/** The report is the last line but empty ones. */
function reportRows({ stdout, stderr }: ProcessRun): readonly string[] {
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  if (!line.startsWith("{")) throw new Error(`no report: ${stderr}`);
  return (JSON.parse(line) as Report).results.map(({ policy, rule, result, message, resources }) => {
    const objects = resources.map(({ kind, namespace, name }) => `${kind}/${namespace}/${name}`);
    return [policy, rule, result, ...objects, ordered(message ?? "")].join(" | ");
  });
}

/** Kyverno lists the broken controls of the Pod Security Standards in any order. */
function ordered(message: string): string {
  return message
    .split("(Forbidden reason: ")
    .map((part) => part.trim())
    .toSorted()
    .join("(");
}

// ── test

async function benchTests(library: string, folder: string, programs: Programs): Promise<readonly Row[]> {
  const tests = join(folder, "tests");
  const files = readdirSync(library, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith("/.kyverno-test/kyverno-test.yaml"),
  );
  const folders = files.map((path) => dirname(dirname(path))).filter((path) => hasDecidedPolicies(join(library, path)));
  for (const path of folders) {
    mkdirSync(join(tests, path), { recursive: true });
    cpSync(join(library, path), join(tests, path), { recursive: true });
  }
  const runs = await runBoth(programs, ["test", tests, "--detailed-results", "--remove-color"]);
  const rows = compareRows(tableRows(runs.ours), runs.theirs === null ? null : tableRows(runs.theirs));
  return rowsOf("test", runs, `${folders.length} test folders in one process, ${rows} equal rows`);
}

function hasDecidedPolicies(folder: string): boolean {
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml") && name !== "artifacthub-pkg.yml");
  return files.length > 0 && files.every((name) => isDecided(readFileSync(join(folder, name), "utf8")));
}

/** The rows of all tables, without their numbers; a cell that was broken into lines is one again. */
function tableRows({ stdout }: ProcessRun): readonly string[] {
  const rows: string[][] = [];
  for (const line of stdout.split("\n").filter((text) => text.startsWith("│ "))) {
    const [, number = "", ...cells] = line.split("│").map((cell) => cell.trim());
    const last = rows.at(-1);
    if (/^\d+$/.test(number)) rows.push(cells);
    else if (number === "")
      cells.forEach((cell, at) => last !== undefined && (last[at] = `${last[at]} ${cell}`.trim()));
  }
  return rows.map((cells) => cells.map(ordered).join(" | "));
}
