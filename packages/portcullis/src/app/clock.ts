// One clock for all threads of the process: milliseconds since 1970 that never jump, so that a deadline set in one thread
// is the same moment in another.

const { timeOrigin } = performance;

export function clockMs(): number {
  return timeOrigin + performance.now();
}
