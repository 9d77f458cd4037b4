// Until somebody wants it to end. The first SIGTERM or SIGINT begins the graceful end, a second one cuts it short. A key
// that is pressed once may arrive twice, from the terminal and from npm, which hands it on.

export interface Closable {
  close(): Promise<void>;
}

/** Signals within so many milliseconds are one. */
const oneSignalMs = 300;

/** Resolves with the exit code once everything is closed: 0, or 1 when the end was cut short. */
export function untilSignal(
  closable: Closable,
  onSignal: (signal: NodeJS.Signals) => void = () => {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    let endingSinceMs: number | null = null;
    const settle = (code: number): void => {
      process.off("SIGTERM", end).off("SIGINT", end);
      resolve(code);
    };
    const end = (signal: NodeJS.Signals): void => {
      if (endingSinceMs !== null) {
        if (performance.now() - endingSinceMs > oneSignalMs) settle(1);
        return;
      }
      endingSinceMs = performance.now();
      onSignal(signal);
      closable.close().then(() => settle(0), reject);
    };
    process.on("SIGTERM", end).on("SIGINT", end);
  });
}
