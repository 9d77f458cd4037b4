// How long to wait before trying again: longer each time up to a limit, never in step with others, and from the start once
// things have gone well for a while. A pause that an AbortSignal ends, and slots for what must not run all at once.

import { isConflict } from "./api.ts";

export interface Backoff {
  /** Milliseconds to wait now. `leastMs` is what the server asked for. */
  next(leastMs?: number | null): number;
  /** All is well. */
  reset(): void;
}

export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** Without a failure for so long, waiting starts again at the shortest; never when absent. */
  readonly quietMs?: number;
  readonly nowMs?: () => number;
}

/** Between a wait and twice that wait, which doubles from `minMs` to `maxMs`. Go: k8s.io/client-go tools/cache Reflector. */
export function createBackoff(options: BackoffOptions): Backoff {
  const { minMs, maxMs, quietMs = Infinity, nowMs = () => performance.now() } = options;
  let failures = 0;
  let lastMs = -Infinity;
  return {
    next(leastMs = null) {
      const now = nowMs();
      if (now - lastMs > quietMs) failures = 0;
      const wait = Math.min(maxMs, minMs * 2 ** Math.min(failures++, 30));
      const jittered = Math.max(leastMs ?? 0, Math.min(maxMs, wait * (1 + Math.random())));
      lastMs = now + jittered;
      return jittered;
    },
    reset() {
      failures = 0;
    },
  };
}

/** Resolves after the time, or at once when the signal is or becomes aborted: the caller looks at the signal. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
}

/**
 * Tells those who wait for a server that could not be reached when it answered somebody else, so that nobody sleeps through
 * its return because it was away for long.
 */
export interface Revival {
  /** Somebody could not reach it; aborted when somebody can again. */
  missed(): AbortSignal;
  /** It has answered. */
  answered(): void;
}

export function createRevival(): Revival {
  let waiting: AbortController | null = null;
  return {
    missed: () => (waiting ??= new AbortController()).signal,
    answered: () => {
      waiting?.abort();
      waiting = null;
    },
  };
}

/**
 * How long those whom the API server refuses something wait before they ask again, for what they wait for may be there any
 * moment. Many wait longer, so that together they do not ask more often than few.
 */
export interface Refusals {
  /** Somebody was refused; at most so many milliseconds from now he asks again. */
  waitMs(who: object): number;
  /** He is refused no longer, or has gone. */
  over(who: object): void;
}

/** `leastMs` for few, `eachMs` for each of many. */
export function createRefusals(leastMs: number, eachMs: number): Refusals {
  const refused = new Set<object>();
  return {
    waitMs: (who) => {
      refused.add(who);
      return Math.max(leastMs, refused.size * eachMs) * (1 - Math.random() / 4);
    },
    over: (who) => void refused.delete(who),
  };
}

const conflictsMax = 8;

/**
 * Tries again what met a write of somebody else: for work that looks anew at what is there, or does not depend on it. Rejects
 * with the conflict when others are still faster after two or three seconds. Go: client-go util/retry RetryOnConflict.
 */
export async function retryOnConflict<Value>(work: () => Promise<Value>): Promise<Value> {
  const backoff = createBackoff({ minMs: 10, maxMs: 1000 });
  for (let conflicts = 0; ; conflicts++) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
      return await work();
    } catch (error) {
      if (!isConflict(error) || conflicts === conflictsMax) throw error;
    }
    // oxlint-disable-next-line no-await-in-loop -- see above
    await pause(backoff.next());
  }
}

/** Runs at most so many at the same time, the others in the order in which they came. */
export function createSlots(count: number): <Value>(work: () => Promise<Value>) => Promise<Value> {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}
