// gator's suite files as conformance cases: one case per case of a suite, named after its file, test and name.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CaseResult,
  type SuiteFile,
  type SuiteResult,
  compileFilter,
  readSuite,
  runSuite,
} from "@portcullis/policy";
import { gatorOptions } from "../../packages/portcullis/src/cli/gator-options.ts";
import { filesBelow, readYamlV3 } from "../files.ts";
import type { ConformanceCase } from "../suite.ts";

/** Every case of every suite file below a folder. */
export function suiteCases(folder: string, ending: string): readonly ConformanceCase[] {
  return filesBelow(folder, ending).flatMap((file) => {
    const path = join(folder, file);
    const suite = readSuite(readYamlV3(path)[0]);
    if (suite === null) return [];
    if ("error" in suite) throw new Error(`${path}: ${suite.error}`);
    const results = once(() => run({ file: path, shown: file, suite }));
    return suite.tests.flatMap((test, testIndex) =>
      // A test without cases asks only whether template and constraint are accepted.
      (test.cases.length === 0 ? [null] : test.cases).map((suiteCase, caseIndex) => ({
        id: `${file} ${test.name}/${suiteCase?.name ?? ""}`,
        run: () => check(results(), testIndex, caseIndex),
      })),
    );
  });
}

function run(suite: SuiteFile): SuiteResult {
  const filter = compileFilter("");
  if ("error" in filter) throw new Error(filter.error);
  return runSuite(suite, {
    ...gatorOptions(),
    filter,
    nowMs: () => performance.now(),
    readFile: (path) => ({ text: readFileSync(path, "utf8") }),
  });
}

function check({ error, tests }: SuiteResult, testIndex: number, caseIndex: number): void {
  const test = tests[testIndex];
  const found: CaseResult | undefined = test?.cases[caseIndex];
  const message = error ?? test?.error ?? found?.error ?? null;
  if (message !== null) throw new Error(message);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
