// What every command loads before it does anything is small: what a command needs is imported when it is called.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const cli = join(import.meta.dirname, "../../src/cli");

/** The modules that are loaded with one, and the packages that they name. */
function loadedWith(file: string, known = new Set<string>()): ReadonlySet<string> {
  if (known.has(file)) return known;
  known.add(file);
  const text = readFileSync(file, "utf8");
  for (const [statement, from = ""] of text.matchAll(/^(?:import|export) [^;]*?from "([^"]+)";/gms)) {
    if (/^(?:import|export) type /.test(statement)) continue;
    if (from.startsWith(".")) loadedWith(join(dirname(file), from), known);
    else known.add(from);
  }
  return known;
}

test("the command line starts with its flags alone", () => {
  const loaded = [...loadedWith(join(cli, "main.ts"))];
  const outside = loaded
    .filter((name) => !name.startsWith(cli) && !name.startsWith("node:"))
    .map((name) => (name.startsWith("/") ? relative(cli, name) : name));
  assert.deepEqual(outside.toSorted(), ["../app/refusal.ts", "@portcullis/lang/go", "commander"]);
});
