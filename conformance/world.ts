// The world of a conformance case: the wall clock, the real host primitives, no answers to needs.

import { Budget, Suspend, type World } from "@portcullis/lang";
import { host, load } from "../packages/portcullis/src/app/host.ts";

export { load };

export function testWorld(): World {
  return {
    nowMs: Date.now(),
    random: () => Math.random,
    host,
    ask: (needs) => {
      throw new Suspend(needs);
    },
  };
}

/** Ten seconds, so that a case that loops ends. */
export function unlimited(): Budget {
  return new Budget({ deadlineMs: performance.now() + 10_000 }, () => performance.now());
}
