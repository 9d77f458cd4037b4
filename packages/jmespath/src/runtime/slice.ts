// Slices, as Python has them: `[start:stop:step]`, negative places count from the end. Go: go-jmespath util.go slice.

import type { Budget } from "@portcullis/lang";
import { chargeList } from "./extent.ts";
import { SearchError } from "./run.ts";
import type { Value } from "./value.ts";

export interface Bounds {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number | null;
}

/** The elements, or an error for a step of zero. */
export function slice(list: readonly Value[], bounds: Bounds, budget: Budget): readonly Value[] | SearchError {
  const step = bounds.step ?? 1;
  if (step === 0) return new SearchError("invalid-value", "Invalid slice, step cannot be 0");
  const { length } = list;
  const start = bounds.start === null ? (step < 0 ? length - 1 : 0) : capped(bounds.start, length, step);
  const stop = bounds.stop === null ? (step < 0 ? -1 : length) : capped(bounds.stop, length, step);
  const result: Value[] = [];
  for (let at = start; step > 0 ? at < stop : at > stop; at += step) result.push(list[at] as Value);
  chargeList(result.length, budget);
  return result;
}

function capped(place: number, length: number, step: number): number {
  if (place < 0) return Math.max(place + length, step < 0 ? -1 : 0);
  return place < length ? place : step < 0 ? length - 1 : length;
}
