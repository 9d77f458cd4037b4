import assert from "node:assert/strict";
import { test } from "node:test";
import { compileConditions, checkConditions } from "../../../src/kyverno/condition/conditions.ts";
import { operatorNamed, operatorNames } from "../../../src/kyverno/condition/names.ts";
import type { WildcardSide } from "../../../src/kyverno/condition/operator.ts";
import { Failure } from "../../../src/kyverno/failure.ts";
import type { Scope } from "../../../src/kyverno/scope.ts";
import type { Template } from "../../../src/kyverno/template.ts";
import { budget, readCases } from "../recorded.ts";

const spelling = { key: "float64", value: "float64" } as const;

interface Recorded {
  readonly key: unknown;
  readonly value: unknown;
  readonly holds: Readonly<Record<string, boolean>>;
}

function holds(operator: string, key: unknown, value: unknown, wildcards: WildcardSide = "both"): boolean | null {
  const predicate = operatorNamed(operator);
  return predicate === null
    ? null
    : predicate(key, value, { numbers: "float64", budget: budget(), wildcards, spelling, unequalLists: false });
}

test("operators answer as Kyverno's", () => {
  for (const { key, value, holds: wanted } of readCases("conditions.jsonl") as readonly Recorded[]) {
    for (const [operator, answer] of Object.entries(wanted)) {
      assert.equal(holds(operator, key, value), answer, `${JSON.stringify(key)} ${operator} ${JSON.stringify(value)}`);
    }
  }
});

test("every operator has a name, whatever the case; others have none", () => {
  for (const name of operatorNames) assert.notEqual(operatorNamed(name), null, name);
  assert.equal(holds("anyin", "a", ["a"]), true);
  // Kyverno finds the handler of a misspelled order and then compares with the exact name.
  assert.equal(holds("greaterthan", 2, 1), false);
  assert.equal(operatorNamed("Contains"), null);
});

test("wildcards of the requester are in no allow-list", () => {
  const allowed = ["alpha", "beta"];
  for (const written of ["*", "a*", "?lpha", ["*"], ["alpha", "b*"]]) {
    assert.equal(holds("AnyNotIn", written, allowed, "value"), true, JSON.stringify(written));
    assert.equal(holds("AnyNotIn", written, allowed, "both"), false, JSON.stringify(written));
  }
  assert.equal(holds("AllNotIn", "*", allowed, "value"), true);
  assert.equal(holds("NotIn", "*", allowed, "value"), true);
  // What the policy wrote still counts, on either side.
  assert.equal(holds("AnyNotIn", "alpine", ["al*"], "value"), false);
  assert.equal(holds("AllNotIn", "secret-*", ["secret-a"], "key"), false);
  assert.equal(holds("AllNotIn", "secret-a", ["secret-*"], "key"), true);
  assert.equal(holds("AnyNotIn", "alpha", "alpha", "key"), false);
});

// ── blocks

/** `$name` is a variable, `$!text` one that fails. */
function compile(tree: unknown): Template {
  if (typeof tree !== "string" || !tree.startsWith("$")) return { isStatic: true, evaluate: () => tree };
  return {
    isStatic: false,
    evaluate: () => {
      if (tree.startsWith("$!")) throw new Failure(tree.slice(2));
      return tree.slice(1);
    },
  };
}

function check(tree: unknown, settings = {}): unknown {
  const scope = { evaluation: { budget: budget() } } as unknown as Scope;
  try {
    return checkConditions(compileConditions(tree, compile, settings), scope);
  } catch (error) {
    assert.ok(error instanceof Failure);
    return error.message;
  }
}

const yes = { key: "a", operator: "Equals", value: "a" };
const no = { key: "a", operator: "Equals", value: "b" };

test("all conditions of `all` and one of `any` have to hold", () => {
  const met = (tree: unknown): unknown => (check(tree) as { met: boolean }).met;
  assert.equal(met(null), true);
  assert.equal(met({}), true);
  assert.equal(met({ all: [] }), true);
  assert.equal(met({ any: [] }), false);
  assert.equal(met({ any: [no, yes] }), true);
  assert.equal(met({ any: [no, no] }), false);
  assert.equal(met({ all: [yes, no] }), false);
  assert.equal(met({ any: [yes], all: [no] }), false);
  assert.equal(met({ any: [yes], all: [yes] }), true);
  assert.equal(met([yes, yes]), true);
  assert.equal(met([yes, no]), false);
  assert.equal(met([]), true);
});

test("messages are those of the conditions that decided", () => {
  const y = (message: string) => ({ ...yes, message });
  const n = (message: string) => ({ ...no, message });
  assert.deepEqual(check({ any: [n("1"), y("2"), y("3")], all: [y("4"), y("")] }), { met: true, message: "2; 4" });
  assert.deepEqual(check({ any: [n("1"), n("2")], all: [y("3"), n("4"), n("5")] }), { met: false, message: "1; 2; 4" });
  assert.deepEqual(check([y("1"), y("2")]), { met: true, message: "1;2" });
  assert.deepEqual(check([y("1"), n("2"), n("3")]), { met: false, message: "2" });
});

test("errors have Kyverno's texts and come before what follows", () => {
  const failing = (field: "key" | "value") => ({ ...yes, [field]: "$!no such thing" });
  assert.equal(check([failing("key")]), "failed to substitute variables in condition key: no such thing");
  assert.equal(check({ all: [failing("value")] }), "failed to substitute variables in condition value: no such thing");
  assert.equal(check([{ ...yes, operator: "Is" }]), "failed to create handler for condition operator: %!w(<nil>)");
  assert.deepEqual(check([no, failing("key")]), { met: false, message: "" });
  assert.deepEqual(check({ any: [yes, failing("key")] }), { met: true, message: "" });
  assert.equal(
    check({ any: [no], all: [failing("key")] }),
    "failed to substitute variables in condition key: no such thing",
  );
});

test("the side with variables is the requester's", () => {
  const denied = (condition: object, settings = {}) => (check([condition], settings) as { met: boolean }).met;
  const allowList = { key: "$*", operator: "AnyNotIn", value: ["alpha"] };
  assert.equal(denied(allowList), true);
  assert.equal(denied(allowList, { peerAnswers: true }), false);
  assert.equal(denied({ key: "al*", operator: "AllNotIn", value: "$alpha" }), true);
  assert.equal(denied({ key: "al*", operator: "AllNotIn", value: ["alpha"] }), false);
});
