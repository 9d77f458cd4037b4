// A replica begins once more with what glibc should do about freed memory, as the same process; whoever has said that himself
// is left alone.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("memory-child.ts", import.meta.url));
const skip = process.platform !== "linux" || process.execve === undefined;

test(
  "a replica has one heap for all threads, and the outputs and the number that it was started with",
  { skip },
  async (context) => {
    assert.deepEqual(await heapSettings(context, {}), ["MALLOC_ARENA_MAX=1", "MALLOC_TRIM_THRESHOLD_=1048576"]);
  },
);

test("what is set already is left as it is", { skip }, async (context) => {
  assert.deepEqual(await heapSettings(context, { MALLOC_ARENA_MAX: "4" }), ["MALLOC_ARENA_MAX=4"]);
});

/** Of a process that has begun. */
async function heapSettings(context: TestContext, env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { MALLOC_ARENA_MAX: _arenas, MALLOC_TRIM_THRESHOLD_: _trim, ...others } = process.env;
  const child = spawn(process.execPath, [program], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...others, ...env },
  });
  context.after(() => {
    child.kill("SIGKILL");
  });
  let text = "";
  for await (const chunk of child.stderr.setEncoding("utf8") as AsyncIterable<string>) {
    text += chunk;
    if (text.includes("begun")) break;
  }
  assert.match(text, /begun/);
  const environment = readFileSync(`/proc/${child.pid}/environ`, "utf8").split("\0");
  return environment.filter((variable) => variable.startsWith("MALLOC_")).toSorted();
}
