// A policy that runs away is stopped: by steps, by the deadline, by the depth of its values.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { LimitError } from "@portcullis/lang";
import { evaluationOf, programOf, valueOfP } from "./program.ts";

function isLimit(limit: LimitError["limit"]): (error: unknown) => boolean {
  return (error) => error instanceof LimitError && error.limit === limit;
}

suite("limits", () => {
  test("nested loops use up their steps", () => {
    const loops = "p if {\n some a in input; some b in input; some c in input; some d in input\n a + b + c + d < 0\n}";
    const input = JSON.stringify(Array.from({ length: 200 }, (_, at) => at));
    assert.throws(() => valueOfP(loops, { input, limits: { steps: 100_000 } }), isLimit("steps"));
  });

  test("functions without loops use steps too", () => {
    const chain = Array.from({ length: 20 }, (_, at) => `f${at}(x) := f${at + 1}(x) + f${at + 1}([x])`).join("\n");
    const module = `${chain}\nf20(x) := 1\np := f0(1)`;
    assert.throws(() => valueOfP(module, { limits: { steps: 20_000 } }), isLimit("steps"));
  });

  test("a deadline that has passed ends the evaluation at its first look", () => {
    const loops = "p if {\n some a in input; some b in input; some c in input\n a + b + c < 0\n}";
    const input = JSON.stringify(Array.from({ length: 200 }, (_, at) => at));
    assert.throws(() => valueOfP(loops, { input, limits: { deadlineMs: 0 } }), isLimit("deadline"));
  });

  test("values that nest too deeply for the stack are over the depth limit", () => {
    const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
    assert.throws(() => valueOfP("p if input.a == input.b", { input: `{"a":${deep},"b":${deep}}` }), isLimit("depth"));
  });

  test("comparing values that share their parts is charged", () => {
    const doubled = (name: string): string =>
      Array.from({ length: 60 }, (_, at) => `${name}${at + 1} := [${name}${at}, ${name}${at}]`).join("\n");
    const module = (rule: string): string =>
      `a0 := [input.x]\nb0 := [input.x]\n${doubled("a")}\n${doubled("b")}\n${rule}`;
    for (const rule of ["p if a60 == b60", "p if a60 < b60", "p := count({a60, b60})", "p := sort([a60, b60])"]) {
      assert.throws(() => valueOfP(module(rule), { input: '{"x":1}', limits: { steps: 1_000_000 } }), isLimit("steps"));
    }
  });

  test("what a `with` copies is charged", () => {
    const input = JSON.stringify(Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`k${at}`, at])));
    const module = "q if input.new == -1\np if { some i in numbers.range(1, 1000); q with input.new as i }";
    assert.throws(() => valueOfP(module, { input, limits: { steps: 500_000 } }), isLimit("steps"));
  });

  test("what is escaped is charged while it is", () => {
    const input = JSON.stringify({ t: ",".repeat(100_000) });
    for (const call of ["urlquery.encode(input.t)", "urlquery.encode_object(input)"]) {
      assert.throws(() => valueOfP(`p := ${call}`, { input, limits: { steps: 1_000_000 } }), isLimit("steps"));
    }
  });

  test("JSON of very many small values is charged before it is read", () => {
    const input = JSON.stringify({ t: `[${"{},".repeat(100_000)}1]` });
    for (const call of ["json.unmarshal(input.t)", "json.is_valid(input.t)", 'json.match_schema(input.t, "{}")']) {
      assert.throws(() => valueOfP(`p := ${call}`, { input, limits: { outputBytes: 5_000_000 } }), isLimit("output"));
    }
  });

  test("what a policy gathers is charged: arrays, sets, objects and rules", () => {
    const input = JSON.stringify(Array.from({ length: 120 }, (_, at) => at));
    const loops = "some a in input; some b in input; some c in input";
    for (const module of [
      `p := count([1 | ${loops}])`,
      `p := count({[a, b, c] | ${loops}})`,
      `p := count({[a, b, c]: 1 | ${loops}})`,
      `p contains [a, b, c] if { ${loops} }`,
      `p[a][b][c] := 1 if { ${loops} }`,
    ]) {
      assert.throws(() => valueOfP(module, { input, limits: { outputBytes: 1_000_000 } }), isLimit("output"));
    }
  });

  test("a chain of many rules compiles and answers", () => {
    const rules = Array.from({ length: 2000 }, (_, at) => `r${at} := r${at + 1}`).join("\n");
    assert.equal(valueOfP(`p := r0\n${rules}\nr2000 := 1`), "1");
  });

  test("one evaluation does not use another's budget", () => {
    const program = programOf(["package test\np := count([x | some x in input])"], { entrypoints: ["data.test.p"] });
    const input = JSON.stringify(Array.from({ length: 50 }, () => 0));
    for (let turn = 0; turn < 3; turn++) {
      assert.equal(program.entry("data.test.p", evaluationOf({ input, limits: { steps: 200 } })), 50);
    }
  });
});
