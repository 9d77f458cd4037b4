// The tree stays tidy: bans with their replacement in the message, leftovers, dead files, documents in step with code.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { specifiersOf } from "./support/boundaries.ts";

const root = resolve(import.meta.dirname, "..");
const folders = ["packages", "tests", "scripts", "conformance", "bench", "e2e"].filter((folder) =>
  existsSync(join(root, folder)),
);
const code = folders.flatMap((folder) => filesIn(folder)).filter((file) => file.endsWith(".ts"));
const texts = new Map(code.map((file) => [file, readFileSync(join(root, file), "utf8")]));

interface Ban {
  readonly pattern: RegExp;
  readonly instead: string;
  /** Files in which it is the right thing. */
  readonly allowed?: RegExp;
}

const bans: readonly Ban[] = [
  { pattern: /^(export )?(declare )?(const )?enum \w/m, instead: "a string union" },
  { pattern: /^(export )?namespace \w/m, instead: "a module" },
  { pattern: /\.only\(/, instead: "--test-name-pattern" },
  {
    pattern: /\b(test|it|describe|suite)\.skip\(/,
    instead: "a line in conformance/gaps, or a test that says loudly why it did not run",
  },
  { pattern: /\bFIXME\b|\bTODO\b/, instead: "an issue, or docs/compatibility.md" },
  {
    pattern: /process\.env\b/,
    instead: "app/config.ts",
    allowed:
      /^(packages\/portcullis\/src\/(app\/config|cli\/)|scripts\/|tests\/|conformance\/|bench\/|e2e\/|packages\/\w+\/tests\/)/,
  },
  {
    pattern: /^(beforeEach|afterEach|before|after)\(/m,
    instead: "set-up inside the test: with one process a top-level hook applies to every file",
  },
];

for (const { pattern, instead, allowed } of bans) {
  test(`tidy: ${pattern.source} is banned, use ${instead}`, () => {
    const found = [...texts].filter(
      ([file, text]) => file !== "tests/tidy.test.ts" && allowed?.test(file) !== true && pattern.test(text),
    );
    assert.deepEqual(
      found.map(([file]) => file),
      [],
    );
  });
}

test("tidy: a file is named after what it holds", () => {
  const banned = /^(utils?|helpers?|common|misc|index2)\.ts$/;
  assert.deepEqual(
    code.filter((file) => banned.test(basename(file))),
    [],
  );
});

test("tidy: every source file is imported or started by another, or is an entry", () => {
  const imported = new Set<string>();
  for (const [file, text] of texts) {
    for (const specifier of specifiersOf(text)) {
      if (specifier.startsWith(".")) imported.add(relative(root, resolve(root, dirname(file), specifier)));
    }
  }
  const isNamed = (file: string): boolean =>
    [...texts].some(([other, text]) => other !== file && text.includes(`${basename(file)}"`));
  const entry = /(\.test\.ts|\/index\.ts|\/main\.ts|\/worker\.ts|^scripts\/[^/]+\.ts|\.config\.ts)$/;
  assert.deepEqual(
    code.filter((file) => !entry.test(file) && !imported.has(file) && !isNamed(file)),
    [],
  );
});

test("tidy: a file opens with a comment that says what it does", () => {
  assert.deepEqual(
    [...texts]
      .filter(
        ([file, text]) => /\/src\//.test(file) && !file.endsWith("/index.ts") && !/^(#!.*\n)?\/(\/|\*\*) /.test(text),
      )
      .map(([file]) => file),
    [],
  );
});

test("tidy: a Markdown file has one title", () => {
  const documents = ["", "docs", "docs/decisions", "examples"].flatMap((folder) =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder))
          .filter((name) => name.endsWith(".md"))
          .map((name) => join(folder, name))
      : [],
  );
  for (const document of documents) {
    const outside = readFileSync(join(root, document), "utf8").replaceAll(/^```[\s\S]*?^```/gm, "");
    assert.equal([...outside.matchAll(/^# /gm)].length, 1, document);
  }
});

test("tidy: a deviation has a number of its own", () => {
  const rows = readFileSync(join(root, "docs/compatibility.md"), "utf8").matchAll(/^\| ([A-Z]+\d+[a-z]?) \|/gm);
  const numbers = [...rows].map(([, number]) => number);
  assert.ok(numbers.length > 100);
  assert.deepEqual(
    numbers.filter((number, at) => numbers.indexOf(number) !== at),
    [],
  );
});

test("tidy: every path that a document names in the tree exists", () => {
  for (const document of ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "STYLE.md"]) {
    const text = readFileSync(join(root, document), "utf8");
    for (const [, path = ""] of text.matchAll(
      /`((?:packages|conformance|bench|tests|scripts|docs|examples)\/[\w./-]*)`/g,
    )) {
      assert.ok(existsSync(join(root, path)), `${document} names ${path}, which is not there`);
    }
  }
});

function filesIn(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => !path.includes("node_modules"))
    .map((path) => join(folder, path))
    .toSorted();
}
