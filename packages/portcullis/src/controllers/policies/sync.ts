// The objects of the cluster that policies look at: all Namespaces, and the kinds that synckinds.ts chooses. Their informers
// keep only names; the objects themselves go as text into the memory that all evaluators share (app/objectshare.ts), from
// where a handler of changes could not take them any more: hence they are put there while the informer looks at them.
// Changes are told to the evaluators together, a few times a second.

import { type GroupVersionResource, apiVersionOf, gvkText, nameOf, namespaceOf, valueAt } from "@portcullis/kube";
import type { ObjectShare, SharedKey } from "../../app/objectshare.ts";
import type { ApiResource, ClusterClient, ClusterObject, Informer, Informers } from "../../cluster/api.ts";
import { type KnownWatch, knownByNow, watchKnown } from "../../cluster/known.ts";
import { type Served, createServed } from "../../cluster/served.ts";
import type { SyncCounts, SyncMetrics } from "../../server/sync-metrics.ts";
import { type Loop, createLoop } from "../loop.ts";
import type { PolicyFeed } from "./feed.ts";
import { excludedFromSync, namedKinds, resourcesToSync } from "./synckinds.ts";

export interface SyncOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly feed: PolicyFeed;
  readonly objects: ObjectShare;
  /** Tells the evaluators what changed in `objects`. */
  readonly publish: () => void;
  readonly metrics?: SyncMetrics;
  /** The kinds that are synchronised have changed. */
  readonly onKinds?: (kinds: readonly string[]) => void;
  readonly onError: (error: Error) => void;
}

export interface Syncing {
  /** Resolves when the Namespaces and the kinds that the present policies look at are known. */
  ready(): Promise<void>;
  close(): void;
}

interface Synced {
  readonly resource: ApiResource;
  readonly watch: KnownWatch;
}

interface State {
  readonly options: SyncOptions;
  readonly served: Served;
  /** Chooses later. */
  readonly loop: Loop;
  readonly synced: Map<string, Synced>;
  excluded: string;
  choosing: Promise<void>;
  timer: NodeJS.Timeout | null;
  isClosed: boolean;
}

/** How long changes wait for others. */
const gatherMs = 50;

const namespaces: GroupVersionResource = { group: "", version: "v1", resource: "namespaces" };
const namespaceKind = { gvk: { group: "", version: "v1", kind: "Namespace" }, gvr: namespaces };

export function startSync(options: SyncOptions): Syncing {
  const chooseNext = (): Promise<void> => (state.choosing = state.choosing.then(() => chooseSafely(state)));
  const { client, feed, onError } = options;
  const loop = createLoop(chooseNext, onError);
  const state: State = {
    options,
    served: createServed({ client, definitions: feed.definitions, soon: loop.soon }),
    loop,
    synced: new Map(),
    excluded: "[]",
    choosing: Promise.resolve(),
    timer: null,
    isClosed: false,
  };
  const watchOfNamespaces = follow(state, namespaceKind, { shelf: "namespaces", isExcluded: () => false });
  const ofNamespaces = watchOfNamespaces.informer;
  options.metrics?.follow(() => countsOf(state, ofNamespaces));
  feed.onServed(() => void chooseNext());
  return {
    ready: async () => {
      await state.choosing;
      // Of a cluster whose namespaces are here, other kinds can be read too.
      await settled(ofNamespaces.synced);
      await Promise.all([...state.synced.values()].map(({ watch }) => settled(knownByNow(watch))));
      publish(state);
    },
    close: () => {
      state.isClosed = true;
      if (state.timer !== null) clearTimeout(state.timer);
      void loop.close();
      state.served.close();
      ofNamespaces.close();
      for (const { watch } of state.synced.values()) watch.informer.close();
    },
  };
}

/** Objects in namespaces that Config leaves out have a stub, and are not held. */
function countsOf({ synced, options: { feed } }: State, ofNamespaces: Informer): SyncCounts {
  const all = [...feed.objects()].map(({ object }) => object);
  const isExcluded = excludedFromSync(all.find((object) => object["kind"] === "Config") ?? null);
  const held = ({ watch }: Synced): number =>
    watch.informer.list().filter((stub) => !isExcluded(namespaceOf(stub))).length;
  const templates = all.filter((object) => object["kind"] === "ConstraintTemplate").length;
  return {
    objects: new Map([
      ["Namespace", ofNamespaces.size],
      ...[...synced.values()].map((one) => [one.resource.gvk.kind, held(one)] as const),
    ]),
    watched: feed.constraintKinds + synced.size,
    intended: templates + synced.size,
  };
}

/** One that is closed meanwhile is not needed any more; what may not be read, policies decide without. */
async function settled(known: Promise<unknown>): Promise<void> {
  try {
    await known;
  } catch {
    // It was closed.
  }
}

async function chooseSafely(state: State): Promise<void> {
  if (state.isClosed) return;
  try {
    await choose(state);
  } catch (error) {
    state.options.onError(error as Error);
    // Discovery does not answer: what is synchronised stays, and is chosen anew a little later.
    state.loop.soon(2000);
  }
}

/** Follows what is wanted now, and nothing else. */
async function choose(state: State): Promise<void> {
  const { feed, onKinds } = state.options;
  const reads = new Set(
    (feed.account()?.policies ?? []).flatMap((policy) => policy.reads.flatMap(({ kinds = ["*/*"] }) => kinds)),
  );
  const objects = [...feed.objects()].map(({ object }) => object);
  const config = objects.find((object) => object["kind"] === "Config") ?? null;
  const wanted =
    reads.size === 0 ? [] : resourcesToSync(await servedResources(state, reads), objects.flatMap(namedKinds), reads);
  if (state.isClosed) return;
  const excluded = JSON.stringify(valueAt(config, "spec", "match") ?? []);
  const keys = new Map(wanted.map((resource) => [gvkText(resource.gvk), resource]));
  const before = [...state.synced.keys()].toSorted().join(" ");
  for (const [key, { resource, watch }] of state.synced) {
    if (keys.has(key) && excluded === state.excluded) continue;
    const { informer } = watch;
    informer.close();
    state.synced.delete(key);
    for (const stub of informer.list()) state.options.objects.remove(keyOf("inventory", resource, stub));
  }
  state.excluded = excluded;
  const isExcluded = excludedFromSync(config);
  for (const [key, resource] of keys) {
    if (state.synced.has(key)) continue;
    state.synced.set(key, { resource, watch: follow(state, resource, { shelf: "inventory", isExcluded }) });
  }
  publishSoon(state);
  const after = [...state.synced.keys()].toSorted();
  if (after.join(" ") !== before) onKinds?.(after);
}

/** What is served; asked anew when a kind that policies name is not among it, which may be no definition's. */
async function servedResources(state: State, reads: ReadonlySet<string>): Promise<readonly ApiResource[]> {
  const resources = await servedByNow(state);
  const known = new Set(resources.flatMap(({ gvk: { group, kind } }) => [`${group}/${kind}`, `*/${kind}`]));
  const isMissing = [...reads].some((read) => !read.endsWith("/*") && !known.has(read));
  return isMissing ? (await state.options.client.discover(true)).resources : resources;
}

/** Whoever was ready without a kind that has come meanwhile would let through what he should refuse. */
async function servedByNow(state: State): Promise<readonly ApiResource[]> {
  let resources: readonly ApiResource[] | null = null;
  // oxlint-disable-next-line no-await-in-loop -- until nothing has changed meanwhile
  while (resources === null && !state.isClosed) resources = await state.served.ask();
  return resources ?? [];
}

interface Following {
  readonly shelf: SharedKey["shelf"];
  readonly isExcluded: (namespace: string) => boolean;
}

function follow(
  state: State,
  resource: Pick<ApiResource, "gvk" | "gvr">,
  { shelf, isExcluded }: Following,
): KnownWatch {
  const { informers, objects, metrics, onError } = state.options;
  const keep = (object: ClusterObject): ClusterObject => {
    const stub = stubOf(object);
    if (!state.isClosed && !isExcluded(namespaceOf(object))) {
      const startMs = performance.now();
      objects.set(keyOf(shelf, resource, stub), whole(resource, object));
      metrics?.took((performance.now() - startMs) / 1000);
    }
    return stub;
  };
  const watch = watchKnown(informers, resource.gvr, { keep, onError });
  watch.informer.onChange(({ what, object }) => {
    if (what === "removed") objects.remove(keyOf(shelf, resource, object));
    publishSoon(state);
  });
  return watch;
}

function keyOf(shelf: SharedKey["shelf"], { gvk }: Pick<ApiResource, "gvk">, object: ClusterObject): SharedKey {
  return {
    shelf,
    apiVersion: apiVersionOf(gvk),
    kind: gvk.kind,
    namespace: namespaceOf(object),
    name: nameOf(object),
  };
}

/** What an informer needs to tell objects and their versions apart. */
function stubOf(object: ClusterObject): ClusterObject {
  const metadata = (valueAt(object, "metadata") ?? {}) as Readonly<Record<string, unknown>>;
  const { name, namespace, uid, resourceVersion } = metadata;
  return { metadata: { name, uid, resourceVersion, ...(namespace !== undefined && { namespace }) } };
}

/** As policies see it. The objects of a list have no kind of their own; managed fields are half of an object, and noise. */
function whole({ gvk }: Pick<ApiResource, "gvk">, object: ClusterObject): ClusterObject {
  const { managedFields: _managed, ...metadata } = (valueAt(object, "metadata") ?? {}) as Record<string, unknown>;
  return { ...object, apiVersion: apiVersionOf(gvk), kind: gvk.kind, metadata };
}

function publishSoon(state: State): void {
  if (state.isClosed) return;
  state.timer ??= setTimeout(() => {
    publish(state);
  }, gatherMs);
}

function publish(state: State): void {
  if (state.timer !== null) clearTimeout(state.timer);
  state.timer = null;
  if (!state.isClosed) state.options.publish();
}
