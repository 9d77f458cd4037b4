// Wrong usage of the commands for clusters ends with 2 and says what was expected, before anything is asked of a cluster. So does a
// cluster that cannot be reached or refuses: 1 is for what was found in one.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";

const repository = resolve(import.meta.dirname, "../../../..");
const main = join(repository, "packages/portcullis/src/cli/main.ts");

const cases: readonly (readonly [line: string, text: string])[] = [
  ["install", "no input: give files or folders"],
  ["serve", "required option '--policies <path>' not specified"],
  ["install -f no-such-folder", "no-such-folder: no such file or folder"],
  ["install -f examples/repos/policies --timeout soon", "argument 'soon' is invalid. expected seconds, 0 to 3600"],
  ["render crds", "expected files or folders with templates, --own, or both"],
  ["render manifests", "required option '--image <reference>' not specified"],
  ["audit -o xml", "Allowed choices are table, text, json, sarif, junit."],
  ["status extra", "too many arguments for 'status'"],
  ["status --kubeconfig no-such-file", "kubeconfig `no-such-file` does not exist"],
  ["run --port x", "expected a whole number, 0 or more"],
  ["run --inject-ca-from a", "expected namespace/name of a Certificate"],
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

const onClusters = ["status", "audit", "install -f examples/repos/policies", "uninstall", "run --uninstall"];

describe("cli: a cluster", () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-usage-"));
  const server = createServer((_incoming: IncomingMessage, response: ServerResponse) => {
    const status = { apiVersion: "v1", kind: "Status", code: 403, reason: "Forbidden", message: "bob may not" };
    response.writeHead(403, { "content-type": "application/json" }).end(JSON.stringify(status));
  });
  before(async () => {
    await new Promise<void>((settle) => {
      server.listen(0, "127.0.0.1", settle);
    });
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  for (const line of onClusters) {
    test(`that cannot be reached: ${line}`, async () => {
      const { code, stderr } = await ran(line, kubeconfigFor(folder, "http://127.0.0.1:1"));
      assert.equal(code, 2, stderr);
      assert.ok(stderr.endsWith("cannot reach http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\n"), stderr);
    });
    test(`that refuses: ${line}`, async () => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { code, stderr } = await ran(line, kubeconfigFor(folder, url));
      assert.equal(code, 2, stderr);
      assert.ok(stderr.endsWith(`${url}: bob may not\n`), stderr);
    });
  }
});

function kubeconfigFor(folder: string, server: string): string {
  const file = join(folder, "kubeconfig");
  const named = { name: "it", cluster: { server } };
  const context = { name: "it", context: { cluster: "it", user: "it" } };
  const users = [{ name: "it", user: { token: "t" } }];
  writeFileSync(file, JSON.stringify({ clusters: [named], contexts: [context], users, "current-context": "it" }));
  return file;
}

function ran(line: string, kubeconfig: string): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const child = spawn(process.execPath, [main, ...line.split(" "), "--kubeconfig", kubeconfig], { cwd: repository });
  let stderr = "";
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  return new Promise((settle) => {
    child.on("close", (code) => {
      settle({ code, stderr });
    });
  });
}
