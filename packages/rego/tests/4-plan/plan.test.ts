// Plans, printed: what the planner decides without running anything. Unification is gone, loops nest, what is the same
// is computed once, guards come first, and a set that is read at a partly known key is asked for that part only.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Source, formatDiagnostic } from "@portcullis/lang";
import { compile, format } from "../../src/index.ts";
import { evaluationOf, load, programOf } from "../5-emit/program.ts";

function planOf(module: string, entry = "data.test.p"): string {
  const text = programOf([`package test\n${module}`], { entrypoints: [entry] }).plan;
  return text.slice(text.indexOf("\n\n") + 2);
}

suite("plan", () => {
  test("bodies are nested loops, and a path is read once", () => {
    assert.equal(
      planOf('p contains x.name if {\n some x in input.xs\n x.kind == "a"\n startswith(x.name, "b")\n}'),
      `r1 data.test.p() # once
  set
    v0 = input["xs"]
    for v1, v2 in v0
      v3 = v2["kind"]
      v3 == "a"
      v4 = v2["name"]
      startswith(v4, "b")
      element v4
`,
    );
  });

  test("a look at the input alone comes before loops", () => {
    assert.equal(
      planOf('p if {\n some x in input.xs\n x == 1\n input.kind == "a"\n}'),
      `r1 data.test.p() # once
  rule
    v0 = input["kind"]
    v0 == "a"
    v1 = input["xs"]
    for v2, v3 in v1
      v3 == 1
      result true
`,
    );
  });

  test("a known part of a key is a parameter of the set", () => {
    const plan = planOf('s contains {"a": x, "b": y} if some x, y in input\np := y if s[{"a": "k", "b": y}]');
    assert.match(plan, /r2 data\.test\.s\(v0\)/);
    assert.match(plan, /r2\("k"\)/);
  });

  test("what cannot see the input is marked", () => {
    assert.match(planOf("q := [1]\np := q"), /r2 data\.test\.q\(\) # without input, once/);
  });

  test("more loops than can nest are a diagnostic with a place", () => {
    const literals = Array.from({ length: 300 }, (_, at) => `some x${at} in input; x${at} == 1`).join("\n");
    const { value, diagnostics } = compile({
      modules: [{ source: new Source("a.rego", `package test\np if {\n${literals}\n}`), version: "v1" }],
      entrypoints: ["data.test.p"],
      load,
    });
    assert.equal(value, null);
    assert.deepEqual(diagnostics.map(formatDiagnostic), [
      "a.rego:203:1: nesting-limit: more than 200 loops inside each other",
    ]);
  });

  test("a rule of very many definitions is split, and answers as one", () => {
    const rules = Array.from({ length: 300 }, (_, at) => `p contains ${at} if input == ${at}`).join("\n");
    const program = programOf([`package test\n${rules}`], { entrypoints: ["data.test.p"] });
    assert.equal(format(program.entry("data.test.p", evaluationOf({ input: "7" })) ?? null), "{7}");
  });
});
