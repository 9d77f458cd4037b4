// Aggregates. Sums and products of integers are exact; one fraction among them makes the whole a 64-bit float, added up
// in Rego's order. OPA: v1/topdown/aggregates.go.

import { type AnyNumber, integerOf, numberOfInteger } from "@portcullis/lang";
import { type BigFloat, addFloats, bigFloatOf, multiplyFloats } from "@portcullis/lang/go";
import { compare } from "../runtime/compare.ts";
import { RegoObject, RegoSet, type Value, isArray, isNumber, isPlainObject } from "../runtime/value.ts";
import { t } from "../types.ts";
import { type Builtin, type BuiltinCall, operandError } from "./builtin.ts";
import { chargeIntegers, floatOperand, numberOfFloat } from "./numbers.ts";
import { elementError, membersOf } from "./operand.ts";

function count(call: BuiltinCall, value: Value): Value | undefined {
  if (isArray(value)) return value.length;
  if (value instanceof RegoSet || value instanceof RegoObject) return value.size;
  if (typeof value === "string") return codePoints(call, value);
  if (isPlainObject(value)) return Object.keys(value).length;
  return operandError(call, 1, value, "array", "object", "set", "string");
}

function codePoints(call: BuiltinCall, text: string): number {
  call.budget.step(text.length >> 3);
  let result = text.length;
  for (let at = 0; at < text.length; at++) {
    if ((text.codePointAt(at) as number) > 0xffff) {
      result--;
      at++;
    }
  }
  return result;
}

interface Fold {
  readonly start: bigint;
  readonly exact: (x: bigint, y: bigint) => bigint;
  readonly float: (x: BigFloat, y: BigFloat) => BigFloat;
}

const adding: Fold = { start: 0n, exact: (x, y) => x + y, float: addFloats };
/** OPA starts a product with a float of 53 bits, which keeps its precision. */
const multiplying: Fold = { start: 1n, exact: (x, y) => x * y, float: (x, y) => multiplyFloats(x, y, 53) };

function fold(how: Fold): (call: BuiltinCall, collection: Value) => Value | undefined {
  return (call, collection) => {
    const members = membersOf(collection);
    if (members === null) return operandError(call, 1, collection, "set", "array");
    call.budget.step(members.length);
    const wrong = members.find((member) => !isNumber(member));
    if (wrong !== undefined) return elementError(call, 1, collection, wrong, "number");
    const numbers = members as readonly AnyNumber[];
    return foldExactly(call, how, numbers) ?? foldFloats(call, how, numbers);
  };
}

/** Undefined when one is not an integer. */
function foldExactly(call: BuiltinCall, how: Fold, numbers: readonly AnyNumber[]): AnyNumber | undefined {
  let result = how.start;
  for (const number of numbers) {
    const integer = integerOf(number);
    if (integer === null) return undefined;
    chargeIntegers(call, result, integer);
    result = how.exact(result, integer);
  }
  return numberOfInteger(result);
}

/** Reading a decimal and rounding the sum, about a microsecond. */
const stepsPerFloat = 100;

function foldFloats(call: BuiltinCall, how: Fold, numbers: readonly AnyNumber[]): AnyNumber | undefined {
  let result = bigFloatOf(how.start);
  for (const number of numbers) {
    call.budget.step(stepsPerFloat);
    const float = floatOperand(call, number);
    if (float === undefined) return undefined;
    result = how.float(result, float);
  }
  return numberOfFloat(result);
}

/** Sums of safe integers, the usual case, need no BigInt. */
function sum(call: BuiltinCall, collection: Value): Value | undefined {
  if (isArray(collection)) {
    call.budget.step(collection.length);
    let total = 0;
    for (const member of collection) {
      total = typeof member === "number" ? total + member : NaN;
      if (!Number.isSafeInteger(total)) return fold(adding)(call, collection);
    }
    return total;
  }
  return fold(adding)(call, collection);
}

/** The last of the members that no other is beyond; undefined without members. */
function extreme(sign: 1 | -1): (call: BuiltinCall, collection: Value) => Value | undefined {
  return (call, collection) => {
    const members = isArray(collection) ? collection : collection instanceof RegoSet ? collection.items : null;
    if (members === null) return operandError(call, 1, collection, "set", "array");
    call.budget.step(members.length);
    let result = members[0];
    for (const member of members) if (sign * compare(member, result as Value) >= 0) result = member;
    return result;
  };
}

function sort(call: BuiltinCall, collection: Value): Value | undefined {
  if (collection instanceof RegoSet) return collection.sorted(compare);
  if (!isArray(collection)) return operandError(call, 1, collection, "set", "array");
  call.budget.output(collection.length * 8);
  call.budget.step(collection.length * Math.ceil(Math.log2(collection.length + 2)));
  return collection.toSorted(compare);
}

/** Every member is true; so of an empty collection. */
function all(call: BuiltinCall, collection: Value): Value | undefined {
  const members = membersOf(collection);
  if (members === null) return operandError(call, 1, collection, "array", "set");
  call.budget.step(members.length);
  return members.every((member) => member === true);
}

function any(call: BuiltinCall, collection: Value): Value | undefined {
  const members = membersOf(collection);
  if (members === null) return operandError(call, 1, collection, "array", "set");
  call.budget.step(members.length);
  return members.includes(true);
}

const anySet = t.set(t.any);
const anyArray = t.array(t.any);
const collectionOfAny = t.union(anyArray, anySet);
const collectionOfNumbers = t.union(t.array(t.number), t.set(t.number));

export const aggregateBuiltins: readonly Builtin[] = [
  {
    name: "count",
    type: t.function([t.union(t.string, anyArray, t.object(t.any, t.any), anySet)], t.number),
    evaluate: count,
  },
  { name: "sum", type: t.function([collectionOfNumbers], t.number), evaluate: sum },
  { name: "product", type: t.function([collectionOfNumbers], t.number), evaluate: fold(multiplying) },
  { name: "max", type: t.function([collectionOfAny], t.any), evaluate: extreme(1) },
  { name: "min", type: t.function([collectionOfAny], t.any), evaluate: extreme(-1) },
  { name: "sort", type: t.function([collectionOfAny], anyArray), evaluate: sort },
  { name: "all", deprecated: true, type: t.function([collectionOfAny], t.boolean), evaluate: all },
  { name: "any", deprecated: true, type: t.function([collectionOfAny], t.boolean), evaluate: any },
];
