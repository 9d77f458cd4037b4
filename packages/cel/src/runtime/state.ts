// One evaluation: where variables come from, what it may cost, and the variables of the folds that are under way.

import type { Budget } from "@portcullis/lang";
import type { ReadVariable, Run, ZoneOffset } from "../program.ts";
import type { CelError, Value } from "./value.ts";

/** A part of an expression: code, and how much of its cost was charged before it runs. */
export interface Part {
  readonly run: Evaluate;
  readonly cost: number;
}

/** What was charged for the parts behind each, which nobody looks at when it fails. */
export function costsBehind(parts: readonly Part[]): readonly number[] {
  let behind = 0;
  return parts
    .map(({ cost }) => {
      const here = behind;
      behind += cost;
      return here;
    })
    .map((before, at) => behind - before - (parts[at] as Part).cost);
}

export type Evaluate = (state: State) => Value | CelError;

/** Ends an evaluation that costs more than it may. It is thrown, because no `||` may absorb it. */
export class CostExceeded extends Error {
  constructor() {
    super("operation cancelled: actual cost limit exceeded");
    this.name = "CostExceeded";
  }
}

export class State {
  readonly read: ReadVariable;
  readonly budget: Budget;
  readonly zoneOffset: ZoneOffset | undefined;
  /** In the units of cel-go's cost model. */
  cost = 0;
  readonly #costMax: number;
  /** By slot. An accumulator may hold an error. */
  readonly locals: (Value | CelError | undefined)[] = [];

  constructor({ read, budget, zoneOffset, costMax = Infinity }: Run) {
    this.read = read;
    this.budget = budget;
    this.zoneOffset = zoneOffset;
    this.#costMax = costMax;
  }

  /** Takes back what was charged for what is not looked at. */
  refund(cost: number): void {
    this.cost -= cost;
  }

  /** Throws CostExceeded. */
  charge(cost: number): void {
    this.cost += cost;
    if (this.cost > this.#costMax) throw new CostExceeded();
  }
}
