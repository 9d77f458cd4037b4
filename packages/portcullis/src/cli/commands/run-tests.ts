// Test files of both dialects in one run: Kyverno's (`kind: Test`) and gator's (`kind: Suite`). Strict: a row that Kyverno
// passes although nothing was tested (a rule that is not there, an object that no rule matches, a policy that is not
// valid), and a test without rows, fail and say so; lenient answers as Kyverno does.

import { dirname, resolve } from "node:path";
import { gvkOf } from "@portcullis/kube";
import {
  type CaseResult,
  type Row,
  type SuiteFile,
  type SuiteResult,
  type TestCase,
  compileFilter,
  evaluateCliPolicy,
  isDeprecatedTest,
  readCliPolicy,
  readTests,
  runSuite,
  runTestCase,
} from "@portcullis/policy";
import { gatorOptions } from "../gator-options.ts";
import { files } from "../kyverno/files.ts";
import { kyvernoEvaluation } from "../kyverno/world.ts";
import { readSuites } from "../load/suites.ts";
import type { Check } from "../output/check.ts";
import { showProgress } from "../output/progress.ts";

/** Whether a document is a test of one of the dialects. */
export function isTest(object: unknown): boolean {
  return isKyvernoTest(object) || gvkOf(object).group === "test.gatekeeper.sh";
}

function isKyvernoTest(object: unknown): boolean {
  const { group, kind } = gvkOf(object);
  return group === "cli.kyverno.io" && kind === "Test";
}

export interface TestFiles {
  readonly kyverno: readonly string[];
  readonly gator: readonly string[];
}

/** The files that hold tests, each once. */
export function testFilesOf(loaded: readonly { readonly object: unknown; readonly file: string }[]): TestFiles {
  const tests = loaded.filter(({ object }) => isTest(object));
  const paths = (own: typeof tests): readonly string[] => [...new Set(own.map(({ file }) => file))];
  return {
    kyverno: paths(tests.filter(({ object }) => isKyvernoTest(object))),
    gator: paths(tests.filter(({ object }) => !isKyvernoTest(object))),
  };
}

export interface TestsRun {
  readonly checks: readonly Check[];
  /** Absolute paths that Kyverno's tests name: their policies and objects belong to the tests. */
  readonly named: ReadonlySet<string>;
}

/** Runs all tests, in the order of their files. */
export function runTests({ kyverno, gator }: TestFiles, lenient: boolean): TestsRun {
  const progress = showProgress("test files", kyverno.length + gator.length);
  const named = new Set<string>();
  const step = (checks: readonly Check[]): readonly Check[] => {
    progress.step();
    return checks;
  };
  const checks = [
    ...kyverno.flatMap((file) => step(runKyverno(file, lenient, named))),
    ...gator.flatMap((file) => step(runGator(file))),
  ];
  progress.end();
  return { checks, named };
}

// ── Kyverno

function runKyverno(file: string, lenient: boolean, named: Set<string>): readonly Check[] {
  try {
    return readTests(file, files).flatMap((one) => runKyvernoTest(one, lenient, named));
  } catch (error) {
    return [failed(file, error instanceof Error ? error.message : String(error))];
  }
}

function failed(file: string, message: string): Check {
  return { file, name: "", outcome: "fail", message };
}

function runKyvernoTest({ path, test }: TestCase, lenient: boolean, named: Set<string>): readonly Check[] {
  for (const one of test.policies.concat(test.resources)) named.add(resolve(dirname(path), one));
  if (isDeprecatedTest(test)) return [failed(path, "give apiVersion: cli.kyverno.io/v1alpha1, kind and metadata.name")];
  const { rows, unsupported } = runTestCase(
    { path, test },
    {
      files,
      read: readCliPolicy,
      evaluate: evaluateCliPolicy,
      evaluation: kyvernoEvaluation,
      print: () => {},
      warningsAsErrors: false,
    },
  );
  const checks = unsupported.map(({ kind, name }) => failed(path, `${kind} ${name}: this kind is not supported yet`));
  if (rows.length === 0 && !lenient) checks.push(failed(path, "the test has no results: it tests nothing"));
  return checks.concat(rows.map((row) => checkOf(path, row, lenient)));
}

function checkOf(file: string, row: Row, lenient: boolean): Check {
  const { policy, rule, resource, counts, reason, message, vacuous } = row;
  const name = `${rule === "" ? policy : `${policy}/${rule}`} ${resource}`;
  if (!lenient && vacuous !== null) return { file, name, outcome: "fail", message: vacuous };
  if (counts === "fail") return { file, name, outcome: "fail", message: `${reason}: ${message}` };
  return { file, name, outcome: counts, message: reason };
}

// ── gator

function runGator(file: string): readonly Check[] {
  const suites = readSuites(file);
  if (typeof suites === "string") return [{ file, name: "", outcome: "fail", message: suites }];
  const filter = compileFilter("");
  if ("error" in filter) return [{ file, name: "", outcome: "fail", message: filter.error }];
  const options = { ...gatorOptions(), readFile: files.readFile, filter, nowMs: () => performance.now() };
  return suites.flatMap((suite: SuiteFile) => suiteChecks(file, runSuite(suite, options)));
}

function suiteChecks(file: string, { error, skipped, tests }: SuiteResult): readonly Check[] {
  if (error !== null) return [{ file, name: "", outcome: "fail", message: error }];
  if (skipped) return [{ file, name: "", outcome: "skip", message: "" }];
  return tests.flatMap((test): readonly Check[] => {
    const whole = { file, name: test.name };
    if (test.error !== null) return [{ ...whole, outcome: "fail", message: test.error }];
    if (test.skipped) return [{ ...whole, outcome: "skip", message: "" }];
    if (test.cases.length === 0) return [{ ...whole, outcome: "pass", message: "" }];
    return test.cases.map((one) => caseCheck(file, test.name, one));
  });
}

function caseCheck(file: string, test: string, { name, error, skipped }: CaseResult): Check {
  const outcome = error !== null ? "fail" : skipped ? "skip" : "pass";
  return { file, name: `${test}/${name}`, outcome, message: error ?? "" };
}
