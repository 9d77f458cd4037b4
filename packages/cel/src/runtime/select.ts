// Fields, keys and indexes. What is missing is an error, except where an optional asks: then it is none, and whatever is
// selected of an optional is optional, too. cel-go: interpreter/attributes.go refQualify, applyQualifiers.

import { find, index as indexValue } from "./container.ts";
import { goText } from "./gotext.ts";
import { CelError, Optional, StructValue, type Value, fromInput, isTree } from "./value.ts";

const none = new Optional(undefined);

/** `operand.field`. */
export function select(operand: Value | CelError, field: string): Value | CelError {
  if (isTree(operand)) return Object.hasOwn(operand, field) ? fromInput(operand[field] as Value) : missingKey(field);
  if (operand instanceof CelError) return operand;
  if (operand instanceof Optional) return selectOptional(operand, field);
  return foundOr(member(operand, field), field);
}

/** `operand[key]`. */
export function index(operand: Value, key: Value): Value | CelError {
  if (operand instanceof Optional) return selectOptional(operand, key);
  return operand instanceof StructValue ? foundOr(member(operand, key), key) : indexValue(operand, key);
}

/** `operand.?field` and `operand[?key]`. */
export function selectOptional(operand: Value, key: Value): Value | CelError {
  const inner = operand instanceof Optional ? operand.value : operand;
  if (inner === undefined) return none;
  const found = member(inner, key);
  if (found instanceof CelError) return found;
  return found === undefined ? none : new Optional(found);
}

/** `has(operand.field)`. */
export function has(operand: Value | CelError, field: string): Value | CelError {
  const inner = operand instanceof Optional ? operand.value : operand;
  if (inner === undefined) return false;
  if (inner instanceof CelError) return inner;
  const found = member(inner, field);
  return found instanceof CelError ? found : found !== undefined;
}

function member(operand: Value, key: Value): Value | CelError | undefined {
  if (!(operand instanceof StructValue)) return find(operand, key);
  return typeof key === "string" ? operand.field(key) : undefined;
}

/** A null is found, too. */
function foundOr(found: Value | CelError | undefined, key: Value): Value | CelError {
  return found === undefined ? missingKey(key) : found;
}

function missingKey(key: Value): CelError {
  return new CelError(`no such key: ${goText(key)}`);
}
