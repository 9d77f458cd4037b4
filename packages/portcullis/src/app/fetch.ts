// Getting what policies ask for. A decision that misses something is put aside with its needs (engine/outcome.ts
// Suspended); here they are fetched, each kind by whoever knows how, while other requests go on. Whoever fetches gets all
// needs of a request and a kind in one call. Equal needs that several requests have at the same time are fetched once, and
// as long as one of those still waits. A kind has a limited number of calls at once; the others wait in line.
//
// A fetch that fails, or is late, is an answer with an error: what that means is the policy's business. Therefore answers
// come some time before the deadline of the request, so that the policy still has time to say what it means.

import type { Answer, Need } from "@portcullis/lang";
import { clockMs } from "./clock.ts";

/**
 * Gets what some needs of one kind ask for, in their order. Aborted when nobody waits any more. A rejection is an error for
 * all of them, in the words of its message.
 */
type Fetcher = (needs: readonly Need[], signal: AbortSignal) => Promise<readonly Answer[]>;

/** By the kind of need. */
export type Fetchers = Readonly<Record<string, Fetcher>>;

export interface Fetching {
  /** From now on these kinds are fetched so. */
  add(fetchers: Fetchers): void;
  /** In the order of the needs; by `deadlineMs` on the clock of `clockMs`. Never rejects. */
  fetch(needs: readonly Need[], deadlineMs: number): Promise<readonly Answer[]>;
}

export interface FetchingOptions {
  readonly fetchers?: Fetchers;
  /** Calls at once per kind; 32 when absent. */
  readonly callsMax?: number;
}

export function createFetching({ fetchers = {}, callsMax = 32 }: FetchingOptions = {}): Fetching {
  const lines = new Map<string, Line>();
  const add = (more: Fetchers): void => {
    for (const [kind, fetcher] of Object.entries(more)) lines.set(kind, createLine(fetcher, callsMax));
  };
  add(fetchers);
  return {
    add,
    fetch: async (needs, deadlineMs) => {
      const byKind = Map.groupBy(needs, ({ kind }) => kind);
      const answers = new Map<Need, Promise<Answer>>();
      for (const [kind, some] of byKind) {
        const line = lines.get(kind);
        const waiting = line === undefined ? some.map(unknownKind) : line.ask(some, deadlineMs);
        some.forEach((need, at) => answers.set(need, waiting[at] ?? unknownKind(need)));
      }
      return Promise.all(needs.map((need) => answers.get(need) ?? unknownKind(need)));
    },
  };
}

function unknownKind({ kind, key }: Need): Promise<Answer> {
  return Promise.resolve({ error: `${kind} ${key}: nothing fetches this` });
}

/**
 * The moment at which a request stops waiting for what it fetches, on the clock of `clockMs`: a tenth of what is left to it
 * stays for its policies, and never more than 500 ms.
 */
export function fetchDeadlineMs(deadlineMs: number, nowMs = clockMs()): number {
  const leftMs = Math.max(0, deadlineMs - nowMs);
  return deadlineMs - Math.min(500, Math.max(leftMs / 10, Math.min(25, leftMs / 2)));
}

// ── one kind

interface Line {
  ask(needs: readonly Need[], deadlineMs: number): readonly Promise<Answer>[];
}

/** A call that is made, or waits for its turn. */
interface Call {
  readonly answers: Promise<readonly Answer[]>;
  readonly abort: AbortController;
  /** Requests that wait for it. */
  waiting: number;
}

interface Place {
  readonly call: Call;
  readonly at: number;
}

function createLine(fetcher: Fetcher, callsMax: number): Line {
  const open = new Map<string, Place>();
  const turns = createTurns(callsMax);
  const start = (needs: readonly Need[]): void => {
    const abort = new AbortController();
    const answers = turns.take(async () => answersOf(fetcher, needs, abort.signal), abort.signal);
    const call: Call = { answers, abort, waiting: 0 };
    needs.forEach(({ key }, at) => open.set(key, { call, at }));
    void closeWhenDone(needs, call);
  };
  const closeWhenDone = async (needs: readonly Need[], call: Call): Promise<void> => {
    await call.answers;
    for (const { key } of needs) if (open.get(key)?.call === call) open.delete(key);
  };
  return {
    ask: (needs, deadlineMs) => {
      const missing = needs.filter(({ key }) => open.get(key)?.call.abort.signal.aborted !== false);
      if (missing.length > 0) start(missing);
      return needs.map(({ kind, key }) => {
        const { call, at } = open.get(key) as Place;
        return waitFor(call, deadlineMs).then(
          (answers) => answers?.[at] ?? { error: `${kind}: context deadline exceeded` },
        );
      });
    },
  };
}

async function answersOf(fetcher: Fetcher, needs: readonly Need[], signal: AbortSignal): Promise<readonly Answer[]> {
  try {
    return await fetcher(needs, signal);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return needs.map(() => ({ error: text }));
  }
}

const lastWordsMs = 5;

/** What a call brings, or null when it is not there in time; the last one who stops waiting ends it. */
async function waitFor(call: Call, deadlineMs: number): Promise<readonly Answer[] | null> {
  call.waiting++;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, deadlineMs - clockMs()), null);
  });
  const answers = await Promise.race([call.answers, late]);
  clearTimeout(timer);
  call.waiting--;
  if (answers !== null || call.waiting > 0) return answers;
  call.abort.abort();
  // Whoever fetches may have its own words for that.
  return Promise.race([call.answers, new Promise<null>((resolve) => setTimeout(resolve, lastWordsMs, null))]);
}

// ── turns

interface Turns {
  /** Runs when there is room; not at all when it was aborted before, which gives no answers. */
  take(run: () => Promise<readonly Answer[]>, signal: AbortSignal): Promise<readonly Answer[]>;
}

function createTurns(most: number): Turns {
  const line: (() => void)[] = [];
  let busy = 0;
  return {
    take: async (run, signal) => {
      if (busy >= most) await new Promise<void>((resolve) => line.push(resolve));
      else busy++;
      try {
        return signal.aborted ? [] : await run();
      } finally {
        const next = line.shift();
        if (next === undefined) busy--;
        else next();
      }
    },
  };
}
