// Calls that would make or read too much are stopped before they do it, and calls that are only large are not stopped.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget, LimitError, type World, numberOf } from "@portcullis/lang";
import type { Value } from "@portcullis/rego";
import { lookup } from "../../src/builtins/registry.ts";

const world = {} as World;

function run(name: string, operands: readonly Value[]): Value | undefined {
  const call = {
    world,
    budget: new Budget({ steps: 20_000_000 }, () => 0),
    cache: new Map(),
    fail: () => undefined,
    failType: () => undefined,
  };
  return lookup(name)?.evaluate(call, ...operands);
}

const megabyte = "a".repeat(1_000_000);
const squareable = numberOf("9".repeat(100_000));

/** Each fragment spreads the next one twice. */
const fragmentTree = Array.from(
  { length: 25 },
  (_, at) => `fragment F${at} on __Type { a: ofType { ...F${at + 1} } b: ofType { ...F${at + 1} } }`,
).join(" ");
const graphqlQuery = `{ __schema { queryType { ...F0 } } } ${fragmentTree} fragment F25 on __Type { name }`;
const graphqlSchema = "type Query { a: Query b: Int c: [[Int]] }";

const runaways: readonly (readonly [string, readonly Value[]])[] = [
  ["numbers.range", [0, 1e9]],
  ["numbers.range_step", [0, numberOf("1e30"), 3]],
  ["sprintf", ["%999999d".repeat(1000), Array.from({ length: 1000 }, () => 1)]],
  ["sprintf", ["%.9999999f".repeat(20), Array.from({ length: 20 }, () => 1.5)]],
  ["replace", [megabyte, "a", "b".repeat(1000)]],
  ["replace", [megabyte, "", "b".repeat(1000)]],
  ["strings.replace_n", [{ a: "b".repeat(1000) }, megabyte]],
  ["regex.replace", [megabyte, "a", "b".repeat(1000)]],
  ["concat", [megabyte, Array.from({ length: 100 }, () => "")]],
  ["bits.lsh", [1, 1e9]],
  ["bits.lsh", [1, numberOf("99999999999999999999999")]],
  ["mul", [squareable, numberOf("1e30000")]],
  ["product", [Array.from({ length: 10_000 }, () => numberOf("1e300"))]],
  ["units.parse", ["1e999999"]],
  ["graphql.parse_query", ["{a".repeat(100_000)]],
  ["graphql.parse_query", [`{a(b: ${"[".repeat(100_000)}`]],
  ["graphql.parse_schema", [`type A { a: ${"[".repeat(100_000)}`]],
  ["graphql.is_valid", [graphqlQuery, graphqlSchema]],
  ["graphql.is_valid", [`{ ${"a { b } ".repeat(3000)} }`, graphqlSchema]],
  ["object.subset", [Array.from({ length: 20_000 }, () => 1), [...Array.from({ length: 10_000 }, () => 1), 2]]],
];

for (const [name, operands] of runaways) {
  test(`a runaway ${name} is stopped: ${JSON.stringify(operands).slice(0, 40)}`, () => {
    assert.throws(() => run(name, operands), LimitError);
  });
}

test("large numbers that cannot be computed with are an error of the call, not of the engine", () => {
  for (const name of ["plus", "mul", "div", "abs", "round", "rem"]) {
    assert.equal(run(name, [numberOf("1e999999999"), 3]), undefined, name);
  }
});

test("large but reasonable calls are answered", () => {
  assert.equal((run("numbers.range", [1, 100_000]) as readonly Value[]).length, 100_000);
  assert.equal(run("regex.match", ["(a+)+$", `${megabyte}b`]), false);
  assert.equal(run("glob.match", ["*a*a*a*b", [], megabyte.slice(0, 100_000)]), false);
  assert.equal(run("graphql.is_valid", [`{ ${"a { ".repeat(100)} b ${"} ".repeat(100)} }`, graphqlSchema]), true);
  assert.equal(run("count", [run("split", [megabyte, ""]) as Value]), 1_000_000);
});
