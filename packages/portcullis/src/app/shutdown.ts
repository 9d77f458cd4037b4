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
    const end = (signal: NodeJS.Signals): void => {
      if (isEnding) {
        resolve(1);
        return;
      }
      isEnding = true;
      onSignal(signal);
      closable.close().then(() => {
        process.off("SIGTERM", end).off("SIGINT", end);
        resolve(0);
        return null;
      }, reject);
    };
    process.on("SIGTERM", end).on("SIGINT", end);
  });
}
