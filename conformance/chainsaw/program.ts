// A program of a test: a script, or a command. It runs in a process group of its own, so that whatever it left behind ends
// with it when its time is up.

import { spawn } from "node:child_process";
import type { Readable } from "node:stream";

export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  /** Null when it ended with 0. */
  readonly error: string | null;
}

export async function runProgram(
  [program = "", ...args]: readonly string[],
  { folder, env, timeoutMs }: { readonly folder: string; readonly env: NodeJS.ProcessEnv; readonly timeoutMs: number },
): Promise<Finished> {
  const child = spawn(program, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const end = new Promise<string | null>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(code === 0 ? null : `exit status ${code ?? signal ?? ""}`));
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  }, timeoutMs);
  const [stdout, stderr, error] = await Promise.all([textOf(child.stdout), textOf(child.stderr), end]);
  clearTimeout(timer);
  return { stdout, stderr, error: isLate ? `not done after ${timeoutMs} ms` : error };
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
