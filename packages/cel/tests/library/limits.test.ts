// Whatever grows with its arguments charges the budget, so that no short expression takes long or much memory; and keys of
// maps are keys, whatever JavaScript means by them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget, LimitError } from "@portcullis/lang";
import type { Value } from "../../src/index.ts";
import { evaluate, resultOf } from "./show.ts";

const tenThousand: Value = Array.from({ length: 10_000 }, (_, at) => at);
const million: Value = "a".repeat(1_000_000);
const words: Value = Array.from({ length: 10_000 }, (_, at) => `word ${(at * 7919) % 10_000}`);

function limited(expression: string, x: Value): void {
  const budget = new Budget({ steps: 100_000, outputBytes: 4_000_000 }, () => 0);
  evaluate(expression, { x, budget });
}

for (const [what, expression, x] of [
  ["distinct elements", "x.distinct()", tenThousand],
  ["a set within another", "sets.contains(x, x)", tenThousand],
  ["equal sets", "sets.equivalent(x, x)", tenThousand],
  ["a range", "lists.range(100000000000)", null],
  ["sorting", "x.sort()", words],
  ["a split text", "x.split('')", million],
  ["a text in which much is replaced", "x.replace('a', 'aaaaaaaaaaaaaaaa')", million],
  ["an empty text replaced", "x.replace('', 'aaaaaaaa')", million],
  ["a join", `x.join("${"-".repeat(1000)}")`, words],
  ["format", "'%s%s%s%s'.format([x, x, x, x])", million],
  [
    "a number of many digits",
    "'%.999999f%.999999f%.999999f%.999999f%.999999f'.format([1.0, 1.0, 1.0, 1.0, 1.0])",
    null,
  ],
  ["all that matches", "x.findAll('a')", million],
  ["a search for a pattern", "x.matches('(a*)*b')", million],
  ["lists that are compared", "x == x.map(e, e) && x.all(e, x == x)", tenThousand],
  ["what is in a list", "x.all(e, e in x)", tenThousand],
] as const) {
  test(`${what} charges the budget`, () => {
    assert.throws(() => limited(expression, x), LimitError);
  });
}

test("flattening charges for what it makes", () => {
  let nested: Value = 1;
  for (let depth = 0; depth < 24; depth++) nested = [nested, nested];
  assert.throws(() => limited("x.flatten(30)", nested), LimitError);
});

for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
  test(`${key} is a key only where it stands`, () => {
    assert.equal(resultOf(`x["${key}"]`), `error: no such key: ${key}`);
    assert.equal(resultOf(`"${key}" in x`), "false");
    assert.equal(resultOf(`x.?${key}.hasValue()`), "false");
    assert.equal(resultOf(`format.named("${key}").hasValue()`), "false");
    const own = JSON.parse(`{"${key}": 1}`) as Value;
    assert.equal(resultOf(`x["${key}"] + {"${key}": 1}["${key}"]`, undefined, own), "2");
  });
}
