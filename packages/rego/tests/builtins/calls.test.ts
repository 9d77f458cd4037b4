// Every call in calls/*.txt is made on the built-in itself, so that operands of a wrong type reach it, and must give what
// OPA gave: the same value as Rego prints it, the same error, or none. One query per file reads all the operands.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compileFunction } from "node:vm";
import { Budget, Source, type World } from "@portcullis/lang";
import { type Value, compile } from "@portcullis/rego";
import { lookup } from "../../src/builtins/registry.ts";
import { format } from "../../src/runtime/format.ts";

const folder = join(import.meta.dirname, "calls");

const world: World = {
  nowMs: 0,
  random: () => () => 0,
  host: {
    digest: () => assert.fail("no call here digests"),
    hmac: () => assert.fail("no call here signs"),
    zone: () => null,
  },
  ask: () => assert.fail("no call here needs the world"),
};

interface Call {
  readonly name: string;
  readonly operands: string;
  readonly want: string;
}

function readCalls(file: string): readonly Call[] {
  const lines = readFileSync(join(folder, file), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  return Array.from({ length: lines.length / 2 }, (_, at) => {
    const text = lines[2 * at] ?? "";
    const open = text.indexOf("(");
    return { name: text.slice(0, open), operands: text.slice(open + 1, -1), want: (lines[2 * at + 1] ?? "").trim() };
  });
}

/** The operands of all calls, as one array of arrays. */
function readOperands(calls: readonly Call[]): readonly (readonly Value[])[] {
  const text = `x = [${calls.map(({ operands }) => `[${operands}]`).join(",\n")}]`;
  const { value: program, diagnostics } = compile({
    modules: [],
    query: { source: new Source("query.rego", text), version: "v1" },
    load: (code, parameters) => compileFunction(code, [...parameters]) as (...args: readonly unknown[]) => unknown,
  });
  assert.ok(program !== null, diagnostics.map((diagnostic) => diagnostic.message).join("\n"));
  const [bindings] = program.query({ world, budget: new Budget({}, () => 0) });
  return bindings?.["x"] as unknown as readonly (readonly Value[])[];
}

function answer(name: string, operands: readonly Value[]): string {
  let error: string | undefined;
  const fail = (code: string, message: string): undefined => {
    error ??= `! ${code}: ${name}: ${message}`.replaceAll("\n", "\\n");
  };
  const call = {
    world,
    budget: new Budget({}, () => 0),
    cache: new Map(),
    fail: (message: string) => fail("eval_builtin_error", message),
    failType: (message: string) => fail("eval_type_error", message),
  };
  const value = lookup(name)?.evaluate(call, ...operands);
  return value === undefined ? (error ?? "undefined") : `= ${format(value)}`;
}

for (const file of readdirSync(folder)) {
  test(`OPA's answers, called directly: ${file}`, () => {
    const calls = readCalls(file);
    const operands = readOperands(calls);
    assert.ok(calls.length > 0);
    calls.forEach(({ name, operands: text, want }, at) => {
      assert.equal(answer(name, operands[at] ?? []), want, `${name}(${text})`);
    });
  });
}
