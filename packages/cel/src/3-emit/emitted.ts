// What a node of the tree becomes.

import type { Expression } from "../ast.ts";
import type { Checked } from "../checked.ts";
import type { Environment } from "../environment.ts";
import type { Evaluate } from "../runtime/state.ts";
import type { Value } from "../runtime/value.ts";

/** A node as code, with what it costs at least, which whoever evaluates it has charged. */
export interface Emitted {
  readonly run: Evaluate;
  readonly cost: number;
  /** What it always comes to; undefined where that is not known. */
  readonly constant?: Value;
  /**
   * Of a path (a variable and what is selected of it): how much of its cost is for reading it whole, which nothing
   * charges where it is a part of another path or a branch. Undefined for what is no path.
   */
  readonly whole?: number;
}

/** Where a node stands: names of folds with their slots, and which accumulator may be added to in place. */
export interface Scope {
  readonly slots: ReadonlyMap<string, number | Binding>;
  readonly depth: number;
  readonly builder: string | null;
}

/** A name that stands for a value, which is evaluated when the name is first read. */
export interface Binding {
  readonly slot: number;
  readonly init: Evaluate;
}

export interface Emitter {
  readonly checked: Checked;
  readonly environment: Environment;
  emit(node: Expression, scope: Scope): Emitted;
}

/** What is evaluated on its own charges its cost. */
export function charged({ run, cost }: Emitted): Evaluate {
  if (cost === 0) return run;
  return (state) => {
    state.charge(cost);
    return run(state);
  };
}

export function constantly(value: Value): Emitted {
  return { run: () => value, cost: 0, constant: value };
}

/** What a path costs as a part of another, or as a branch. */
export function partCost({ cost, whole = 0 }: Emitted): number {
  return cost - whole;
}
