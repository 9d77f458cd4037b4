// Every evaluation has a Budget: steps, depth, bytes of output and a deadline. Policies are untrusted code, so whatever
// loops, recurses or grows charges it; when one limit is reached, a LimitError ends this evaluation and no other.
// The deadline is read from an injected clock only every few thousand steps, because a step must cost a nanosecond.

export interface Limits {
  /** Loop turns and function entries, about a nanosecond each. */
  readonly steps?: number;
  /** Nested calls. */
  readonly depth?: number;
  /** Bytes that built-ins may make (strings, arrays), about. */
  readonly outputBytes?: number;
  /** A moment on the clock that was given, in milliseconds. */
  readonly deadlineMs?: number;
}

export type LimitName = "steps" | "depth" | "output" | "deadline";

export class LimitError extends Error {
  readonly limit: LimitName;

  constructor(limit: LimitName) {
    super(limitMessages[limit]);
    this.name = "LimitError";
    this.limit = limit;
  }
}

const limitMessages: Readonly<Record<LimitName, string>> = {
  steps: "the policy used up its steps",
  depth: "the policy's calls are nested too deeply",
  output: "the policy made too much output",
  deadline: "the policy did not end before its deadline",
};

/**
 * What the host throws for a value that is too deep for its stack, or too large for a text or a list, as the limit that it
 * is; null for everything else. Whoever catches what a policy's evaluation throws asks here before calling it a mistake.
 */
export function limitOf(error: unknown): LimitError | null {
  if (error instanceof LimitError) return error;
  // A regular expression that is compiled at the bottom of the stack.
  if (error instanceof SyntaxError && error.message.endsWith(": Stack overflow")) return new LimitError("depth");
  if (!(error instanceof RangeError)) return null;
  if (error.message === "Maximum call stack size exceeded") return new LimitError("depth");
  return tooLarge.has(error.message) ? new LimitError("output") : null;
}

/** V8's messages. */
const tooLarge: ReadonlySet<string> = new Set([
  "Invalid string length",
  "Invalid array length",
  "Map maximum size exceeded",
  "Set maximum size exceeded",
  "Maximum BigInt size exceeded",
]);

/** How many steps may pass between two looks at the clock; at about 10 ns a step this is well below a millisecond. */
const stepsBetweenLooks = 4096;

export class Budget {
  /** Steps left before the next look at the clock or the end; emitted code may decrement it and call `refill` at < 0. */
  fuel: number;
  #stepsLeft: number;
  #outputLeft: number;
  readonly depthMax: number;
  readonly deadlineMs: number;
  readonly #now: () => number;

  /** `now` gives milliseconds of any monotonic clock; `deadlineMs` is a moment of that clock. */
  constructor(limits: Limits, now: () => number) {
    this.#now = now;
    this.deadlineMs = limits.deadlineMs ?? Infinity;
    this.depthMax = limits.depth ?? 1000;
    this.#outputLeft = limits.outputBytes ?? 64 * 1024 * 1024;
    this.#stepsLeft = limits.steps ?? Infinity;
    this.fuel = 0;
    this.#take();
  }

  /** Charges steps. Throws LimitError. */
  step(steps = 1): void {
    this.fuel -= steps;
    if (this.fuel < 0) this.refill();
  }

  /** Looks at the clock and takes the next portion of steps. Throws LimitError. */
  refill(): void {
    const overdrawn = -this.fuel;
    this.#stepsLeft -= overdrawn;
    if (this.#stepsLeft <= 0) throw new LimitError("steps");
    if (this.#now() > this.deadlineMs) throw new LimitError("deadline");
    this.#take();
  }

  /** Charges output, in bytes (a character counts as one). Throws LimitError. */
  output(bytes: number): void {
    this.#outputLeft -= bytes;
    if (this.#outputLeft < 0) throw new LimitError("output");
    // At least one, or the clock would not be looked at while much is made of many small parts.
    this.step((bytes >> 6) + 1);
  }

  /** A budget of its own for one policy, on the same clock, never later than this one. */
  child(limits: Limits): Budget {
    return new Budget({ ...limits, deadlineMs: Math.min(limits.deadlineMs ?? Infinity, this.deadlineMs) }, this.#now);
  }

  /** The clock this budget reads, in milliseconds. */
  nowMs(): number {
    return this.#now();
  }

  #take(): void {
    const portion = Math.min(stepsBetweenLooks, this.#stepsLeft);
    this.#stepsLeft -= portion;
    this.fuel = portion;
  }
}
