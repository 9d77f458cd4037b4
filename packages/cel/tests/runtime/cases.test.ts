// `cases/*.txt`: an expression a line, what cel-go makes of it, and what it costs: `x.a => 1 (2)`. A line that begins with
// `26` or `30` is about one of its versions, the others are about both: kube-apiserver 1.36 has the first, Kyverno 1.19 and
// Gatekeeper 3.23 the second. Recorded from both, in the environment of Kubernetes.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Value, kubernetes136, kubernetesOnCelGo30 } from "../../src/index.ts";
import { costedResultOf } from "../library/show.ts";

const folder = join(import.meta.dirname, "cases");

const x: Value = {
  a: 1,
  b: "s",
  l: [1, 2, 3],
  m: { k: "v" },
  n: null,
  d: 1.5,
  t: true,
  e: [],
  c: [{ name: "a", image: "nginx", ports: [80] }, { name: "b" }],
};

for (const file of readdirSync(folder)) {
  const lines = readFileSync(join(folder, file), "utf8").split("\n");
  const cases = lines.filter((line) => line !== "" && !line.startsWith("#"));
  for (const dialect of [kubernetes136, kubernetesOnCelGo30]) {
    test(`${file} says what expressions come to and cost in cel-go 0.${dialect.celGo}`, () => {
      const other = dialect.celGo === 26 ? "30 " : "26 ";
      const wanted = cases.filter((line) => !line.startsWith(other)).map((line) => line.replace(/^(?:26|30) /, ""));
      assert.ok(wanted.length > 0);
      const ours = wanted.map((line) => {
        const expression = line.slice(0, line.indexOf(" => "));
        return `${expression} => ${costedResultOf(expression, dialect, x)}`;
      });
      assert.deepEqual(ours, wanted);
    });
  }
}
