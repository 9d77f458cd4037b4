// Progress of long work: one line on a terminal, rewritten a few times a second; nothing where nobody looks.

import type { Sink } from "./writer.ts";

export interface Progress {
  readonly step: () => void;
  readonly end: () => void;
}

const redrawMs = 100;
const wiped = "\r\u001B[K";

export function showProgress(what: string, total: number): Progress {
  if (!process.stderr.isTTY || total < 2) return { step: () => {}, end: () => {} };
  let done = 0;
  let drawnMs = performance.now();
  return {
    step: () => {
      done += 1;
      const now = performance.now();
      if (now - drawnMs < redrawMs) return;
      drawnMs = now;
      process.stderr.write(`\r${done}/${total} ${what}`);
    },
    end: () => process.stderr.write(wiped),
  };
}

/** A sink that wipes the progress line away before it writes: both may be the same terminal. */
export function besideProgress(sink: Sink): Sink {
  if (!process.stderr.isTTY) return sink;
  return {
    write: (bytes) => {
      process.stderr.write(wiped);
      return sink.write(bytes);
    },
    once: (event, listener) => sink.once(event, listener),
    off: (event, listener) => sink.off(event, listener),
    get destroyed() {
      return sink.destroyed;
    },
  };
}
