// The objects that an informer holds, by namespace and name. What is put in tells what changed: an object of the same name
// with another uid is another object, so that the old one was removed; the same uid and version is nothing new.

import { nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import type { ClusterObject, ObjectChange, ObjectName } from "./api.ts";

export interface ObjectStore {
  get(name: ObjectName): ClusterObject | null;
  list(namespace?: string): readonly ClusterObject[];
  readonly size: number;
  put(object: ClusterObject): void;
  /** The final state, as far as it is known. */
  remove(object: ClusterObject): void;
  /** From here on what is put is remembered; `end` removes all that was not put since. */
  sweep(): { end(): void };
}

export interface StoreOptions {
  readonly keep: (object: ClusterObject) => ClusterObject;
  readonly tell: (change: ObjectChange) => void;
}

export function createStore({ keep, tell }: StoreOptions): ObjectStore {
  const namespaces = new Map<string, Map<string, ClusterObject>>();
  let size = 0;
  let seen: Map<string, Set<string>> | null = null;
  const drop = (object: ClusterObject, last: ClusterObject): void => {
    const within = namespaces.get(namespaceOf(object));
    if (within?.delete(nameOf(object)) !== true) return;
    if (within.size === 0) namespaces.delete(namespaceOf(object));
    size--;
    tell({ what: "removed", object: last });
  };
  const find = ({ namespace, name }: ObjectName): ClusterObject | null => namespaces.get(namespace)?.get(name) ?? null;
  const named = (object: ClusterObject): ObjectName => ({ namespace: namespaceOf(object), name: nameOf(object) });
  return {
    get: find,
    list: (namespace) =>
      namespace === undefined
        ? [...namespaces.values()].flatMap((within) => [...within.values()])
        : [...(namespaces.get(namespace)?.values() ?? [])],
    get size() {
      return size;
    },
    put(object) {
      const { namespace, name } = named(object);
      if (seen !== null) entry(seen, namespace, () => new Set()).add(name);
      const old = find({ namespace, name });
      if (old !== null && isSame(old, object, "uid") && isSame(old, object, "resourceVersion")) return;
      if (old !== null && !isSame(old, object, "uid")) drop(old, old);
      const current = find({ namespace, name });
      const next = keep(object);
      entry(namespaces, namespace, () => new Map<string, ClusterObject>()).set(name, next);
      if (current === null) size++;
      tell(current === null ? { what: "added", object: next } : { what: "changed", object: next, old: current });
    },
    remove(object) {
      const { namespace, name } = named(object);
      seen?.get(namespace)?.delete(name);
      if (find({ namespace, name }) !== null) drop(object, keep(object));
    },
    sweep() {
      const mine = new Map<string, Set<string>>();
      seen = mine;
      return {
        end() {
          if (seen === mine) seen = null;
          for (const [namespace, within] of namespaces) {
            const kept = mine.get(namespace);
            for (const [name, object] of within) if (kept?.has(name) !== true) drop(object, object);
          }
        },
      };
    },
  };
}

function entry<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function isSame(a: ClusterObject, b: ClusterObject, key: string): boolean {
  return stringAt(a, "metadata", key) === stringAt(b, "metadata", key);
}
