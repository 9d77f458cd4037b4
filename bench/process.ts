// Runs a program to its end and says how long it took, how much processor time it used and how much memory it had at
// the most (utime, stime and VmHWM of the process, read while it runs, on Linux; null elsewhere). Processor time is what
// to compare on a machine that others use too. Output goes to a file, so that no reader takes part in the time.

import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

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
  const folder = mkdtempSync(join(tmpdir(), "portcullis-run-"));
  const [output, errors] = [join(folder, "stdout"), join(folder, "stderr")];
  const files = [openSync(output, "w"), openSync(errors, "w")] as const;
  const started = performance.now();
  const child = spawn(command, [...args], { env, stdio: ["ignore", ...files] });
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
  for (const file of files) closeSync(file);
  const [stdout, stderr] = [readFileSync(output, "utf8"), readFileSync(errors, "utf8")];
  rmSync(folder, { recursive: true });
  return { exitCode, stdout, stderr, wallMs, cpuMs, peakMegabytes };
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
export function cpuOf(pid: number | undefined): number | null {
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
