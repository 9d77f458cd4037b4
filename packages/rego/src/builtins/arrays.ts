// Arrays. OPA: v1/topdown/array.go.

import { type Value, isArray } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { intOperand } from "./operand.ts";

const anyArray = t.array(t.any);

/** About what one place in an array takes. */
const placeBytes = 8;

function concat(call: BuiltinCall, a: Value, b: Value): Value | undefined {
  if (!isArray(a)) return operandError(call, 1, a, "array");
  if (!isArray(b)) return operandError(call, 2, b, "array");
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  charge(call, a.length + b.length);
  return a.concat(b);
}

function flatten(call: BuiltinCall, array: Value): Value | undefined {
  if (!isArray(array)) return operandError(call, 1, array, "array");
  charge(
    call,
    array.reduce<number>((sum, item) => sum + (isArray(item) ? item.length : 1), 0),
  );
  return array.flat();
}

function slice(call: BuiltinCall, array: Value, from: Value, to: Value): Value | undefined {
  if (!isArray(array)) return operandError(call, 1, array, "array");
  const start = intOperand(call, 2, from);
  if (start === undefined) return undefined;
  const stop = intOperand(call, 3, to);
  if (stop === undefined) return undefined;
  const end = Math.min(Math.max(stop, 0), array.length);
  const begin = Math.min(Math.max(start, 0), end);
  if (begin === 0 && end === array.length) return array;
  charge(call, end - begin);
  return array.slice(begin, end);
}

function reverse(call: BuiltinCall, array: Value): Value | undefined {
  if (!isArray(array)) return operandError(call, 1, array, "array");
  charge(call, array.length);
  return array.toReversed();
}

function charge(call: BuiltinCall, places: number): void {
  call.budget.output(places * placeBytes);
}

export const arrayBuiltins: readonly Builtin[] = [
  { name: "array.concat", type: t.function([anyArray, anyArray], anyArray), evaluate: concat },
  { name: "array.flatten", type: t.function([anyArray], anyArray), evaluate: flatten },
  { name: "array.slice", type: t.function([anyArray, t.number, t.number], anyArray), evaluate: slice },
  { name: "array.reverse", type: t.function([anyArray], anyArray), evaluate: reverse },
];
