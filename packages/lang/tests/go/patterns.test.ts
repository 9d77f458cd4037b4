// Regular expressions, globs and quoting. The automaton is held to re2js, which is a port of Go's own engine.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RE2JS } from "re2js";
import {
  type Regex,
  compileGlob,
  compileRegex,
  globsIntersect,
  quote,
  quoteGlob,
  quoteMeta,
  quoteRune,
  quoteToAscii,
  replaceByRegex,
  splitByRegex,
} from "@portcullis/lang/go";
import { compileAutomaton } from "../../src/go/automaton.ts";
import { parseRegex } from "../../src/go/regexsyntax.ts";

const free = (): void => {};

function regex(pattern: string): Regex {
  const compiled = compileRegex(pattern);
  return "regex" in compiled ? compiled.regex : assert.fail(compiled.error);
}

const atoms = [
  ...Array.from("abckK_ .^$-{}é😀"),
  ...String.raw`\d \W \s [ab] [^a] [a-c] [^\d] [[:alpha:]] [[:^digit:]] \. \n \A \z \x61 \x{1F600}`.split(" "),
  ...String.raw`[]a] [\]\-x] (?i) (?s) (?i:K) \b \pL [a\-z]`.split(" "),
];

const { pattern: patterns } = fc.letrec<{ pattern: string; atom: string }>((tie) => ({
  atom: fc.constantFrom(...atoms),
  pattern: fc.oneof(
    { maxDepth: 4, depthIdentifier: "pattern" },
    tie("atom"),
    fc.tuple(tie("pattern"), tie("pattern")).map((parts) => parts.join("")),
    fc.tuple(tie("pattern"), tie("pattern")).map((parts) => parts.join("|")),
    fc.tuple(fc.constantFrom("(", "(?:", "(?i:", "(?s:", "(?-i:"), tie("pattern")).map((parts) => `${parts.join("")})`),
    fc
      .tuple(tie("pattern"), fc.constantFrom("*", "+", "?", "*?", "{2}", "{1,3}", "{0,2}", "{2,}"))
      .map(([inner, sign]) => `(?:${inner})${sign}`),
  ),
}));

const texts = fc.string({ unit: fc.constantFrom(...Array.from("abckKé1_ \nA.-{}]😀\u212a\u017f")), maxLength: 8 });

test("the automaton answers as the general engine does", () => {
  let compared = 0;
  fc.assert(
    fc.property(patterns, fc.array(texts, { minLength: 1, maxLength: 4 }), (pattern, samples) => {
      const tree = parseRegex(pattern);
      const compiled = compileRegex(pattern);
      if (tree === null || "error" in compiled) return;
      const engine = RE2JS.compile(pattern);
      const automaton = compileAutomaton(tree) ?? assert.fail("a small pattern");
      for (const text of samples) assert.equal(automaton.test(text, free), engine.test(text), `${pattern} on ${text}`);
      compared++;
    }),
    { numRuns: 1500 },
  );
  assert.ok(compared > 500);
});

test("a catastrophic pattern takes linear time and reports its work", () => {
  const text = "a".repeat(20_000);
  for (const pattern of ["(a+)+$", "(a|a)*b", "(a*)*b", "^(a?){50}a{50}$", "(.*a){10}b"]) {
    let steps = 0;
    regex(pattern).test(`${text}!`, (count) => {
      steps += count;
    });
    assert.ok(steps > 0 && steps < 100 * text.length, `${pattern}: ${steps}`);
  }
});

test("a full table is begun again and the answer stays right", () => {
  // The automaton remembers the last 14 characters: 2^14 states.
  const compiled = regex("a[ab]{14}$");
  let random = 12345;
  const letters = Array.from({ length: 200_000 }, (): string => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (random & 0x10000) === 0 ? "b" : "a";
  });
  for (const ending of ["a", "b"]) {
    letters[letters.length - 15] = ending;
    assert.equal(compiled.test(letters.join("")), ending === "a");
  }
});

test("invalid patterns have Go's error texts", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["(", "missing closing ): `(`"],
    [")", "unexpected ): `)`"],
    ["[a", "missing closing ]: `[a`"],
    ["a**", "invalid nested repetition operator: `**`"],
    ["*", "missing argument to repetition operator: `*`"],
    ["[z-a]", "invalid character class range: `z-a`"],
    ["a{1001}", "invalid repeat count: `{1001}`"],
    ["\\C", "invalid escape sequence: `\\C`"],
    ["a\\", "trailing backslash at end of expression: ``"],
    ["(?<=a)", "invalid named capture: `(?<=a)`"],
    ["(?=a)", "invalid or unsupported Perl syntax: `(?=`"],
  ];
  for (const [pattern, want] of cases) {
    assert.deepEqual(compileRegex(pattern), { error: `error parsing regexp: ${want}` }, pattern);
  }
});

test("matches are split and replaced as Go does", () => {
  assert.deepEqual(splitByRegex(regex("a*"), "baac", free), ["b", "c"]);
  assert.deepEqual(splitByRegex(regex(","), ",a,,b,", free), ["", "a", "", "b", ""]);
  const replace = (pattern: string, text: string, template: string): string =>
    replaceByRegex(regex(pattern), { text, template, step: free, output: free });
  assert.equal(replace("a*", "baac", "x"), "xbxcx");
  assert.equal(replace("(?P<first>.)(.)", "abcd", "$2${first}$$1$3$x"), "ba$1dc$1");
  assert.equal(replace("b", "abc", "$"), "a$c");
  assert.equal(replace("(b)", "abc", "$1x"), "ac");
  assert.equal(replace("", "é😀", "-"), "-é-😀-");
});

test("quoted text matches itself", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      assert.ok(regex(`^(?:${quoteMeta(text)})$`).test(text));
      const compiled = compileGlob(quoteGlob(text), ["."]);
      assert.ok("glob" in compiled && compiled.glob.match(text));
    }),
  );
});

test("globs stop at separators, and only there", () => {
  const cases: readonly (readonly [string, readonly string[], string, boolean])[] = [
    ["*.com", ["."], "a.com", true],
    ["*.com", ["."], "a.b.com", false],
    ["**.com", ["."], "a.b.com", true],
    ["*.com", [], "a.b.com", true],
    ["a?c", ["b"], "abc", false],
    ["{a,b*}.{x,}", ["."], "bcd.", true],
    ["[!a-c]", [], "d", true],
    ["[!a-c]", [], "b", false],
    ["[ab]", ["a"], "a", true],
    ["\\*", [], "*", true],
    ["{,*.}google*", [], "agoogle.com", false],
    ["é?", [], "é😀", true],
  ];
  for (const [pattern, separators, text, want] of cases) {
    const compiled = compileGlob(pattern, separators);
    assert.ok("glob" in compiled);
    assert.equal(compiled.glob.match(text), want, `${pattern} on ${text}`);
  }
  const errors: readonly (readonly [string, string])[] = [
    ["a{b", "3: unclosed `{`"],
    ["é[", "3: unexpected end of input"],
    ["[b-a]x", "5: range hi character is less than lo"],
    ["[]", "2: could not parse range"],
    ["a\\", "2: trailing backslash"],
    ["[a-bc]", "5: expected close range character"],
  ];
  for (const [pattern, want] of errors) {
    assert.deepEqual(compileGlob(pattern, []), { error: `glob: syntax error at ${want}` });
  }
});

test("patterns intersect when one string fits both", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["a.a.", ".b.b", true],
    ["[a-z]+", "[0-9]*", false],
    ["[a-z]*\\.x", "b.x", true],
    ["a*b", "c+", false],
  ];
  for (const [a, b, want] of cases) assert.equal(globsIntersect(a, b, free), want, `${a} and ${b}`);
  assert.deepEqual(globsIntersect("+", "a", free), {
    error: "input:+, pos:1, flag '+' must be preceded by a non-flag: the input provided is invalid",
  });
});

test("strings are quoted as strconv does", () => {
  assert.equal(quote('a"\t\u0001\u00a0\u200b😀\\'), '"a\\"\\t\\x01\\u00a0\\u200b😀\\\\"');
  assert.equal(quoteToAscii("é😀"), '"\\u00e9\\U0001f600"');
  assert.equal(quoteRune(0x27, false), "'\\''");
  assert.equal(quoteRune(-1, true), "'\\ufffd'");
});
