// What makes budgets hold: values that share their parts are measured before anybody walks them, what the host throws is
// told as a limit, and nothing charges less than it takes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRegex, matchesWildcard } from "@portcullis/lang/go";
import { Budget, Decimal, LimitError, boundExtent, chargeExtent, extentOf, limitOf } from "../src/index.ts";

/** An object of two parts that are the same object of two parts, and so on. */
function doubled(levels: number): unknown {
  let value: unknown = "x";
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? { a: value, b: value } : [value, value];
  return value;
}

function limitBy(run: () => unknown): string {
  try {
    run();
    return "none";
  } catch (error) {
    return limitOf(error)?.limit ?? String(error);
  }
}

test("a value that shares its parts is as large as if it did not", () => {
  assert.equal(extentOf(doubled(10)), 8 * (2 ** 10 - 1) + 9 * 2 ** 10);
  assert.equal(extentOf([new Decimal("1.50"), null, 3]), 32);
  const budget = new Budget({}, () => 0);
  boundExtent(doubled(10), budget);
  assert.equal(
    limitBy(() => boundExtent(doubled(45), budget)),
    "output",
  );
  assert.equal(
    limitBy(() => chargeExtent(doubled(45), budget)),
    "output",
  );
});

test("what is charged adds up, what is bounded does not", () => {
  const budget = new Budget({ outputBytes: 1000 }, () => 0);
  const value = "x".repeat(400);
  for (let count = 0; count < 100; count++) boundExtent(value, budget);
  chargeExtent(value, budget);
  chargeExtent(value, budget);
  assert.equal(
    limitBy(() => chargeExtent(value, budget)),
    "output",
  );
});

test("what the host throws for values too deep or too large is a limit, a mistake is none", () => {
  const deep = (): number => 1 + deep();
  assert.equal(limitBy(deep), "depth");
  assert.equal(
    limitBy(() => "x".repeat(2 ** 29).concat("x".repeat(2 ** 29))),
    "output",
  );
  assert.equal(
    limitBy(() => Array.from({ length: 2 ** 33 })),
    "output",
  );
  assert.equal(limitOf(new RangeError("toFixed() digits argument must be between 0 and 100")), null);
  assert.equal(limitOf(new TypeError("x is not a function")), null);
  assert.equal(limitOf(new LimitError("deadline"))?.limit, "deadline");
});

test("many short wildcards are charged as one that is long", () => {
  let looks = 0;
  const budget = new Budget({}, () => looks++);
  for (let count = 0; count < 10_000; count++) matchesWildcard("*a*a*a*b", "a".repeat(100), budget);
  assert.ok(looks > 100, `${looks} looks at the clock`);
});

test("a pattern so large and a text so long that they would take minutes are not begun", () => {
  const compiled = compileRegex(`^${"(a+)".repeat(2000)}${String.raw`\b`}$`);
  assert.ok("regex" in compiled);
  const { regex } = compiled;
  assert.equal(regex.test("a".repeat(100)), false);
  assert.equal(
    limitBy(() => regex.test("a".repeat(1_000_000))),
    "steps",
  );
});
