// Until somebody wants it to end. The first SIGTERM or SIGINT begins the graceful end, a second one cuts it short.

export interface Closable {
  close(): Promise<void>;
}

/** Resolves with the exit code once everything is closed: 0, or 1 when the end was cut short. */
export function untilSignal(
  closable: Closable,
  onSignal: (signal: NodeJS.Signals) => void = () => {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    let isEnding = false;
    const settle = (code: number): void => {
      process.off("SIGTERM", end).off("SIGINT", end);
      resolve(code);
    };
    const end = (signal: NodeJS.Signals): void => {
      if (isEnding) {
        settle(1);
        return;
      }
      isEnding = true;
      onSignal(signal);
      closable.close().then(() => settle(0), reject);
    };
    process.on("SIGTERM", end).on("SIGINT", end);
  });
}
