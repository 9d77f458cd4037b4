// The parts of cel-go's cost model of which the costs of calls are made. Sizes are multiplied by the factors as doubles, and
// rounded up, as there. cel-go: interpreter/runtimecost.go costCall.

import { sizeOf } from "../runtime/size.ts";
import type { CelError, Value } from "../runtime/value.ts";

type Cost = (args: readonly Value[], result: Value | CelError) => number;

const perCharacter = 0.1;
const perRegexCharacter = 0.25;

/** Going through a text of this length `factor` times. */
export function traversal(length: number, factor = 1): number {
  return Math.ceil(length * factor * perCharacter);
}

/** Going through an argument. */
export function traverses(position: number, factor = 1): Cost {
  return (args) => traversal(sizeAt(args, position), factor);
}

export function sizeAt(args: readonly Value[], position: number): number {
  const value = args[position];
  return value === undefined ? 1 : sizeOf(value);
}

/** Going through the shorter of the two. */
export const comparison: Cost = (args) => traversal(Math.min(sizeAt(args, 0), sizeAt(args, 1)));

/** Copying both. */
export const concatenation: Cost = (args) => traversal(sizeAt(args, 0) + sizeAt(args, 1));

/** Looking for one text in another. */
export const containment: Cost = (args) => traversal(sizeAt(args, 0)) * traversal(sizeAt(args, 1));

/** Matching a text with a pattern. */
export const matching: Cost = (args) => regexCost(sizeAt(args, 0), sizeAt(args, 1));

export function regexCost(textLength: number, patternLength: number): number {
  return Math.ceil((1 + textLength) * perCharacter) * Math.ceil(patternLength * perRegexCharacter);
}
