// Runs the unit suite in one process: `npm run test:unit -- [FILE…] [node:test flags]`.
// npm appends its arguments after the script's own, and `node --test` reads a flag that follows a file name as a file,
// so the flags are put first here. A run that executed no test, or whose process was ended by a test, is a failure.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const everything = ["packages/*/tests/**/*.test.ts", "tests/**/*.test.ts"];
const given = process.argv.slice(2);
const files = given.filter((word) => word.endsWith(".ts"));
const flags = given.filter((word) => !word.endsWith(".ts"));
const totals = join(mkdtempSync(join(tmpdir(), "portcullis-test-")), "totals.txt");

const { status } = spawnSync(
  process.execPath,
  [
    "--test",
    "--test-isolation=none",
    "--test-force-exit",
    "--test-timeout=60000",
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=./scripts/totals.ts",
    `--test-reporter-destination=${totals}`,
    ...flags,
    ...(files.length > 0 ? files : everything),
  ],
  { stdio: "inherit" },
);
const ran = Number(readFileSync(totals, { encoding: "utf8", flag: "a+" }) || "0");
if (ran === 0) console.error("no test was run, or a test ended the process");
process.exitCode = status !== 0 || ran === 0 ? 1 : 0;
