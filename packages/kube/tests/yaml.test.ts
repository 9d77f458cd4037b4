import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Decimal, Source, formatDiagnostic } from "@portcullis/lang";
import fc from "fast-check";
import { type Document, type YamlDialect, type YamlOptions, goJson, parseYaml } from "../src/index.ts";
import { readCases } from "./cases.ts";

interface YamlCase {
  readonly yaml: string;
  readonly go?: readonly unknown[];
  readonly goError?: string;
  readonly v3?: unknown;
  readonly v3Error?: string;
}

/** Where we differ, and why. */
const deviations: ReadonlyMap<string, string> = new Map([
  [" a: 1\nb: 2\n", "Go reads the first mapping and drops the rest without a word; we say that it does not line up"],
  ['a: "\\/"\n', "YAML 1.2 and JSON allow the escape, so we do"],
  ["a: \u2028b\n", "Go takes U+2028 for a line end, as YAML 1.1 does"],
  ["a: '\u0085'\n", "Go takes U+0085 for a line end, as YAML 1.1 does"],
  ["k: -0.0\n", "-0 is 0 as soon as an API server or an engine has read it"],
  ["~: v\n", "v3 drops the entry without a word; we refuse the key"],
  ["null: v\n", "v3 drops the entry without a word; we refuse the key"],
]);

function read(text: string, options: Partial<YamlOptions> = {}) {
  return parseYaml(new Source("test.yaml", text), { dialect: "go", ...options });
}

function only(text: string, dialect: YamlDialect = "go"): Document {
  const { value, diagnostics } = read(text, { dialect });
  assert.deepEqual(diagnostics, []);
  const [document] = value;
  assert.ok(document);
  return document;
}

/** The texts of what is wrong, as an editor would list them. */
function complaints(text: string, options: Partial<YamlOptions> = {}): string[] {
  return read(text, options).diagnostics.map((diagnostic) => formatDiagnostic(diagnostic));
}

suite("documents equal Go's", () => {
  const cases = readCases("yaml-go.jsonl") as readonly YamlCase[];
  assert.ok(cases.length > 300);
  for (const one of cases) {
    if (deviations.has(one.yaml)) continue;
    test(`go: ${JSON.stringify(one.yaml)}`, () => {
      const { value, diagnostics } = read(one.yaml);
      if (one.goError !== undefined) assert.notDeepEqual(diagnostics, [], one.goError);
      else {
        assert.deepEqual(diagnostics, []);
        assert.equal(goJson(value.map((document) => document.value)), goJson(one.go));
      }
    });
    test(`yaml.v3: ${JSON.stringify(one.yaml)}`, () => {
      const { value, diagnostics } = read(one.yaml, { dialect: "yaml.v3" });
      const first = value[0]?.value ?? {};
      const isMap = typeof first === "object" && !Array.isArray(first);
      if (one.v3Error !== undefined) assert.ok(diagnostics.length > 0 || !isMap, one.v3Error);
      else {
        assert.deepEqual(diagnostics, []);
        assert.equal(goJson(first), goJson(one.v3));
      }
    });
  }
});

suite("positions", () => {
  const text =
    "apiVersion: v1\nspec:\n  list:\n    - name: a\n      value: 1\n    - {name: b}\n  text: |\n    one\n\n      two\n";
  const at = (document: Document, path: (string | number)[]) => {
    const { source, start } = document.positionOf(path);
    const { line, column } = source.position(start);
    return [line, column];
  };

  test("of values and keys", () => {
    const document = only(text);
    assert.deepEqual(at(document, ["spec", "list", 0, "value"]), [5, 14]);
    assert.deepEqual(at(document, ["spec", "list", 1, "name"]), [6, 14]);
    const key = document.keyPositionOf(["spec", "text"]);
    assert.deepEqual(key?.source.position(key.start), { line: 7, column: 3 });
  });

  test("of what is absent: the nearest that exists", () => {
    assert.deepEqual(at(only(text), ["spec", "list", 7, "x"]), [4, 5]);
  });

  test("of the later documents of a file", () => {
    const { value } = read(`a: 1\n---\n${text}`);
    assert.ok(value[1]);
    assert.deepEqual(at(value[1], ["spec", "list", 0, "value"]), [7, 14]);
  });

  test("through aliases and merge keys", () => {
    const document = only("base: &b {x: 1}\nuse:\n  <<: *b\n  z: *b\n");
    assert.deepEqual(at(document, ["use", "x"]), [1, 14]);
    assert.deepEqual(at(document, ["use", "z", "x"]), [1, 14]);
    assert.deepEqual(at(document, ["use", "z"]), [4, 6]);
  });

  test("of JSON", () => {
    assert.deepEqual(at(only('{\n  "a": [1,\n    {"b": 2}]\n}'), ["a", 1, "b"]), [3, 11]);
  });

  const origins: readonly (readonly [string, string])[] = [
    ["a literal block", "k: |\n    first é\n      second x\n\n    third x\n"],
    ["a folded block", "k: >-\n  first\n  second x\n\n  third x\n"],
    ["a plain scalar", "k: first second x third\n"],
    ["double quotes with escapes", 'k: "a\\tb \\u00e9 \\U0001F600 x\\n z"\n'],
    ["single quotes", "k: 'it''s x'\n"],
    ["several plain lines", "k: first\n  second\n  x third\n"],
    ["a literal block with carriage returns", "k: |\r\n  first\r\n  second x\r\n"],
  ];
  for (const [name, yaml] of origins)
    test(`inside ${name}`, () => {
      const document = only(yaml);
      const { k: value } = document.value as { k: string };
      const origin = document.scalarOrigin(["k"]);
      assert.ok(origin);
      for (const match of value.matchAll(/[xz]/g)) assert.equal(yaml[origin.offsetOf(match.index)], match[0]);
      assert.equal(yaml.slice(origin.span.start, origin.span.end).includes("x"), true);
    });
});

suite("what is wrong", () => {
  test("names line and column and how to mend it", () => {
    assert.deepEqual(complaints("a: b\n\tc: d\n"), [
      "test.yaml:2:1: yaml-syntax: tab characters must not be used in indentation (indent with spaces; YAML forbids tabs there)",
    ]);
    assert.match(complaints("a: [1, 2\n")[0] ?? "", /^test\.yaml:2:1: .*flow collection.*\(close the \[ or \{/);
    assert.match(complaints("a: b: c\n")[0] ?? "", /^test\.yaml:1:\d+: /);
    assert.match(complaints("a: 1\n---x\n")[0] ?? "", /^test\.yaml:2:1: .*invalid Yaml document separator: x/);
    assert.match(complaints("a: .inf\n")[0] ?? "", /^test\.yaml:1:4: .*unsupported value: \+Inf/);
  });

  test("one broken document does not hide the others", () => {
    const { value, diagnostics } = read("a: 1\n---\nb: [\n---\nc: 3\n");
    assert.deepEqual(
      value.map((document) => document.value),
      [{ a: 1 }, { c: 3 }],
    );
    assert.equal(diagnostics.length, 1);
  });

  test("a key that stands twice is told where it is asked for, of YAML", () => {
    assert.deepEqual(complaints("a: 1\na: 2\n"), []);
    assert.match(
      complaints("a: 1\nb: 1\na: 2\n", { tellsDuplicates: true })[0] ?? "",
      /^test\.yaml:3:1: .*key "a" already set in map/,
    );
    assert.deepEqual(read("a: 1\na: 2\n", { tellsDuplicates: true }).value[0]?.value, { a: 2 });
    assert.deepEqual(complaints('{"a": 1, "a": 2}', { tellsDuplicates: true }), []);
    assert.match(complaints("a: 1\na: 2\n", { dialect: "yaml.v3" })[0] ?? "", /already set/);
  });
});

suite("hostile input", () => {
  test("prototypes stay out of reach", () => {
    for (const text of [
      "__proto__: {x: 1}\n",
      '{"__proto__": {"x": 1}}',
      "b: &b {__proto__: {x: 1}}\na: {<<: *b}\nc: *b\n",
    ]) {
      const { value } = only(text);
      assert.equal(({} as { x?: number }).x, undefined);
      assert.equal(JSON.stringify(value).includes("__proto__"), true);
    }
  });

  test("a billion laughs end", () => {
    let text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (let i = 1; i < 10; i++)
      text += `a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(", ")}]\n`;
    assert.match(complaints(text)[0] ?? "", /document contains excessive aliasing/);
  });

  test("a document of very many values is refused before they fill the memory", () => {
    const [told = ""] = complaints(`a: [${"a,".repeat(1_100_000)}]\n`);
    assert.match(
      told,
      /^test\.yaml:1:1: .*a YAML document of about 1100002 values; at most 1000000 are read \(write a long/,
    );
    assert.deepEqual(complaints(`a: |\n${"  some words, and others\n".repeat(100_000)}`), []);
  });

  test("so is JSON of very many values", () => {
    const [told = "", ...others] = complaints(`{"a":[${"1,".repeat(8_500_000)}1]}`);
    assert.match(
      told,
      /^test\.yaml:1:1: .*a JSON document of more than 8000000 values \(divide it into several files\)/,
    );
    assert.deepEqual(others, []);
  });

  test("of keys that stand twice the first hundred are told", () => {
    assert.equal(complaints("a: 1\n".repeat(5000), { tellsDuplicates: true }).length, 100);
  });

  test("depth is bounded", () => {
    assert.match(complaints(`a: ${"[".repeat(5000)}`)[0] ?? "", /nesting exceeded/);
    assert.match(complaints("- ".repeat(5000))[0] ?? "", /nesting exceeded/);
  });

  test("any text yields values or diagnostics", () => {
    const pieces = fc.constantFrom(
      "a",
      ": ",
      ":",
      "- ",
      "\n",
      "  ",
      "\t",
      "[",
      "]",
      "{",
      "}",
      ",",
      "&x ",
      "*x",
      "|",
      ">",
      '"',
      "'",
      "#",
      "---",
      "...",
      "!!int ",
      "<<",
      "1",
      "?",
      "%",
      "\r\n",
      "é",
    );
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 24 }),
        fc.constantFrom<YamlDialect>("go", "yaml.v3"),
        (parts, dialect) => {
          const { value, diagnostics } = read(parts.join(""), { dialect });
          for (const document of value) assert.ok(document.positionOf(["a", 0]).start >= 0);
          for (const { span } of diagnostics) assert.ok(span !== null && span.start <= span.source.text.length);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("what JSON can say is read the same as YAML and as JSON", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (tree) => {
        const text = JSON.stringify(tree);
        const asJson = only(text).value;
        // A comment in front makes it YAML; line separators are white space to YAML only inside of strings.
        const { value, diagnostics } = read(`# yaml\n${text}`);
        if (diagnostics.length === 0) assert.equal(goJson(value[0]?.value), goJson(asJson));
        else assert.match(text, /[\u007f-\u{10ffff}]/u);
      }),
    );
  });
});

test("numbers beyond a double stay exact", () => {
  const { value } = only("a: 18446744073709551615\nb: 9007199254740993\nc: 1.0\n");
  const { a, b, c } = value as { a: Decimal; b: Decimal; c: number };
  assert.equal(a.text, "18446744073709551615");
  assert.equal(b.text, "9007199254740993");
  assert.equal(c, 1);
});
