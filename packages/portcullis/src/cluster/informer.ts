// Informers: copies of a resource's objects that stay in step, shared by all who ask for the same. Whoever listens hears
// of what is there first and of every change after; what goes wrong in a listener stays there.

import { type GroupVersionResource, isObject } from "@portcullis/kube";
import type { ClusterObject, Informer, InformerOptions, Informers, ObjectChange } from "./api.ts";
import type { StreamingClient } from "./client.ts";
import { type ReflectorTiming, defaultTiming, reflect } from "./reflector.ts";
import { type Refusals, type Revival, createRefusals, createRevival } from "./retry.ts";
import { type ObjectStore, createStore } from "./store.ts";
import { messageOf } from "./transport.ts";

export function createInformers(client: StreamingClient, given: Partial<ReflectorTiming> = {}): Informers {
  const timing = { ...defaultTiming, ...given };
  const shared = new Map<string, Shared>();
  const revival = createRevival();
  const refusals = createRefusals(timing.refusedMs, timing.refusedEachMs);
  const keepers = new WeakMap<NonNullable<InformerOptions["keep"]>, number>();
  let keeperCount = 0;
  return {
    watch(resource, options = {}) {
      const { namespace, labelSelector, fieldSelector, metadataOnly, keep } = options;
      if (keep !== undefined && !keepers.has(keep)) keepers.set(keep, ++keeperCount);
      const { group, version, resource: plural } = resource;
      const key = JSON.stringify([
        [group, version, plural],
        [namespace, labelSelector, fieldSelector, metadataOnly, keep === undefined ? 0 : keepers.get(keep)],
      ]);
      const open = (): Shared => {
        const about = { resource, options, timing, revival, refusals };
        const made = startShared(client, about, () => shared.delete(key));
        shared.set(key, made);
        return made;
      };
      return (shared.get(key) ?? open()).join(options.onError);
    },
    close() {
      for (const one of shared.values()) one.close();
    },
  };
}

interface Shared {
  join(onError: InformerOptions["onError"]): Informer;
  close(): void;
}

interface SharedOptions {
  readonly resource: GroupVersionResource;
  readonly options: InformerOptions;
  readonly timing: ReflectorTiming;
  readonly revival: Revival;
  readonly refusals: Refusals;
}

type Handler = (change: ObjectChange) => void;

/** One store and what keeps it in step, for all handles on it. */
function startShared(client: StreamingClient, about: SharedOptions, onEnd: () => void): Shared {
  const { resource, options } = about;
  const ending = new AbortController();
  const handlers = new Set<{ readonly call: Handler }>();
  const listeners = new Set<{ readonly onError: InformerOptions["onError"] }>();
  const synced = Promise.withResolvers<void>();
  // Those who do not wait for it need not hear of a close.
  synced.promise.catch(() => undefined);
  let hasSynced = false;
  const report = (error: Error): void => {
    for (const { onError } of listeners) onError?.(error);
  };
  const guarded = (handler: Handler, change: ObjectChange): void => {
    try {
      handler(change);
    } catch (error) {
      report(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const store = createStore({
    keep: keeper(options.keep ?? slim, report),
    tell: (change) => {
      for (const { call } of handlers) guarded(call, change);
    },
  });
  const close = (): void => {
    if (ending.signal.aborted) return;
    ending.abort();
    handlers.clear();
    onEnd();
    synced.reject(new Error(`the informer of ${resource.resource} was closed before it was in step`));
  };
  void reflect({
    client,
    ...about,
    store,
    signal: ending.signal,
    onSynced: () => {
      hasSynced = true;
      synced.resolve();
    },
    onError: report,
  });
  return {
    close,
    join: (onError) => {
      const listener = { onError };
      listeners.add(listener);
      return createHandle({
        store,
        synced: synced.promise,
        hasSynced: () => hasSynced,
        subscribe: (handler) => {
          const subscription = { call: handler };
          handlers.add(subscription);
          for (const object of store.list()) guarded(handler, { what: "added", object });
          return () => handlers.delete(subscription);
        },
        leave: () => {
          listeners.delete(listener);
          if (listeners.size === 0) close();
        },
      });
    },
  };
}

interface HandleParts {
  readonly store: ObjectStore;
  readonly synced: Promise<void>;
  readonly hasSynced: () => boolean;
  readonly subscribe: (handler: Handler) => () => void;
  readonly leave: () => void;
}

function createHandle({ store, synced, hasSynced, subscribe, leave }: HandleParts): Informer {
  const subscriptions = new Set<() => void>();
  let isOpen = true;
  return {
    synced,
    hasSynced,
    get: (name) => store.get(name),
    list: (namespace) => store.list(namespace),
    get size() {
      return store.size;
    },
    onChange(handler) {
      if (!isOpen) return () => undefined;
      const stop = subscribe(handler);
      subscriptions.add(stop);
      return () => {
        stop();
        subscriptions.delete(stop);
      };
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      for (const stop of subscriptions) stop();
      leave();
    },
  };
}

/** An object that cannot be made smaller is kept as it is. */
function keeper(
  keep: (object: ClusterObject) => ClusterObject,
  report: (error: Error) => void,
): (object: ClusterObject) => ClusterObject {
  return (object) => {
    try {
      return keep(object);
    } catch (error) {
      report(new Error(`an object could not be reduced: ${messageOf(error)}`));
      return object;
    }
  };
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Without who wrote which field and without the copy that kubectl keeps.
 * @internal
 */
export function slim(object: ClusterObject): ClusterObject {
  const { metadata } = object;
  if (!isObject(metadata)) return object;
  const { managedFields, annotations, ...rest } = metadata;
  if (!isObject(annotations)) return { ...object, metadata: rest };
  const { [lastApplied]: copy, ...kept } = annotations;
  if (managedFields === undefined && copy === undefined) return object;
  return { ...object, metadata: Object.keys(kept).length === 0 ? rest : { ...rest, annotations: kept } };
}
