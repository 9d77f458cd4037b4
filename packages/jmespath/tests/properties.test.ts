// What holds for every expression: it compiles or has an error with a place, it ends, it never fails by an error of ours, it
// does not change its input, and its tree can be written down and read again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LimitError } from "@portcullis/lang";
import fc from "fast-check";
import { type Node, SearchError, compile, standard } from "../src/index.ts";
import { kyvernoDialect } from "../src/kyverno/index.ts";
import { expressionText, input } from "./expressions.ts";
import { print } from "./print.ts";
import { newRun } from "./world.ts";

const dialects = fc.constantFrom(standard, kyvernoDialect);

test("an expression never ends in an internal error and never changes its input", () => {
  fc.assert(
    fc.property(expressionText, input, dialects, (text, given, dialect) => {
      const { value: compiled, diagnostics } = compile(text, dialect);
      if (compiled === null) return assert.ok(diagnostics.every(({ message }) => message !== ""));
      const before = structuredClone(given);
      try {
        const outcome = compiled.search(given, newRun());
        if (outcome instanceof SearchError) assert.notEqual(outcome.message, "");
      } catch (error) {
        assert.ok(error instanceof LimitError, String(error));
      }
      return assert.deepEqual(given, before);
    }),
    { numRuns: 1500 },
  );
});

test("any text at all compiles or has an error with a place inside it", () => {
  const pieces = [
    "a",
    ".",
    "[",
    "]",
    "*",
    "[?",
    "(",
    ")",
    "{",
    "}",
    ":",
    ",",
    "&",
    "|",
    "'",
    "`",
    '"',
    "\\",
    "@",
    "!",
    "=",
    "1",
    "-",
    " ",
    "é",
  ];
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...pieces), { maxLength: 20 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, dialects, (source, dialect) => {
      const { value, diagnostics } = compile(source, dialect);
      const errors = diagnostics.filter(({ severity }) => severity === "error");
      assert.equal(value === null, errors.length > 0);
      for (const { span } of errors) assert.ok(span !== null && span.start >= 0 && span.end <= source.length);
    }),
    { numRuns: 3000 },
  );
});

test("a tree that is printed and parsed again is the same tree", () => {
  fc.assert(
    fc.property(expressionText, (text) => {
      const { value: compiled } = compile(text, kyvernoDialect);
      if (compiled === null) return;
      const printed = print(compiled.tree);
      const again = compile(printed, kyvernoDialect).value;
      assert.deepEqual(withoutSpans(again?.tree), withoutSpans(compiled.tree), printed);
    }),
    { numRuns: 1500 },
  );
});

function withoutSpans(node: Node | undefined): unknown {
  return JSON.parse(JSON.stringify(node ?? null, (key, value: unknown) => (key === "span" ? undefined : value)));
}

test("equal evaluations give equal results", () => {
  fc.assert(
    fc.property(expressionText, input, (text, given) => {
      const compiled = compile(text, kyvernoDialect).value;
      if (compiled === null) return;
      const once = (): unknown => {
        try {
          return compiled.search(given, newRun());
        } catch (error) {
          return String(error);
        }
      };
      assert.deepEqual(once(), once());
    }),
    { numRuns: 500 },
  );
});
