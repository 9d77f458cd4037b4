// Hostile expressions and inputs end by the budget or by an error, never by exhausting stack or memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget, LimitError } from "@portcullis/lang";
import { SearchError, compile } from "../src/index.ts";
import { kyvernoDialect } from "../src/kyverno/index.ts";
import { newRun, newWorld } from "./world.ts";

function evaluate(text: string, given: unknown = {}, limits: ConstructorParameters<typeof Budget>[0] = {}): unknown {
  const { value: compiled, diagnostics } = compile(text, kyvernoDialect);
  assert.ok(compiled, diagnostics[0]?.message);
  const budget = new Budget({ steps: 1_000_000, outputBytes: 8_000_000, depth: 300, ...limits }, () => 0);
  return compiled.search(given, { world: newWorld(), budget });
}

for (const [what, text] of [
  ["parentheses", `${"(".repeat(100_000)}a${")".repeat(100_000)}`],
  ["a chain of keys", Array.from({ length: 100_000 }, () => "a").join(".")],
  ["a chain of pipes", Array.from({ length: 100_000 }, () => "a").join(" | ")],
  ["negations", `${"!".repeat(100_000)}a`],
  ["calls", `${"to_string(".repeat(100_000)}a${")".repeat(100_000)}`],
] as const) {
  test(`${what} nested too deeply are an error with a place`, () => {
    const { value, diagnostics } = compile(text, kyvernoDialect);
    assert.equal(value, null);
    assert.equal(diagnostics[0]?.message, "the expression is nested too deeply");
    assert.ok(diagnostics[0]?.span);
  });
}

test("what a person may write is not too deep", () => {
  const text = Array.from({ length: 400 }, () => "a").join(" || ");
  assert.deepEqual(evaluate(text, { a: "" }), "");
});

/** Lists of a thousand in lists of a thousand in a list of a thousand, in little memory. */
const nested = [1, 2, 3].reduce<unknown>((inner) => ({ list: Array.from({ length: 1000 }, () => inner) }), 1);

/** An object of two parts that are the same object of two parts, and so on. */
function doubled(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { a: value, b: value };
  return value;
}

function pipe(step: string, times: number): string {
  return Array.from({ length: times }, () => step).join(" | ");
}

interface Hostile {
  readonly what: string;
  readonly text: string;
  readonly given: unknown;
  readonly limit: LimitError["limit"];
}

const hostile: readonly Hostile[] = [
  { what: "nested maps", text: "map(&map(&map(&@, list), list), list)", given: nested, limit: "steps" },
  { what: "texts that double", text: pipe("join('', [@, @])", 40), given: "a", limit: "output" },
  { what: "lists that double", text: pipe("[@, @][]", 40), given: [1], limit: "steps" },
  { what: "an enormous text", text: "to_string(@)", given: doubled(40), limit: "steps" },
  { what: "lists that share their parts", text: pipe("[@, @]", 45), given: "a", limit: "steps" },
  { what: "objects that share their parts", text: pipe("{a: @, b: @}", 45), given: "a", limit: "steps" },
  { what: "comparing shared parts", text: "a == b", given: { a: doubled(40), b: doubled(40) }, limit: "steps" },
  { what: "replacing again", text: pipe("replace_all(@, 'a', 'aaaaaaaa')", 12), given: "a", limit: "steps" },
  { what: "generators in each other", text: "random('(([a-z]*)*)*')", given: {}, limit: "steps" },
];

for (const { what, text, given, limit } of hostile) {
  test(`${what}: the budget ends it (${limit})`, () => {
    assert.throws(
      () => evaluate(text, given),
      (error) => error instanceof LimitError && error.limit === limit,
    );
  });
}

test("deep input ends by the depth of the budget", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 5000; level++) deep = [deep];
  for (const text of ["to_string(@)", "@ == @[0]", "length(@) && abs(@)"]) {
    assert.throws(
      () => evaluate(text, deep),
      (error) => error instanceof LimitError && error.limit === "depth",
      text,
    );
  }
});

test("a pattern that would backtrack is answered in linear time", () => {
  const text = "x".repeat(20_000);
  assert.equal(evaluate("regex_match('^(x+x+)+y$', @)", text), false);
  assert.equal(evaluate("pattern_match('*x*x*x*x*y', @)", text), false);
});

test("searching a text that repeats itself takes time that grows with its length, not with the product", () => {
  const half = "a".repeat(100_000);
  const given = { text: half + half, part: `${half}b` };
  // JavaScript's own search would take many seconds.
  assert.equal(evaluate("contains(text, part)", given), false);
  assert.equal(evaluate("length(split(text, part))", given), 1);
  assert.equal(evaluate("length(replace_all(text, part, ''))", given), 200_000);
});

test("a hostile image name is refused quickly", () => {
  const outcome = evaluate("image_normalize(@)", `${"a".repeat(5000)}${"-".repeat(5000)}!`);
  assert.ok(outcome instanceof SearchError);
});

test("an expression can be evaluated again and again", () => {
  const compiled = compile("a || random('[a-z]{5}')", kyvernoDialect).value;
  const run = newRun();
  const drawn = new Set(Array.from({ length: 5 }, () => compiled?.search({}, run)));
  assert.equal(drawn.size, 5, "two calls of one decision draw different texts");
});
