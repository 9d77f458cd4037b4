// Expressions of the tests of Kubernetes' own libraries, and what they come to in the environment of Kubernetes 1.36: the
// type, the value, the cost, or the text of the error.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Optional, compile, createEnvironment, kubernetes136, typeText, types } from "@portcullis/cel";
import { jsonPatchLibrary, kubernetesLibraries } from "@portcullis/cel/kubernetes";
import type { ConformanceCase, ConformanceSuite } from "../suite.ts";
import { unlimited } from "../world.ts";
import { type ExprValue, showExpected, showValue } from "./celvalues.ts";

interface Golden {
  readonly file: string;
  readonly name?: string;
  readonly expr: string;
  readonly stage: "ok" | "evalError" | "compileError";
  readonly type?: string;
  readonly value?: ExprValue;
  /** Of values that protobuf cannot write: `net.CIDR: 192.168.0.0/24`. */
  readonly repr?: string;
  readonly error?: string;
  readonly cost?: number;
}

export const celKubernetes: ConformanceSuite = {
  name: "cel-kubernetes",
  needs: "cel",
  load: (dataDir) => {
    const cases = JSON.parse(readFileSync(join(dataDir, "cel/cel-k8s-golden.json"), "utf8")) as readonly Golden[];
    return cases.map(caseOf);
  },
};

function caseOf(golden: Golden, at: number): ConformanceCase {
  const file = golden.file.replace(/^.*\//, "").replace("_test.go", "");
  return {
    id: `${file}/${at}`,
    run: () => {
      check(golden);
    },
  };
}

function check({ expr, stage, type, value, error, cost }: Golden): void {
  const compiled = compile(expr, environment);
  if ("refusal" in compiled) {
    assert.equal(stage, "compileError", compiled.refusal.message);
    assert.equal(compiled.refusal.message, error);
    return;
  }
  const { program } = compiled;
  assert.notEqual(stage, "compileError", `${expr} compiles; expected: ${error}`);
  if (type !== undefined) assert.equal(typeText(program.result), type);
  const outcome = program.evaluate({ read: () => undefined, budget: unlimited() });
  // What an optional holds was written down without it.
  const { value: result } = outcome;
  const shown = showValue(result instanceof Optional && value !== undefined ? (result.value ?? null) : result);
  if (stage === "evalError") assert.equal(shown, `error: ${error}`);
  else if (value !== undefined) assert.equal(shown, showExpected(value));
  else assert.doesNotMatch(shown, /^error: /);
  // What panics in Go has no costs to tell of.
  if (cost !== undefined && error?.startsWith("internal error: ") !== true)
    assert.equal(outcome.cost, cost, `cost of ${expr}`);
}

const environment = createEnvironment({
  libraries: [...kubernetesLibraries(kubernetes136), jsonPatchLibrary],
  variables: {
    authorizer: types.struct("kubernetes.authorization.Authorizer"),
    "authorizer.requestResource": types.struct("kubernetes.authorization.ResourceCheck"),
  },
  dialect: kubernetes136,
  container: "",
});
