// What a command prints reaches a pipe before the program ends.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

const main = join(import.meta.dirname, "../../../src/cli/main.ts");

test("kyverno version says which Kyverno's answers are given", () => {
  const printed = execFileSync(process.execPath, [main, "kyverno", "version"], { encoding: "utf8" });
  assert.match(printed, /^Version: portcullis \d+\.\d+\.\d+ \(as Kyverno 1\.19\.1\)\n/);
});
