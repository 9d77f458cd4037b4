// `portcullis kyverno test`: Kyverno's command with its flags, its output and its exit codes. Where Kyverno prints rows in
// whatever order a Go map gives, the order here is that of the files. Policies of kinds that are not built fail the run.

import {
  type LoadedTests,
  type Row,
  type TestCase,
  type TestOutcome,
  evaluateCliPolicy,
  isDeprecatedTest,
  loadTests,
  parseSelector,
  readCliPolicy,
  runTestCase,
} from "@portcullis/policy";
import type { KyvernoTestFlags } from "../flags.ts";
import { CommandFailed, print, printError, write } from "./exit.ts";
import { files } from "./files.ts";
import { type Paint, createPaint } from "./paint.ts";
import { formatRows, rowsTable } from "./rows.ts";
import { kyvernoEvaluation } from "./world.ts";

const formats: ReadonlySet<string> = new Set(["json", "yaml", "markdown", "junit"]);

interface Counts {
  pass: number;
  fail: number;
  skip: number;
}

/** Runs the tests below folders. Throws CommandFailed, and Errors with Kyverno's text. */
export function kyvernoTest(folders: readonly string[], flags: KyvernoTestFlags): number {
  if (flags.outputFormat !== "" && !formats.has(flags.outputFormat)) {
    throw new CommandFailed("invalid format, expected (json, yaml, markdown, junit)");
  }
  const selector = parseSelector(flags.testCaseSelector);
  if (selector.errors.length > 0)
    print(`\nFilter errors:\n${selector.errors.map((one) => `  Error: ${one}`).join("\n")}`);
  const { tests } = loadAll(folders, flags);
  if (tests.length === 0) return withoutTests(selector.errors, flags);
  const counts: Counts = { pass: 0, fail: 0, skip: 0 };
  const failed: Row[] = [];
  const paint = paintFor(flags);
  for (const { path, test } of tests) {
    if (isDeprecatedTest(test)) {
      print(`\nWARNING: test file (${path}) uses a deprecated schema that will be removed in 1.15`);
      throw new CommandFailed(`test file ${path} uses a deprecated schema — please migrate to the latest format`);
    }
    const selected = selector.select(test);
    if (selected.results.length === 0) continue;
    const rows = runOne({ path, test: selected }, flags);
    for (const row of rows) counts[row.counts] += 1;
    failed.push(...rows.filter(({ counts: as }) => as === "fail"));
    if (!flags.failOnly) printRows(rows, flags, paint);
  }
  return finish(counts, failed, flags);
}

function withoutTests(errors: readonly string[], { requireTests }: KyvernoTestFlags): number {
  if (requireTests) throw new CommandFailed("no tests found");
  const [error] = errors;
  if (error !== undefined) throw new CommandFailed(error);
  return 0;
}

function paintFor({ removeColor, outputFormat }: KyvernoTestFlags): Paint {
  const terminal = process.stdout.isTTY && process.env["NO_COLOR"] === undefined && process.env["TERM"] !== "dumb";
  return createPaint({ removeColor: removeColor || outputFormat !== "", terminal });
}

// ── loading and running

function loadAll(folders: readonly string[], { fileName }: KyvernoTestFlags): LoadedTests {
  let all: LoadedTests;
  try {
    const loaded = folders.map((folder) => loadFolder(folder, fileName));
    all = { tests: loaded.flatMap(({ tests }) => tests), errors: loaded.flatMap(({ errors }) => errors) };
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).replace(/^stat /, "open ");
    print(`\nError loading tests: ${message}`);
    throw new CommandFailed(message);
  }
  if (all.tests.length === 0 && all.errors.length === 0) print("\nNo test yamls available");
  if (all.errors.length === 0) return all;
  print("\nTest errors:");
  for (const { path, error } of all.errors) print(`  Path: ${path}\n    Error: ${error}`);
  throw new CommandFailed(`found ${all.errors.length} errors after loading tests`);
}

function loadFolder(folder: string, fileName: string): LoadedTests {
  if (/^https?:\/\//.test(folder)) {
    throw new CommandFailed(`${folder}: git repositories are not read; clone it and give the folder`);
  }
  return loadTests(folder.replace(/(?<=[^/]|^\/)\/+$/, ""), fileName, files);
}

function runOne(one: TestCase, { warningsAsErrors }: KyvernoTestFlags): readonly Row[] {
  let outcome: TestOutcome;
  try {
    outcome = runTestCase(one, {
      files,
      read: readCliPolicy,
      evaluate: evaluateCliPolicy,
      evaluation: kyvernoEvaluation,
      print,
      warningsAsErrors,
    });
  } catch (error) {
    throw new CommandFailed(`failed to run test (${error instanceof Error ? error.message : String(error)})`);
  }
  for (const { kind, name } of outcome.unsupported) {
    printError(`${kind} ${name}: this kind is not supported yet; what it would decide is not tested`);
  }
  return outcome.rows;
}

// ── printing

function printRows(rows: readonly Row[], { outputFormat, detailedResults }: KyvernoTestFlags, paint: Paint): void {
  if (outputFormat !== "") print(`\n${formatRows(rows, outputFormat, detailedResults)}\n`);
  else print(`\n${rowsTable(rows, detailedResults, paint)}`);
}

function finish(counts: Counts, failed: readonly Row[], flags: KyvernoTestFlags): number {
  const { pass, fail, skip } = counts;
  const summary = flags.failOnly
    ? `${fail} out of ${pass + skip + fail} tests failed`
    : `${pass + skip} tests passed and ${fail} tests failed`;
  print(`\nTest Summary: ${summary}\n`);
  if (fail === 0) return 0;
  if (flags.failOnly) printFailed(failed, flags);
  throw new CommandFailed(`${fail} tests failed`);
}

function printFailed(failed: readonly Row[], { outputFormat, detailedResults, ...flags }: KyvernoTestFlags): void {
  if (outputFormat !== "") print(`\n${formatRows(failed, outputFormat, detailedResults)}\n`);
  else {
    const paint = paintFor({ outputFormat, detailedResults, ...flags });
    write(`Aggregated Failed Test Cases : \n${rowsTable(failed, detailedResults, paint)}`);
  }
}
