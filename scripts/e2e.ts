// Runs the end-to-end tests: `npm run e2e -- [FILE…]`. One file after the other, because each starts an API server and
// the machine is not to be what is tested. They wait for real programs, so a file that fails is run once more, and said so:
// what fails twice is a failure.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "..", "e2e");
const given = process.argv.slice(2);
const everything = readdirSync(folder)
  .filter((name) => name.endsWith(".test.ts"))
  .toSorted()
  .map((name) => join(folder, name));

/** A file that hangs is ended. */
const fileMs = 10 * 60_000;

const again: string[] = [];
const failed: string[] = [];
for (const file of given.length > 0 ? given : everything) {
  if (passes(file)) continue;
  console.log(`${file} failed; it is run once more`);
  (passes(file) ? again : failed).push(file);
}
for (const file of again) console.log(`${file} passed the second time only`);
for (const file of failed) console.log(`${file} failed twice`);
process.exitCode = failed.length > 0 ? 1 : 0;

function passes(file: string): boolean {
  const flags = ["--test", "--test-reporter=spec", "--test-isolation=none", "--test-force-exit"];
  const { status } = spawnSync(process.execPath, [...flags, file], { stdio: "inherit", timeout: fileMs });
  return status === 0;
}
