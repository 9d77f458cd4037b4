// What an API server serves, as of late: discovery is asked again when definitions serve something else than before, and
// now and then until it has heard of that, which takes an API server a moment, and one of several a moment more.

import type { ApiResource, ClusterClient, Informer } from "./api.ts";
import { changesServed, isBehind } from "./definitions.ts";

export interface Served {
  /** Null while something else is served than is known here. */
  readonly resources: readonly ApiResource[] | null;
  /** The same, known by now unless that changed meanwhile. Rejects with ApiError. */
  ask(): Promise<readonly ApiResource[] | null>;
  close(): void;
}

export interface ServedOptions {
  readonly client: Pick<ClusterClient, "discover">;
  readonly definitions: Informer;
  /** It is worth asking after so many milliseconds. */
  readonly soon: (afterMs: number) => void;
}

/** Definitions come together, and discovery after them. */
const settleMs = 500;

/**
 * How long to wait before discovery is asked again while it is behind. Not without end: an API server of somebody's own may serve
 * a group in the place of definitions.
 */
const patienceMs: readonly number[] = [1000, 2000, 4000, 8000, 16_000, 30_000];

export function createServed({ client, definitions, soon }: ServedOptions): Served {
  let resources: readonly ApiResource[] | null = null;
  let changes = 0;
  let turn = 0;
  let dueMs = Infinity;
  const stop = definitions.onChange((change) => {
    if (!changesServed(change)) return;
    changes++;
    turn = 0;
    resources = null;
    soon(settleMs);
  });
  const discover = async (): Promise<void> => {
    const before = changes;
    const found = await client.discover(true);
    // What has changed meanwhile may not be among it.
    if (changes !== before) return;
    resources = found.resources;
    const waitMs = isBehind(resources, definitions) ? patienceMs[turn++] : undefined;
    dueMs = waitMs === undefined ? Infinity : performance.now() + waitMs;
    // Timers may be a little early.
    if (waitMs !== undefined) soon(waitMs + 10);
  };
  return {
    get resources() {
      return resources;
    },
    ask: async () => {
      if (resources === null || performance.now() >= dueMs) await discover();
      return resources;
    },
    close: stop,
  };
}
