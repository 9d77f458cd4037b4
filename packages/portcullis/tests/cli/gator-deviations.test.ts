// Where `portcullis gator` does not answer as gator does: rows G15 and G16 of docs/compatibility.md.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";

const repository = resolve(import.meta.dirname, "../../../..");
const main = join(repository, "packages/portcullis/src/cli/main.ts");

function gator(...args: readonly string[]): { readonly status: number | null; readonly stdout: string } {
  return spawnSync(process.execPath, [main, "gator", ...args], { encoding: "utf8", cwd: repository, input: "" });
}

const suite = `apiVersion: test.gatekeeper.sh/v1alpha1
kind: Suite
tests:
- name: repos
  template: policies/template.yaml
  constraint: policies/constraint.yaml
  cases: [{name: denied, object: pod.yaml, assertions: [{violations: 1}]}]
`;

const pod = `apiVersion: v1
kind: Pod
metadata: {name: web, namespace: medstack}
spec: {containers: [{name: web, image: example.com/web}]}
`;

test("deviation G15: a folder without a suite fails", () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-gator-"));
  try {
    assert.equal(gator("verify", folder).status, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("deviations G15 and G16: suites in sub-folders are run, for a version of Kubernetes too", () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-gator-"));
  try {
    cpSync(join(repository, "examples/repos"), join(folder, "repos"), { recursive: true });
    writeFileSync(join(folder, "repos/suite.yaml"), suite);
    writeFileSync(join(folder, "repos/pod.yaml"), pod);
    const { status, stdout } = gator("verify", folder, "--kube-version", "1.36");
    assert.equal(status, 0, stdout);
    assert.match(stdout, /repos\/suite\.yaml/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("deviation G17: a trace stands behind every row, in our compiler's terms", () => {
  const { stdout } = gator("test", "-f", "examples/repos", "-t");
  assert.equal(stdout.match(/^Trace: $/gm)?.length, 2);
  assert.match(stdout, /^DRIVER Rego:$/m);
  assert.match(stdout, /^\| Fail template:14:28 startswith\(image, .*where image = "munta\/nginx"$/m);
  const rows = JSON.parse(gator("test", "-f", "examples/repos", "-t", "-o", "json").stdout) as readonly {
    readonly trace: string;
  }[];
  assert.equal(rows.length, 2);
  assert.equal(rows[0]?.trace, rows[1]?.trace);
});
