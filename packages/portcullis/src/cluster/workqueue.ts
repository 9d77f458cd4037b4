// Keys that wait to be worked on. A key waits once however often it is added, and is worked on by one worker at a time:
// added while it is worked on, it comes again afterwards. Work that fails comes back after a time that doubles with each
// failure of that key, but not much longer than an API server is away; work that succeeds forgets them. A key that waits
// for a later time and is added now comes now.
// Behaviour: k8s.io/client-go util/workqueue.

import { type WorkQueue, isAway } from "./api.ts";
import { type Backoff, createBackoff } from "./retry.ts";

export interface WorkQueueOptions {
  /** Brings what the key names to its desired state; a rejection means again, later. */
  readonly work: (key: string) => Promise<void>;
  /** Keys that are worked on at the same time; 1 when absent. */
  readonly workers?: number;
  /** The first and the longest wait after a failure; 50 ms and 60 s when absent. */
  readonly retryMs?: readonly [first: number, longest: number];
  /** The longest wait for an API server that was away; 10 s when absent, and of many keys 100 ms for each. */
  readonly awayMs?: number;
  /** Called for each failure, before the key waits. */
  readonly onError?: (key: string, error: Error) => void;
}

interface State {
  readonly ready: Set<string>;
  readonly later: Map<string, { readonly timer: NodeJS.Timeout; readonly dueMs: number }>;
  readonly running: Map<string, Promise<void>>;
  /** Added while they are worked on: null for at once, else after so many milliseconds. */
  readonly again: Map<string, number>;
  readonly failures: Map<string, Backoff>;
  readonly idlers: Set<() => void>;
  isOpen: boolean;
}

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const state: State = {
    ready: new Set(),
    later: new Map(),
    running: new Map(),
    again: new Map(),
    failures: new Map(),
    idlers: new Set(),
    isOpen: true,
  };
  const size = (): number => state.ready.size + state.later.size + state.running.size;
  return {
    add: (key, afterMs = 0) => add(state, options, { key, afterMs }),
    get size() {
      return size();
    },
    idle: () =>
      new Promise((resolve) => {
        if (size() === 0) resolve();
        else state.idlers.add(resolve);
      }),
    async close() {
      state.isOpen = false;
      for (const { timer } of state.later.values()) clearTimeout(timer);
      for (const waiting of [state.later, state.ready, state.again]) waiting.clear();
      await Promise.all(state.running.values());
      tellIdle(state);
    },
  };
}

function add(
  state: State,
  options: WorkQueueOptions,
  { key, afterMs }: { readonly key: string; readonly afterMs: number },
): void {
  if (!state.isOpen || state.ready.has(key)) return;
  if (state.running.has(key)) {
    state.again.set(key, Math.min(afterMs, state.again.get(key) ?? Infinity));
    return;
  }
  const dueMs = performance.now() + afterMs;
  const waiting = state.later.get(key);
  if (waiting !== undefined && waiting.dueMs <= dueMs) return;
  clearTimeout(waiting?.timer);
  state.later.delete(key);
  if (afterMs <= 0) {
    state.ready.add(key);
    start(state, options);
    return;
  }
  const timer = setTimeout(() => {
    state.later.delete(key);
    state.ready.add(key);
    start(state, options);
  }, afterMs);
  state.later.set(key, { timer, dueMs });
}

/** Gives work to workers that have none, in the order in which keys became ready. */
function start(state: State, options: WorkQueueOptions): void {
  const { workers = 1 } = options;
  for (const key of state.ready) {
    if (state.running.size >= workers) return;
    state.ready.delete(key);
    state.running.set(key, run(state, options, key));
  }
}

const awayEachMs = 100;

async function run(state: State, options: WorkQueueOptions, key: string): Promise<void> {
  const { retryMs: [minMs, maxMs] = [50, 60_000], awayMs = 10_000 } = options;
  // A turn later, so that whoever added the key has finished what made it do so.
  await Promise.resolve();
  let retryMs = null as number | null;
  try {
    await options.work(key);
    state.failures.delete(key);
  } catch (reason) {
    const backoff = state.failures.get(key) ?? createBackoff({ minMs, maxMs });
    state.failures.set(key, backoff);
    const longestMs = isAway(reason) ? Math.max(awayMs, state.failures.size * awayEachMs) : Infinity;
    retryMs = Math.min(backoff.next(), longestMs * (1 - Math.random() / 4));
    options.onError?.(key, reason instanceof Error ? reason : new Error(String(reason)));
  }
  state.running.delete(key);
  const againMs = state.again.get(key);
  state.again.delete(key);
  if (againMs !== undefined || retryMs !== null)
    add(state, options, { key, afterMs: Math.min(againMs ?? Infinity, retryMs ?? Infinity) });
  start(state, options);
  tellIdle(state);
}

function tellIdle(state: State): void {
  if (state.ready.size + state.later.size + state.running.size > 0) return;
  for (const resolve of state.idlers) resolve();
  state.idlers.clear();
}
