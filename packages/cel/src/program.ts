// A compiled expression. It holds no state: one may be evaluated any number of times, by anybody.

import type { Budget } from "@portcullis/lang";
import type { CelError, Value } from "./runtime/value.ts";
import type { Type } from "./types.ts";

export interface Program {
  readonly text: string;
  /** What it comes to, as far as that is known before it is evaluated. */
  readonly result: Type;
  /** Throws LimitError when the budget is used up. */
  evaluate(run: Run): Outcome;
}

/** What a variable is; undefined when there is none. It is asked each time the variable is read. */
export type ReadVariable = (name: string) => Value | CelError | undefined;

/** The offset of a time zone at a moment, in seconds east of UTC; null for an unknown zone. */
export type ZoneOffset = (name: string, epochMs: number) => number | null;

export interface Run {
  readonly read: ReadVariable;
  readonly budget: Budget;
  /** Without it moments can be looked at in UTC and at offsets from it, but in no zone by its name. */
  readonly zoneOffset?: ZoneOffset | undefined;
  /** In units of cel-go's cost model; more ends the evaluation with an error that nothing absorbs. Without: no limit. */
  readonly costMax?: number;
}

export interface Outcome {
  readonly value: Value | CelError;
  readonly cost: number;
}
