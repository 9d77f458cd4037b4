// Searching finds what JavaScript's own search finds, also where the automaton takes over, and there in linear time.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { searchFor } from "../../src/go/search.ts";

const repetitive = fc
  .array(fc.constantFrom("a", "b", "ab", "\u{1F600}"), { maxLength: 40 })
  .map((parts) => parts.join(""));

test("search: every place, overlapping or not, as indexOf finds them", () => {
  fc.assert(
    fc.property(
      repetitive.filter((part) => part !== ""),
      repetitive,
      fc.boolean(),
      (part, text, overlapping) => {
        // Long enough that the product of the lengths is beyond what the native search is given.
        const long = `${text}c${text}`.repeat(20) + "c".repeat(Math.ceil(30_000_001 / part.length));
        const found = searchFor(part, long, () => undefined);
        const advance = overlapping ? 1 : part.length;
        let expected = long.indexOf(part);
        for (let at = found.next(0); at !== -1 || expected !== -1; at = found.next(at + advance)) {
          assert.equal(at, expected);
          expected = long.indexOf(part, expected + advance);
        }
      },
    ),
    { numRuns: 5 },
  );
});

test("search: the worst text takes as many steps as it is long", () => {
  const half = "a".repeat(50_000);
  let read = 0;
  const found = searchFor(`${half}b${half}`, "a".repeat(1_000_000), (units) => {
    read += units;
  });
  assert.equal(found.next(0), -1);
  assert.ok(read <= 1_200_000, `${read}`);
});
