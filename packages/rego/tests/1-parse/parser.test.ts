// The parser against case files whose expected texts were compared with OPA 1.22 (`opa parse`): errors with their
// positions and excerpts, and trees. Then what no list of cases can say: it never throws, and stays linear and shallow.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { type Diagnostic, Source, spanText } from "@portcullis/lang";
import * as fc from "fast-check";
import { parseModule, parseQuery, type ParseOptions } from "../../src/1-parse/parser.ts";
import type { Module, RegoVersion } from "../../src/ast.ts";
import { isConstant, rewriteModule, vars, walk } from "../../src/visit.ts";
import { bodyText, moduleText } from "./sexpr.ts";

interface Case {
  readonly name: string;
  readonly input: string;
  readonly expected: string;
}

/** `=== name`, the input, `---`, what is expected. `␍` stands for a carriage return. */
function cases(file: string): Case[] {
  const text = readFileSync(new URL(`cases/${file}.txt`, import.meta.url), "utf8");
  return text
    .split(/^=== /m)
    .slice(1)
    .map((part) => {
      const [head = "", expected = ""] = part.split(/^---\n/m);
      const end = head.indexOf("\n");
      const input = head.slice(end + 1, -1).replaceAll("␍", "\r");
      return { name: head.slice(0, end), input, expected: expected.replace(/\n$/, "") };
    });
}

function parse(text: string, version: RegoVersion = "v1", options: ParseOptions = {}) {
  return parseModule({ source: new Source("a.rego", text), version }, options);
}

function tree(text: string, version: RegoVersion = "v1", options: ParseOptions = {}): Module {
  const { value, diagnostics } = parse(text, version, options);
  assert.ok(value !== null, diagnostics.map(errorText).join("\n"));
  return value;
}

function errorText({ code, message, span, notes = [] }: Diagnostic): string {
  assert.ok(span !== null);
  const { line, column } = span.source.position(span.start);
  return `${line}:${column}: ${code}: ${message}${notes.map((note) => `\n\t${note.message}`).join("")}`;
}

function errors(text: string, version: RegoVersion = "v1", options: ParseOptions = {}): string {
  const { value, diagnostics } = parse(text, version, options);
  assert.equal(value, null);
  return diagnostics.map(errorText).join("\n");
}

for (const version of ["v0", "v1"] as const) {
  suite(`trees of ${version}`, () => {
    for (const { name, input, expected } of cases(`trees-${version}`)) {
      test(name, () => assert.equal(moduleText(tree(input, version)), expected));
    }
  });
  suite(`errors of ${version}`, () => {
    for (const { name, input, expected } of cases(`errors-${version}`)) {
      test(name, () => assert.equal(errors(input, version), expected));
    }
  });
}

suite("errors that no case file can hold", () => {
  test("a null character is blamed on the token before it", () => {
    assert.match(errors("package a\np := a\0b"), /^2:6: rego_parse_error: illegal null character\n/);
  });
  test("a non-breaking space", () => {
    assert.match(errors("package a\np :=\u00a01"), /^2:5: .*illegal non-breaking space character/);
  });
  test("an empty module", () => assert.match(errors("# nothing\n"), /rego_parse_error: empty module$/));
});

suite("queries", () => {
  const query = (text: string) => parseQuery({ source: new Source("", text), version: "v1" });
  test("literals with semicolons and lines", () => {
    const { value } = query("x := data.a.p; y = x\n not y with input as 1");
    assert.equal(bodyText(value ?? []), '{assign(x, data["a"]["p"]); eq(y, x); !y with input as 1}');
  });
  test("rules are no queries", () => assert.notEqual(query("p if { true }").value?.length, 1));
  test("an import is no query", () => assert.equal(query("import data.x").value, null));
});

suite("the grammar of OPA 1.17, which Gatekeeper uses", () => {
  const all = "package a\nimport future.keywords\np if { not x }";
  test("importing all keywords leaves not as it was", () => {
    assert.equal(tree(all, "v0", { opa: "1.17" }).rules[0]?.body[0]?.kind, "term");
    assert.equal(tree(all, "v0").rules[0]?.body[0]?.kind, "not");
  });
  test("importing not changes it", () => {
    const text = "package a\nimport future.keywords.not\np if { not x }";
    assert.equal(tree(text, "v0", { opa: "1.17" }).rules[0]?.body[0]?.kind, "not");
  });
  test("and is a name", () => {
    assert.equal(
      moduleText(tree("package a\nimport future.keywords\nand := 1", "v0", { opa: "1.17" }))
        .split("\n")
        .at(-1),
      "rule bodyless and := 1 {true}",
    );
  });
  test("there is no rego.v2", () => {
    const text = errors("package a\nimport rego.v2", "v0", { opa: "1.17" });
    assert.match(text, /invalid import `rego\.v2`, must be `rego\.v1`/);
  });
});

suite("annotations", () => {
  const broken = "package a\n\n# METADATA\n# scope: nowhere\np := 1";
  test("their mistakes are errors", () => assert.match(errors(broken), /invalid annotation scope 'nowhere'/));
  test("unless nobody reads them", () =>
    assert.equal(tree(broken, "v1", { annotations: false }).annotations.length, 0));
});

suite("spans", () => {
  test("a literal's span is its text, modifiers included", () => {
    const { rules } = tree("package a\np if { not x == 1 with input as 2; (y) }");
    assert.deepEqual(
      rules[0]?.body.map(({ span }) => spanText(span)),
      ["not x == 1 with input as 2", "(y)"],
    );
  });
  test("a rule's span is its text", () => {
    const { rules } = tree("package a\np := 1 if { true } else := 2\nq contains 1 # one");
    assert.deepEqual(
      rules.map(({ span }) => spanText(span)),
      ["p := 1 if { true } else := 2", "q contains 1"],
    );
  });
});

suite("hostile texts", () => {
  const deep = ["(", "[", "{", "{a: ", "[x | ", "f(", "a[", "{ x | not {", '$"{', "every x in [1] { "];
  for (const part of deep) {
    test(`10000 times ${part}`, () =>
      assert.ok(errors(`package a\nimport rego.v2\np if { ${part.repeat(10_000)}`).length > 0));
  }
  test("a long sum is too deep for what follows", () => {
    assert.match(errors(`package a\np := 1${" + 1".repeat(5000)}`), /max parsing recursion depth exceeded/);
  });
  test("speculation does not multiply", () => {
    for (const [open, close] of [
      ["{x | ", "}"],
      ["({", "})"],
      ["{x | {", "}}"],
      ["{x: y | (", ")}"],
    ] as const) {
      parse(`package a\nimport rego.v2\np if { ${open.repeat(60)}a${close.repeat(60)} }`);
    }
  });
  test("the deepest tree that parses can be rewritten", () => {
    const module = tree(`package a\np := ${"[".repeat(240)}x${"]".repeat(240)}${" + 1".repeat(300)}`);
    const renamed = rewriteModule(module, {
      term: (term, descend) => (term.kind === "var" && term.name === "x" ? { ...term, name: "y" } : descend(term)),
    });
    assert.deepEqual([...vars(renamed.rules[0] ?? [], { skipCallHeads: true })], ["p", "y"]);
  });
  test("errors are at most a hundred", () => {
    assert.ok(parse(`package a\n${"p; q\n".repeat(500)}`).diagnostics.length <= 100);
    assert.ok(parse(`package a\np := "${"\\x".repeat(500)}"`).diagnostics.length <= 101);
  });
});

const fragments = [
  "p",
  "x",
  "input",
  "data.x",
  "if",
  "contains",
  "else",
  "default",
  "some",
  "every",
  "in",
  "not",
  "with",
  "as",
  "and",
  "or",
  "import rego.v2\n",
  "import future.keywords\n",
  "{",
  "}",
  "[",
  "]",
  "(",
  ")",
  ",",
  ":",
  ":=",
  "=",
  "==",
  "+",
  "-",
  "|",
  "&",
  ".",
  ";",
  "\n",
  " ",
  "1",
  "1.",
  '"a"',
  '"',
  "`",
  '$"',
  "{x}",
  "# METADATA\n",
  "# title: x\n",
  "_",
  "\0",
];

suite("any text", () => {
  const texts = fc
    .array(fc.constantFrom(...fragments), { maxLength: 30 })
    .map((parts) => `package a\n${parts.join("")}`);
  test("gives a tree or errors inside of the text", () => {
    fc.assert(
      fc.property(texts, fc.constantFrom("v0" as const, "v1" as const), (text, version) => {
        const { value, diagnostics } = parse(text, version);
        assert.equal(value === null, diagnostics.length > 0);
        for (const { span } of diagnostics) assert.ok(span !== null && span.start >= 0 && span.end <= text.length);
      }),
      { numRuns: 500 },
    );
  });
  test("rewriting nothing gives the same tree, and every variable is found by walking", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const { value } = parse(text, "v0");
        if (value === null) return;
        assert.equal(rewriteModule(value, { term: (term, descend) => descend(term) }), value);
        const walked = new Set<string>();
        walk(value, { term: (term) => void (term.kind === "var" && walked.add(term.name)) });
        assert.deepEqual(vars(value), walked);
      }),
      { numRuns: 500 },
    );
  });
});

test("a constant is a term that no evaluation can change", () => {
  const { rules } = tree('package a\np := [1, {"a": {null}}]\nq := [x]\nr := input\ns := {"a": count([])}');
  assert.deepEqual(
    rules.map(({ head }) => head.value !== null && isConstant(head.value)),
    [true, false, false, false],
  );
});
