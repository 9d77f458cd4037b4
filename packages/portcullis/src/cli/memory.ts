// How a replica is kept from holding memory that it has freed. glibc gives each thread a heap of its own and keeps most of what
// was freed there: of a replica that audits 10,000 Pods that was 84 of 380 MB. With one heap for all, whose free end goes
// back to the system, it is next to nothing (with two, up to 30 MB more). Threads wait for each other then: where nothing but
// mutators decide, a sixth fewer requests are answered, which is why a server without a cluster, who holds little, is left as it
// is. glibc reads this only when a process begins; therefore the process begins once more, under the same number and with
// the same files, which takes a twentieth of a second.

import { setFlagsFromString } from "node:v8";

/** Whoever has set one of these has it as he wants it. The second is in bytes. */
const freed = { MALLOC_ARENA_MAX: "1", MALLOC_TRIM_THRESHOLD_: String(1024 * 1024) };

/** To be called before anything else is begun; does not return where the process begins once more. */
export function keepLittleFreed(): void {
  const { platform, env, execPath, execArgv, argv, execve } = process;
  // Who was started with a channel to its parent would lose it.
  const isPossible = platform === "linux" && execve !== undefined && process.send === undefined;
  if (isPossible && !Object.keys(freed).some((name) => env[name] !== undefined)) {
    execve(execPath, [execPath, ...execArgv, ...argv.slice(1)], { ...env, ...freed });
  }
  // Where an isolate may have gigabytes, V8 lets garbage grow to three times what lives: while an audit was logged, to 50 of the
  // main thread's 85 MB.
  setFlagsFromString("--heap-growing-percent=30");
}
