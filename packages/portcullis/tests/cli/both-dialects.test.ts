// `portcullis test` and `portcullis apply` over Kyverno's and Gatekeeper's files together, as a user calls them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";

const repository = resolve(import.meta.dirname, "../../../..");
const main = join(repository, "packages/portcullis/src/cli/main.ts");
const fixtures = join(import.meta.dirname, "kyverno/files");

function portcullis(args: readonly string[], input = "") {
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", cwd: repository, input });
}

function inCopy(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-both-"));
  try {
    cpSync(fixtures, folder, { recursive: true });
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("cli: test is strict about Kyverno's tests: what tests nothing fails and says why", () => {
  const { status, stdout } = portcullis(["test", join(fixtures, "suite")]);
  assert.equal(status, 1);
  assert.match(stdout, /^FAIL .*kyverno-test\.yaml \(7 of 11\)$/m);
  assert.match(stdout, /FAIL team-label\/has-teem .*: the policy has no rule "has-teem"; it has has-team, /);
  assert.match(
    stdout,
    /FAIL team-label\/has-team v1\/ConfigMap\/shop\/settings: no rule matches the object, so that fail/,
  );
  assert.match(stdout, /FAIL broken\/nobody-knows .*: the policy is not valid: policy contains invalid variables/);
  assert.match(stdout, /^11 checks in 1 files: 7 passed, 4 failed, 0 skipped$/m);
});

test("cli: test --lenient answers as Kyverno does", () => {
  const { status, stdout } = portcullis(["test", "--lenient", join(fixtures, "suite"), "-o", "json"]);
  assert.equal(status, 1);
  const { checks } = JSON.parse(stdout) as { checks: readonly { name: string; outcome: string }[] };
  const failed = checks.filter(({ outcome }) => outcome === "fail").map(({ name }) => name);
  assert.deepEqual(failed, ["nobody/none v1/Pod/default/bare"]);
});

test("cli: test runs Kyverno's tests and gator's suites in one run", () => {
  inCopy((folder) => {
    const suite = {
      apiVersion: "test.gatekeeper.sh/v1alpha1",
      kind: "Suite",
      tests: [{ name: "t", template: "no.yaml" }],
    };
    writeFileSync(join(folder, "suite", "gator.yaml"), JSON.stringify(suite));
    const { status, stdout } = portcullis(["test", join(folder, "suite"), "-o", "junit"]);
    assert.equal(status, 1);
    assert.match(stdout, /<testsuite name="[^"]*kyverno-test\.yaml" tests="11" failures="4" skipped="0">/);
    assert.match(stdout, /<testsuite name="[^"]*gator\.yaml" tests="1" failures="1" skipped="0">/);
  });
});

test("cli: apply shows what both dialects say of the same objects, and exits 1 on violations", () => {
  const paths = [join(fixtures, "labels.yaml"), join(fixtures, "objects.yaml"), "examples/repos"];
  const { status, stdout } = portcullis(["apply", ...paths]);
  assert.equal(status, 1);
  assert.match(
    stdout,
    /v1\/Pod bare +│ ClusterPolicy\/team-label\/has-team +│ fail +│ Audit +│ validation error: Every Pod/,
  );
  assert.match(stdout, /K8sAllowedRepos\/enforce-image-repository/);
  assert.match(stdout, /objects would be denied$/m);
});

test("cli: apply reads what a chart renders from standard input, and prints policy reports", () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "rendered", namespace: "x" },
    spec: { containers: [] },
  };
  const { status, stdout } = portcullis(
    ["apply", join(fixtures, "labels.yaml"), "-", "-o", "policyreport"],
    JSON.stringify(pod),
  );
  assert.equal(status, 1);
  assert.match(stdout, /^apiVersion: wgpolicyk8s\.io\/v1alpha2\nkind: PolicyReport\n/);
  assert.match(stdout, /^  namespace: x$/m);
  assert.match(stdout, /^summary:\n  error: 0\n  fail: 1\n/m);
});

test("cli: --kyverno-answers gives Kyverno's answer where ours differs", () => {
  const policy = `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: teams}
spec:
  rules:
  - name: known
    match: {any: [{resources: {kinds: [ConfigMap]}}]}
    validate:
      failureAction: Enforce
      message: unknown team
      deny: {conditions: {any: [{key: "{{ request.object.metadata.annotations.team }}", operator: AnyNotIn, value: [a, b]}]}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: wild, annotations: {team: "*"}}}
`;
  for (const command of ["test", "apply"]) {
    assert.equal(portcullis([command, "-"], policy).status, 1, command);
    assert.equal(portcullis([command, "--kyverno-answers", "-"], policy).status, 0, command);
  }
});

test("cli: apply says what policies would change and make", () => {
  const made = portcullis(["apply", "examples/network-policy"]).stdout;
  const wanted = "networking.k8s.io/v1/NetworkPolicy team-a/default-deny would be made, because of v1/Namespace team-a";
  assert.equal(made.split("\n")[0], wanted);
  const paths = ["-f", "examples/mutation/policies", "-f", "examples/mutation/objects"];
  const changed =
    /^v1\/Pod default\/plain would be changed at \/metadata\/labels, \/spec\/containers\/0\/imagePullPolicy, /m;
  assert.match(portcullis(["apply", ...paths]).stdout, changed);
  const { changes } = JSON.parse(portcullis(["apply", ...paths, "-o", "json"]).stdout) as {
    readonly changes: readonly { readonly object: { readonly name: string }; readonly patch: readonly unknown[] }[];
  };
  assert.deepEqual(
    changes.map(({ object, patch }) => [object.name, patch.length]),
    [
      ["plain", 4],
      ["explicit", 1],
    ],
  );
});

test("cli: what decides nothing is wrong usage, not a run without findings", () => {
  for (const command of ["test", "apply"]) {
    const policies = portcullis([command, "-f", "examples/repos/policies"]);
    assert.equal(policies.status, 2);
    assert.match(policies.stderr, /^no object to decide about: give files or folders with objects, or `-` /);
    const objects = portcullis([command, "examples/repos/objects"]);
    assert.equal(objects.status, 2);
    assert.match(objects.stderr, /^no policy: give files or folders with policies and objects$/m);
  }
  assert.match(portcullis(["lint", "-f", "examples/repos/objects"]).stderr, /^no policy to look at: /);
});

test("cli: paths stand behind -f or alone", () => {
  for (const command of ["test", "apply", "lint", "explain"]) {
    const { status, stdout } = portcullis([command, "examples/repos"]);
    const flagged = portcullis([command, "-f", "examples/repos"]);
    assert.deepEqual([status, stdout], [flagged.status, flagged.stdout]);
    assert.notEqual(stdout, "");
  }
  const crds = ["render", "crds"];
  const templates = "examples/repos/policies";
  assert.equal(portcullis([...crds, templates]).stdout, portcullis([...crds, "-f", templates]).stdout);
  const pod = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "piped" } });
  for (const args of [
    ["review", "-"],
    ["review", "-f", "-"],
  ]) {
    assert.match(portcullis(args, pod).stdout, /^\{"kind":"AdmissionReview",.*"name":"piped"/);
  }
});

test("cli: what was meant as a policy and is of no known kind or version is an error with its place", () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-kinds-"));
  try {
    const file = join(folder, "a.yaml");
    const cases = [
      [
        "kyverno.io/v1",
        "ClusterPolcy",
        "kyverno.io has no kind `ClusterPolcy` (expected one of ClusterPolicy, Policy, ",
      ],
      ["kyverno.io/v3", "Policy", "Policy of kyverno.io has no version `v3` (expected one of v1, v2beta1)"],
      ["templates.gatekeeper.sh/v1", "Template", "templates.gatekeeper.sh has no kind `Template` (expected Constraint"],
      ["cli.kyverno.io/v1alpha1", "Tests", "cli.kyverno.io has no kind `Tests` (expected one of Context, Test, "],
    ] as const;
    for (const [apiVersion, kind, message] of cases) {
      writeFileSync(file, `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: x}\n`);
      for (const command of ["test", "apply", "lint"]) {
        const { status, stdout } = portcullis([command, file, "examples/repos"]);
        assert.equal(status, 1);
        assert.ok(stdout.includes(`${file}:2:7: error: [unknown-kind] ${message}`), stdout);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("cli: findings of lint stand in the order of files and lines", () => {
  const places = portcullis(["lint", "examples/registries", "examples/kyverno", "examples/repos"])
    .stdout.split("\n")
    .flatMap((line) => /^(.*?):(\d+):\d+: /.exec(line)?.slice(1) ?? [])
    .join(" ");
  assert.match(
    places,
    /^examples\/kyverno\S+ 25 examples\/kyverno\S+ 25 .* examples\/registries\S+ 9 .* examples\/repos\S+ 29$/,
  );
});
