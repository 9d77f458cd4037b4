// The compliance suite of the JMESPath specification: groups of cases over one input, each with a result or the kind of its
// error. A case that only asks for a benchmark must compile.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { SearchError, compile, standard } from "@portcullis/jmespath";
import type { ConformanceCase, ConformanceSuite } from "../suite.ts";
import { testWorld, unlimited } from "../world.ts";

interface Group {
  readonly given: unknown;
  readonly cases: readonly Case[];
}

interface Case {
  readonly expression: string;
  readonly result?: unknown;
  readonly error?: string;
  readonly bench?: string;
}

export const jmespath: ConformanceSuite = {
  name: "jmespath",
  needs: "jmespath",
  load: (dataDir) => {
    const folder = join(dataDir, "jmespath");
    const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
    return files.toSorted().flatMap((file) => casesOf(folder, file));
  },
};

function casesOf(folder: string, file: string): readonly ConformanceCase[] {
  const groups = JSON.parse(readFileSync(join(folder, file), "utf8")) as readonly Group[];
  return groups.flatMap(({ given, cases }, group) =>
    cases.map((one, at) => ({
      id: `${file.replace(".json", "")}/${group}/${at}`,
      run: () => {
        check(given, one);
      },
    })),
  );
}

function check(given: unknown, { expression, result, error, bench }: Case): void {
  const { value: compiled, diagnostics } = compile(expression, standard);
  if (compiled === null) {
    const kinds = diagnostics.map((diagnostic) => diagnostic.code);
    assert.ok(error !== undefined && kinds.includes(error), `${expression}: ${diagnostics[0]?.message ?? ""}`);
    return;
  }
  if (bench !== undefined) return;
  const outcome = compiled.search(given, { world: testWorld(), budget: unlimited() });
  if (outcome instanceof SearchError) assert.equal(outcome.kind, error, `${expression}: ${outcome.message}`);
  else {
    assert.equal(error, undefined, `${expression} gives ${JSON.stringify(outcome)}`);
    assert.deepEqual(outcome, result, expression);
  }
}
