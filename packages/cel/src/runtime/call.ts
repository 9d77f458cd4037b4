// Calls. Arguments are evaluated from left to right, and the first error is what comes of the call; then the overload that
// takes the arguments' types runs, and its cost is charged. cel-go: interpreter/interpretable.go evalUnary, evalBinary,
// evalVarArgs.

import type { Overload } from "../library.ts";
import { dispatch } from "./dispatch.ts";
import { reading } from "./size.ts";
import { type Evaluate, type Part, type State, costsBehind } from "./state.ts";
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
  args: readonly Part[],
  { resolved, readsBoth, isFree }: CallOptions,
): Evaluate {
  const choose = dispatch(name, overloads, args.length);
  const behind = costsBehind(args);
  const goesOn = readsBoth && args.length === 2;
  return (state) => {
    const values: Value[] = [];
    let failed: CelError | null = null;
    for (const { run } of args) {
      const value = run(state);
      if (value instanceof CelError) {
        failed ??= value;
        // It is asked for nothing but its cost.
        values.push(value as never);
        if (!goesOn) break;
      } else values.push(value);
    }
    if (failed === null) return answer(state, values);
    // A call whose arguments were all looked at costs even if it is not made.
    if (values.length === args.length) return answerOf(state, overloads[0], values, failed);
    state.refund(behind[values.length - 1] as number);
    return failed;
  };

  function answer(state: State, values: readonly Value[]): Value | CelError {
    // Whatever the function is, somebody looks at its arguments.
    for (const value of values) state.budget.step(reading(value) + 1);
    const overload = choose(values);
    if (overload instanceof CelError) return answerOf(state, overloads[0], values, overload);
    const result = overload.run(values, state.budget, state.zoneOffset);
    return isFree ? result : answerOf(state, overload, values, result);
  }

  /** The result, with its cost charged. Throws CostExceeded. */
  function answerOf(
    state: State,
    overload: Overload | undefined,
    values: readonly Value[],
    result: Value | CelError,
  ): Value | CelError {
    const isPriced = overload?.cost !== undefined && (resolved || overload.costsWhenDispatched === true);
    state.charge(isPriced ? overload.cost(values, result, state.budget) : 1);
    return result;
  }
}
