// Values are the tree of JSON.parse (or of lang's parseJson), and what expressions can make beside it.
//
// Numbers. JMESPath knows doubles only. A Decimal in the input counts as its nearest double wherever it is compared,
// computed with or printed, and passes through untouched where it is only selected. Go's engine has a second kind that
// the language does not count as a number: an int, which `compare()` gives and which a host may put into its context
// (Kyverno's `elementIndex`). It is a GoInteger: it equals only another GoInteger, is of no JMESPath type, orders with
// nothing, and prints as its digits.

import { Decimal } from "@portcullis/lang";
import type { Evaluate } from "./run.ts";

export type Value = null | boolean | number | string | Decimal | GoInteger | Reference | ValueList | ValueObject;
export type ValueList = readonly Value[];
export interface ValueObject {
  readonly [key: string]: Value;
}

/** An integer of Go's type int, which is not a number of the language. */
export class GoInteger {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  toJSON(): number {
    return this.value;
  }
}

/** `&expression`: not a value of JSON, prints as an empty object. */
export class Reference {
  readonly evaluate: Evaluate;
  /** The expression as written; equal texts are equal references. */
  readonly text: string;

  constructor(evaluate: Evaluate, text: string) {
    this.evaluate = evaluate;
    this.text = text;
  }

  toJSON(): object {
    return {};
  }
}

/** What `items()` gives. Go's type of it shows: it has no `type()`, and equals no other list. */
export class ObjectList extends Array<Value> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

export function isList(value: Value): value is ValueList {
  return Array.isArray(value);
}

/** What JSON.parse makes is told by its prototype, which is much cheaper than to rule out every class. */
export function isObject(value: Value): value is ValueObject {
  if (typeof value !== "object" || value === null) return false;
  return Object.getPrototypeOf(value) === plain || isOtherObject(value);
}

const plain = Object.prototype;

/** Objects from another realm, or without a prototype. */
function isOtherObject(value: Exclude<Value, null | boolean | number | string>): boolean {
  return (
    !Array.isArray(value) &&
    !(value instanceof Decimal) &&
    !(value instanceof GoInteger) &&
    !(value instanceof Reference)
  );
}

/** The double of a number of the language; null for anything else. */
export function numberOf(value: Value): number | null {
  if (typeof value === "number") return value;
  return value instanceof Decimal ? value.double : null;
}

/** False, null, and empty texts, lists and objects are false. */
export function isFalse(value: Value): boolean {
  if (value === null || value === false || value === "") return true;
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && isEmpty(value);
}

function isEmpty(object: ValueObject): boolean {
  for (const key in object) {
    if (Object.hasOwn(object, key)) return false;
  }
  return true;
}

/** Sets an own property whatever the key: `__proto__` in data must become data. */
export function setOwn(target: Record<string, Value>, key: string, value: Value): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else target[key] = value;
}

export type TypeName = "null" | "boolean" | "number" | "string" | "array" | "object";

/** The name that `type()` gives; null for what is no value of the language. */
export function typeName(value: Value): TypeName | null {
  if (value === null) return "null";
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "string") return "string";
  if (numberOf(value) !== null) return "number";
  if (isList(value)) return value instanceof ObjectList ? null : "array";
  return isObject(value) ? "object" : null;
}
