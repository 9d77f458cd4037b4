// `to_number`, and the casts of v0 that check a type and give the value back. OPA: v1/topdown/casts.go.
//
// OPA keeps the text that it read as a number, and then cannot print `+5` or `0x1p4`; here the number is written as JSON
// would write it, which has the same value.

import { numberOf } from "@portcullis/lang";
import { parseFloatText, quote } from "@portcullis/lang/go";
import { compare } from "../runtime/compare.ts";
import { RegoSet, type TypeName, type Value, isArray, isNumber, typeName } from "../runtime/value.ts";
import { t, type Type } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";

function toNumber(call: BuiltinCall, value: Value): Value | undefined {
  if (value === null || value === false) return 0;
  if (value === true) return 1;
  if (isNumber(value)) return value;
  if (typeof value !== "string") return operandError(call, 1, value, "null", "boolean", "number", "string");
  if (/^[+-]*(?:inf|infinity|nan)$/i.test(value)) {
    return call.failType("operand 1 must be valid number string but got string");
  }
  call.budget.step(value.length);
  const parsed = parseFloatText(value);
  if ("error" in parsed) return call.fail(`strconv.ParseFloat: parsing ${quote(value)}: ${parsed.error}`);
  return numberOf(parsed.text);
}

function cast(kind: TypeName, result: Type): Builtin {
  return {
    name: `cast_${kind}`,
    deprecated: true,
    type: t.function([t.any], result),
    evaluate: (call, value) =>
      value !== undefined && typeName(value) === kind ? value : operandError(call, 1, value, kind),
  };
}

function toArray(call: BuiltinCall, value: Value): Value | undefined {
  if (isArray(value)) return value;
  return value instanceof RegoSet ? value.sorted(compare) : operandError(call, 1, value, "array", "set");
}

function toSet(call: BuiltinCall, value: Value): Value | undefined {
  if (value instanceof RegoSet) return value;
  if (!isArray(value)) return operandError(call, 1, value, "array", "set");
  call.budget.output(value.length * 8);
  call.budget.step(value.length);
  return RegoSet.of(value);
}

export const castBuiltins: readonly Builtin[] = [
  {
    name: "to_number",
    type: t.function([t.union(t.null, t.boolean, t.number, t.string)], t.number),
    evaluate: toNumber,
  },
  { name: "cast_array", deprecated: true, type: t.function([t.any], t.array(t.any)), evaluate: toArray },
  { name: "cast_set", deprecated: true, type: t.function([t.any], t.set(t.any)), evaluate: toSet },
  cast("string", t.string),
  cast("boolean", t.boolean),
  cast("null", t.null),
  cast("object", t.object(t.any, t.any)),
];
