// What holds of any evaluation: a value that is written as a text is read again, and costs are what they are, whoever limits
// them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "@portcullis/lang";
import fc from "fast-check";
import { CelError, Duration, Timestamp, Uint, type Value, doubleOf, intOf } from "../../src/index.ts";
import { equals } from "../../src/runtime/equality.ts";
import { evaluate, outcomeOf } from "../library/show.ts";

const budget = new Budget({}, () => 0);

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const seconds = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 });
const nanoseconds = fc.integer({ min: 0, max: 999_999_999 });

for (const [conversion, values] of [
  ["int", int64.map(intOf)],
  ["uint", fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => new Uint(value))],
  ["double", fc.double({ noNaN: true }).map(doubleOf)],
  ["bool", fc.boolean()],
  ["string", fc.string({ unit: "grapheme" })],
  ["bytes", fc.string({ unit: "grapheme" }).map((text) => new TextEncoder().encode(text))],
  // The text is a double of seconds.
  ["duration", fc.integer({ min: -(10 ** 9), max: 10 ** 9 }).map((micros) => new Duration(BigInt(micros) * 1000n))],
  ["timestamp", fc.tuple(seconds, nanoseconds).map(([s, n]) => new Timestamp(BigInt(s) * 1_000_000_000n + BigInt(n)))],
] as const satisfies readonly (readonly [string, fc.Arbitrary<Value>])[]) {
  test(`${conversion}() reads what string() writes`, () => {
    fc.assert(
      fc.property<[Value]>(values, (x) => {
        const again = evaluate(`${conversion}(string(x))`, { x });
        assert.ok(!(again instanceof CelError), again instanceof CelError ? again.message : "");
        assert.ok(equals(again, x, budget));
      }),
    );
  });
}

test("a text is what its quoted text says, its parts joined, and its characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme", minLength: 1 }), (text, by) => {
      const x = { text, by };
      for (const same of ["x.text.split(x.by).join(x.by)", "x.text.split('').join()", "x.text.replace(x.by, x.by)"]) {
        assert.equal(evaluate(same, { x }), text, same);
      }
      const found = "x.text.indexOf(x.by) == -1 || x.text.substring(x.text.indexOf(x.by)).startsWith(x.by)";
      assert.equal(evaluate(found, { x }), true);
      const last =
        "x.text.lastIndexOf(x.by) >= x.text.indexOf(x.by) && x.text.contains(x.by) == (x.text.indexOf(x.by) >= 0)";
      assert.equal(evaluate(last, { x }), true);
      const quoted = evaluate("strings.quote(x.text)", { x });
      assert.equal(evaluate(quoted as string), text);
    }),
  );
});

// ── costs

const expression: fc.Arbitrary<string> = fc.letrec<{ any: string }>((tie) => {
  const any = tie("any");
  const pair = fc.tuple(any, any);
  return {
    any: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom("1", "'s'", "true", "x", "x.a", "x.l", "x.m.k", "x.no", "x.l[1]", "[]", "x.?no", "x.?a"),
      pair.map(([a, b]) => `(${a} && ${b})`),
      pair.map(([a, b]) => `(${a} || ${b})`),
      pair.map(([a, b]) => `(dyn(${a}) == ${b})`),
      pair.map(([a, b]) => `(dyn(${a}) + ${b})`),
      pair.map(([a, b]) => `[dyn(${a}), dyn(${b})]`),
      pair.map(([a, b]) => `{'k': dyn(${a}), 'l': dyn(${b})}`),
      pair.map(([a, b]) => `(x.t ? dyn(${a}) : ${b})`),
      pair.map(([a, b]) => `dyn(${a}).map(e, ${b})`),
      pair.map(([a, b]) => `dyn(${a}).all(e, dyn(${b}))`),
      any.map((a) => `dyn(${a}).exists(e, dyn(e) == ${a})`),
      any.map((a) => `size(dyn(${a}))`),
      any.map((a) => `dyn(${a}).?k.orValue(1)`),
    ),
  };
}).any;

const x: Value = { a: 1, l: [1, 2, 3], m: { k: "v" }, t: true };

test("costs are never negative, nor other ones the second time, and a limit below them ends the evaluation", () => {
  let evaluated = 0;
  fc.assert(
    fc.property(expression, fc.nat({ max: 100 }), (text, less) => {
      const { value, cost } = outcomeOf(text, { x });
      assert.ok(cost >= 0 && Number.isInteger(cost), `${text} costs ${cost}`);
      assert.equal(outcomeOf(text, { x }).cost, cost);
      const costMax = cost - 1 - less;
      if (costMax < 0) return;
      evaluated++;
      const stopped = outcomeOf(text, { x, costMax }).value;
      assert.equal(stopped instanceof CelError && stopped.message, "operation cancelled: actual cost limit exceeded");
      const room = outcomeOf(text, { x, costMax: cost * 2 + 100 }).value;
      assert.equal(room instanceof CelError, value instanceof CelError);
    }),
    { numRuns: 1000 },
  );
  assert.ok(evaluated > 50, "most expressions do not compile");
});
