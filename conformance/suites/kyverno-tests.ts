// Kyverno's test files as conformance cases: one per file, run as `kyverno test` runs it. The rows that a file expects must
// come out as they do there: all of them passing, but for the few tests that Kyverno itself fails.

import { dirname, join } from "node:path";
import { evaluateCliPolicy, isDeprecatedTest, loadTests, readCliPolicy, runTestCase } from "@portcullis/policy";
import { files } from "../../packages/portcullis/src/cli/kyverno/files.ts";
import { kyvernoEvaluation } from "../../packages/portcullis/src/cli/kyverno/world.ts";
import type { ConformanceCase } from "../suite.ts";

/** A case for each test file below a folder; `failing` are the folders whose tests Kyverno fails. */
export function testFileCases(folder: string, failing: ReadonlySet<string>): readonly ConformanceCase[] {
  const { tests, errors } = loadTests(folder, "kyverno-test.yaml", files);
  const paths = new Set([...tests.map(({ path }) => path), ...errors.map(({ path }) => path)]);
  return [...paths].map((path) => {
    const id = dirname(path).slice(folder.length + 1);
    return { id, run: () => judge(join(folder, id), failing.has(id)) };
  });
}

function judge(folder: string, shouldFail: boolean): void {
  const problem = problemOf(folder);
  if (shouldFail && problem === null) throw new Error("passes, though Kyverno fails it");
  if (!shouldFail && problem !== null) throw new Error(problem);
}

/** Why `kyverno test` would exit with 1; null when it would not. Throws an Error for what is not built. */
function problemOf(folder: string): string | null {
  const { tests, errors } = loadTests(folder, "kyverno-test.yaml", files);
  const [error] = errors;
  if (error !== undefined) return `${error.path}: ${error.error}`;
  for (const one of tests) {
    if (isDeprecatedTest(one.test)) return "the file uses a deprecated schema";
    const found = rowsProblem(one);
    if (found !== null) return found;
  }
  return null;
}

function rowsProblem(one: Parameters<typeof runTestCase>[0]): string | null {
  let outcome;
  try {
    outcome = runTestCase(one, {
      files,
      read: readCliPolicy,
      evaluate: evaluateCliPolicy,
      evaluation: kyvernoEvaluation,
      print: () => {},
      warningsAsErrors: false,
    });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const [unbuilt] = outcome.unsupported;
  if (unbuilt !== undefined) throw new Error(`${unbuilt.kind} ${unbuilt.name}: this kind is not supported yet`);
  const failed = outcome.rows.filter(({ counts }) => counts === "fail");
  const [first] = failed;
  if (first === undefined) return null;
  const { policy, rule, resource, reason, message } = first;
  return `${failed.length} of ${outcome.rows.length} rows fail: ${policy}/${rule} ${resource}: ${reason}: ${message}`;
}
