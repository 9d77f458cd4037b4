// The walkthrough "no root containers" by files, as a user types it: Kyverno's own test command, what is wrong with a
// policy and where, and what policies want to exist.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";

const repository = resolve(import.meta.dirname, "../../../..");
const main = join(repository, "packages/portcullis/src/cli/main.ts");

function portcullis(args: readonly string[], cwd = repository) {
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", cwd });
}

function inFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-walkthrough-"));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("C6: `kyverno test ./policy-tests/ --detailed-results` runs as written", () => {
  inFolder((folder) => {
    mkdirSync(join(folder, "policy-tests"));
    const result = (resource: string, kind: string, expected: string) => ({
      policy: "disallow-root-containers",
      rule: "disallow-root-uid",
      resources: [resource],
      kind,
      result: expected,
    });
    const suite = {
      apiVersion: "cli.kyverno.io/v1alpha1",
      kind: "Test",
      metadata: { name: "no-root" },
      policies: [join(repository, "examples/kyverno/policies/disallow-root-containers.yaml")],
      resources: [join(repository, "examples/kyverno/objects/objects.yaml")],
      results: [
        result("nginx-root", "Pod", "fail"),
        result("init-root", "Pod", "fail"),
        result("nginx-safe", "Pod", "pass"),
        result("dep", "Deployment", "fail"),
      ],
    };
    writeFileSync(join(folder, "policy-tests", "kyverno-test.yaml"), JSON.stringify(suite));
    const { status, stdout } = portcullis(["kyverno", "test", "./policy-tests/", "--detailed-results"], folder);
    assert.equal(status, 0, stdout);
    assert.match(stdout, /Containers must not run as root \(UID 0\)\./);
    assert.match(stdout, /Test Summary: 4 tests passed and 0 tests failed/);
  });
});

interface Applied {
  readonly effects: readonly {
    readonly kind: string;
    readonly synchronize: boolean;
    readonly object: { readonly name: string };
    readonly objects: readonly {
      readonly data: { readonly kind: string; readonly metadata: object; readonly spec: object };
    }[];
  }[];
}

test("C7: a new Namespace wants its default-deny NetworkPolicy, and an exempt one none", () => {
  const { status, stdout } = portcullis(["apply", "examples/network-policy", "-o", "json"]);
  assert.equal(status, 0);
  const { effects } = JSON.parse(stdout) as Applied;
  assert.deepEqual(
    effects.map(({ kind, synchronize, object }) => [kind, synchronize, object.name]),
    [["ensure", true, "team-a"]],
  );
  const wanted = effects[0]?.objects[0]?.data;
  assert.equal(wanted?.kind, "NetworkPolicy");
  assert.deepEqual(wanted.spec, { podSelector: {}, policyTypes: ["Ingress", "Egress"] });
  assert.partialDeepStrictEqual(wanted.metadata, { name: "default-deny", namespace: "team-a" });
});

const head = `apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: p}
spec:
  rules:
  - name: r
    match: {any: [{resources: {kinds: [Pod]}}]}
    validate:
`;

const broken: Readonly<Record<string, readonly [text: string, place: string, message: RegExp]>> = {
  "boolean.yaml": [
    "      message: no\n      deny: {}\n",
    "9:16",
    /spec\.rules\[0\]\.validate\.message in body must be of type string: "boolean"/,
  ],
  "operator.yaml": [
    "      deny:\n        conditions:\n          any:\n          - {key: a, operator: Equalz, value: b}\n",
    "12:32",
    /entered value of `operator` is invalid/,
  ],
  "variable.yaml": [
    '      message: "{{ nothing.there }}"\n      deny: {}\n',
    "9:17",
    /variable nothing\.there must match regex/,
  ],
  "syntax.yaml": [
    '      message: "{{ request.object.[ }}"\n      deny: {}\n',
    "9:17",
    /invalid JMESPath query request\.object\.\[: SyntaxError: /,
  ],
  "recursion.yaml": [
    "      pattern:\n        spec: &spec\n          containers: *spec\n",
    "11:24",
    /anchor 'spec' value contains itself/,
  ],
};

test("a policy that is wrong is named with file, line and column, and ends with an exit code", () => {
  inFolder((folder) => {
    for (const [name, [text, place, message]] of Object.entries(broken)) {
      const file = join(folder, name);
      writeFileSync(file, head + text);
      const { status, stdout, stderr } = portcullis(["apply", file, "examples/kyverno/objects"]);
      assert.ok(status === 1 || status === 2, `${name}: ${status}`);
      const lines = `${stdout}${stderr}`.split("\n").filter((line) => line.startsWith(`${file}:${place}: `));
      assert.equal(lines.length, 1, `${name}: ${stdout}${stderr}`);
      assert.match(lines[0] ?? "", message);
    }
  });
});

test("bombs, catastrophic expressions and contexts that are too large end in errors, with 300 MB of heap", () => {
  inFolder((folder) => {
    const deny = (key: string): string =>
      `      deny: {conditions: {any: [{key: "${key}", operator: Equals, value: x}]}}\n`;
    const named = (name: string): string => head.replace("{name: p}", `{name: ${name}}`);
    const entries = ["a", "b", "c", "d", "e", "f", "g", "h"].map((name, at, all) => {
      const value = at === 0 ? "lol" : `{{ ${all[at - 1]} }}`.repeat(20);
      return `    - {name: ${name}, variable: {value: "${value}"}}\n`;
    });
    const bomb = named("bomb").replace("    validate:\n", `    context:\n${entries.join("")}    validate:\n`);
    const annotation = "request.object.metadata.annotations";
    const policies = [
      bomb + deny("{{ h }}"),
      named("growing") + deny(`x{{ ${annotation}.bomb }}`),
      named("regex") + deny(`{{ regex_match('^(a+)+$', ${annotation}.long) }}`),
    ];
    writeFileSync(join(folder, "policies.yaml"), policies.join("---\n"));
    const long = `${"a".repeat(200_000)}!`;
    const annotations = { long, bomb: `{{ ${annotation}.bomb }}{{ ${annotation}.bomb }}` };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "p", annotations }, spec: { containers: [] } };
    writeFileSync(join(folder, "pod.json"), JSON.stringify(pod));
    const args = ["--max-old-space-size=300", main, "apply", folder, "-o", "json"];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8", cwd: repository });
    assert.equal(status, 1);
    const { findings } = JSON.parse(stdout) as { findings: readonly { rule: string; message: string }[] };
    assert.deepEqual(findings.map(({ rule }) => rule).toSorted(), ["ClusterPolicy/bomb", "ClusterPolicy/growing"]);
    assert.ok(findings.every(({ message }) => /context size limit exceeded|too much output/.test(message)));
  });
});

test("cli: what Kyverno's commands can and ours cannot is refused with what to do instead", () => {
  const said = (...args: readonly string[]): readonly unknown[] => {
    const { status, stdout, stderr } = portcullis(["kyverno", ...args]);
    return [status, stdout, stderr];
  };
  const policy = "examples/kyverno/policies/disallow-root-containers.yaml";
  assert.deepEqual(said("fix", "policy", ".", "--save"), [
    1,
    "",
    "Error: kyverno fix is not built: policies and tests are taken as they are; `portcullis lint` says what is deprecated in them\n",
  ]);
  const refused = {
    "--json": "payloads are decided by ValidatingPolicies, which are not supported yet",
    "--parameter-resource": "parameters belong to admission policies, which are not supported yet",
    "--context-file": "its data are for policies in CEL and images of registries, which are not supported yet",
  };
  for (const [flag, why] of Object.entries(refused)) {
    assert.deepEqual(said("apply", policy, flag, "x.yaml"), [1, "", `Error: ${flag}: ${why}\n`]);
  }
  assert.deepEqual(said("apply", "https://github.com/kyverno/policies", "-r", policy), [
    1,
    "",
    "Error: https://github.com/kyverno/policies: git repositories are not read: clone it, and give the folder\n",
  ]);
});
