// The end of the process: readiness fails first, requests are still answered for a while, and a second signal does not wait.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent } from "node:https";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { send } from "../server/client.ts";

const policies = fileURLToPath(new URL("../../../../examples/repos", import.meta.url));
const program = fileURLToPath(new URL("shutdown-child.ts", import.meta.url));

interface Child {
  readonly process: ChildProcess;
  readonly url: string;
  readonly ca: string;
}

async function start(delayMs: number): Promise<Child> {
  const child = spawn(process.execPath, [program, policies, String(delayMs)], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { process: child, ...(JSON.parse(line.toString()) as { url: string; ca: string }) };
}

test("after SIGTERM readiness fails while requests are answered, and then the process ends with 0", async () => {
  const child = await start(1500);
  const exited = once(child.process, "exit");
  const agent = new Agent({ keepAlive: true });
  const get = (path: string) => send(`${child.url}${path}`, { method: "GET", ca: child.ca, agent });
  assert.equal((await get("/readyz")).status, 200);
  child.process.kill("SIGTERM");
  for (let tries = 0; (await get("/readyz")).status === 200; tries++) assert.ok(tries < 1000);
  const unready = await get("/readyz");
  assert.match(unready.text, /\[\+\]policies ok\n\[-\]shutdown shutting down\n/);
  assert.equal((await get("/healthz")).status, 200);
  assert.deepEqual(await exited, [0, null]);
  await assert.rejects(get("/healthz"), /ECONNREFUSED|ECONNRESET|socket hang up/);
  agent.destroy();
});

test("a second signal does not wait, but one that arrives twice is one", async () => {
  const child = await start(60_000);
  const exited = once(child.process, "exit");
  child.process.kill("SIGINT");
  const get = () => send(`${child.url}/readyz`, { method: "GET", ca: child.ca });
  child.process.kill("SIGINT");
  for (let tries = 0; (await get()).status === 200; tries++) assert.ok(tries < 1000);
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.equal((await get()).status, 503);
  child.process.kill("SIGINT");
  assert.deepEqual(await exited, [1, null]);
});
