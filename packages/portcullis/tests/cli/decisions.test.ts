// `portcullis decisions` on logs as they lie on disks: whole ones, one that ends in half a line, and what is no log at all.

import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";

const main = join(import.meta.dirname, "../../src/cli/main.ts");

const folder = mkdtempSync(join(tmpdir(), "portcullis-decisions-"));
process.once("exit", () => rmSync(folder, { recursive: true }));

function decisions(...args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [main, "decisions", ...args], { cwd: folder, encoding: "utf8" });
}

const denied = {
  time: "2026-11-21T06:30:00.000Z",
  uid: "one",
  webhook: "validate",
  operation: "CREATE",
  kind: "Pod",
  namespace: "shop",
  name: "web",
  user: "alice",
  verdict: "deny",
  policies: [{ policy: "K8sAllowedRepos/repos", result: "fail", action: "deny", message: "no such registry" }],
};
const line = `${JSON.stringify(denied)}\n`;
const told = `2026-11-21T06:30:00.000Z deny CREATE Pod shop/web by alice\n  K8sAllowedRepos/repos: no such registry\n`;

suite("decisions", () => {
  test("a file that ends in half a line is told as far as it goes", () => {
    writeFileSync(join(folder, "whole.log"), line);
    writeFileSync(join(folder, "half.log"), line + line.slice(0, 40));
    const { status, stdout, stderr } = decisions("whole.log", "half.log");
    assert.deepEqual([status, stdout], [0, told + told]);
    assert.equal(stderr, "half.log: 1 line is none of a decision log, and was left out\n");
    assert.match(
      decisions("whole.log", "half.log", "-o", "summary").stdout,
      /^ +2 {2}deny {5}fail {4}K8sAllowedRepos/m,
    );
  });

  test("that nothing is like what was asked for is said", () => {
    const { status, stdout, stderr } = decisions("whole.log", "--policy", "repo");
    assert.deepEqual([status, stdout, stderr], [0, "", "portcullis: none of 1 decisions is like that\n"]);
  });

  test("lines of JSON that are something else are no decisions", () => {
    writeFileSync(join(folder, "other.log"), `{}\n[1]\nnull\n${JSON.stringify({ ...denied, policies: [null] })}\n`);
    const { status, stdout, stderr } = decisions("other.log");
    assert.deepEqual([status, stdout], [2, ""]);
    assert.equal(stderr, "other.log: no decision log; expected lines of JSON as --decision-log writes them\n");
  });

  test("what cannot be asked for is refused, with what can", () => {
    for (const [args, text] of [
      [["missing.log"], /^missing\.log: no such file or folder$/m],
      [["whole.log", "--verdict", "denied"], /Allowed choices are allow, warn, deny, error/],
      [["whole.log", "--since", "1h"], /expected a time like 2026-01-31T12:00:00Z/],
    ] as const) {
      const { status, stderr } = decisions(...args);
      assert.equal(status, 2, stderr);
      assert.match(stderr, text);
    }
  });
});
