// The world of a test: a fixed time, counted random numbers, the digests of Node, and no answer to any need.

import { Budget, type World } from "@portcullis/lang";
import { createHash } from "node:crypto";
import type { Run } from "../src/index.ts";

export function newWorld(): World {
  return {
    nowMs: 1_700_000_000_000,
    random: (stream) => {
      let state = stream.length;
      return () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state / 2 ** 32;
      };
    },
    host: {
      digest: (algorithm, bytes) => createHash(algorithm).update(bytes).digest(),
      hmac: () => new Uint8Array(),
      zone: () => null,
    },
    ask: (needs) => needs.map(({ key }) => ({ error: `no such host: ${key}` })),
  };
}

/** Enough steps for any case, and an end for what would not end. */
export function newRun(world: World = newWorld()): Run {
  return { world, budget: new Budget({ steps: 20_000_000, depth: 500 }, () => 0) };
}
