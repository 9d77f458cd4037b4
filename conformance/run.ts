// Runs one suite and judges each case: a case outside the gaps must pass, a case in the gaps must fail.

import type { ConformanceSuite } from "./suite.ts";

export interface SuiteResult {
  readonly suite: string;
  readonly total: number;
  readonly passed: number;
  /** Cases that failed and are known gaps. */
  readonly gaps: number;
  /** Cases outside the gaps that failed. */
  readonly failures: readonly Failure[];
  /** Gaps that passed, and gaps that name no case of a data set that is complete enough to tell. */
  readonly stale: readonly string[];
}

export interface Failure {
  readonly id: string;
  readonly message: string;
}

export interface EndedCase {
  readonly id: string;
  /** Why it failed; null when it passed. */
  readonly message: string | null;
  readonly done: number;
  readonly total: number;
}

export interface RunOptions {
  readonly dataDir: string;
  readonly gaps: ReadonlyMap<string, string>;
  /** Only cases whose id contains this text. */
  readonly only: string | null;
  /** Called after each case. */
  readonly onCase?: (ended: EndedCase) => void;
}

export async function runSuite(suite: ConformanceSuite, options: RunOptions): Promise<SuiteResult> {
  const { dataDir, gaps, only } = options;
  const all = await suite.load(dataDir);
  const cases = only === null ? all : all.filter(({ id }) => id.includes(only));
  const failures: Failure[] = [];
  const stale: string[] = [];
  let passed = 0;
  let known = 0;
  for (const [index, { id, run }] of cases.entries()) {
    // Cases run one after the other so that a failure is the case's own.
    // oxlint-disable-next-line no-await-in-loop
    let message = await failureOf(run);
    if (message !== null && suite.secondTry === true && !gaps.has(id)) {
      console.error(`${id} failed and is tried once more: ${message}`);
      // oxlint-disable-next-line no-await-in-loop
      message = await failureOf(run);
    }
    if (message === null) {
      passed += 1;
      if (gaps.has(id)) stale.push(id);
    } else if (gaps.has(id)) {
      known += 1;
    } else {
      failures.push({ id, message });
    }
    options.onCase?.({ id, message, done: index + 1, total: cases.length });
  }
  await suite.close?.();
  return { suite: suite.name, total: cases.length, passed, gaps: known, failures, stale };
}

async function failureOf(run: () => void | Promise<void>): Promise<string | null> {
  try {
    await run();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
