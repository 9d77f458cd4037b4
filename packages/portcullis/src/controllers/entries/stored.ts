// Writes as they are stored: a copy of the metadata of every kind that our webhooks are asked about, in which a write shows by another
// time of the last one (note.ts). Only names, uid and that time are kept of an object, and which webhooks were to be asked.

import { type GroupVersionResource, labelsOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import type { ApiResource, ClusterClient, ClusterObject, Informer, Informers } from "../../cluster/api.ts";
import { type KnownWatch, watchKnown } from "../../cluster/known.ts";
import type { Dialect } from "../webhooks/wanted.ts";
import { lastWrite } from "./note.ts";
import { type Scope, askedDialects, wantingWebhooks } from "./scope.ts";

/** A write that is stored. */
export interface StoredWrite {
  readonly resource: GroupVersionResource;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** When; see note.ts. */
  readonly at: string;
  /** It was there when we began to look. */
  readonly wasThere: boolean;
  /** Whose webhooks were to be asked about it; none when its namespace is not known any more. */
  readonly asked: () => readonly Dialect[];
}

export interface StoredWrites {
  /** From now on these webhooks count. Resolves when all that they are asked about is known. */
  follow(scope: Scope): Promise<void>;
  /** When an object was written last; null when it is not there. */
  writtenAt(resource: { readonly group: string; readonly resource: string }, of: Named): string | null;
  /** Whether all that the webhooks are asked about is known, save what may not be read. */
  readonly isKnown: boolean;
  /** Whether every write of a resource would be seen. */
  sees(resource: { readonly group: string; readonly resource: string }): boolean;
  close(): void;
}

interface Named {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface StoredWritesOptions {
  readonly client: Pick<ClusterClient, "discover">;
  readonly informers: Informers;
  readonly onWrite: (write: StoredWrite) => void;
  readonly onError: (error: Error) => void;
}

const namespaces: GroupVersionResource = { group: "", version: "v1", resource: "namespaces" };
const nowhere: Scope = { webhooks: [], untold: [], sinceMs: Infinity };

interface State {
  readonly options: StoredWritesOptions;
  readonly watched: Map<string, KnownWatch>;
  /** The labels of namespaces. */
  readonly labelled: Informer;
  scope: Scope;
  isKnown: boolean;
  isClosed: boolean;
}

export function watchStoredWrites(options: StoredWritesOptions): StoredWrites {
  const { informers, onError } = options;
  const state: State = {
    options,
    watched: new Map(),
    labelled: informers.watch(namespaces, { metadataOnly: true, keep: withLabels, onError }),
    scope: nowhere,
    isKnown: false,
    isClosed: false,
  };
  // Whoever closes it before it is known waits for nothing.
  state.labelled.synced.catch(() => {});
  return {
    follow: (scope) => follow(state, scope),
    writtenAt: (resource, { namespace, name, uid }) => {
      const object = state.watched.get(keyOf(resource))?.informer.get({ namespace, name }) ?? null;
      return object === null || stringAt(object, "metadata", "uid") !== uid ? null : String(object[atKey]);
    },
    get isKnown() {
      return state.isKnown;
    },
    sees: (resource) => state.watched.get(keyOf(resource))?.informer.hasSynced() ?? false,
    close: () => {
      state.isClosed = true;
      state.labelled.close();
      for (const { informer } of state.watched.values()) informer.close();
      state.watched.clear();
    },
  };
}

async function follow(state: State, scope: Scope): Promise<void> {
  const { watched, labelled, options } = state;
  state.scope = scope;
  try {
    await labelled.synced;
    const { resources } = await options.client.discover();
    if (state.isClosed || state.scope !== scope) return;
    const isWanted = (resource: ApiResource): boolean => scope.webhooks.some((webhook) => webhook.covers(resource));
    const wanted = new Map(resources.filter(isWanted).map((resource) => [keyOf(resource.gvr), resource]));
    for (const [key, { informer }] of watched) {
      if (wanted.has(key)) continue;
      informer.close();
      watched.delete(key);
    }
    for (const [key, resource] of wanted) {
      if (watched.has(key)) continue;
      state.isKnown = false;
      watched.set(key, open(state, resource));
    }
    await Promise.all([...watched.values()].map(({ known }) => known));
    if (state.scope === scope) state.isKnown = true;
  } catch (error) {
    if (!state.isClosed && state.scope === scope) throw error;
  }
}

function open(state: State, resource: ApiResource): KnownWatch {
  const { informers, onError, onWrite } = state.options;
  const watch = watchKnown(informers, resource.gvr, {
    metadataOnly: true,
    keep: (object) => kept(object, wantingWebhooks(state.scope, resource, object)),
    onError,
  });
  const { informer } = watch;
  informer.onChange((change) => {
    if (change.what === "removed") return;
    if (change.what === "changed" && change.old[atKey] === change.object[atKey]) return;
    if (change.object[wantingKey] !== 0) onWrite(writeOf(state, resource, change.object, !informer.hasSynced()));
  });
  return watch;
}

function writeOf(
  state: State,
  { gvr, gvk, namespaced }: ApiResource,
  object: ClusterObject,
  wasThere: boolean,
): StoredWrite {
  const { scope, labelled } = state;
  const namespace = namespaceOf(object);
  const wanting = Number(object[wantingKey]);
  return {
    resource: gvr,
    kind: gvk.kind,
    namespace,
    name: nameOf(object),
    uid: stringAt(object, "metadata", "uid"),
    at: String(object[atKey]),
    wasThere,
    asked: () => {
      if (!namespaced) return askedDialects(scope, wanting, null);
      const holder = labelled.get({ namespace: "", name: namespace });
      return holder === null ? [] : askedDialects(scope, wanting, labelsOf(holder));
    },
  };
}

function keyOf({ group, resource }: { readonly group: string; readonly resource: string }): string {
  return `${group}/${resource}`;
}

const atKey = "writtenAt";
const wantingKey = "wanting";

function kept(object: ClusterObject, wanting: number): ClusterObject {
  return { metadata: identityOf(object), [atKey]: lastWrite(object).at, [wantingKey]: wanting };
}

function withLabels(object: ClusterObject): ClusterObject {
  return { metadata: { ...identityOf(object), labels: labelsOf(object) } };
}

function identityOf(object: ClusterObject): Readonly<Record<string, string>> {
  const namespace = namespaceOf(object);
  return {
    name: nameOf(object),
    ...(namespace !== "" && { namespace }),
    uid: stringAt(object, "metadata", "uid"),
    resourceVersion: stringAt(object, "metadata", "resourceVersion"),
  };
}
