// How V8 is set for commands that read files, decide and end, and for those that serve. It is set before a command's modules
// are loaded: loading them makes the young generation grow.

import { setFlagsFromString } from "node:v8";

/**
 * Such a run is over before TurboFan's code pays for its making, and a young generation that does not grow keeps the
 * memory low: a thousand objects against fifty policies take a fifth less CPU time and a third less memory, eight
 * thousand a twentieth more time.
 */
export function tuneForOneRun(): void {
  keepNoPrograms();
  setFlagsFromString("--no-turbofan");
  setFlagsFromString("--no-sparkplug");
  setFlagsFromString("--semi-space-growth-factor=1");
}

/**
 * Kyverno's commands use many policies a few times each: most of what Maglev would compile is not called often enough
 * afterwards to pay for it. The library's tests take a sixth less CPU time and two fifths less memory.
 */
export function tuneForManyPolicies(): void {
  keepNoPrograms();
  setFlagsFromString("--no-turbofan");
  setFlagsFromString("--invocation-count-for-maglev=4000");
  setFlagsFromString("--invocation-count-for-maglev-osr=1000");
  setFlagsFromString("--semi-space-growth-factor=1");
}

/**
 * A server's main thread carries bodies, and at most decides what mutators make of a small object (app/near.ts): its young
 * generation grows to three times 16 MiB all the same, for nothing. It stays at its first size here, and that of threads
 * which start later at the limit that they are given (threads.ts): a tenth less memory at the same rate.
 */
export function tuneForServing(): void {
  keepNoPrograms();
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--min-semi-space-size=4");
  // V8 takes what a collection finds of the request that is being decided for long-lived, and makes its like in the old
  // space from then on: two fifths of what gets there, and waits for the slower collection.
  setFlagsFromString("--no-allocation-site-pretenuring");
}

/** V8's compilation cache would keep every program that a policy reload makes. */
function keepNoPrograms(): void {
  setFlagsFromString("--no-compilation-cache");
}
