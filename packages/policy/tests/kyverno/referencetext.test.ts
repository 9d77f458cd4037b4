// References are found where Kyverno's own expressions find them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as check, constantFrom, property } from "fast-check";
import { referencesIn, withoutEscapes } from "../../src/kyverno/referencetext.ts";

const reference = /^\$\([^\n][^ ]*\)|[^\\]\$\([^\n][^ ]*\)/gu;
const escapedReference = /\\\$\([^\n][^ )]*\)/gu;

const texts = array(constantFrom("$(", "$", "(", ")", "\\", " ", "\n", "a", "/", "🙂", "\ud83d"), {
  maxLength: 24,
}).map((parts) => parts.join(""));

test("any text has the references that Kyverno's expression finds", () => {
  check(
    property(texts, (text) => {
      assert.deepEqual(
        referencesIn(text),
        [...text.matchAll(reference)].map(([found]) => found),
      );
    }),
    { numRuns: 5000 },
  );
});

test("any text loses the escapes that Kyverno's expression finds", () => {
  check(
    property(texts, (text) => {
      assert.equal(
        withoutEscapes(text),
        text.replaceAll(escapedReference, (found) => found.slice(1)),
      );
    }),
    { numRuns: 5000 },
  );
});

test("a text of many references is read once, whether they end or not", () => {
  assert.equal(withoutEscapes("\\$(b)".repeat(200_000)), "$(b)".repeat(200_000));
  assert.equal(referencesIn("a$(b) ".repeat(200_000)).length, 200_000);
  const open = "a$(b".repeat(200_000);
  assert.deepEqual(referencesIn(open), []);
  const escaped = "\\$(b".repeat(200_000);
  assert.equal(withoutEscapes(escaped), escaped);
});
