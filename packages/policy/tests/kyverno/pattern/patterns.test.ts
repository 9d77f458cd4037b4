import assert from "node:assert/strict";
import { test } from "node:test";
import { LimitError } from "@portcullis/lang";
import fc from "fast-check";
import { matchPattern } from "../../../src/kyverno/pattern/pattern.ts";
import { compileScalar } from "../../../src/kyverno/pattern/scalar.ts";
import { matchesWildcard } from "../../../src/kyverno/pattern/wildcard.ts";
import { budget, nested, readCases } from "../recorded.ts";

const integers = { numbers: "int64", patternNumbers: "int64" } as const;
const doubles = { numbers: "float64", patternNumbers: "float64" } as const;

interface Scalar {
  readonly pattern: unknown;
  readonly value: unknown;
  readonly floats?: boolean;
  readonly matches: boolean;
}

test("scalar patterns match as Kyverno's", () => {
  for (const { pattern, value, floats, matches } of readCases("scalars.jsonl") as readonly Scalar[]) {
    const options = { numbers: floats === true ? "float64" : "int64", budget: budget() } as const;
    assert.equal(compileScalar(pattern)(value, options), matches, JSON.stringify({ pattern, value, floats }));
  }
});

interface Tree {
  readonly object?: unknown;
  readonly pattern?: unknown;
  readonly status: "match" | "skip" | "fail";
}

test("patterns match, skip and fail as Kyverno's, with its paths and messages", () => {
  const [first, ...rows] = readCases("patterns.jsonl") as readonly Tree[];
  for (const { pattern, status, ...said } of rows) {
    const result = matchPattern(first?.object, pattern, { budget: budget(), ...integers });
    assert.deepEqual(result, { result: status, ...said }, JSON.stringify(pattern));
  }
});

test("a value that says what Kyverno's own errors say does not turn a failure into a skip", () => {
  const object = { metadata: { labels: { team: "conditional anchor mismatch" } } };
  const result = matchPattern(object, { metadata: { labels: { team: "red" } } }, { budget: budget(), ...integers });
  assert.equal(result.result, "fail");
});

test("where several labels fit a wildcard, the first by name counts", () => {
  const object = { metadata: { labels: { b1: "x", b0: "y" } } };
  const match = (value: string) =>
    matchPattern(object, { metadata: { labels: { "b*": value } } }, { budget: budget(), ...integers }).result;
  assert.equal(match("y"), "match");
  assert.equal(match("x"), "fail");
});

test("deep patterns and hostile wildcards end by their budget", () => {
  const deep = nested(5000, "x", (inner) => ({ a: inner }));
  const options = { budget: budget(), ...integers };
  assert.throws(() => matchPattern({}, deep, options), LimitError);
  const glob = `*${"a".repeat(5000)}b`;
  assert.throws(() => matchesWildcard(glob, "a".repeat(100_000), budget(1_000_000)), LimitError);
});

const letters = fc.string({ unit: fc.constantFrom("a", "b", "*", "?", "é", "😀"), maxLength: 8 });

test("wildcards mean what a regular expression means", () => {
  fc.assert(
    fc.property(letters, letters, (pattern, text) => {
      const source = pattern.replaceAll(/[*?]/g, (mark) => (mark === "*" ? ".*" : "."));
      assert.equal(matchesWildcard(pattern, text), new RegExp(`^(?:${source})$`, "su").test(text));
    }),
  );
});

test("an object matches itself as a pattern, as far as its texts are no operators", () => {
  const leaf = fc.oneof(fc.constantFrom("x", "main", "0.5h"), fc.integer(), fc.boolean());
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.dictionary(fc.constantFrom("a", "b", "metadata", "labels"), tie("tree"), {
        maxKeys: 3,
        noNullPrototype: true,
      }),
      fc.array(leaf, { minLength: 1, maxLength: 1 }),
    ),
  }));
  fc.assert(
    fc.property(tree, fc.boolean(), (object, floats) => {
      assert.equal(
        matchPattern(object, object, { budget: budget(), ...(floats ? doubles : integers) }).result,
        "match",
      );
    }),
  );
});
