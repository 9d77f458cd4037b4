// JSON read without loss: the search for numbers that a double would change finds all of them, and is quick on any text.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { numberOf } from "../src/decimal.ts";
import { needsDecimals, parseJson, valuesIn } from "../src/json.ts";

const digits = (max: number) => fc.stringMatching(new RegExp(`^\\d{1,${max}}$`));

const numbers = fc
  .tuple(
    fc.constantFrom("", "-"),
    fc.oneof(
      fc.constant("0"),
      fc.integer({ min: 1, max: 99 }).map(String),
      digits(20).map((text) => `1${text}`),
    ),
    fc.option(digits(14), { nil: null }),
    fc.option(fc.stringMatching(/^[eE][-+]?\d{1,2}$/), { nil: null, freq: 4 }),
  )
  .map(([sign, whole, part, exponent]) => `${sign}${whole}${part === null ? "" : `.${part}`}${exponent ?? ""}`);

const places = fc.constantFrom(
  (number: string) => number,
  (number: string) => `[${number}]`,
  (number: string) => `{"a":${number},"b":"sha256:12e4567890123456"}`,
  (number: string) => `{"a" :\n${number}\n}`,
  (number: string) => `["nginx:1.20", ${number} ,0]`,
);

test("every number is what its text says", () => {
  type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
  const read = JSON.parse as (text: string, reviver: Reviver) => unknown;
  fc.assert(
    fc.property(numbers, places, (number, place) => {
      const lossless = read(place(number), (_key, value, { source }) =>
        typeof value === "number" && source !== undefined ? numberOf(source) : value,
      );
      assert.deepEqual(parseJson(place(number)), lossless);
    }),
    { numRuns: 2000 },
  );
});

test("text that only looks like such numbers takes the fast way", () => {
  for (const text of [
    '{"image":"nginx:1.20"}',
    '["x,1e5","sha256:1234567e"]',
    '{"a":[0,1,0.5,123456789012345]}',
    "{}",
  ]) {
    assert.equal(needsDecimals(text), false, text);
  }
});

test("no text makes the search slow", () => {
  for (const part of ["1", "1.", ":1.1", ",-0", "1e", "[", ": "]) {
    const text = part.repeat(1_000_000);
    const startMs = performance.now();
    needsDecimals(text);
    assert.ok(performance.now() - startMs < 2000, part);
  }
});

test("values are counted by what stands between them, not by what strings hold", () => {
  const count = (tree: unknown): number => {
    if (typeof tree !== "object" || tree === null) return 1;
    return Object.values(tree).reduce((total: number, member) => total + count(member), 1);
  };
  const empty = (tree: unknown): number => {
    if (typeof tree !== "object" || tree === null) return 0;
    const members = Object.values(tree);
    return members.reduce((total: number, member) => total + empty(member), members.length === 0 ? 1 : 0);
  };
  const texts = fc.string({ unit: fc.constantFrom('"', "\\", ",", "[", "{", "a", "é") });
  const trees = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      texts,
      fc.integer(),
      fc.array(tie("tree")),
      fc.dictionary(texts, tie("tree")),
    ),
  })).tree;
  // The first member of a list has no comma before it, but a bracket; an empty list has none.
  fc.assert(fc.property(trees, (tree) => valuesIn(JSON.stringify(tree)) === count(tree) + empty(tree)));
});
