// Kyverno's test files as conformance cases: one per folder, run as `kyverno test` runs it. The rows that a file expects must
// come out as they do there: all of them passing, but for the few tests that Kyverno itself fails, and as many of them
// without having tested anything ("Excluded", where no rule matched) as there.

import { dirname } from "node:path";
import {
  type Row,
  type TestCase,
  type TestOutcome,
  evaluateCliPolicy,
  isDeprecatedTest,
  loadTests,
  readCliPolicy,
  runTestCase,
} from "@portcullis/policy";
import { files } from "../../packages/portcullis/src/cli/kyverno/files.ts";
import { kyvernoEvaluation } from "../../packages/portcullis/src/cli/kyverno/world.ts";
import type { ConformanceCase } from "../suite.ts";

export interface PeerAnswers {
  /** Folders whose tests Kyverno fails. */
  readonly failing: ReadonlySet<string>;
  /** How many rows of a folder are "Excluded" in Kyverno; none in any other. */
  readonly excluded: Readonly<Record<string, number>>;
}

/** A case for each folder with a test file. */
export function testFileCases(folder: string, peer: PeerAnswers): readonly ConformanceCase[] {
  const { tests, errors } = loadTests(folder, "kyverno-test.yaml", files);
  const folders = new Set([...tests, ...errors].map(({ path }) => dirname(path)));
  return [...folders].map((below) => {
    const id = below.slice(folder.length + 1).replace(/\/\.kyverno-tests?$/, "");
    return { id, run: () => judge(id, below, peer) };
  });
}

function judge(id: string, folder: string, { failing, excluded }: PeerAnswers): void {
  const { problem, rows } = answer(folder);
  if (failing.has(id)) {
    if (problem === null) throw new Error("passes, though Kyverno fails it");
    return;
  }
  if (problem !== null) throw new Error(problem);
  const empty = rows.filter(({ reason }) => reason === "Excluded").length;
  const wanted = excluded[id] ?? 0;
  if (empty !== wanted) throw new Error(`${empty} rows are Excluded, expected ${wanted}`);
}

interface Answer {
  /** Why `kyverno test` would exit with 1; null when it would not. */
  readonly problem: string | null;
  readonly rows: readonly Row[];
}

/** Runs the tests of a folder. Throws an Error for what is not built. */
function answer(folder: string): Answer {
  const { tests, errors } = loadTests(folder, "kyverno-test.yaml", files);
  const [error] = errors;
  if (error !== undefined) return { problem: `${error.path}: ${error.error}`, rows: [] };
  const rows: Row[] = [];
  for (const one of tests) {
    if (isDeprecatedTest(one.test)) return { problem: "the file uses a deprecated schema", rows };
    const outcome = outcomeOf(one);
    if (typeof outcome === "string") return { problem: outcome, rows };
    const [unbuilt] = outcome.unsupported;
    if (unbuilt !== undefined) throw new Error(`${unbuilt.kind} ${unbuilt.name}: this kind is not supported yet`);
    rows.push(...outcome.rows);
  }
  const failed = rows.filter(({ counts }) => counts === "fail");
  const [first] = failed;
  if (first === undefined) return { problem: null, rows };
  const { policy, rule, resource, reason, message } = first;
  const text = `${policy}/${rule} ${resource}: ${reason}: ${message}`;
  return { problem: `${failed.length} of ${rows.length} rows fail: ${text}`, rows };
}

function outcomeOf(one: TestCase): TestOutcome | string {
  try {
    return runTestCase(one, {
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
}
