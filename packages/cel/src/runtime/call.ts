// Calls. Arguments are evaluated from left to right, and the first error is what comes of the call; then the overload that
// takes the arguments' types runs, and its cost is charged. cel-go: interpreter/interpretable.go evalUnary, evalBinary,
// evalVarArgs.

import type { Overload } from "../library.ts";
import { dispatch } from "./dispatch.ts";
import type { Evaluate } from "./state.ts";
import { CelError, type Value } from "./value.ts";

/** `resolved`: the types told which overload it is, and there is only that one. Without, the cost is that of any call. */
export function callOf(
  name: string,
  overloads: readonly Overload[],
  args: readonly Evaluate[],
  resolved: boolean,
): Evaluate {
  const choose = dispatch(name, overloads, args.length);
  return (state) => {
    const values: Value[] = [];
    for (const arg of args) {
      const value = arg(state);
      if (value instanceof CelError) return value;
      values.push(value);
    }
    const overload = choose(values);
    if (overload instanceof CelError) return overload;
    state.budget.step();
    const result = overload.run(values, state.budget);
    const { cost, costsWhenDispatched } = overload;
    state.charge(cost !== undefined && (resolved || costsWhenDispatched === true) ? cost(values, result) : 1);
    return result;
  };
}
