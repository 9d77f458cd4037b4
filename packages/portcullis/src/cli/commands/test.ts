// `portcullis test`: runs the test files of both dialects that are in the given files; without one, it decides about every
// object in them with every policy, as the cluster's webhook would. Prints what it found. Exit code 1 when a test fails,
// something would be denied or a policy is broken, 2 when input cannot be read or there is nothing to decide. Policies are
// not objects to decide about.

import { resolve } from "node:path";
import { type LoadedObject, loadObjects, nothingIn } from "../load/files.ts";
import type { Finding, OutputFormat } from "../output/finding.ts";
import { createPrinter } from "../output/print.ts";
import { besideProgress, showProgress } from "../output/progress.ts";
import { createWriter } from "../output/writer.ts";
import { type Check, renderChecks } from "../output/check.ts";
import { outcomeFindings } from "./outcomes.ts";
import { isTest, runTests, testFilesOf } from "./run-tests.ts";
import {
  createAskingDecider,
  createDecider,
  expectDecidable,
  partObjects,
  policyFindings,
  requestOf,
} from "./decide.ts";

export interface TestOptions {
  readonly paths: readonly string[];
  readonly output: OutputFormat;
  readonly denyOnly: boolean;
  /** Kyverno's answer where a test tests nothing. */
  readonly lenient: boolean;
  readonly verbose: boolean;
  /** Kyverno's own answers where ours differ, for objects; test files are judged as they are. */
  readonly peerAnswers: boolean;
  /** Providers of external data are asked over the network. */
  readonly asksProviders: boolean;
}

export async function test(options: TestOptions): Promise<number> {
  const { paths, output, denyOnly, lenient, verbose, peerAnswers, asksProviders } = options;
  const loaded = loadObjects(paths, { stdin: paths.length === 0 });
  if (loaded.length === 0) throw nothingIn(paths);
  if (loaded.some(({ object }) => isTest(object))) return testFiles(loaded, { output, lenient, verbose });
  const parted = partObjects(loaded, { peerAnswers });
  expectDecidable(parted);
  const decide = asksProviders ? createAskingDecider(parted) : createDecider(parted);
  const { objects } = parted;
  const writer = createWriter(besideProgress(process.stdout));
  const printer = createPrinter(output, writer.write);
  let isRefused = false;
  const print = (finding: Finding): void => {
    const isError = finding.level === "error";
    isRefused ||= isError;
    if (isError || !denyOnly) printer.add(finding);
  };
  policyFindings(parted).forEach(print);
  const progress = showProgress("objects", objects.length);
  for (const one of objects) {
    // One after the other, so that findings stand in the order of the objects.
    // oxlint-disable-next-line no-await-in-loop
    outcomeFindings(one, await decide(requestOf(one))).forEach(print);
    progress.step();
    // Findings are printed while they are found, and a slow reader is waited for.
    // oxlint-disable-next-line no-await-in-loop
    if (writer.drained !== null) await writer.drained;
  }
  progress.end();
  printer.end({ checked: objects.length, policies: parted.policies.length });
  writer.end();
  return isRefused ? 1 : 0;
}

/** Runs the tests, and judges the policies that none of them names; objects belong to the tests. */
function testFiles(
  loaded: readonly LoadedObject[],
  { output, lenient, verbose }: Pick<TestOptions, "output" | "lenient" | "verbose">,
): number {
  const tests = testFilesOf(loaded);
  const { checks, named } = runTests(tests, lenient);
  const isOthers = (file: string): boolean => [...named].some((path) => isBelow(resolve(file), path));
  const others = tests.gator.length > 0 ? [] : loaded.filter(({ file }) => !isOthers(file));
  const broken = policyFindings(partObjects(others)).filter(({ level }) => level === "error");
  const all = [...checks, ...broken.map(brokenPolicy)];
  process.stdout.write(renderChecks(all, output, verbose));
  return all.some(({ outcome }) => outcome === "fail") ? 1 : 0;
}

function isBelow(file: string, path: string): boolean {
  return file === path || file.startsWith(`${path}/`);
}

function brokenPolicy({ place, rule, message }: Finding): Check {
  return { file: place?.file ?? "", name: rule, outcome: "fail", message };
}
