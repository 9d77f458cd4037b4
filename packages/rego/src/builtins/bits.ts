// Bitwise operations on integers of any size, negative ones in two's complement. OPA: v1/topdown/bits.go.

import { numberOfInteger } from "@portcullis/lang";
import type { Value } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandFailure } from "./builtin.ts";
import { chargeDigits, chargeIntegers } from "./numbers.ts";
import { bigIntOperand } from "./operand.ts";

type Operation = (call: BuiltinCall, x: bigint, y: bigint) => bigint | undefined;

function onTwo(operation: Operation): (call: BuiltinCall, a: Value, b: Value) => Value | undefined {
  return (call, a, b) => {
    const x = bigIntOperand(call, 1, a);
    if (x === undefined) return undefined;
    const y = bigIntOperand(call, 2, b);
    if (y === undefined) return undefined;
    chargeIntegers(call, x, 0n);
    chargeIntegers(call, y, 0n);
    const result = operation(call, x, y);
    return result === undefined ? undefined : numberOfInteger(result);
  };
}

function negate(call: BuiltinCall, a: Value): Value | undefined {
  const x = bigIntOperand(call, 1, a);
  return x === undefined ? undefined : numberOfInteger(~x);
}

const negativeShift = "must be an unsigned integer number but got a negative integer";

const shiftLeft: Operation = (call, x, by) => {
  if (by < 0n) return operandFailure(call, 2, negativeShift);
  if (x === 0n) return 0n;
  // A shift that does not fit into the budget ends here.
  chargeDigits(call, Number(by) / 3);
  return x << by;
};

const shiftRight: Operation = (call, x, by) => (by < 0n ? operandFailure(call, 2, negativeShift) : x >> by);

const twoNumbers = t.function([t.number, t.number], t.number);

export const bitBuiltins: readonly Builtin[] = [
  { name: "bits.or", type: twoNumbers, evaluate: onTwo((_call, x, y) => x | y) },
  { name: "bits.and", type: twoNumbers, evaluate: onTwo((_call, x, y) => x & y) },
  { name: "bits.negate", type: t.function([t.number], t.number), evaluate: negate },
  { name: "bits.xor", type: twoNumbers, evaluate: onTwo((_call, x, y) => x ^ y) },
  { name: "bits.lsh", type: twoNumbers, evaluate: onTwo(shiftLeft) },
  { name: "bits.rsh", type: twoNumbers, evaluate: onTwo(shiftRight) },
];
