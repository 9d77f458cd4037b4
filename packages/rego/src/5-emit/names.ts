// Which keys may stand in emitted code as property names. Only plain identifiers that live on no prototype of a value:
// `input.review.object` is optional chaining, `input.length` or `input["a-b"]` goes through a lookup that knows arrays,
// sets and own properties. Policy text reaches the code in no other way.

import { Decimal } from "@portcullis/lang";
import { RegoObject, RegoSet } from "../runtime/value.ts";

const prototypes: readonly object[] = [
  Object.prototype,
  Array.prototype,
  String.prototype,
  Number.prototype,
  Boolean.prototype,
  RegoSet.prototype,
  RegoObject.prototype,
  Decimal.prototype,
  // Fields that instances have of their own.
  new Decimal("0"),
];

const guarded: ReadonlySet<string> = new Set(prototypes.flatMap((object) => Object.getOwnPropertyNames(object)));

/** Longer names gain nothing, and a bound keeps hostile policies from making hostile code. */
const identifier = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** Words that may not even stand after a dot in some position, or read badly there. */
export function isSafeProperty(key: unknown): key is string {
  return typeof key === "string" && identifier.test(key) && !guarded.has(key) && !key.startsWith("__");
}
