// `cases/*.txt`: an expression a line, and what kube-apiserver 1.36 makes of it: `"a".size() => 1`. In `celgo30.txt` what
// programs with cel-go 0.30 make of it.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { kubernetes136, kubernetesOnCelGo30 } from "../../src/index.ts";
import { resultOf } from "./show.ts";

const folder = join(import.meta.dirname, "cases");

for (const file of readdirSync(folder)) {
  const lines = readFileSync(join(folder, file), "utf8").split("\n");
  const dialect = file === "celgo30.txt" ? kubernetesOnCelGo30 : kubernetes136;
  test(`${file} says what expressions come to`, () => {
    const cases = lines.filter((line) => line !== "" && !line.startsWith("#"));
    assert.ok(cases.length > 0);
    const ours = cases.map((line) => {
      const [expression = ""] = line.split(" => ");
      return `${expression} => ${resultOf(expression, dialect)}`;
    });
    assert.deepEqual(ours, cases);
  });
}
