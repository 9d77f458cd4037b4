// `run` before its API server answers: it listens, says that it lives and why it is not ready, and ends when it is told to.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

test("without an API server it is live and not ready, and a signal ends it", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-run-"));
  const [nowhere, port] = [await freePort(), await freePort()];
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigText(nowhere));
  const flags = ["--kubeconfig", kubeconfig, "--port", String(port), "--webhook-url", `https://127.0.0.1:${port}`];
  const child: ChildProcess = spawn(process.execPath, [main, "run", ...flags], { stdio: "ignore" });
  context.after(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  });
  const exited = once(child, "exit");
  let ready = await asked(port, "/readyz");
  for (let tries = 0; !ready.text.includes("does not answer"); tries++) {
    assert.ok(tries < 300, ready.text);
    await sleep(100);
    ready = await asked(port, "/readyz");
  }
  assert.equal(ready.status, 503);
  assert.match(ready.text, /\[-\]cluster the API server does not answer: .*ECONNREFUSED/);
  assert.deepEqual(await asked(port, "/livez"), { status: 200, text: "ok" });
  assert.equal(child.exitCode, null);
  child.kill("SIGTERM");
  assert.deepEqual(await exited, [143, null]);
});

/** Status 0: nobody listens. */
function asked(port: number, path: string): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port, path, rejectUnauthorized: false, agent: false } as const;
    get(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    }).on("error", () => resolve({ status: 0, text: "" }));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function kubeconfigText(port: number): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server: `https://127.0.0.1:${port}` } }],
    users: [{ name: "u", user: { token: "token" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
}
