// What gator itself answered: each sample constraint of the library over a pool of 170 objects, recorded row by row with
// message and details. One case per constraint; the entries of the Rego engine, because ours decides by Rego.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import { parseJson } from "@portcullis/lang";
import { gatorTest, isEnforced } from "@portcullis/policy";
import { type Value, compare } from "@portcullis/rego";
import { gatorOptions } from "../../packages/portcullis/src/cli/gator-options.ts";
import { readYaml } from "../files.ts";
import type { ConformanceCase, ConformanceSuite } from "../suite.ts";

interface Recorded {
  readonly template: string;
  readonly constraint: string;
  readonly engine: "rego" | "cel";
  readonly exitCode: number;
  /** kind, namespace, name, action, message, details. */
  readonly violations: readonly Value[];
}

export const gatorRecorded: ConformanceSuite = {
  name: "gator-recorded",
  needs: "peers/gator-test.json",
  load: (dataDir) => {
    const pool = parseJson(readFileSync(join(dataDir, "peers", "gator-pool.json"), "utf8")) as readonly unknown[];
    const recorded = parseJson(readFileSync(join(dataDir, "peers", "gator-test.json"), "utf8")) as readonly Recorded[];
    return recorded.filter(({ engine }) => engine === "rego").map((one) => caseOf(one, pool, dataDir));
  },
};

function caseOf(recorded: Recorded, pool: readonly unknown[], dataDir: string): ConformanceCase {
  return {
    id: recorded.constraint,
    run: () => {
      const policies = [recorded.template, recorded.constraint].flatMap((file) =>
        readYaml(dataDir, file).map((object) => ({ object, file })),
      );
      const objects = pool.map((object) => ({ object, file: "gator-pool.json" }));
      const result = gatorTest([...policies, ...objects], gatorOptions());
      if ("error" in result) throw new Error(result.error);
      const rows = result.rows.map((row): Value => {
        const object = row.violatingObject;
        const details = (row.metadata?.details ?? null) as Value;
        return [gvkOf(object).kind, namespaceOf(object), nameOf(object), row.enforcementAction ?? "", row.msg, details];
      });
      compareRows(rows.toSorted(compare), recorded.violations.toSorted(compare));
      const exitCode = result.rows.some(isEnforced) ? 1 : 0;
      if (exitCode !== recorded.exitCode) throw new Error(`expected exit code ${recorded.exitCode}, got ${exitCode}`);
    },
  };
}

function compareRows(got: readonly Value[], want: readonly Value[]): void {
  if (compare(got, want) === 0) return;
  const missing = want.find((row) => !got.some((other) => compare(row, other) === 0));
  const extra = got.find((row) => !want.some((other) => compare(row, other) === 0));
  throw new Error(
    `${got.length} rows, expected ${want.length}\nmissing ${JSON.stringify(missing)}\nextra   ${JSON.stringify(extra)}`,
  );
}
