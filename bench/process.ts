// Runs a program to its end and says how long it took, how much processor time it used and how much memory it had at
// the most (utime, stime and VmHWM of the process, read while it runs, on Linux; null elsewhere). Processor time is what
// to compare on a machine that others use too.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

export interface ProcessRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly wallMs: number;
  /** User and system time of all threads, to the hundredth of a second. */
  readonly cpuMs: number | null;
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
  let cpuMs: number | null = null;
  const watch = setInterval(() => {
    peakMegabytes = peakOf(child.pid) ?? peakMegabytes;
    cpuMs = cpuOf(child.pid) ?? cpuMs;
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
    cpuMs,
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

/** Processor time of a running process in milliseconds; a clock tick of /proc is 10 ms. */
function cpuOf(pid: number | undefined): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [utime, stime] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13);
    return (Number(utime) + Number(stime)) * 10;
  } catch {
    return null;
  }
}
