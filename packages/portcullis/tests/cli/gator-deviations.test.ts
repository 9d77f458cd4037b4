// Where `portcullis gator` does not answer as gator does: rows G15 to G17 of docs/compatibility.md.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { load } from "js-yaml";

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

test("deviation G17: every row of gator test -o yaml is a block", () => {
  const { stdout } = gator("test", "-f", "examples/repos/policies", "-f", "examples/repos/objects", "-o", "yaml");
  const rows = load(stdout) as readonly { readonly result: { readonly msg: string } }[];
  assert.ok(rows.length > 1);
  assert.equal(stdout.match(/^- {3}result:$/gm)?.length, rows.length);
});
