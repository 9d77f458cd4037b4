// Projections: what is applied to every element of a list or every value of an object. Results that are null are left out.
// In go-jmespath a filter, a flattening and a projection of values take any failure of what they stand on for null, and a
// projection of values applies its right side to as many nulls as the object has keys before it comes to the values.
// Go: go-jmespath interpreter.go, ASTProjection and the following.

import type { Engine } from "../functions/function.ts";
import { chargeList } from "../runtime/extent.ts";
import { sortedKeys } from "../runtime/order.ts";
import { type Evaluate, type Outcome, type Run, SearchError, orNull } from "../runtime/run.ts";
import { type Value, isFalse, isList, isObject } from "../runtime/value.ts";

export interface Projecting {
  readonly left: Evaluate;
  /** Null where elements are taken as they are. */
  readonly right: Evaluate | null;
  readonly engine: Engine;
}

/** `left[*].right`, slices and flattenings. */
export function projecting({ left, right }: Projecting): Evaluate {
  return (value, run) => {
    const list = orNull(left(value, run));
    if (list instanceof SearchError) return list;
    return isList(list) ? projectAll(list, right, run) : null;
  };
}

function projectAll(list: readonly Value[], right: Evaluate | null, run: Run): Outcome {
  chargeList(list.length, run.budget);
  if (right === null) return list.includes(null) ? list.filter((item) => item !== null) : list.slice();
  const collected: Value[] = [];
  for (const item of list) {
    const outcome = orNull(right(item, run));
    if (outcome instanceof SearchError) return outcome;
    if (outcome !== null) collected.push(outcome);
  }
  return collected;
}

/** `left[?condition].right`; `absent` is the result where there is nothing to filter. */
export function filtering(projection: Projecting & { readonly condition: Evaluate; readonly absent: Value }): Evaluate {
  const { left, right, condition, absent, engine } = projection;
  return (value, run) => {
    const list = orNull(left(value, run));
    if (list === null) return absent;
    if (list instanceof SearchError) return engine === "specification" ? list : null;
    if (!isList(list)) return null;
    const kept: Value[] = [];
    for (const item of list) {
      chargeList(1, run.budget);
      const holds = orNull(condition(item, run));
      if (holds instanceof SearchError) return holds;
      if (isFalse(holds)) continue;
      const outcome = right === null ? item : orNull(right(item, run));
      if (outcome instanceof SearchError) return outcome;
      if (outcome !== null) kept.push(outcome);
    }
    return kept;
  };
}

/** `left[]`: lists in the list are opened, one level. */
export function flattening(projection: Omit<Projecting, "right">): Evaluate {
  const operand = operandOf(projection);
  return (value, run) => {
    const list = operand(value, run);
    if (list instanceof SearchError) return list;
    if (!isList(list)) return null;
    const flat: Value[] = [];
    for (const item of list) {
      if (isList(item)) {
        chargeList(item.length, run.budget);
        for (const inner of item) flat.push(inner);
      } else flat.push(item);
    }
    chargeList(list.length, run.budget);
    return flat;
  };
}

/** `left.*.right`. */
export function projectingValues(projection: Projecting): Evaluate {
  const { right, engine } = projection;
  const operand = operandOf(projection);
  return (value, run) => {
    const object = operand(value, run);
    if (object instanceof SearchError) return object;
    if (!isObject(object)) return null;
    const ordered = engine === "specification" ? Object.keys(object) : sortedKeys(object);
    run.budget.step(ordered.length);
    const values = ordered.map((key) => object[key] as Value);
    if (engine === "specification" || right === null) return projectAll(values, right, run);
    // Go fills a list with as many nulls as there are keys and appends the values to it.
    return projectAll([...values.map(() => null), ...values], right, run);
  };
}

/** What a projection stands on; in Go any failure of it is null. */
function operandOf({ left, engine }: Pick<Projecting, "left" | "engine">): Evaluate {
  if (engine === "specification") return left;
  return (value, run) => {
    const outcome = left(value, run);
    return outcome instanceof SearchError ? null : outcome;
  };
}
