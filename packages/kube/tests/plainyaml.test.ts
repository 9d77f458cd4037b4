// The reader of plainly written YAML gives what the event parser gives, or nothing: for every recorded case, for documents
// made of lines that meet its rules and their edges, and for such documents with a few characters changed.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { type Built, buildDocuments } from "../src/yaml/build.ts";
import { eventsOf } from "../src/yaml/events.ts";
import { readPlainDocument } from "../src/yaml/plain.ts";
import { readCases } from "./cases.ts";

/** What the event parser says of a text with one document; null when something is wrong with it. */
function readByEvents(text: string, strict: boolean): Built | null {
  const { events, text: parsed } = eventsOf(text);
  let reports = 0;
  const [only, ...more] = buildDocuments(parsed, events, {
    dialect: "go",
    strict,
    isOpen: false,
    report: () => (reports += 1),
  });
  assert.equal(more.length, 0, "several documents");
  return reports > 0 || only === undefined ? null : only;
}

function assertSame(text: string): boolean {
  let read = 0;
  for (const strict of [false, true]) {
    const plain = readPlainDocument(text, strict);
    if (plain === null) continue;
    read += 1;
    assert.deepEqual(plain, readByEvents(text, strict), JSON.stringify(text));
  }
  return read > 0;
}

suite("plainly written documents", () => {
  test("recorded cases", () => {
    const cases = readCases("yaml-go.jsonl") as readonly { readonly yaml: string }[];
    // A text of several documents is cut before it is read.
    const single = cases.filter(({ yaml }) => !/^---|^\.\.\./m.test(yaml));
    const read = single.filter(({ yaml }) => assertSame(yaml));
    assert.ok(read.length > 50, String(read.length));
  });

  const word = fc.constantFrom(
    "a",
    "b: c",
    "name",
    "on",
    "~",
    "1",
    "1.5",
    "0x1f",
    ".inf",
    "- a",
    "-a",
    "x #y",
    "x#y",
    "é",
  );
  const scalar = fc.oneof(
    word,
    fc.constantFrom(
      '"a"',
      '"a\\"b"',
      '"\\n"',
      '"\\u0041"',
      "'it''s'",
      "'a' b",
      "[]",
      "[a, 'b', \"c\"]",
      "[a: b]",
      "{}",
    ),
    fc.constantFrom(
      "{a: b}",
      "&x a",
      "*x",
      "!!str 1",
      "|",
      "|-",
      ">",
      ">+",
      "| # c",
      "",
      "# comment",
      "a:",
      "<<",
      "2020-01-02",
    ),
    fc.string({ maxLength: 6 }),
  );
  const key = fc.constantFrom(
    "a",
    "b",
    "(c)",
    "=(d)",
    "<(e",
    "'f'",
    '"g"',
    "<<",
    "on",
    "1",
    "k k",
    "h:i",
    "?",
    "__proto__",
  );
  const line = fc
    .record({
      indent: fc.constantFrom(0, 0, 1, 2, 2, 3, 4, 4, 6),
      dashes: fc.constantFrom("", "", "", "- ", "-   ", "- - "),
      key: fc.option(key, { nil: null, freq: 6 }),
      gap: fc.constantFrom(" ", " ", "  ", ""),
      scalar,
      tail: fc.constantFrom("", "", "", " ", " # c", "#c"),
    })
    .map((one) => {
      const member = one.key === null ? one.scalar : `${one.key}:${one.gap}${one.scalar}`;
      return `${" ".repeat(one.indent)}${one.dashes}${member}${one.tail}`;
    });
  const text = fc
    .tuple(fc.array(line, { minLength: 1, maxLength: 7 }), fc.constantFrom("", "\n", "\n\n", "\n  "))
    .map(([lines, end]) => lines.join("\n") + end);

  test("lines in any order", () => {
    fc.assert(
      fc.property(text, (one) => void assertSame(one)),
      { numRuns: 3000 },
    );
  });

  test("an object as kubectl prints it, with characters changed", () => {
    const whole = [
      "apiVersion: v1",
      "kind: Pod # a comment",
      "metadata:",
      "  annotations:",
      "    text: |",
      "      first",
      "",
      "        second",
      "    folded: >-",
      "      one",
      "      two",
      "",
      "      three",
      "  name: 'web'",
      "spec:",
      "  containers:",
      '  - name: "a"',
      '    args: ["x", y, 1]',
      "    ports:",
      "    - containerPort: 80",
      "      protocol: TCP",
      "  - env: []",
      "    empty:",
      "  volumes: {}",
      "",
    ].join("\n");
    assert.ok(assertSame(whole));
    const change = fc.record({
      at: fc.nat(whole.length - 1),
      removed: fc.nat(3),
      added: fc.oneof(
        fc.constantFrom("", " ", "\n", ":", "- ", "#", '"', "'", "[", "|", "\t", "&a "),
        fc.string({ maxLength: 2 }),
      ),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        let one = whole;
        for (const { at, removed, added } of changes) one = one.slice(0, at) + added + one.slice(at + removed);
        assertSame(one);
      }),
      { numRuns: 3000 },
    );
  });
});
