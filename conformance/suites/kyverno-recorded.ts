// What Kyverno's command line answered: each policy of its library over the objects of its own tests and a pool of 44
// others, recorded row by row with the message. One case per policy file; recordings of a panic (exit code 2) say nothing
// and are left out. Where objects were printed between the rows (mutation, generation), the recording has no rows, and
// only the exit code counts.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import {
  type PolicyResponse,
  answerFrom,
  asLoaded,
  countResponse,
  evaluateCliPolicy,
  loadPolicies,
  noResults,
  readCliPolicy,
  readVariables,
  reportedResult,
  runPolicies,
} from "@portcullis/policy";
import { files } from "../../packages/portcullis/src/cli/kyverno/files.ts";
import { kyvernoEvaluation } from "../../packages/portcullis/src/cli/kyverno/world.ts";
import type { ConformanceCase, ConformanceSuite } from "../suite.ts";

interface Recorded {
  readonly policy: string;
  readonly own: readonly unknown[];
  readonly exitCode: number;
  readonly results: readonly Row[];
}

/** policy, rule, apiVersion, kind, namespace, name, result, message. */
type Row = readonly string[];

export const kyvernoRecorded: ConformanceSuite = {
  name: "kyverno-recorded",
  needs: "peers/kyverno-apply.json",
  load: (dataDir) => {
    const { pool, policies } = JSON.parse(readFileSync(join(dataDir, "peers", "kyverno-apply.json"), "utf8")) as {
      readonly pool: readonly unknown[];
      readonly policies: readonly Recorded[];
    };
    return policies.filter(({ exitCode }) => exitCode !== 2).map((one) => caseOf(one, pool, dataDir));
  },
};

function caseOf(recorded: Recorded, pool: readonly unknown[], dataDir: string): ConformanceCase {
  return {
    id: recorded.policy,
    run: () => {
      const { responses, refused } = apply(join(dataDir, recorded.policy), [...recorded.own, ...pool].map(asLoaded));
      const hasRows = recorded.results.length > 0 || !responses.some(({ phase }) => printing.has(phase));
      if (hasRows) compareRows(responses.flatMap(rowsOf).toSorted(byFields), recorded.results.toSorted(byFields));
      const counts = { ...noResults(), error: refused };
      for (const response of responses) countResponse(counts, response, false);
      const exitCode = counts.fail > 0 || counts.error > 0 ? 1 : 0;
      if (exitCode !== recorded.exitCode) throw new Error(`expected exit code ${recorded.exitCode}, got ${exitCode}`);
    },
  };
}

const printing: ReadonlySet<string> = new Set(["mutate", "generate"]);

interface Applied {
  readonly responses: readonly PolicyResponse[];
  /** How many policies Kyverno's admission would not take: each counts as an error. */
  readonly refused: number;
}

function apply(file: string, objects: readonly unknown[]): Applied {
  const { policies, unsupported, errors } = loadPolicies([file], files, readCliPolicy);
  const [unbuilt] = unsupported;
  if (unbuilt !== undefined) throw new Error(`${unbuilt.kind} ${unbuilt.name}: this kind is not supported yet`);
  const [problem] = errors;
  if (problem !== undefined) throw new Error(problem.text);
  const evaluation = kyvernoEvaluation(answerFrom({ objects, calls: new Map(), entries: new Map() }), recordedMs);
  const run = {
    evaluate: evaluateCliPolicy,
    policies,
    variables: readVariables(null),
    operation: "",
    user: null,
    exceptions: [],
    available: new Set(["apiCall"] as const),
    clusterLabels: null,
    evaluation,
  };
  const responses = objects.flatMap((object) => runPolicies(object, run));
  return { responses, refused: policies.filter((policy) => policy.problem !== null).length };
}

/** One policy looks at the hour of the day; it was recorded in working hours. */
const recordedMs = Date.UTC(2026, 0, 15, 15);

function rowsOf(response: PolicyResponse): readonly Row[] {
  const { policy, object } = response;
  const name = policy.namespace === "" ? policy.name : `${policy.namespace}/${policy.name}`;
  const { group, version, kind } = gvkOf(object);
  const apiVersion = group === "" ? version : `${group}/${version}`;
  return response.rules.map((rule) => {
    const { result, message } = reportedResult(response, rule, false);
    return [name, rule.rule, apiVersion, kind, namespaceOf(object), nameOf(object), result, message];
  });
}

function byFields(a: Row, b: Row): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function compareRows(got: readonly Row[], want: readonly Row[]): void {
  const left = got.map((row) => JSON.stringify(row));
  const right = want.map((row) => JSON.stringify(row));
  if (left.length === right.length && left.every((row, at) => row === right[at])) return;
  const missing = right.filter((row) => !left.includes(row));
  const extra = left.filter((row) => !right.includes(row));
  throw new Error(
    `${got.length} rows, expected ${want.length}; ${missing.length} missing, ${extra.length} extra\nmissing ${missing[0]}\nextra   ${extra[0]}`,
  );
}
