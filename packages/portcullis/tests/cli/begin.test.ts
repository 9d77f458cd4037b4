// A server begins once more with what V8 and glibc read only at the beginning of a process, as the same process; whoever has
// said that himself is left alone.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("begin-child.ts", import.meta.url));
const skip = process.platform !== "linux" || process.execve === undefined;

test(
  "a replica has one heap for all threads, and the outputs and the number that it was started with",
  { skip },
  async (context) => {
    const { heap } = await begun(context, { how: "replica" });
    assert.deepEqual(heap, ["MALLOC_ARENA_MAX=1", "MALLOC_TRIM_THRESHOLD_=1048576"]);
  },
);

test("a server without a cluster has a heap for each thread", { skip }, async (context) => {
  assert.deepEqual((await begun(context, { how: "server" })).heap, []);
});

test("a server leaves most processors to requests while V8 compiles", { skip }, async (context) => {
  const { flags } = await begun(context, { how: "server" });
  assert.match(flags, /^\["--concurrent-turbofan-max-threads=\d+","--concurrent-maglev-max-threads=\d+"\]$/);
});

test("what is set already is left as it is", { skip }, async (context) => {
  const { heap } = await begun(context, { how: "replica", env: { MALLOC_ARENA_MAX: "4" } });
  assert.deepEqual(heap, ["MALLOC_ARENA_MAX=4"]);
  const { flags } = await begun(context, { how: "replica", flags: ["--concurrent-turbofan-max-threads=3"] });
  assert.equal(flags, '["--concurrent-turbofan-max-threads=3"]');
});

interface Start {
  readonly how: "replica" | "server";
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

interface Begun {
  /** What its environment says about glibc's heaps. */
  readonly heap: readonly string[];
  /** What Node was given, as JSON. */
  readonly flags: string;
}

async function begun(context: TestContext, { how, env = {}, flags = [] }: Start): Promise<Begun> {
  const { MALLOC_ARENA_MAX: _arenas, MALLOC_TRIM_THRESHOLD_: _trim, ...others } = process.env;
  const child = spawn(process.execPath, [...flags, program, how], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...others, ...env },
  });
  context.after(() => {
    child.kill("SIGKILL");
  });
  let text = "";
  for await (const chunk of child.stderr.setEncoding("utf8") as AsyncIterable<string>) {
    text += chunk;
    if (text.endsWith("\n") && text.includes("begun")) break;
  }
  const environment = readFileSync(`/proc/${child.pid}/environ`, "utf8").split("\0");
  return {
    heap: environment.filter((variable) => variable.startsWith("MALLOC_")).toSorted(),
    flags: /^begun with (.*)$/.exec(text.trim())?.[1] ?? text,
  };
}
