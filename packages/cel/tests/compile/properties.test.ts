// What holds for any text: it parses or has errors with places in it, it compiles or has issues, nothing is thrown, and the
// numbers of nodes are each given once.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "../../src/1-parse/parser.ts";
import { check } from "../../src/2-check/check.ts";
import type { Expression } from "../../src/ast.ts";
import { createEnvironment, kubernetes136, kubernetesOnCelGo30, types } from "../../src/index.ts";
import { issuesText } from "../../src/issue.ts";
import { kubernetesLibraries } from "../../src/kubernetes/libraries.ts";

const environments = [kubernetes136, kubernetesOnCelGo30].map((dialect) =>
  createEnvironment({
    libraries: kubernetesLibraries(dialect),
    variables: { object: types.dyn, x: types.int, l: types.listOf(types.int) },
    dialect,
  }),
);

const words = [
  "object",
  "x",
  "l",
  "a",
  "map",
  "has",
  "all",
  "if",
  "in",
  "true",
  "null",
  "1",
  "2u",
  "1.5",
  "'s'",
  "b'x'",
  "T",
];
const marks = [
  ...Array.from("()[]{}.,?:!-+*/%<>=&|'\"`\\ \n"),
  "==",
  "&&",
  "||",
  "!=",
  "[?",
  ".?",
  "{?",
  "'''",
  "r'",
  "é",
  "😀",
];
const text = fc.array(fc.constantFrom(...words, ...marks), { maxLength: 30 }).map((parts) => parts.join(""));

test("any text parses or has errors within it, and what parses compiles or has issues", () => {
  fc.assert(
    fc.property(
      fc.oneof(text, fc.string({ unit: "binary" })),
      fc.constantFrom(...environments),
      (source, environment) => {
        const { macros, dialect } = environment;
        const { value, errors } = parse(source, { macros, dialect });
        assert.equal(value === null, errors.length > 0);
        const { length } = Array.from(source);
        for (const { place } of errors) assert.ok(place >= -1 && place <= length);
        if (value === null) return assert.match(issuesText(errors, source), /^ERROR: <input>:/);
        const ids = idsOf(value.expression);
        assert.equal(new Set(ids).size, ids.length);
        const { checked, issues } = check(value, environment);
        assert.equal(checked === null, issues.length > 0);
        if (checked !== null) for (const id of idsOf(checked.expression)) assert.ok(id > 0 && id < value.places.length);
      },
    ),
    { numRuns: 1000 },
  );
});

test("nesting is bounded, whatever is nested", () => {
  const { macros, dialect } = environments[0] ?? assert.fail();
  const nested = ["(", "[", "{1:", "-(", "!(", "x ? 1 : ", "1 + (", "l.map(a, ", "f("];
  for (const one of nested) {
    const { value } = parse(one.repeat(20_000 / one.length), { macros, dialect });
    assert.equal(value, null, one);
  }
  const { errors } = parse(`x${".a".repeat(251)}`, { macros, dialect });
  assert.deepEqual(errors, [{ place: -1, message: "max recursion depth exceeded" }]);
});

test("types that double with every step end the check", () => {
  const environment = environments[0] ?? assert.fail();
  const { value } = parse(`[1]${".map(a, {a: a})".repeat(60)}`, environment);
  const { issues } = check(value ?? assert.fail(), environment);
  assert.deepEqual(issues, [{ place: -1, message: "the types of the expression are too large" }]);
});

function idsOf(node: Expression): readonly number[] {
  const inner = (parts: readonly Expression[]): readonly number[] => [node.id, ...parts.flatMap(idsOf)];
  switch (node.kind) {
    case "constant":
    case "name":
      return [node.id];
    case "selection":
      return inner([node.operand]);
    case "call":
      return inner(node.target === null ? node.args : [node.target, ...node.args]);
    case "list":
      return inner(node.elements);
    case "map":
      return [...inner(node.entries.flatMap(({ key, value }) => [key, value])), ...node.entries.map(({ id }) => id)];
    case "struct":
      return [...inner(node.fields.map(({ value }) => value)), ...node.fields.map(({ id }) => id)];
    case "fold":
      return inner([node.range, node.init, node.condition, node.step, node.result]);
  }
}
