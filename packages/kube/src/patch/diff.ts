// The difference of two JSON trees as RFC 6902 operations, small rather than minimal: objects by key, arrays element by
// element with the rest added or removed at the end; what differs in kind is replaced. Applying the operations in order
// to the first tree gives the second.

import { Decimal } from "@portcullis/lang";
import { isObject } from "../object.ts";

export interface PatchOperation {
  readonly op: "add" | "remove" | "replace";
  readonly path: string;
  readonly value?: unknown;
}

/** Operations that turn `from` into `to`; none when they are equal. */
export function jsonPatch(from: unknown, to: unknown): readonly PatchOperation[] {
  const operations: PatchOperation[] = [];
  differ(from, to, "", operations);
  return operations;
}

function differ(from: unknown, to: unknown, path: string, operations: PatchOperation[]): void {
  if (from === to) return;
  if (Array.isArray(from) && Array.isArray(to)) differArrays(from, to, path, operations);
  else if (isObject(from) && isObject(to)) differObjects(from, to, path, operations);
  else if (from instanceof Decimal && to instanceof Decimal && from.text === to.text) return;
  else operations.push({ op: "replace", path, value: to });
}

function differObjects(
  from: Readonly<Record<string, unknown>>,
  to: Readonly<Record<string, unknown>>,
  path: string,
  operations: PatchOperation[],
): void {
  for (const key of Object.keys(from)) {
    if (!Object.hasOwn(to, key)) operations.push({ op: "remove", path: `${path}/${escaped(key)}` });
  }
  for (const key of Object.keys(to)) {
    const value = to[key];
    const isThere = Object.hasOwn(from, key);
    // Most members are the same object; their paths are never needed.
    if (isThere && from[key] === value) continue;
    const at = `${path}/${escaped(key)}`;
    if (isThere) differ(from[key], value, at, operations);
    else operations.push({ op: "add", path: at, value });
  }
}

function differArrays(
  from: readonly unknown[],
  to: readonly unknown[],
  path: string,
  operations: PatchOperation[],
): void {
  const common = Math.min(from.length, to.length);
  for (let at = 0; at < common; at++) differ(from[at], to[at], `${path}/${at}`, operations);
  // From the end, so that no removal moves an element that is still to be removed.
  for (let at = from.length - 1; at >= common; at--) operations.push({ op: "remove", path: `${path}/${at}` });
  for (let at = common; at < to.length; at++) operations.push({ op: "add", path: `${path}/-`, value: to[at] });
}

/** RFC 6901. */
function escaped(key: string): string {
  return /[~/]/.test(key) ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key;
}
