// What holds for every policy, tried on made-up ones.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Source } from "@portcullis/lang";
import fc from "fast-check";
import { type Checked, compileToChecked, type Expr, exprText } from "../../src/index.ts";
import { outputsOfExpr, reservedNames, safetyVars } from "../../src/outputs.ts";
import { checkedText } from "../checkedtext.ts";

const name = fc.constantFrom("x", "y", "z", "w");
const operand = fc.oneof(
  name,
  fc.constantFrom("1", '"a"', "input.l[_]", "input.m"),
  name.map((one) => `input[${one}]`),
  fc.tuple(name, name).map(([one, other]) => `[${one}, ${other}]`),
  fc.tuple(name, name).map(([one, other]) => `[${one} | ${one} = input.l[${other}]]`),
  name.map((one) => `count(${one})`),
);
const literal = fc.oneof(
  fc.tuple(operand, operand).map(([left, right]) => `${left} = ${right}`),
  fc.tuple(operand, operand).map(([left, right]) => `${left} != ${right}`),
  fc.tuple(operand, operand).map(([left, right]) => `not ${left} == ${right}`),
  operand,
  fc.tuple(name, operand).map(([one, domain]) => `every v in ${domain} { v != ${one} }`),
);
const body = fc.array(literal, { minLength: 1, maxLength: 6 });

function checkText(text: string): ReturnType<typeof compileToChecked> {
  return compileToChecked({ modules: [{ source: new Source("p.rego", text), version: "v1" }] });
}

test("a body that is accepted is ordered so that every literal finds its inputs bound", () => {
  fc.assert(
    fc.property(body, (literals) => {
      const { value } = checkText(`package p\n\np if {\n  ${literals.join("\n  ")}\n}\n`);
      if (value === null) return;
      const bound = new Set(reservedNames);
      for (const expr of bodyOf(value)) {
        for (const output of outputsOfExpr(expr, builtinArity, bound)) bound.add(output);
        const open = [...safetyVars(expr, builtinArity)].filter((one) => !bound.has(one));
        assert.deepEqual(open, [], exprText(expr));
      }
    }),
    { numRuns: 300 },
  );
});

function bodyOf(checked: Checked): readonly Expr[] {
  return checked.modules[0]?.rules[0]?.body ?? [];
}

/** `count` and the comparisons are all that the literals call. */
function builtinArity(operator: Parameters<Parameters<typeof outputsOfExpr>[1]>[0]): number {
  return operator.head.kind === "var" && operator.head.name === "count" ? 1 : 2;
}

test("the order of the literals does not decide whether a body is accepted", () => {
  fc.assert(
    fc.property(body, (literals) => {
      // OPA (and we) take `[x, y] = [z | … x …]` only before a literal that binds some of its variables: an exception.
      fc.pre(!literals.some((one) => / = /.test(one) && / \| /.test(one) && /\[\w, \w\]/.test(one)));
      const accepts = (some: readonly string[]): boolean => {
        const { diagnostics } = checkText(`package p\n\np if {\n  ${some.join("\n  ")}\n}\n`);
        return !diagnostics.some(({ code }) => code === "rego_unsafe_var_error");
      };
      assert.equal(accepts(literals), accepts(literals.toReversed()));
    }),
    { numRuns: 200 },
  );
});

test("the order of the modules changes nothing", () => {
  const texts = [
    "package a\n\np := data.b.q + 1\n",
    "package b\n\nq := count(data.c.r)\n",
    "package c\n\nr contains 1\n",
  ];
  const modules = texts.map((text, at) => ({ source: new Source(`${at}.rego`, text), version: "v1" as const }));
  const text = (some: typeof modules): string => {
    const { value } = compileToChecked({ modules: some });
    assert.ok(value !== null);
    return checkedText(value);
  };
  assert.equal(text(modules.toReversed()), text(modules));
});

test("nested closures take no exponential time", () => {
  let term = "input.x";
  for (let depth = 0; depth < 40; depth++) term = `[x${depth} | x${depth} := ${term}]`;
  assert.deepEqual(checkText(`package p\n\np := ${term}\n`).diagnostics, []);
});

test("a type that holds itself twice, again and again, takes no exponential time", () => {
  const forms = [(x: string) => `[${x}, ${x}]`, (x: string) => `{"a": ${x}, "b": ${x}}`];
  for (const form of forms) {
    const rules = Array.from({ length: 60 }, (_, at) => `x${at + 1} := ${form(`x${at}`)}`);
    const text = `package p\n\nx0 := input.x\n${rules.join("\n")}\np if { x60 == x59; x60[_] == x58 }\n`;
    assert.deepEqual(checkText(text).diagnostics, []);
  }
});
