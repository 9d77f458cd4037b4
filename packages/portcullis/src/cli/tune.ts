// How V8 is set for commands that read files, decide and end, and for those that serve. It is set before a command's modules
// are loaded: loading them makes the young generation grow.

import { setFlagsFromString } from "node:v8";

/**
 * Such a run is over before TurboFan's code pays for its making, and a young generation that does not grow keeps the
 * memory low: a thousand objects against fifty policies take a fifth less CPU time and a third less memory, eight
 * thousand a twentieth more time.
 */
const oneRun = ["--no-turbofan", "--no-sparkplug", "--semi-space-growth-factor=1"];

/**
 * Kyverno's commands use many policies a few times each: most of what Maglev would compile is not called often enough
 * afterwards to pay for it. The library's tests take a sixth less CPU time and two fifths less memory.
 */
const manyPolicies = ["--no-turbofan", "--invocation-count-for-maglev=4000", "--invocation-count-for-maglev-osr=1000"];

const oneSize = "--semi-space-growth-factor=1";

/**
 * A server's main thread only carries bodies: its young generation grows to three times 16 MiB all the same, for nothing.
 * It stays at its first size here, and that of threads which start later at the limit that they are given (threads.ts):
 * a tenth less memory at the same rate. V8 takes what a collection finds of the request that is being decided for
 * long-lived, and makes its like in the old space from then on, unless it is told not to: two fifths of what gets there,
 * and waits for the slower collection.
 */
const serving = ["--semi-space-growth-factor=1", "--min-semi-space-size=4", "--no-allocation-site-pretenuring"];

const settings = new Map<string, readonly string[]>([
  ...["test", "apply", "lint", "explain", "gator test", "gator expand", "gator verify"].map(
    (command) => [command, oneRun] as const,
  ),
  ["kyverno apply", [...manyPolicies, oneSize]],
  // A young generation that grows saves tests a twentieth of the time for 10 MB, and costs a thousand objects a tenth. Of
  // a library's tests, with expressions to compile, more is called often enough: a twenty-fifth less time, a twelfth more of the processors.
  ["kyverno test", [...manyPolicies, "--invocation-count-for-maglev=1000"]],
  ...["serve", "run"].map((command) => [command, serving] as const),
]);

/** V8's compilation cache would keep every program that a policy reload makes. */
const keepNoPrograms = "--no-compilation-cache";

/** Sets V8 for a command (`kyverno test`); others run as Node sets it. */
export function tuneFor(command: string): void {
  const flags = settings.get(command);
  if (flags !== undefined) for (const flag of [keepNoPrograms, ...flags]) setFlagsFromString(flag);
}
