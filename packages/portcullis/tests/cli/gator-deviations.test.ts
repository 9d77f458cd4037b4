// Where `portcullis gator` does not answer as gator does: rows G14 to G19 and G28 of docs/compatibility.md.

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
    // Deviation G15a: it is no suite, whatever it is.
    writeFileSync(join(folder, "repos/broken.yaml"), "a: [\n");
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
  const verified = gator("verify", "packages/portcullis/tests/cli/gator/files/suite.yaml", "-t").stdout;
  assert.match(verified, /^TRACE: missing\tTarget: admission\.k8s\.gatekeeper\.sh$/m);
  assert.match(verified, /^\| Eval template:\d+:\d+ label := /m);
});

const alwaysDenies = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: always}
spec:
  crd: {spec: {names: {kind: Always}}}
  targets:
  - target: admission.k8s.gatekeeper.sh
    rego: |
      package always
      violation[{"msg": "no"}] { BODY }
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Always
metadata: {name: b}
spec: {match: {kinds: [{apiGroups: [""], kinds: [Pod]}]}}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Always
metadata: {name: a}
spec: {match: {kinds: [{apiGroups: [""], kinds: [Pod]}]}}
---
`;

function inFolder(files: Readonly<Record<string, string>>, use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-gator-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("deviation G14: equal rows stand in the order of the constraints' names, then of the objects", () => {
  const pods = ["z", "a"].map((name) => pod.replace("name: web,", `name: ${name},`)).join("---\n");
  inFolder({ "all.yaml": alwaysDenies.replace("BODY", "1 == 1") + pods }, (folder) => {
    const row = (name: string, constraint: string): string =>
      `v1/Pod medstack/${name}: ["${constraint}"] Message: "no"\n`;
    const expected = row("z", "a") + row("a", "a") + row("z", "b") + row("a", "b");
    assert.equal(gator("test", "-f", folder).stdout, expected);
  });
});

test("deviation G28: the members of a list are looked at", () => {
  const members = pod.replace(/^/gm, "  ").replace("  apiVersion", "- apiVersion").trimEnd();
  const list = `apiVersion: v1\nkind: List\nitems:\n${members}\n`;
  inFolder({ "all.yaml": alwaysDenies.replace("BODY", "1 == 1") + list }, (folder) => {
    const { status, stdout } = gator("test", "-f", folder);
    assert.equal(status, 1);
    assert.match(stdout, /^v1\/Pod medstack\/web: \["a"\] Message: "no"$/m);
  });
});

test("deviation G18: a broken file is named with the line and the column", () => {
  inFolder({ "broken.yaml": "a: 1\nb: [1\n" }, (folder) => {
    const ran = spawnSync(process.execPath, [main, "gator", "test", "-f", folder], { encoding: "utf8", input: "" });
    assert.equal(ran.status, 1);
    assert.match(ran.stderr, /^reading: reading from filenames: .*broken\.yaml:\d+:\d+: /);
  });
});

test("deviation G19: a policy that would run for ever ends, and is named", { timeout: 60_000 }, () => {
  const body = "count([1 | numbers.range(1, 30000)[_]; numbers.range(1, 30000)[_]; numbers.range(1, 30000)[_]]) > 0";
  inFolder({ "endless.yaml": alwaysDenies.replace("BODY", body) + pod }, (folder) => {
    const { status, stdout } = gator("test", "-f", folder);
    assert.equal(status, 1);
    assert.match(stdout, /^v1\/Pod medstack\/web: \["a"\] Message: "eval_cancel_error: the policy /);
  });
});
