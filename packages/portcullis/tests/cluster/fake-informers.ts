// Informers of a fake cluster: what was there is told first, then each change, always a turn of the event loop after it
// happened, as with a real one.

import { type GroupVersionResource, nameOf, namespaceOf } from "@portcullis/kube";
import type {
  ClusterObject,
  Informer,
  InformerOptions,
  Informers,
  ListOptions,
  ObjectChange,
} from "../../src/cluster/api.ts";
import { selects } from "./fake-changes.ts";

interface InformerSource {
  objects(resource: GroupVersionResource): readonly ClusterObject[];
  listen(resource: GroupVersionResource, listener: (change: ObjectChange) => void): () => void;
  /** In the resource's version, and only the metadata if only that is asked for. */
  shown(resource: GroupVersionResource, object: ClusterObject, options: ListOptions): ClusterObject;
}

export function createFakeInformers(source: InformerSource): Informers {
  const open = new Set<Informer>();
  return {
    watch: (resource, options = {}) => {
      const informer = createFakeInformer(source, resource, options);
      open.add(informer);
      return informer;
    },
    close: () => {
      for (const informer of open) informer.close();
    },
  };
}

function createFakeInformer(
  source: InformerSource,
  resource: GroupVersionResource,
  options: InformerOptions,
): Informer {
  const known = new Map<string, ClusterObject>();
  const handlers = new Set<(change: ObjectChange) => void>();
  const isWanted = selects(options);
  const keep = options.keep ?? ((object: ClusterObject) => object);
  const kept = (object: ClusterObject): ClusterObject => keep(source.shown(resource, object, options));
  let hasSynced = false;
  const emit = (change: ObjectChange): void => {
    for (const handler of handlers) {
      try {
        handler(change);
      } catch (error) {
        options.onError?.(error instanceof Error ? error : new Error(String(error)));
      }
    }
  };
  const take = ({ what, object }: ObjectChange): void => {
    const key = `${namespaceOf(object)}/${nameOf(object)}`;
    const old = known.get(key);
    if (what !== "removed" && isWanted(object)) {
      const next = kept(object);
      known.set(key, next);
      emit(old === undefined ? { what: "added", object: next } : { what: "changed", object: next, old });
    } else if (old !== undefined) {
      known.delete(key);
      emit({ what: "removed", object: old });
    }
  };
  let isOpen = true;
  const stop = source.listen(resource, (change) => {
    setImmediate(() => (isOpen ? take(change) : undefined));
  });
  const synced = new Promise<void>((resolve, reject) => {
    const first = source.objects(resource);
    setImmediate(() => {
      if (!isOpen) {
        reject(new Error(`the informer of ${resource.resource} was closed before it was in step`));
        return;
      }
      for (const object of first) take({ what: "added", object });
      hasSynced = true;
      resolve();
    });
  });
  synced.catch(() => undefined);
  return {
    synced,
    hasSynced: () => hasSynced,
    get: (name) => known.get(`${name.namespace}/${name.name}`) ?? null,
    list: (namespace) =>
      [...known.values()].filter((object) => namespace === undefined || namespaceOf(object) === namespace),
    get size() {
      return known.size;
    },
    onChange: (handler) => {
      handlers.add(handler);
      for (const object of known.values()) handler({ what: "added", object });
      return () => handlers.delete(handler);
    },
    close: () => {
      isOpen = false;
      stop();
      handlers.clear();
    },
  };
}
