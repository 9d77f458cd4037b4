// What both gator commands give to the pure functions: code loading, this machine's primitives, a budget per object.

import { Budget } from "@portcullis/lang";
import type { GatorOptions } from "@portcullis/policy";
import { loadCode, worldNow } from "../app/host.ts";

/** How long one object may take; gator has no limit, so this one is far above what a sane policy needs. */
const objectMs = 10_000;

export function gatorOptions(): GatorOptions {
  const now = (): number => performance.now();
  const { nowMs, random, host } = worldNow(() => ({ error: "gator is connected to no cluster" }));
  return {
    load: loadCode,
    world: { nowMs, random, host },
    budget: () => new Budget({ deadlineMs: now() + objectMs }, now),
  };
}
