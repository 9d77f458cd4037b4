// Calls. Arguments are evaluated from left to right, and the first error is what comes of the call; then the overload that
// takes the arguments' types runs, and its cost is charged. cel-go: interpreter/interpretable.go evalUnary, evalBinary,
// evalVarArgs.

import type { Overload } from "../library.ts";
import { dispatch } from "./dispatch.ts";
import type { Evaluate, State } from "./state.ts";
import { CelError, type Value } from "./value.ts";

export interface CallOptions {
  /** The types told which overload it is, and there is only that one. Without, the cost is that of any call. */
  readonly resolved: boolean;
  /** Of two arguments the second is evaluated even when the first fails (cel-go 0.26). */
  readonly readsBoth: boolean;
  readonly isFree: boolean;
}

export function callOf(
  name: string,
  overloads: readonly Overload[],
  args: readonly Evaluate[],
  { resolved, readsBoth, isFree }: CallOptions,
): Evaluate {
  const choose = dispatch(name, overloads, args.length);
  const goesOn = readsBoth && args.length === 2;
  return (state) => {
    const values: Value[] = [];
    let failed: CelError | null = null;
    for (const arg of args) {
      const value = arg(state);
      if (value instanceof CelError) {
        failed ??= value;
        // What failed has the size of a scalar.
        values.push(null);
        if (!goesOn) break;
      } else values.push(value);
    }
    if (failed === null) return answer(state, values);
    // A call whose arguments were all looked at costs even if it is not made.
    if (values.length === args.length) state.charge(costOf(overloads[0], values, failed));
    return failed;
  };

  function answer(state: State, values: readonly Value[]): Value | CelError {
    const overload = choose(values);
    if (overload instanceof CelError) {
      state.charge(costOf(overloads[0], values, overload));
      return overload;
    }
    state.budget.step();
    const result = overload.run(values, state.budget);
    if (isFree) return result;
    state.charge(costOf(overload, values, result));
    return result;
  }

  function costOf(overload: Overload | undefined, values: readonly Value[], result: Value | CelError): number {
    if (overload?.cost === undefined || !(resolved || overload.costsWhenDispatched === true)) return 1;
    return overload.cost(values, result);
  }
}
