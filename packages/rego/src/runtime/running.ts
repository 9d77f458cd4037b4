// The budget of the evaluation that is running. Values are compared everywhere, mostly with no budget at hand, and a value that
// shares its parts (`x := [y, y]`, forty times over) has more of them than anybody can visit: so comparisons count the
// containers that they enter, and charge the running evaluation for them from time to time. Evaluations are synchronous.

import type { Budget } from "@portcullis/lang";

let running: Budget | null = null;
let uncharged = 0;

/** So rarely that counting costs nothing, so often that a millisecond does not pass. */
const visitsPerCharge = 4096;

/** Runs an evaluation whose comparisons are charged to its budget. */
export function chargedTo<T>(budget: Budget, run: () => T): T {
  const outer = running;
  running = budget;
  try {
    return run();
  } finally {
    running = outer;
  }
}

/** A comparison enters a container, or so many members are copied for a `with`. Throws LimitError. */
export function enterContainer(visits = 1): void {
  uncharged += visits;
  if (uncharged < visitsPerCharge) return;
  const charged = uncharged;
  uncharged = 0;
  running?.step(charged);
}

/** Charges the running evaluation for what is made with no budget at hand. Throws LimitError. */
export function chargeRunning(charge: (budget: Budget) => void): void {
  if (running !== null) charge(running);
}
