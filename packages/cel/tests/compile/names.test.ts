// What names stand for in a namespace, and which of a variable and a fold's variable of the same name counts. cel-go 0.26 looks
// in the namespace first, 0.30 among the variables of folds (checker/env.go).

import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "../../src/1-parse/parser.ts";
import { check } from "../../src/2-check/check.ts";
import type { Checked } from "../../src/checked.ts";
import {
  type Dialect,
  createEnvironment,
  kubernetes136,
  kubernetesOnCelGo30,
  typeText,
  types,
} from "../../src/index.ts";
import { kubernetesLibraries } from "../../src/kubernetes/libraries.ts";

const environmentOf = (dialect: Dialect) =>
  createEnvironment({
    libraries: kubernetesLibraries(dialect),
    variables: { x: types.int, "a.x": types.string, "a.b.y": types.bool },
    container: "a.b",
    dialect,
  });

function checkedOf(expression: string, dialect: Dialect): Checked {
  const environment = environmentOf(dialect);
  const { checked, issues } = check(parse(expression, environment).value ?? assert.fail(), environment);
  return checked ?? assert.fail(issues[0]?.message);
}

const typeOf = (expression: string, dialect: Dialect): string => typeText(checkedOf(expression, dialect).result);

for (const dialect of [kubernetes136, kubernetesOnCelGo30]) {
  test(`cel-go 0.${dialect.celGo}: a name is looked for in the namespace, and then in those around it`, () => {
    assert.equal(typeOf("x", dialect), "string");
    assert.equal(typeOf(".x", dialect), "int");
    assert.equal(typeOf("y", dialect), "bool");
    assert.equal(typeOf("b.y", dialect), "bool");
    assert.equal(typeOf("a.b.y", dialect), "bool");
    assert.equal(typeOf(".a.x", dialect), "string");
  });

  test(`cel-go 0.${dialect.celGo}: qualified names and functions of a namespace have neither operand nor receiver`, () => {
    const { expression, references } = checkedOf("a.b.y", dialect);
    assert.deepEqual(expression, { kind: "name", id: expression.id, name: "a.b.y" });
    assert.deepEqual(references.get(expression.id), { name: "a.b.y" });
    const call = checkedOf("ip.isCanonical('::1')", dialect).expression;
    assert.ok(call.kind === "call" && call.target === null && call.function === "ip.isCanonical");
  });
}

test("a fold's variable hides what is outside only since cel-go 0.30", () => {
  assert.equal(typeOf("[1.5].map(x, x)", kubernetes136), "list(string)");
  assert.equal(typeOf("[1.5].map(x, x)", kubernetesOnCelGo30), "list(double)");
  assert.equal(typeOf("[1.5].map(x, .x)", kubernetesOnCelGo30), "list(int)");
  assert.equal(typeOf("[{'y': 1}].map(b, b.y)", kubernetesOnCelGo30), "list(int)");
  assert.equal(typeOf("[{'y': 1}].map(b, b.y)", kubernetes136), "list(bool)");
});

test("an environment is not changed by what is added to another", () => {
  const before = environmentOf(kubernetes136);
  const after = before.extend({
    variables: { z: types.struct("Z") },
    structs: [{ name: "Z", fields: { a: types.int } }],
  });
  const parsed = parse("z.a + Z{a: 1}.a", before).value ?? assert.fail();
  assert.equal(check(parsed, before).checked, null);
  assert.deepEqual(check(parsed, after).checked?.result, types.int);
});
