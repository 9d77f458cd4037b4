// Wrong usage of the commands for clusters ends with 2 and says what was expected, before anything is asked of a cluster.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { test } from "node:test";

const repository = resolve(import.meta.dirname, "../../../..");
const main = join(repository, "packages/portcullis/src/cli/main.ts");

const cases: readonly (readonly [line: string, text: string])[] = [
  ["install", "expected -f PATH"],
  ["install -f no-such-folder", "no-such-folder: no such file or folder"],
  ["install -f examples/repos/policies --timeout soon", "argument 'soon' is invalid. expected seconds, 0 to 3600"],
  ["render crds", "expected -f PATH, --own, or both"],
  ["render manifests", "required option '--image <reference>' not specified"],
  ["audit -o xml", "Allowed choices are table, text, json, sarif, junit."],
  ["status extra", "too many arguments for 'status'"],
  ["status --kubeconfig no-such-file", "kubeconfig `no-such-file` does not exist"],
  ["run --port x", "expected a whole number, 0 or more"],
  ["run --neighbours hug", "Allowed choices are yield, shadow, ignore."],
  [
    "run --webhookTimeout 31",
    "option '--webhookTimeout <seconds>' argument '31' is invalid. expected seconds, 1 to 30",
  ],
];

for (const [line, text] of cases) {
  test(`cli: wrong usage: ${line}`, () => {
    const { status, stderr } = spawnSync(process.execPath, [main, ...line.split(" ")], {
      encoding: "utf8",
      cwd: repository,
    });
    assert.equal(status, 2);
    assert.ok(stderr.includes(text), stderr);
  });
}
