// What programs answer, by the parts of the language. Each expectation is OPA's.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { programOf, evaluationOf, type Given, valueOfP } from "./program.ts";

interface Case {
  readonly name: string;
  readonly module: string;
  readonly given?: Given;
  readonly want: string;
}

const cases: readonly Case[] = [
  // Undefined is not false.
  { name: "a comparison with undefined is undefined", module: "p := input.a == 1", want: "undefined" },
  { name: "an undefined element takes the literal with it", module: "p := [1, input.a]", want: "undefined" },
  { name: "a comprehension over undefined is empty", module: "p := [x | x := input.a[_]]", want: "[]" },
  { name: "legacy not hoists references of calls", module: 'p if not startswith(input.a, "a")', want: "undefined" },
  { name: "not of an undefined comparison holds", module: "p if not input.a.b == 1", want: "true" },
  { name: "every over nothing holds", module: "p if every x in [] { x > 1 }", want: "true" },
  { name: "every over undefined is undefined", module: "p if every x in input.a { x > 1 }", want: "undefined" },
  {
    name: "every passes over elements that its domain's own variable rules out",
    module: 'p := [u | u := "none"; every k, v in {"a": {"b": 1}}[v] { k == v }]',
    want: '["none"]',
  },
  {
    name: "every over a scalar is undefined",
    module: "p if every x in input { x > 1 }",
    given: { input: "1" },
    want: "undefined",
  },
  {
    name: "a default below a rule with variables is not looked at",
    module: 'r[k] := k if some k in ["b", "y"]\ndefault r.b := 1\ndefault r.c := 2\np := [r, [v | v := r.c]]',
    want: '[{"b":"b","y":"y"},[]]',
  },
  // Unification.
  { name: "arrays are taken apart", module: "p := [x, y] if [x, [2, y]] = [1, [2, 3]]", want: "[1,3]" },
  {
    name: "objects need the same keys",
    module: 'p if {"a": _} = input',
    given: { input: '{"a":1,"b":2}' },
    want: "undefined",
  },
  { name: "a variable on both sides finds its value", module: "p := x if [x, 1] = [y, y]", want: "1" },
  {
    name: "a pattern in a function's parameter",
    module: 'f([x, {"a": y}]) := x + y\np := f([1, {"a": 2}])',
    want: "3",
  },
  { name: "the same parameter twice", module: "f(x, x) := x\np := [f(1, 1), [y | y := f(1, 2)]]", want: "[1,[]]" },
  {
    name: "a set is searched with a partly known key",
    module: 's contains {"k": k, "v": v} if some k, v in {"a": 1, "b": 2}\np := x if s[{"k": "b", "v": x}]',
    want: "2",
  },
  {
    name: "numbers are equal by value",
    module: "p if input.a[1.0] = 2.0",
    given: { input: '{"a":[1,2]}' },
    want: "true",
  },
  {
    name: "a set gathers the values of all rules below a document",
    module: "a.b := 1\na.c := 2\na.d := 3\np := {x | x := a[_]}",
    want: "[1,2,3]",
  },
  {
    name: "a variable that waits for itself is no error where it is not reached",
    module: "p := x if {\n  input.a\n  count({x}, x)\n}",
    want: "undefined",
  },
  {
    name: "a constant is no array",
    module: 'p contains z if {\n  {"x": z, "y": 2} = {"x": y, "y": y}\n  z = [1, y]\n}',
    want: "[]",
  },
  {
    name: "an unbound variable in a set or key equals nothing",
    module: "p := [x | r[{x}]]\nr contains {1}",
    want: "[]",
  },
  {
    name: "what only its own members could bind is undefined",
    module: "p := [x | walk(x.a, [_, x])]",
    want: "[]",
  },
  {
    name: "a call without arguments of a rule whose type is not known is its value",
    module: "q := input\np := [q(), x] if q(x)",
    given: { input: "1" },
    want: "[1,1]",
  },
  // Order.
  {
    name: "arrays keep their order, sets and objects are sorted",
    module: 'p := [[x | some x in {3, 1, 2}], [k | some k, _ in {"10": 1, "9": 2, "a": 3}]]',
    want: '[[1,2,3],["10","9","a"]]',
  },
  // Rules.
  { name: "else takes the first that holds", module: "p := 1 if false\nelse := 2 if true\nelse := 3", want: "2" },
  { name: "a default stands in", module: "default p := 7\np := 1 if false", want: "7" },
  { name: "a default function", module: "default f(_) := 7\nf(x) := x if x > 5\np := [f(1), f(6)]", want: "[7,6]" },
  {
    name: "references in heads build one object",
    module: 'p.a[x].b := x if some x in ["k", "l"]\np.c contains y if some y in [2, 1]\np.d := 4',
    want: '{"a":{"k":{"b":"k"},"l":{"b":"l"}},"c":[1,2],"d":4}',
  },
  {
    name: "a package is a document of its rules",
    module: "q := 1\nf(x) := x\nr if false\np := x if x := data.test.q",
    want: "1",
  },
  {
    name: "base and virtual documents are one",
    module: "p := [[k, v] | some k, v in data.other]",
    given: { data: '{"other":{"base":1}}' },
    want: '[["base",1]]',
  },
  {
    name: "one of many definitions is chosen by its constant",
    module:
      'f("a") := 1\nf("b") := 2\nf("c") := input.c\nf(null) := 3\nf(true) := 4\ndefault f(_) := 9\n' +
      'p := [f("a"), f("c"), f("zz"), f(null), f(true), f(1)]',
    given: { input: '{"c":5}' },
    want: "[1,5,9,3,4,9]",
  },
  {
    name: "one of many rules is chosen by what they all look at",
    module:
      'g := 1 if input.k == "a"\ng := input.m if {\n input.k == "b"\n input.m > 1\n}\n' +
      'g := 3 if "c" == input.k\ng := 4 if input.k == true\np := [g, x] if x := g with input.k as "c"',
    given: { input: '{"k":"b","m":7}' },
    want: "[7,3]",
  },
  // Calls.
  { name: "a built-in with its result as an argument", module: "p := x if count([1, 2], x)", want: "2" },
  { name: "a call that is false fails", module: "f(x) := false\np if f(1)", want: "undefined" },
  { name: "walk has many answers", module: 'p := [path | walk({"a": [1]}, [path, _])]', want: '[[],["a"],["a",0]]' },
  {
    name: "arithmetic of small integers and of others",
    module: "p := [1 + 2, 0.1 + 0.2, 7 - 8, 3 * 4]",
    want: "[3,0.3,-1,12]",
  },
  // with.
  {
    name: "with replaces the input",
    module: "q := input.a\np := [q, x] if x := q with input.a as 2",
    given: { input: '{"a":1}' },
    want: "[1,2]",
  },
  {
    name: "later modifiers see earlier ones",
    module: "p := x if x := input with input as {} with input.a.b as 1",
    want: '{"a":{"b":1}}',
  },
  { name: "with replaces a rule", module: "q := 1\np := [q, x] if x := q with data.test.q as 2", want: "[1,2]" },
  {
    name: "with replaces part of a base document",
    module: "p := x if x := data.b with data.b.c as 2",
    given: { data: '{"b":{"a":1,"c":1}}' },
    want: '{"a":1,"c":2}',
  },
  { name: "with replaces a function by a value", module: "f(x) := x\np := x if x := f(1) with f as 5", want: "5" },
  {
    name: "with replaces a built-in by a function",
    module: "f(x) := 9\np := x if x := count([1]) with count as f",
    want: "9",
  },
  {
    name: "a stand-in calls the real function",
    module: "f(x) := count(x) + 10\np := x if x := count([1]) with count as f",
    want: "11",
  },
  {
    name: "an undefined value makes the literal undefined",
    module: "p if true with input as input.nope",
    want: "undefined",
  },
  {
    name: "what does not see the input keeps its value",
    module: "q := count(numbers.range(1, 3))\np := x if x := q with input as 1",
    want: "3",
  },
  // Objects.
  {
    name: "keys of any type",
    module: 'p := {1: "a", [2]: "b", {"k": 3}: "c"}',
    want: '{"1":"a","[2]":"b","{\\"k\\":3}":"c"}',
  },
  {
    name: "equal keys of a comprehension with equal values",
    module: "p := {k: 1 | some k in [1, 1.0]}",
    want: '{"1":1}',
  },
  // Numbers in paths of base documents are storage paths.
  {
    name: "a number finds a key of a base document",
    module: "p := data.b[2]",
    given: { data: '{"b":{"2":1}}' },
    want: "1",
  },
  {
    name: "but not a key of the input",
    module: "p := input.b[2]",
    given: { input: '{"b":{"2":1}}' },
    want: "undefined",
  },
];

suite("evaluate", () => {
  for (const { name, module, given, want } of cases) {
    test(name, () => assert.equal(valueOfP(module, given), want));
  }
});

suite("errors", () => {
  const errors: readonly { readonly module: string; readonly want: string }[] = [
    {
      module: "p := 1 if true\np := 2 if true",
      want: "test-0.rego:3: eval_conflict_error: rule data.test.p produced conflicting values:\n  1 at test-0.rego:2\n  2 at test-0.rego:3",
    },
    {
      module: "a.b := 1\na.c := 2\np := a[_]",
      want: "test-0.rego:4: eval_conflict_error: rule data.test.p produced conflicting values:\n  1 at test-0.rego:4\n  2 at test-0.rego:4",
    },
    {
      module: "a.true := 1\na.true := 2\np := a.true",
      want: 'test-0.rego:3: eval_conflict_error: rule data.test.a["true"] produced conflicting values:\n  1 at test-0.rego:2\n  2 at test-0.rego:3',
    },
    {
      module: "p := x if count({x}, x)",
      want: "test-0.rego:2: eval_internal_error: built-in function count called with operand 1 that requires evaluation: {x}",
    },
    {
      module: "p := f(1)\nf(x) := y if some y in [1, 2]",
      want: "test-0.rego:3: eval_conflict_error: function data.test.f produced conflicting values for the same inputs:\n  1 at test-0.rego:3\n  2 at test-0.rego:3",
    },
    {
      module: "p := {k: v | some v in [1, 2]; k := 1}",
      want: "test-0.rego:2: eval_conflict_error: object keys must be unique",
    },
    {
      module: "p[k] := v if {\n some v in [1, 2]\n k := 1\n}",
      want: "test-0.rego:2: eval_conflict_error: object keys must be unique",
    },
  ];
  for (const { module, want } of errors) {
    test(want.split("\n")[0] ?? "", () => {
      assert.throws(
        () => valueOfP(module),
        (error) => String(error) === want,
      );
    });
  }

  test("a conflict under another key is none", () => {
    assert.equal(valueOfP("q[k] := v if some [k, v] in [[1, 1], [1, 2], [2, 3]]\np := q[2]"), "3");
  });

  test("a built-in's error is undefined, or ends the query where errors are strict", () => {
    const module = 'package test\np := to_number("x")';
    const lax = programOf([module], { entrypoints: ["data.test.p"] });
    assert.equal(lax.entry("data.test.p", evaluationOf({})), undefined);
    const strict = programOf([module], { entrypoints: ["data.test.p"], strict: true });
    assert.throws(
      () => strict.entry("data.test.p", evaluationOf({})),
      (error) => String(error).startsWith("test-0.rego:2: eval_builtin_error: to_number: "),
    );
  });
});

suite("query", () => {
  test("gives every solution with the variables as written", () => {
    const program = programOf([], { query: "some x in [1, 2]; y = x + 1" });
    assert.deepEqual(program.query(evaluationOf({})), [
      { x: 1, y: 2 },
      { x: 2, y: 3 },
    ]);
  });

  test("asks rules by their paths, and one that is not there is undefined", () => {
    const program = programOf(["package test\np := 1"], { entrypoints: ["data.test.p", "data.nope.q"] });
    assert.equal(program.entry("data.test.p", evaluationOf({})), 1);
    assert.equal(program.entry("data.nope.q", evaluationOf({})), undefined);
  });
});

suite("print", () => {
  test("prints in the order of evaluation, with what is undefined shown so", () => {
    const lines: string[] = [];
    const program = programOf(['package test\np if {\n some x in [1, 2]\n print("x is", x, input.nope)\n x == 2\n}'], {
      entrypoints: ["data.test.p"],
      print: true,
    });
    program.entry(
      "data.test.p",
      evaluationOf({ print: (text, { file, line }) => lines.push(`${file}:${line} ${text}`) }),
    );
    assert.deepEqual(lines, ["test-0.rego:4 x is 1 <undefined>", "test-0.rego:4 x is 2 <undefined>"]);
  });
});

suite("trace", () => {
  test("tells which literal failed, with what the variables were bound to", () => {
    const events: string[] = [];
    const module =
      'package test\np contains msg if {\n c := input.cs[_]\n not startswith(c, "ok")\n msg := upper(c)\n}';
    const program = programOf([module], { entrypoints: ["data.test.p"], trace: true });
    program.entry(
      "data.test.p",
      evaluationOf({
        input: '{"cs":["bad","ok1"]}',
        trace: ({ op, line, text, locals }) => events.push(`${op} ${line} ${text} ${JSON.stringify([...locals])}`),
      }),
    );
    assert.deepEqual(events, [
      "enter 2 p contains msg []",
      'literal 3 c := input.cs[_] [["c","bad"]]',
      'literal 4 not startswith(c, "ok") [["c","bad"]]',
      'literal 5 msg := upper(c) [["c","bad"],["msg","BAD"]]',
      'exit 2 p contains msg [["c","bad"],["msg","BAD"]]',
      'literal 3 c := input.cs[_] [["c","ok1"]]',
      'fail 4 not startswith(c, "ok") [["c","ok1"]]',
    ]);
  });
});
