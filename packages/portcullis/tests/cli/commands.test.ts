// The command line as a user calls it: a process, its output and its exit code.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";

const repository = resolve(import.meta.dirname, "../../../..");
const main = join(repository, "packages/portcullis/src/cli/main.ts");

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function portcullis(args: readonly string[], input = ""): Ran {
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", cwd: repository, input });
}

function inFolder(files: Readonly<Record<string, string>>, use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-cli-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const untrusted =
  'container <web> has an invalid image repo <munta/nginx>, allowed repos are ["xxx.dkr.ecr.ca-central-1.amazonaws.com/", "docker.io/bitnami/"]';

test("cli: test prints what the policies say about objects in files and exits 1 when something is denied", () => {
  const { status, stdout } = portcullis(["test", "-f", "examples/repos"]);
  assert.equal(status, 1);
  assert.match(
    stdout,
    /objects\.yaml:1:1: deny: v1\/Pod medstack\/untrusted: \[K8sAllowedRepos\/enforce-image-repository\]/,
  );
  assert.ok(stdout.includes(untrusted));
  assert.match(stdout, /^2 findings \(2 errors\) in 6 objects against 2 policies$/m);
});

test("cli: test exits 0 when violations are only recorded", () => {
  const { status, stdout } = portcullis(["test", "-f", "examples/registries"]);
  assert.equal(status, 0);
  assert.match(
    stdout,
    /dryrun: v1\/Pod production\/bad: .* initContainer 'init' image 'quay\.io\/x\/y' not in allowed registries/,
  );
});

test("cli: test reads objects from standard input", () => {
  const objects = readFileSync(join(repository, "examples/repos/objects/objects.yaml"), "utf8");
  const { status, stdout } = portcullis(["test", "-f", "examples/repos/policies", "-f", "-"], objects);
  assert.equal(status, 1);
  assert.match(stdout, /^stdin:1:1: deny: v1\/Pod medstack\/untrusted/m);
});

test("cli: test gives JSON, SARIF and JUnit", () => {
  const json = JSON.parse(portcullis(["test", "-f", "examples/repos", "-o", "json"]).stdout) as {
    readonly findings: readonly { readonly message: string }[];
  };
  assert.deepEqual(
    json.findings.map(({ message }) => message.slice(0, 15)),
    ["container <web>", "container <web>"],
  );
  const sarif = JSON.parse(portcullis(["test", "-f", "examples/repos", "-o", "sarif"]).stdout) as {
    readonly version: string;
    readonly runs: readonly { readonly results: readonly unknown[] }[];
  };
  assert.equal(sarif.version, "2.1.0");
  assert.equal(sarif.runs[0]?.results.length, 2);
  const junit = portcullis(["test", "-f", "examples/repos", "-o", "junit"]).stdout;
  assert.match(junit, /<testsuite name="portcullis" tests="2" failures="2">/);
  assert.ok(junit.includes("container &lt;web&gt;"));
  assert.match(junit, /name="v1\/Pod medstack\/untrusted" file="examples\/repos\/objects\/objects\.yaml" line="1">/);
});

test("cli: explain names the criterion that did not match and the line that made the message", () => {
  const { status, stdout } = portcullis(["explain", "-f", "examples/repos"]);
  assert.equal(status, 0);
  assert.match(stdout, /NO {2}match\.namespaces \["medstack","mcs"\], the object has default/);
  assert.match(
    stdout,
    /template\.yaml:24:11 {2}container := containers\[_\] {3}where container = \{"name":"web","image":"munta\/nginx"\}/,
  );
});

test("cli: lint says what the walkthrough's policies leave open", () => {
  const { status, stdout } = portcullis(["lint", "examples/registries"]);
  assert.equal(status, 1);
  assert.match(stdout, /\[lint\/ephemeral-containers\] K8sAllowedRegistries does not check ephemeral containers/);
  assert.match(
    stdout,
    /\[lint\/workloads-not-checked\] .*a Deployment with a bad Pod template is accepted and then has no Pods/,
  );
  assert.match(
    stdout,
    /\[lint\/image-not-expanded\] `nginx:1\.27` is refused although `docker\.io\/library\/` is allowed/,
  );
});

test("cli: wrong usage and unreadable input end with 2 and say what was expected", () => {
  assert.equal(portcullis(["test", "-f", "no-such-folder"]).status, 2);
  assert.match(portcullis(["test", "-f", "no-such-folder"]).stderr, /no-such-folder: no such file or folder/);
  assert.equal(portcullis(["test", "--no-such-flag"]).status, 2);
  assert.equal(portcullis(["test", "-o", "html", "-f", "examples"]).status, 2);
});

test("cli: broken YAML is named with file, line and column", () => {
  inFolder({ "broken.yaml": "kind: Pod\nmetadata:\n\tname: x\n" }, (folder) => {
    const { status, stderr } = portcullis(["test", "-f", folder]);
    assert.equal(status, 2);
    assert.match(stderr, /broken\.yaml:3:\d+: /);
  });
});

test("cli: a template whose Rego does not parse or type-check is an error at its line of the YAML file", () => {
  const template = readFileSync(join(repository, "examples/repos/policies/template.yaml"), "utf8");
  const brokenParse = template.replace("container := containers[_]", "container := := containers[_]");
  const brokenType = template.replace("startswith(image, ", "startswith(");
  inFolder({ "template.yaml": brokenParse }, (folder) => {
    const { status, stdout } = portcullis(["test", "-f", folder]);
    assert.equal(status, 1);
    assert.match(stdout, /template\.yaml:24:\d+: error: \[rego_parse_error\]/);
  });
  inFolder({ "template.yaml": brokenType }, (folder) => {
    const { status, stdout } = portcullis(["test", "-f", folder]);
    assert.equal(status, 1);
    assert.match(stdout, /template\.yaml:34:\d+: error: \[rego_type_error\] startswith: arity mismatch/);
  });
});

test("cli: a constraint without its template, and one with an unknown field, are errors with a place", () => {
  const constraint = readFileSync(join(repository, "examples/repos/policies/constraint.yaml"), "utf8");
  inFolder({ "constraint.yaml": constraint }, (folder) => {
    const { status, stdout } = portcullis(["test", "-f", folder]);
    assert.equal(status, 1);
    assert.match(stdout, /constraint\.yaml:\d+:\d+: error: .*template "k8sallowedrepos" not found/);
  });
  inFolder({ "constraint.yaml": constraint.replace("namespaces:", "namespacez:") }, (folder) => {
    const { status, stdout } = portcullis(["test", "-f", folder, "-f", "examples/repos/policies/template.yaml"]);
    assert.equal(status, 1);
    assert.match(stdout, /constraint\.yaml:\d+:\d+: error: .*namespacez/);
  });
});

test("cli: gator verify fails when there is no suite, and says so", () => {
  inFolder({ "pod.yaml": "kind: Pod\n" }, (folder) => {
    const { status, stderr } = portcullis(["gator", "verify", folder]);
    assert.equal(status, 1);
    assert.match(stderr, /no suite found/);
  });
});

test("cli: shims run this product under the peers' names", () => {
  inFolder({}, (folder) => {
    assert.equal(portcullis(["shims", folder]).status, 0);
    const ran = spawnSync(join(folder, "gator"), ["test", "-f", "examples/repos"], {
      encoding: "utf8",
      cwd: repository,
      input: "",
    });
    assert.equal(ran.status, 1);
    assert.ok(ran.stdout.includes('v1/Pod medstack/untrusted: ["enforce-image-repository"] Message: "container <web>'));
  });
});

test("cli: review prints an AdmissionReview for an object", () => {
  inFolder({ "pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: medstack}\n" }, (folder) => {
    const { status, stdout } = portcullis(["review", join(folder, "pod.yaml")]);
    assert.equal(status, 0);
    const { request } = JSON.parse(stdout) as {
      readonly request: { readonly operation: string; readonly resource: unknown; readonly namespace: string };
    };
    assert.deepEqual(
      [request.operation, request.resource, request.namespace],
      ["CREATE", { group: "", version: "v1", resource: "pods" }, "medstack"],
    );
  });
});

for (const name of readdirSync(join(repository, "examples"))) {
  const expected = join(repository, "examples", name, "expected.txt");
  if (!existsSync(expected)) continue;
  test(`cli: examples/${name} is answered as its expected.txt says`, () => {
    assert.equal(portcullis(["test", "-f", `examples/${name}`]).stdout, readFileSync(expected, "utf8"));
  });
}

test("cli: written answers stand for external data providers, in test and in suites; nobody is asked without being told", () => {
  const example = "examples/external-data";
  const alone = portcullis(["test", "-f", `${example}/policies`, "-f", `${example}/objects`]);
  assert.match(alone.stdout, /signatures cannot be looked up: provider signatures is not asked here/);
  const read = (file: string): readonly string[] =>
    readFileSync(join(repository, example, file), "utf8").split("---\n");
  const [template = "", constraint = ""] = read("policies/signed-images.yaml");
  const [web = "", stranger = ""] = read("objects/pods.yaml");
  const one = (name: string, assertion: unknown): unknown => ({
    name,
    object: `${name}.yaml`,
    inventory: ["answers.yaml"],
    assertions: [assertion],
  });
  const cases = [one("web", { violations: "no" }), one("stranger", { violations: 1, message: "not signed" })];
  const tests = [{ name: "signed", template: "template.yaml", constraint: "constraint.yaml", cases }];
  const suite = JSON.stringify({ apiVersion: "test.gatekeeper.sh/v1alpha1", kind: "Suite", tests });
  const files = {
    "template.yaml": template,
    "constraint.yaml": constraint,
    "web.yaml": web,
    "stranger.yaml": stranger,
    "answers.yaml": read("answers.yaml").join("---\n"),
    "suite.yaml": suite,
  };
  inFolder(files, (folder) => {
    const { status, stdout: said } = portcullis(["gator", "verify", join(folder, "suite.yaml")]);
    assert.equal(status, 0, said);
  });
});
