// Cases of what does and does not compile. Each answer is what cel-go gave in the environment of Kubernetes 1.36: the type, or
// the stage that refused the expression and its message; `celGo30` where cel-go 0.30 answers otherwise than 0.26.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { check } from "../../src/2-check/check.ts";
import { parse } from "../../src/1-parse/parser.ts";
import {
  type Dialect,
  createEnvironment,
  kubernetes136,
  kubernetesOnCelGo30,
  typeText,
  types,
} from "../../src/index.ts";
import { issuesText } from "../../src/issue.ts";
import { kubernetesLibraries } from "../../src/kubernetes/libraries.ts";

interface Answer {
  readonly type?: string;
  readonly stage?: string;
  readonly error?: string;
}

interface Case extends Answer {
  readonly expression: string;
  readonly celGo30?: Answer;
}

const variables = {
  object: types.dyn,
  x: types.int,
  y: types.string,
  l: types.listOf(types.int),
  m: types.mapOf(types.string, types.dyn),
};

const folder = join(import.meta.dirname, "cases");

for (const file of readdirSync(folder)) {
  const { cases } = JSON.parse(readFileSync(join(folder, file), "utf8")) as { readonly cases: readonly Case[] };
  for (const dialect of [kubernetes136, kubernetesOnCelGo30]) {
    const answer = answerIn(dialect);
    for (const one of cases) {
      test(`${file.replace(".json", "")}, cel-go 0.${dialect.celGo}: ${JSON.stringify(one.expression)}`, () => {
        const { type, stage, error } = (dialect.celGo === 30 ? one.celGo30 : undefined) ?? one;
        assert.deepEqual(answer(one.expression), type === undefined ? { stage, error } : { type });
      });
    }
  }
}

function answerIn(dialect: Dialect): (expression: string) => Answer {
  const environment = createEnvironment({ libraries: kubernetesLibraries(dialect), variables, dialect });
  const { macros } = environment;
  return (expression) => {
    const parsed = parse(expression, { macros, dialect });
    if (parsed.value === null) return { stage: "parse", error: issuesText(parsed.errors, expression) };
    const { checked, issues } = check(parsed.value, environment);
    if (checked === null) return { stage: "check", error: issuesText(issues, expression) };
    return { type: typeText(checked.result) };
  };
}
