// Making objects. Most have only string keys and are plain objects; the first other key turns one into a RegoObject.
// The key `__proto__` is defined, never assigned, so that it is a key like any other.

import { enterContainer } from "./running.ts";
import { type PlainObject, RegoObject, type Value, equals, isPlainObject } from "./value.ts";

/** An object being made; not visible to the policy yet. */
export type Draft = Record<string, Value> | RegoObject;

/** The object with these entries; a later one replaces an equal key. */
export function objectOf(entries: Iterable<readonly [Value, Value]>): PlainObject | RegoObject {
  let draft: Draft = {};
  for (const [key, value] of entries) draft = assign(draft, key, value);
  return draft;
}

/** Sets a key. The result is the draft to go on with. */
export function assign(draft: Draft, key: Value, value: Value): Draft {
  if (draft instanceof RegoObject) return draft.set(key, value);
  if (typeof key !== "string") return widen(draft).set(key, value);
  if (key === "__proto__") defineOwn(draft, key, value);
  else draft[key] = value;
  return draft;
}

/** The value that a draft has at a key. */
function peek(draft: Draft | PlainObject, key: Value): Value | undefined {
  if (draft instanceof RegoObject) return draft.get(key);
  return typeof key === "string" && Object.hasOwn(draft, key) ? draft[key] : undefined;
}

/** Adds a key unless it is there; null when it is there with another value. */
export function insert(draft: Draft, key: Value, value: Value): Draft | null {
  const known = peek(draft, key);
  if (known === undefined) return assign(draft, key, value);
  return equals(known, value) ? draft : null;
}

/** A copy with one key set. */
export function withKey(object: Value | undefined, key: Value, value: Value): Value {
  let draft: Draft = {};
  if (object instanceof RegoObject) {
    const entries = object.entries();
    enterContainer(entries.length);
    draft = RegoObject.of(entries);
  } else if (isPlainObject(object)) {
    const names = Object.keys(object);
    enterContainer(names.length);
    for (const name of names) draft = assign(draft, name, object[name] as Value);
  }
  return assign(draft, key, value);
}

function widen(draft: Record<string, Value>): RegoObject {
  return RegoObject.of(Object.keys(draft).map((key) => [key, draft[key] as Value] as const));
}

function defineOwn(draft: Record<string, Value>, key: string, value: Value): void {
  Object.defineProperty(draft, key, { value, enumerable: true, writable: true, configurable: true });
}
