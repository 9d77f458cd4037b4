// The trees and expressions of the chainsaw runner, as kyverno-json describes them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fill } from "../../conformance/chainsaw/expression.ts";
import { differences } from "../../conformance/chainsaw/tree.ts";

const bindings = new Map<string, unknown>([
  ["error", null],
  ["stderr", "it's `denied`"],
  ["name", "web"],
  ["two", [1, 2]],
]);

function holds(tree: unknown, value: unknown): boolean {
  return differences(tree, value, bindings).length === 0;
}

test("maps name what they look at, lists are as long, the rest is equal", () => {
  const value = { a: { b: 1, c: [{ d: "x" }, { d: "y" }] }, n: null };
  assert.ok(holds({ a: { b: 1 } }, value));
  assert.ok(holds({ a: { c: [{ d: "x" }, {}] } }, value));
  assert.ok(!holds({ a: { c: [{ d: "x" }] } }, value));
  assert.ok(!holds({ a: { b: "1" } }, value));
  assert.ok(!holds({ absent: null }, value));
  assert.ok(holds({ n: null }, value));
  assert.deepEqual(differences({ a: { b: 2 } }, value, bindings), [".a.b: 1 is not 2"]);
});

test("keys and leaves in parentheses are expressions", () => {
  const value = { conditions: [{ type: "Ready", ok: true }, { type: "Other" }], replicas: 2 };
  assert.ok(holds({ "(conditions[?type=='Ready'])": [{ ok: true }] }, value));
  assert.ok(holds({ "(length(conditions))": 2 }, value));
  assert.ok(holds({ replicas: "(length($two))" }, value));
  assert.ok(!holds({ "(conditions[?type=='None'])": [{}] }, value));
  assert.ok(holds({ "\\(a)\\": 1 }, { "(a)": 1 }));
});

test("a tilde asks for every item, an arrow binds", () => {
  const value = { items: [{ a: 1 }, { a: 1 }], limit: 1 };
  assert.ok(holds({ "~.items": { a: 1 } }, value));
  assert.ok(holds({ "~.(items[].a)": 1 }, value));
  assert.ok(!holds({ "~.items": { a: 2 } }, value));
  assert.ok(holds({ "(limit)->limit": 1, "limit->most": { "(@ == $most)": true } }, value));
});

test("bindings stand in expressions as values, but not within quotes", () => {
  assert.ok(holds({ "($error != null)": false }, null));
  assert.ok(holds({ "(contains($stderr, '`denied`'))": true, "(contains($stderr, '$name'))": false }, null));
  assert.throws(() => holds({ "($nobody)": 1 }, null), /\$nobody is not bound/);
  assert.deepEqual(fill({ metadata: { name: "($name)" }, other: "plain" }, bindings), {
    metadata: { name: "web" },
    other: "plain",
  });
});
