// K33: what Kyverno prints between its results where a policy's flat match names a wildcard with a subresource.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Command } from "commander";
import { registerKyverno } from "../../../src/cli/kyverno/register.ts";

const policy = `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: flat}
spec:
  rules:
  - name: r
    match: {resources: {kinds: [Pod, "*/*"]}}
    validate: {message: bad, deny: {}}
`;
const object = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default}, spec: {containers: []}}\n";

test("a flat match of `*/*` decides without `Error: not found` in the output", async () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-"));
  const { exitCode: before } = process;
  const { write } = process.stdout;
  let printed = "";
  try {
    writeFileSync(join(folder, "p.yaml"), policy);
    writeFileSync(join(folder, "o.yaml"), object);
    const program = new Command("portcullis").exitOverride();
    registerKyverno(program);
    process.stdout.write = (chunk: unknown) => {
      printed += String(chunk);
      return true;
    };
    const args = ["kyverno", "apply", join(folder, "p.yaml"), "-r", join(folder, "o.yaml")];
    await program.parseAsync(args, { from: "user" });
    assert.equal(process.exitCode, 1);
  } finally {
    process.stdout.write = write;
    process.exitCode = before;
    rmSync(folder, { recursive: true });
  }
  assert.match(printed, /^policy flat -> resource default\/Pod\/a failed:\n1 - r bad$/m);
  assert.doesNotMatch(printed, /Error/);
});
