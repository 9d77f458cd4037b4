// Where our answer is not OPA's: rows O1 to O21 of docs/compatibility.md.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compileFunction } from "node:vm";
import { Budget, LimitError, Source, type World, numberOf } from "@portcullis/lang";
import { compile, compileToChecked } from "../src/compile.ts";
import { lookup } from "../src/builtins/registry.ts";
import type { Load } from "../src/program.ts";
import type { Value } from "../src/runtime/value.ts";
import { programOf, evaluationOf, valueOfP } from "./5-emit/program.ts";

function messages(text: string): readonly string[] {
  const { diagnostics } = compileToChecked({ modules: [{ source: new Source("test.rego", text), version: "v1" }] });
  return diagnostics.map(({ message }) => message);
}

/** The value, or the error that the call reports. */
function answer(name: string, ...operands: readonly Value[]): Value | undefined {
  let error: string | undefined;
  const fail = (message: string): undefined => {
    error = message;
  };
  const budget = new Budget({}, () => 0);
  const call = { world: {} as World, budget, cache: new Map(), fail, failType: fail };
  return lookup(name)?.evaluate(call, ...operands) ?? error;
}

test("deviation O1: the address of a big integer in memory is not printed", () => {
  const printed = answer("sprintf", "%p", [numberOf("12345678901234567890123")]);
  assert.equal(printed, "%!p(big.Int=12345678901234567890123)");
});

test("deviation O2: terms that nest deeper than the phases can walk are refused", () => {
  const tooDeep = "max parsing recursion depth exceeded";
  assert.equal(messages(`package t\na := ${"[".repeat(400)}${"]".repeat(400)}\n`)[0], tooDeep);
  assert.equal(messages(`package t\na := ${Array.from({ length: 800 }, () => "1").join("+")}\n`)[0], tooDeep);
  assert.deepEqual(messages(`package t\na := ${"[".repeat(200)}${"]".repeat(200)}\n`), []);
  assert.deepEqual(messages(`package t\na := ${Array.from({ length: 500 }, () => "1").join("+")}\n`), []);
});

test("deviation O3: broken YAML in an annotation is reported in the words of our reader", () => {
  assert.deepEqual(messages("# METADATA\n# title: !x y\npackage t\n"), ["yaml: line 1: unknown scalar tag !<!x>"]);
});

test("deviation O4: calls that would make too much end the policy before they do", () => {
  const limited = (name: string, ...operands: readonly Value[]): Value | undefined => {
    const budget = new Budget({ steps: 1_000_000 }, () => 0);
    const call = { world: {} as World, budget, cache: new Map(), fail: () => undefined, failType: () => undefined };
    return lookup(name)?.evaluate(call, ...operands);
  };
  assert.throws(() => limited("numbers.range", 0, 1e9), LimitError);
  assert.throws(
    () =>
      limited(
        "sprintf",
        "%999999d".repeat(1000),
        Array.from({ length: 1000 }, () => 1),
      ),
    LimitError,
  );
  const large = numberOf("9".repeat(100_000));
  assert.ok(["undefined", "LimitError"].includes(outcomeOf(() => limited("mul", large, large))));
  assert.equal(limited("sprintf", "%5d", [1]), "    1");
});

function outcomeOf(evaluate: () => Value | undefined): string {
  try {
    return evaluate() === undefined ? "undefined" : "a value";
  } catch (error) {
    return error instanceof LimitError ? "LimitError" : "another error";
  }
}

test("deviation O5: a GraphQL tree with holes is not valid, and nothing crashes", () => {
  const schema = "type Query { a: Query } directive @d on QUERY";
  const directive = { Name: "d" };
  const inWrongPlace = { Operations: [{ SelectionSet: [{ Name: "a", Directives: [directive] }] }] };
  for (const query of [{ Operations: [null] }, { Operations: [{ Operation: "x" }] }, inWrongPlace]) {
    assert.equal(answer("graphql.is_valid", query, schema), false);
  }
  assert.equal(answer("graphql.schema_is_valid", { Definitions: [{ Fields: [{ Name: "a" }] }] }), false);
  assert.equal(answer("graphql.parse", { Operations: [null] }, schema), "the document has a part that is null");
});

test("deviation O6: no address in memory and no accidental order is in an error", () => {
  const key = [
    "-----BEGIN EC PRIVATE KEY-----",
    "MGgCAQEEHJKQreI5oJkykNwvQNIk8By7KL1Q2vWxvd0FAbSgBwYFK4EEACGhPAM6",
    "AAS7uzWWE0chUUXAk4qwnrKEjG81P5uKETGUt1ngJEHphGO8Uoe1J1keeTPnttxw",
    "aQvk8BmNXpxFLg==",
    "-----END EC PRIVATE KEY-----",
  ].join("\n");
  const error = JSON.stringify(answer("crypto.x509.parse_rsa_private_key", `${key}\n`));
  assert.match(error, /unknown elliptic curve: P-224"$/);
  const query = "fragment F on Txpe { a } { ...F }";
  const schema = "type Type { a: Int } type Tape { a: Int } type Query { a: Int }";
  const suggestions = JSON.stringify(answer("graphql.parse", query, schema)).replaceAll("\\", "");
  assert.match(suggestions, /Did you mean "Tape" or "Type"/);
});

test("deviation O7: a GraphQL document that nests deeper than 500 brackets ends the policy", () => {
  assert.throws(() => answer("graphql.parse_query", `${"{a".repeat(501)}${"}".repeat(501)}`), LimitError);
  assert.ok(typeof answer("graphql.parse_query", `${"{a".repeat(500)}${"}".repeat(500)}`) === "object");
});

test("deviation O9: a variable that waits for itself ends the query where it is reached", () => {
  const load: Load = (code, parameters) => compileFunction(code, [...parameters]) as ReturnType<Load>;
  const source = new Source("test.rego", "package t\np := x if x = {x}\n");
  const { value } = compile({ modules: [{ source, version: "v1" }], entrypoints: ["data.t.p"], load });
  assert.throws(() => value?.entry("data.t.p", { world: {} as World, budget: new Budget({}, () => 0) }), {
    code: "eval_internal_error",
    message: "var x requires evaluation",
  });
});

test("deviation O10: a text that ends too early has its end on a line and column that are there", () => {
  const source = new Source("test.rego", "package t\np if {\n");
  const { diagnostics } = compileToChecked({ modules: [{ source, version: "v1" }] });
  assert.deepEqual(
    diagnostics.map(({ span }) => span && source.position(span.start)),
    [{ line: 3, column: 1 }],
  );
});

test("deviation O8: references that types rule out are reported at their own places", () => {
  const text = 'package t\ns := {"a": 1}\np if s.b == 2\n\nq if s.c == 3\n';
  const source = new Source("test.rego", text);
  const { diagnostics } = compileToChecked({ modules: [{ source, version: "v1" }] });
  const places = diagnostics.map(({ message, span }) => [
    message.split("\n")[0],
    span === null ? 0 : source.position(span.start).line,
  ]);
  assert.deepEqual(places, [
    ["undefined ref: data.t.s.b", 3],
    ["undefined ref: data.t.s.c", 5],
  ]);
});

test("deviation O12: a literal with a closure waits for its other variables, or is unsafe", () => {
  assert.deepEqual(messages("package t\np if { q := 1; not [y | y := q] == z }\n"), ["var z is unsafe"]);
  assert.equal(valueOfP("p if { q := 1; not [y | y := q] == z; z = [2] }"), "true");
  assert.equal(valueOfP("p if { q := 1; every x in z { x > q }; z = [2] }"), "true");
});

test("deviation O13: a variable in a collection is no value of its own", () => {
  const given = { input: '{"a":3}' };
  assert.equal(valueOfP("p if input.a in {2, input.a}", given), "true");
  assert.equal(valueOfP("f(x) if x in [1, x]\np if f(3)", given), "true");
});

test("deviation O14: a body that never holds is not forgotten", () => {
  assert.equal(valueOfP("q := 1\np contains q if not true"), "[]");
});

test("deviation O15: a comprehension has the variables from outside from its start", () => {
  const module = 'p := x if { some v in ["a"]; x := [y | startswith(v, "a"); y := input[v]] }';
  assert.equal(valueOfP(module, { input: '{"a":1}' }), "[1]");
});

test("deviation O16: a conflict comes before what follows from one of its values", () => {
  const rules = "r := 1\nr := 2 if input.a\np := {x: y | some x in [1, 1]; some y in [r, 7]}";
  assert.throws(() => valueOfP(rules, { input: '{"a":1}' }), /produced conflicting values/);
});

test("deviation O17: a number that was read from a text is one that JSON can write", () => {
  assert.equal(valueOfP('p := [to_number(x) | some x in ["+1", ".5", "1_0"]]'), "[1,0.5,10]");
});

test("deviation O18: nothing is left of a document that was replaced", () => {
  const modules = ["package a.b.c\nr := 1", 'package t\np := x if x := data.a with data.a.b as {"z": 1}'];
  const program = programOf(modules, { entrypoints: ["data.t.p"] });
  assert.deepEqual(JSON.stringify(program.entry("data.t.p", evaluationOf({}))), '{"b":{"z":1}}');
});

test("deviation O19: a rule with a number in its reference stands beside a package", () => {
  const program = programOf(["package t\nq[1] := 1", "package t.q.a\nr := 1"], { entrypoints: ["data.t.q.a.r"] });
  assert.equal(program.entry("data.t.q.a.r", evaluationOf({})), 1);
});

const conflicting = "f(x) := 1 if x\nf(x) := 2 if x\n";

test("deviation O20: a rule that fails for one key fails for whoever reads another", () => {
  const rules = `${conflicting}r[k] := y if { k := "a"; y := f(true) }\nr[k] := 1 if some k in ["c"]\np := r.c`;
  assert.throws(() => valueOfP(rules), { subject: "function data.test.f" });
});

test("deviation O21: a literal of OPA's index is looked at where it stands, but for the commonest", () => {
  const rule = (last: string): string => `${conflicting}p if { f(true); ${last} }`;
  const given = { input: '{"x":"b","xs":[1]}' };
  const fails = ['startswith(input.x, "a")', "input.x in input.xs", "[1] in input.xs", 'input.x in {"b"}'];
  for (const last of fails) assert.throws(() => valueOfP(rule(last), given), { subject: "function data.test.f" }, last);
  const guards = ['input.x == "a"', 'input.x in {"a"}', '"a" in input.xs', "input.none in [1]"];
  for (const last of guards) assert.equal(valueOfP(rule(last), given), "undefined", last);
});
