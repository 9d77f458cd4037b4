// Runs a program to its end and says how long it took and how much memory it had at the most (VmHWM of the process,
// read while it runs, on Linux; null elsewhere).

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ProcessRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly wallMs: number;
  readonly peakMegabytes: number | null;
}

export async function runProcess(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<ProcessRun> {
  const started = performance.now();
  const child = spawn(command, [...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  let peakMegabytes: number | null = null;
  const watch = setInterval(() => {
    peakMegabytes = peakOf(child.pid) ?? peakMegabytes;
  }, 5);
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearInterval(watch);
  const wallMs = performance.now() - started;
  return {
    exitCode,
    stdout: Buffer.concat(output).toString(),
    stderr: Buffer.concat(errors).toString(),
    wallMs,
    peakMegabytes,
  };
}

/** Peak resident memory of a running process in MB (10^6 bytes). */
export function peakOf(pid: number | undefined): number | null {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return match === null ? null : (Number(match[1]) * 1024) / 1e6;
  } catch {
    return null;
  }
}
