// Where our answer is not OPA's: rows O1 to O3 of docs/compatibility.md.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget, Source, type World } from "@portcullis/lang";
import { compileToChecked } from "../src/compile.ts";
import { lookup } from "../src/builtins/registry.ts";
import { numberOf } from "@portcullis/lang";

function messages(text: string): readonly string[] {
  const { diagnostics } = compileToChecked({ modules: [{ source: new Source("test.rego", text), version: "v1" }] });
  return diagnostics.map(({ message }) => message);
}

test("deviation O1: the address of a big integer in memory is not printed", () => {
  const call = {
    world: {} as World,
    budget: new Budget({}, () => 0),
    cache: new Map(),
    fail: () => undefined,
    failType: () => undefined,
  };
  const printed = lookup("sprintf")?.evaluate(call, "%p", [numberOf("12345678901234567890123")]);
  assert.equal(printed, "%!p(big.Int=12345678901234567890123)");
});

test("deviation O2: terms that nest deeper than the phases can walk are refused", () => {
  const tooDeep = "max parsing recursion depth exceeded";
  assert.equal(messages(`package t\na := ${"[".repeat(400)}${"]".repeat(400)}\n`)[0], tooDeep);
  assert.equal(messages(`package t\na := ${Array.from({ length: 800 }, () => "1").join("+")}\n`)[0], tooDeep);
  assert.deepEqual(messages(`package t\na := ${"[".repeat(200)}${"]".repeat(200)}\n`), []);
  assert.deepEqual(messages(`package t\na := ${Array.from({ length: 500 }, () => "1").join("+")}\n`), []);
});

test("deviation O3: broken YAML in an annotation is reported in the words of our reader", () => {
  assert.deepEqual(messages("# METADATA\n# title: [\npackage t\n"), ["yaml: line 2: deficient indentation"]);
});
