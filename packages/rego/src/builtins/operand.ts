// Operands as OPA's built-ins read them: a value of the wrong type is reported in OPA's words, and the call is undefined.
// OPA: v1/topdown/builtins/builtins.go.

import { type AnyNumber, integerOf } from "@portcullis/lang";
import { compare } from "../runtime/compare.ts";
import { RegoSet, type Value, isArray, isNumber, typeName } from "../runtime/value.ts";
import { type BuiltinCall, operandError, operandFailure } from "./builtin.ts";

const int64Max = 2n ** 63n - 1n;

/**
 * The integer that Go's `int` would hold, for lengths and positions; beyond 2^53 it comes back as an infinity of its sign,
 * which no length reaches. Undefined after reporting. OPA: IntOperand.
 */
export function intOperand(call: BuiltinCall, position: number, value: Value): number | undefined {
  if (!isNumber(value)) return operandError(call, position, value, "number");
  const integer = plainInteger(value);
  if (integer === null || integer > int64Max || integer < -int64Max - 1n) {
    return operandFailure(call, position, "must be integer number but got floating-point number");
  }
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : number > 0 ? Infinity : -Infinity;
}

/** OPA reads `1` and `1.0` as an int but not `1e0`. OPA: v1/util/performance.go Atoi64. */
function plainInteger(value: AnyNumber): bigint | null {
  if (typeof value !== "number" && /[eE]/.test(value.text)) return null;
  return integerOf(value);
}

/** An integer of any size. Undefined after reporting. OPA: BigIntOperand. */
export function bigIntOperand(call: BuiltinCall, position: number, value: Value): bigint | undefined {
  if (!isNumber(value)) {
    return call.failType(`operand ${position} must be integer but got ${typeName(value)}`);
  }
  const integer = integerOf(value);
  return integer ?? operandFailure(call, position, "must be integer number but got floating-point number");
}

/** Reports a member of the wrong type: `operand 1 must be array of numbers but got array containing string`. OPA: NewOperandElementErr. */
export function elementError(
  call: BuiltinCall,
  position: number,
  collection: Value,
  member: Value,
  expected: string,
): undefined {
  const kind = typeName(collection);
  const text = `must be ${kind} of ${expected}s but got ${kind} containing ${typeName(member)}`;
  return operandFailure(call, position, text);
}

/** The members of an array or a set, a set's in Rego's order; null for any other value. */
export function membersOf(value: Value): readonly Value[] | null {
  if (isArray(value)) return value;
  return value instanceof RegoSet ? value.sorted(compare) : null;
}

/** The strings of an array or a set. Undefined after reporting. OPA: StringSliceOperand. */
export function stringsOperand(call: BuiltinCall, position: number, value: Value): readonly string[] | undefined {
  const members = membersOf(value);
  if (members === null) return operandError(call, position, value, "array", "set");
  const wrong = members.find((member) => typeof member !== "string");
  return wrong === undefined ? (members as readonly string[]) : elementError(call, position, value, wrong, "string");
}

/** A built-in of one string: any other operand is reported. OPA: StringOperand. */
export function onString(
  evaluate: (call: BuiltinCall, text: string) => Value | undefined,
): (call: BuiltinCall, value: Value) => Value | undefined {
  return (call, value) => (typeof value === "string" ? evaluate(call, value) : operandError(call, 1, value, "string"));
}
