// The loop of a fold over the elements of a list, the keys of a map, or both with their places or values.
// cel-go: interpreter/interpretable.go evalFold.

import { goTypeName } from "./gotypename.ts";
import type { Evaluate, State } from "./state.ts";
import { CelError, CelMap, type Value, fromInput, isTree } from "./value.ts";

export interface FoldParts {
  readonly range: Evaluate;
  readonly init: Evaluate;
  /** Null when it always holds. */
  readonly condition: Evaluate | null;
  readonly step: Evaluate;
  readonly result: Evaluate;
  /** Slots. */
  readonly accumulator: number;
  readonly variables: readonly [number] | readonly [number, number];
}

export function foldOver(parts: FoldParts): Evaluate {
  return (state) => {
    const range = parts.range(state);
    if (range instanceof CelError) return range;
    state.locals[parts.accumulator] = parts.init(state);
    const problem = turns(parts, state, range);
    if (problem !== null) return problem;
    return parts.result(state);
  };
}

/** Null, or why the range cannot be gone through. */
function turns(parts: FoldParts, state: State, range: Value): CelError | null {
  const { variables } = parts;
  const isPair = variables.length === 2;
  if (Array.isArray(range)) {
    for (const [at, element] of (range as readonly Value[]).entries()) {
      const value = fromInput(element);
      if (!(isPair ? turn(parts, state, at, value) : turn(parts, state, value))) break;
    }
    return null;
  }
  if (range instanceof CelMap) {
    for (const [key, value] of range.entries()) {
      if (!(isPair ? turn(parts, state, key, value) : turn(parts, state, key))) break;
    }
    return null;
  }
  if (isTree(range)) {
    const keys = Object.keys(range);
    state.budget.step(keys.length);
    for (const key of keys) {
      if (!(isPair ? turn(parts, state, key, fromInput(range[key] as Value)) : turn(parts, state, key))) break;
    }
    return null;
  }
  if (isPair) return new CelError(`unsupported comprehension range type: ${goTypeName(range)}`);
  return new CelError(`got '${goTypeName(range)}', expected iterable type`);
}

/** One turn; false when the fold is over. */
function turn({ condition, step, accumulator, variables }: FoldParts, state: State, ...values: Value[]): boolean {
  state.budget.step();
  const [first, second] = variables;
  state.locals[first] = values[0] as Value;
  if (second !== undefined) state.locals[second] = values[1] as Value;
  if (condition !== null && condition(state) === false) return false;
  state.locals[accumulator] = step(state);
  return true;
}
