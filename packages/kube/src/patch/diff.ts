// The difference of two JSON trees as RFC 6902 operations, small rather than minimal: objects by key, arrays element by
// element with the rest added or removed at the end; what differs in kind is replaced. Applying the operations in order
// to the first tree gives the second. The same places of objects are changed again and again, so the paths of some are kept.

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
  differ(from, to, root, operations);
  return operations;
}

function differ(from: unknown, to: unknown, place: Place, operations: PatchOperation[]): void {
  if (from === to) return;
  if (Array.isArray(from) && Array.isArray(to)) differArrays(from, to, place, operations);
  else if (isObject(from) && isObject(to)) differObjects(from, to, place, operations);
  else if (from instanceof Decimal && to instanceof Decimal && from.text === to.text) return;
  else operations.push({ op: "replace", path: place.path, value: to });
}

function differObjects(
  from: Readonly<Record<string, unknown>>,
  to: Readonly<Record<string, unknown>>,
  place: Place,
  operations: PatchOperation[],
): void {
  for (const key of Object.keys(from)) {
    if (!Object.hasOwn(to, key)) operations.push({ op: "remove", path: below(place, key).path });
  }
  for (const key of Object.keys(to)) {
    const value = to[key];
    const isThere = Object.hasOwn(from, key);
    // Most members are the same object; their paths are never needed.
    if (isThere && from[key] === value) continue;
    const at = below(place, key);
    if (isThere) differ(from[key], value, at, operations);
    else operations.push({ op: "add", path: at.path, value });
  }
}

function differArrays(
  from: readonly unknown[],
  to: readonly unknown[],
  place: Place,
  operations: PatchOperation[],
): void {
  const common = Math.min(from.length, to.length);
  for (let at = 0; at < common; at++) {
    if (from[at] !== to[at]) differ(from[at], to[at], below(place, String(at)), operations);
  }
  // From the end, so that no removal moves an element that is still to be removed.
  for (let at = from.length - 1; at >= common; at--) {
    operations.push({ op: "remove", path: below(place, String(at)).path });
  }
  for (let at = common; at < to.length; at++) {
    operations.push({ op: "add", path: below(place, "-").path, value: to[at] });
  }
}

// ── paths

/** Where an operation works. */
interface Place {
  /** RFC 6901. */
  readonly path: string;
  /** By key, those that are kept; null: none yet. */
  below: Map<string, Place> | null;
}

const root: Place = { path: "", below: null };

/** Whoever sends objects chooses their keys: only so many paths are kept, and none that is long. */
const mostKept = 4096;
const longestKept = 256;
let kept = 0;

function below(place: Place, key: string): Place {
  const known = place.below?.get(key);
  if (known !== undefined) return known;
  // Joining makes one string, and not a chain of the parts that every reader would have to put together again.
  const made: Place = { path: [place.path, escaped(key)].join("/"), below: null };
  if (kept < mostKept && made.path.length <= longestKept) {
    kept++;
    place.below ??= new Map();
    place.below.set(key, made);
  }
  return made;
}

/** RFC 6901. */
function escaped(key: string): string {
  return /[~/]/.test(key) ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key;
}
