// The world of a conformance case: now, the real host primitives, and an error as the answer to every need.

import { Budget, type World } from "@portcullis/lang";
import { loadCode, worldNow } from "../packages/portcullis/src/app/host.ts";

export { loadCode };

export function testWorld(): World {
  return worldNow((need) => ({ error: `${need.kind} is not available in a conformance case` }));
}

/** Seconds east of UTC. */
export function zoneOffset(name: string, epochMs: number): number | null {
  return testWorld().host.zone(name, epochMs)?.offsetSeconds ?? null;
}

/** Ten seconds, so that a case that loops ends. */
export function unlimited(): Budget {
  return new Budget({ deadlineMs: performance.now() + 10_000 }, () => performance.now());
}
