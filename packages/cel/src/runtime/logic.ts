// `&&`, `||` and the conditional. An error on one side does not matter where the other decides; of two errors the left one
// counts. cel-go: interpreter/interpretable.go evalAnd, evalOr.

import type { Evaluate } from "./state.ts";
import { CelError, Optional, type Value } from "./value.ts";

const noOverload = new CelError("no such overload");

export function and(terms: readonly Evaluate[]): Evaluate {
  return decide(terms, false);
}

export function or(terms: readonly Evaluate[]): Evaluate {
  return decide(terms, true);
}

/** Gives `deciding` as soon as a term does. */
function decide(terms: readonly Evaluate[], deciding: boolean): Evaluate {
  return (state) => {
    let failed: CelError | null = null;
    for (const term of terms) {
      const value = term(state);
      if (value === deciding) return deciding;
      if (value !== !deciding) failed ??= value instanceof CelError ? value : noOverload;
    }
    return failed ?? !deciding;
  };
}

export function conditional(condition: Evaluate, yes: Evaluate, no: Evaluate): Evaluate {
  return (state): Value | CelError => {
    const value = condition(state);
    if (value === true) return yes(state);
    if (value === false) return no(state);
    return value instanceof CelError ? value : noOverload;
  };
}

/** An optional where it has a value, else another. cel-go: cel/library.go evalOptionalOr. */
export function orOptional(optional: Evaluate, other: Evaluate): Evaluate {
  return (state) => {
    const value = optional(state);
    if (!(value instanceof Optional)) return value instanceof CelError ? value : noOverload;
    return value.value === undefined ? other(state) : value;
  };
}

/** The value of an optional, else another; `ofAnything`: what is no optional is a value. */
export function orValue(optional: Evaluate, other: Evaluate, ofAnything: boolean): Evaluate {
  return (state) => {
    const value = optional(state);
    if (!(value instanceof Optional)) return value instanceof CelError || ofAnything ? value : noOverload;
    return value.value === undefined ? other(state) : value.value;
  };
}
