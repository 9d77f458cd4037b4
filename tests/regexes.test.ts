// Our own regular expressions take linear time: they look at texts that anybody may send, and V8 tries one path after the other.
// What repeats ends where something else begins (`\d+(?:\.\d*)?`, not `\d+\.?\d*`), and what is looked for at an end begins
// where its like does not stand before (`(?<!0)0+$`).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { parseAst } from "rolldown/parseAst";
import { analyse } from "scslre";
import { sourceFiles } from "./support/boundaries.ts";

const packages = resolve(import.meta.dirname, "../packages");

test("regular expressions: none takes more than linear time", () => {
  const literals = sourceFiles(packages).flatMap((file) =>
    literalsOf(readFileSync(join(packages, file), "utf8")).map((literal) => ({ file, literal })),
  );
  assert.ok(literals.length > 500, `only ${literals.length} were found`);
  const slow = literals.filter(({ literal }) => isSlow(literal));
  assert.deepEqual(
    slow.map(({ file, literal }) => `${file}: ${String(literal)}`),
    [],
  );
});

test("regular expressions: those that are not are found", () => {
  for (const slow of [/0+$/, /^\d+\.?\d*$/, /^(?:a+)+$/, /a.*b.*c/]) assert.ok(isSlow(slow), String(slow));
  for (const fast of [/(?<!0)0+$/, /^\d+(?:\.\d*)?$/]) assert.ok(!isSlow(fast), String(fast));
});

function isSlow(literal: RegExp): boolean {
  return analyse(literal).reports.length > 0;
}

function literalsOf(text: string): readonly RegExp[] {
  const found: RegExp[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const { regex } = node as { readonly regex?: { readonly pattern: string; readonly flags: string } };
    if (regex !== undefined) found.push(new RegExp(regex.pattern, regex.flags));
    Object.values(node).forEach(visit);
  };
  visit(parseAst(text, { lang: "ts" }));
  return found;
}
