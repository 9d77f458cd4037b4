// What conditions make of two operands of different kinds before they compare them. A duration is the only kind that
// compares with numbers, which then count seconds; `"0"` is not taken for a duration, because it is a quantity.
// Behaviour from Kyverno pkg/engine/variables/operator/operator.go parseDuration.

import { durationOf } from "../pattern/scalar.ts";
import { type Numbers, goNumber, truncated } from "../pattern/govalue.ts";

/** Nanoseconds. */
export interface Durations {
  readonly key: bigint;
  readonly value: bigint;
}

/** Both operands as durations if at least one is written as one and the other is one or a number of seconds. */
export function durationsOf(key: unknown, value: unknown, numbers: Numbers): Durations | null {
  const keyWritten = writtenDuration(key);
  const valueWritten = writtenDuration(value);
  if (keyWritten === null && valueWritten === null) return null;
  const keyDuration = keyWritten ?? secondsOf(key, numbers);
  const valueDuration = valueWritten ?? secondsOf(value, numbers);
  return keyDuration === null || valueDuration === null ? null : { key: keyDuration, value: valueDuration };
}

function writtenDuration(operand: unknown): bigint | null {
  return typeof operand === "string" && operand !== "0" ? durationOf(operand) : null;
}

/** A number of seconds in nanoseconds; a fraction is cut, and what does not fit 64 bits wraps around. */
export function secondsOf(operand: unknown, numbers: Numbers): bigint | null {
  const number = goNumber(operand, numbers);
  if (number === null) return null;
  return BigInt.asIntN(64, (typeof number === "bigint" ? number : truncated(number)) * nanosecondsPerSecond);
}

const nanosecondsPerSecond = 1_000_000_000n;

/** Go: time.Duration.Seconds. */
export function inSeconds(nanoseconds: bigint): number {
  return Number(nanoseconds / nanosecondsPerSecond) + Number(nanoseconds % nanosecondsPerSecond) / 1e9;
}
