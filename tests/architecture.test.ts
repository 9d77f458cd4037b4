// The invariants of ARCHITECTURE.md that the import lines can tell, each with the same words as there.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { type Zones, sourceFiles, violations } from "./support/boundaries.ts";

const packages = resolve(import.meta.dirname, "../packages");

/** Values, their order and their text are shapes too: constants are values. */
const regoValues = ["value", "running", "objects", "compare", "format", "tojson"].map(
  (name) => `rego/src/runtime/${name}.ts`,
);
const regoShapes = ["rego/src", "rego/src/builtins", "lang/src", "lang/src/go", ...regoValues];
const jmespathValues = ["value", "gotext", "order", "run"].map((name) => `jmespath/src/runtime/${name}.ts`);
const jmespathShapes = ["jmespath/src", "jmespath/src/functions", "lang/src", "lang/src/go", ...jmespathValues];
const celShapes = ["cel/src", "cel/src/runtime/value.ts", "lang/src", "lang/src/go"];
const host = ["lang/src", "lang/src/go", "kube/src", "rego/src", "policy/src", "policy/src/engine"];

/** `X/src` stands for the files that lie directly in it: a package's shapes and its public index. */
const mayImport: Zones = {
  "lang/src": ["lang/src/go"],
  "lang/src/go": ["lang/src"],
  "kube/src": ["lang/src", "lang/src/go"],
  "rego/src": [...regoShapes, "rego/src/runtime", "rego/src/1-parse"],
  "rego/src/compile.ts": [
    ...regoShapes,
    "rego/src/runtime",
    "rego/src/1-parse",
    "rego/src/2-resolve",
    "rego/src/3-check",
    "rego/src/4-plan",
    "rego/src/5-emit",
  ],
  "rego/src/index.ts": [...regoShapes, "rego/src/runtime", "rego/src/1-parse", "rego/src/compile.ts"],
  "rego/src/1-parse": regoShapes,
  "rego/src/2-resolve": regoShapes,
  "rego/src/3-check": regoShapes,
  "rego/src/4-plan": regoShapes,
  "rego/src/5-emit": [...regoShapes, "rego/src/runtime"],
  ...Object.fromEntries(regoValues.map((file) => [file, ["lang/src", "lang/src/go", ...regoValues]])),
  "rego/src/runtime": [...regoValues, "lang/src", "lang/src/go", "rego/src", "rego/src/builtins"],
  "rego/src/builtins": [...regoValues, "lang/src", "lang/src/go", "rego/src", "rego/src/runtime"],
  ...Object.fromEntries(jmespathValues.map((file) => [file, ["lang/src", "lang/src/go", ...jmespathValues]])),
  "jmespath/src": [...jmespathShapes],
  "jmespath/src/compile.ts": [...jmespathShapes, "jmespath/src/1-parse", "jmespath/src/2-check", "jmespath/src/3-emit"],
  "jmespath/src/index.ts": [...jmespathShapes, "jmespath/src/compile.ts"],
  "jmespath/src/1-parse": jmespathShapes,
  "jmespath/src/2-check": jmespathShapes,
  "jmespath/src/3-emit": [...jmespathShapes, "jmespath/src/runtime"],
  "jmespath/src/runtime": jmespathShapes,
  "jmespath/src/functions": [...jmespathShapes, "jmespath/src/runtime"],
  "jmespath/src/kyverno": [...jmespathShapes, "jmespath/src/runtime", "jmespath/src/compile.ts", "kube/src"],
  "cel/src/runtime/value.ts": ["lang/src", "cel/src"],
  "cel/src": celShapes,
  "cel/src/compile.ts": [...celShapes, "cel/src/runtime", "cel/src/1-parse", "cel/src/2-check", "cel/src/3-emit"],
  "cel/src/index.ts": [...celShapes, "cel/src/runtime", "cel/src/library", "cel/src/compile.ts"],
  "cel/src/1-parse": celShapes,
  "cel/src/2-check": celShapes,
  "cel/src/3-emit": [...celShapes, "cel/src/runtime"],
  "cel/src/runtime": celShapes,
  "cel/src/library": [...celShapes, "cel/src/runtime"],
  "cel/src/kubernetes": [...celShapes, "cel/src/runtime", "cel/src/library", "cel/src/compile.ts", "kube/src"],
  "policy/src": ["lang/src", "policy/src/engine", "policy/src/gatekeeper", "policy/src/kyverno"],
  "policy/src/engine": ["lang/src", "kube/src"],
  "policy/src/kyverno": [
    "lang/src",
    "lang/src/go",
    "kube/src",
    "jmespath/src",
    "jmespath/src/index.ts",
    "jmespath/src/kyverno",
    "cel/src",
    "cel/src/index.ts",
    "cel/src/kubernetes",
    "policy/src/engine",
  ],
  "policy/src/gatekeeper": [
    "lang/src",
    "lang/src/go",
    "kube/src",
    "rego/src",
    "rego/src/index.ts",
    "policy/src/engine",
  ],
  "portcullis/src/server": ["lang/src", "kube/src", "policy/src", "policy/src/engine"],
  "portcullis/src/cluster": ["lang/src", "kube/src"],
  "portcullis/src/registry": ["lang/src/go"],
  // Of app, the shapes of what travels to evaluators.
  "portcullis/src/controllers": [...host, "portcullis/src/server", "portcullis/src/cluster", "portcullis/src/app"],
  "portcullis/src/app": [
    ...host,
    "rego/src/index.ts",
    "portcullis/src/server",
    "portcullis/src/cluster",
    "portcullis/src/controllers",
  ],
  "portcullis/src/cli": [
    "jmespath/src/index.ts",
    "jmespath/src/kyverno",
    ...host,
    "rego/src/index.ts",
    "portcullis/src/server",
    "portcullis/src/registry",
    "portcullis/src/cluster",
    "portcullis/src/controllers",
    "portcullis/src/app",
  ],
};

test("packages import only downwards, phases import no phase, dialects import no dialect", () => {
  assert.deepEqual(violations(packages, mayImport), []);
});

test("pure packages touch no host API", () => {
  const pure = /^(lang|kube|rego|cel|jmespath|policy)\//;
  const found = sourceFiles(packages)
    .filter((file) => pure.test(file))
    .filter((file) => /from "node:|\bnew Function\b|\beval\(/.test(readFileSync(join(packages, file), "utf8")));
  assert.deepEqual(found, []);
});

test("the server is given functions: it imports no dialect and no compiler", () => {
  const found = sourceFiles(packages)
    .filter((file) => file.startsWith("portcullis/src/server/"))
    .filter((file) => /from "@portcullis\/rego"|gatekeeper/.test(importLines(file)));
  assert.deepEqual(found, []);
});

function importLines(file: string): string {
  return [...readFileSync(join(packages, file), "utf8").matchAll(/^(?:import|export) .* from .*$/gm)].join("\n");
}
