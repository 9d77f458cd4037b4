// How a server's process begins once more, under the same number and with the same files, which takes a twentieth of a second:
// some of what it needs is read only when a process begins.
//
// - V8 compiles with up to four threads at once. Where there are two processors, the threads that answer requests got a third
//   of their time until it had compiled: for a fifth of a second, some ten seconds after a start (p99 at half load 14 to
//   52 ms, with one thread 4 to 6 ms). Whoever serves is given a quarter of the processors for it.
// - glibc gives each thread a heap of its own and keeps most of what was freed there: of a replica that audits 10,000 Pods
//   that was 84 of 380 MB. With one heap for all, whose free end goes back to the system, it is next to nothing (with two, up
//   to 30 MB more). Threads wait for each other then: where nothing but mutators decide, a sixth fewer requests are answered,
//   which is why a server without a cluster, who holds little, is left as it is.

import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";

export interface Beginning {
  /** Next to nothing of what was freed is kept. */
  readonly keepsLittleFreed: boolean;
}

/** Whoever has set one of these has it as he wants it. The second is in bytes. */
const freed = { MALLOC_ARENA_MAX: "1", MALLOC_TRIM_THRESHOLD_: String(1024 * 1024) };

const compilingThreads = Math.max(1, Math.floor(availableParallelism() / 4));
const compiling = ["--concurrent-turbofan-max-threads", "--concurrent-maglev-max-threads"];

/** To be called before anything else is begun; does not return where the process begins once more. */
export function beginOnceMore({ keepsLittleFreed }: Beginning): void {
  const { platform, env, execPath, execArgv, argv, execve } = process;
  const isHeapSet = Object.keys(freed).some((name) => env[name] !== undefined);
  const isCompilingSet = execArgv.some((flag) => compiling.some((name) => flag.startsWith(name)));
  const heap = keepsLittleFreed && !isHeapSet ? freed : {};
  const flags = isCompilingSet ? [] : compiling.map((name) => `${name}=${compilingThreads}`);
  // Who was started with a channel to its parent would lose it.
  const isPossible = platform === "linux" && execve !== undefined && process.send === undefined;
  if (isPossible && Object.keys(heap).length + flags.length > 0) {
    execve(execPath, [execPath, ...flags, ...execArgv, ...argv.slice(1)], { ...env, ...heap });
  }
  // Where an isolate may have gigabytes, V8 lets garbage grow to three times what lives: while an audit was logged, to 50 of the
  // main thread's 85 MB.
  if (keepsLittleFreed) setFlagsFromString("--heap-growing-percent=30");
}
