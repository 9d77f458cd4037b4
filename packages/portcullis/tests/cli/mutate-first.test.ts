// `portcullis test` and `apply` ask as an API server does: an object is mutated first, and what it became is validated.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { test } from "node:test";

const repository = resolve(import.meta.dirname, "../../../..");
const main = join(repository, "packages/portcullis/src/cli/main.ts");

function portcullis(...args: readonly string[]): { readonly status: number | null; readonly stdout: string } {
  return spawnSync(process.execPath, [main, ...args], { encoding: "utf8", cwd: repository, input: "" });
}

const objects = ["-f", "examples/mutation/objects"];
const forgotten = "Deployment <forgotten> has no owner label";

test("cli: test validates what mutation has made of an object", () => {
  const mutated = portcullis("test", "-f", "examples/mutation/policies", ...objects);
  assert.equal(mutated.status, 1);
  assert.ok(mutated.stdout.includes(forgotten));
  assert.ok(!mutated.stdout.includes("<plain>"), mutated.stdout);
  const plain = portcullis("test", "-f", "examples/mutation/policies/required-owner.yaml", ...objects);
  assert.match(plain.stdout, /Pod <plain> has no owner label/);
});

test("cli: explain looks at what mutation has made of an object, too", () => {
  const { stdout } = portcullis("explain", "-f", "examples/mutation/policies", ...objects, "-o", "json");
  const explained = JSON.parse(stdout) as readonly {
    readonly object: { readonly name: string };
    readonly constraints: readonly { readonly results: readonly unknown[] }[];
  }[];
  assert.deepEqual(
    explained.map(({ object, constraints }) => [object.name, constraints.flatMap(({ results }) => results).length]),
    [
      ["plain", 0],
      ["explicit", 0],
      ["forgotten", 1],
    ],
  );
});

test("cli: an object that cannot be mutated is refused, as its request would be", () => {
  const mutator = JSON.stringify({
    apiVersion: "mutations.gatekeeper.sh/v1",
    kind: "Assign",
    metadata: { name: "broken" },
    spec: {
      applyTo: [{ groups: [""], versions: ["v1"], kinds: ["ConfigMap"] }],
      location: "data.settings.deep",
      parameters: { assign: { value: "x" } },
    },
  });
  const map = JSON.stringify({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "flat" },
    data: { settings: "text" },
  });
  const ran = spawnSync(process.execPath, [main, "test", "-f", "-"], {
    encoding: "utf8",
    cwd: repository,
    input: `${mutator}\n---\n${map}`,
  });
  assert.equal(ran.status, 1);
  assert.match(ran.stdout, /mismatch between path entry \(type: object\) and received object \(type: string\)/);
});
