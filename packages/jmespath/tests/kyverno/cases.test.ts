// Cases of Kyverno's dialect, one file per group of functions. Each answer is what `kyverno jp query` of Kyverno 1.19.1 gave:
// a result, an error's text (with `missing` for a missing key), a syntax error, or a value that has no JSON (`marshal`).
// A case with `why` differs on purpose: `kyverno` is its answer and the rest is ours.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SearchError, type Value, compile, kyvernoDialect } from "../../src/kyverno/index.ts";
import { newRun } from "../world.ts";

interface CaseFile {
  readonly given: unknown;
  readonly cases: readonly Case[];
}

interface Case {
  readonly expression: string;
  readonly result?: unknown;
  readonly error?: string;
  readonly missing?: true;
  readonly syntax?: string;
  readonly marshal?: string;
  readonly why?: string;
}

const folder = join(import.meta.dirname, "cases");

for (const file of readdirSync(folder)) {
  const { given, cases } = JSON.parse(readFileSync(join(folder, file), "utf8")) as CaseFile;
  for (const one of cases) {
    test(`kyverno/${file.replace(".json", "")}: ${one.expression.slice(0, 100)}`, () => {
      check(given, one);
    });
  }
}

function check(given: unknown, one: Case): void {
  const { value: compiled, diagnostics } = compile(one.expression, kyvernoDialect);
  if (compiled === null) {
    assert.equal(diagnostics[0]?.message, one.syntax);
    assert.ok(diagnostics[0]?.span, "a syntax error has a place");
    return;
  }
  assert.equal(one.syntax, undefined, "this compiles");
  const before = JSON.stringify(given);
  const outcome = compiled.search(given, newRun());
  assert.equal(JSON.stringify(given), before, "the input is not changed");
  if (outcome instanceof SearchError) {
    assert.deepEqual([outcome.message, outcome.kind === "not-found"], [one.error, one.missing === true]);
  } else if (one.marshal === undefined) {
    assert.deepEqual(JSON.parse(jsonOf(outcome)), one.result);
  } else assert.equal(one.marshal, `json: unsupported value: ${String(Number(outcome)).replace("Infinity", "+Inf")}`);
}

/** A byte that is no character is U+FFFD in JSON. */
function jsonOf(outcome: Value): string {
  return JSON.stringify(outcome, (_key, value: unknown) => (typeof value === "string" ? value.toWellFormed() : value));
}
