// A controller's turn: one run at a time, and whatever asks for a run while one waits or goes on is joined into the next.

export interface Loop {
  /** Runs once more after this time at the latest. */
  soon(afterMs: number): void;
  close(): Promise<void>;
}

/** One run at a time; calls while one runs or waits are joined into the next. */
export function createLoop(run: () => Promise<void>, onError: (error: Error) => void): Loop {
  let timer: NodeJS.Timeout | undefined;
  let dueMs = Infinity;
  let running: Promise<void> | null = null;
  let closed = false;
  const start = (): void => {
    timer = undefined;
    dueMs = Infinity;
    if (running !== null) {
      soon(20);
      return;
    }
    running = run()
      .catch((error: unknown) => {
        if (!closed) onError(error as Error);
      })
      .finally(() => {
        running = null;
      });
  };
  const soon = (afterMs: number): void => {
    const atMs = performance.now() + afterMs;
    if (closed || atMs >= dueMs) return;
    clearTimeout(timer);
    dueMs = atMs;
    timer = setTimeout(start, afterMs);
    timer.unref();
  };
  return {
    soon,
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
