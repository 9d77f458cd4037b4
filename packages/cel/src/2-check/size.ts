// How large types may grow. A map whose keys and values are of the same type is twice as large as that, so that a short
// expression can have a type larger than any memory: `[1].map(a, {a: a}).map(a, {a: a})…`. cel-go has no such bound, and does
// not come to an end then.

import type { Type } from "../types.ts";
import { partsOf } from "./substitution.ts";

/** Types in a type. */
const sizeMax = 10_000;

const sizes = new WeakMap<Type, number>();

export function isTooLarge(type: Type): boolean {
  return sizeOf(type) > sizeMax;
}

function sizeOf(type: Type): number {
  const parts = partsOf(type);
  if (parts.length === 0) return 1;
  const known = sizes.get(type);
  if (known !== undefined) return known;
  const size = parts.reduce((sum, part) => sum + sizeOf(part), 1);
  sizes.set(type, size);
  return size;
}
