// What to do when somebody else takes away what we wrote: a neighbour that keeps the same field as it wants it, and whom
// nothing shows to be there (a Gatekeeper that only audits writes `byPod` of every constraint whole, without our entries). Once it is
// set right at once; then later each time, up to ten minutes, so that two who disagree are no loop of writes. After a quiet
// minute all is forgotten.

import { type Backoff, createBackoff } from "../../cluster/retry.ts";

export interface Insistence {
  /** How long to wait before this is written; 0 when we never wrote the same there. */
  waitMs(key: string, wanted: string): number;
  /** It was written. */
  wrote(key: string, wanted: string): void;
  /** It stands there as it should. */
  stands(key: string): void;
  /** The object is gone. */
  forget(key: string): void;
}

interface Written {
  readonly wanted: string;
  readonly backoff: Backoff;
  /** When it may be written again; null while nobody has taken it away. */
  dueMs: number | null;
}

const firstMs = 1000;
const longestMs = 600_000;
const quietMs = 60_000;

export function createInsistence(nowMs: () => number): Insistence {
  const written = new Map<string, Written>();
  return {
    waitMs: (key, wanted) => {
      const known = written.get(key);
      if (known?.wanted !== wanted) return 0;
      known.dueMs ??= nowMs() + known.backoff.next();
      return Math.max(0, known.dueMs - nowMs());
    },
    wrote: (key, wanted) => {
      const backoff = written.get(key)?.backoff ?? createBackoff({ minMs: firstMs, maxMs: longestMs, quietMs, nowMs });
      written.set(key, { wanted, backoff, dueMs: null });
    },
    stands: (key) => {
      const known = written.get(key);
      if (known !== undefined) known.dueMs = null;
    },
    forget: (key) => void written.delete(key),
  };
}
