// How large the cost model takes a value to be: code points, bytes, elements or entries; 1 for what has no size.
// cel-go: interpreter/runtimecost.go actualSize.

import { sizeOfMap } from "./container.ts";
import { type CelError, CelMap, Opaque, Optional, type Value, isTree } from "./value.ts";

export function sizeOf(value: Value): number {
  if (typeof value === "string") return codePoints(value);
  if (typeof value !== "object" || value === null) return 1;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  if (value instanceof CelMap || isTree(value)) return sizeOfMap(value);
  if (value instanceof Opaque) return value.size();
  return value instanceof Optional && value.value !== undefined ? sizeOf(value.value) : 1;
}

/**
 * Steps that it takes to look at a value once: functions read texts, and JavaScript lists all keys of an object, be it only
 * for the first. What costs little in cel-go's model must not cost much in truth.
 */
export function reading(value: Value | CelError): number {
  if (typeof value === "string") return value.length >> 4;
  if (typeof value !== "object" || value === null) return 0;
  if (value instanceof Uint8Array) return value.length >> 2;
  return isTree(value) ? Object.keys(value).length : 0;
}

/** In linear time, but next to nothing where there are no pairs of surrogates. */
export function codePoints(text: string): number {
  if (!/[\ud800-\udbff]/.test(text)) return text.length;
  let pairs = 0;
  for (let at = 1; at < text.length; at++) {
    if (isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at))) pairs++;
  }
  return text.length - pairs;
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;
