// Which resources the audit looks at, and how it hears of their objects. Each kind that a policy may match is watched in
// one version, the one that its group prefers. A policy for any kind means every kind that can be listed, save those that
// change all the time without anybody having decided anything (Events, Leases), unless a policy names them, and the
// reports that come of this audit, which would otherwise be reported on without end.
//
// Every replica hears of every object, because a watch cannot be divided by a hash, but holds only its own; of those of
// others it knows the name and the version. What becomes ours is read anew: one by one when there are few, else page by page.

import { type GroupVersionResource, apiVersionOf, groupKindKey, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import {
  type ApiResource,
  type ClusterClient,
  type ClusterObject,
  type Informers,
  type ObjectName,
  isNotFound,
} from "../../cluster/api.ts";
import { type AuditedObject, type Auditor, reaches } from "./auditor.ts";
import { type PackedWatch, watchPacked } from "./packedwatch.ts";
import { empty, fill, isSame, metadataKept, outline, pack, takeText, unpack } from "./packing.ts";
import type { AuditedPolicies } from "./policies.ts";
import { isInStep } from "./rescan.ts";
import { shardKey } from "./share.ts";
import { type Shelf, type ShelfText, createShelf } from "./shelf.ts";

export interface WatchesOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly auditor: Pick<Auditor, "changed" | "removed" | "released">;
  /** Whether an object is ours, by `shardKey`. */
  readonly owns: (key: string) => boolean;
  /** Something has to be done. */
  readonly onWork: () => void;
  readonly onError: (error: Error) => void;
}

export interface Watches {
  /** Watches what these policies match; resolves once all of it is known. */
  follow(policies: AuditedPolicies): Promise<void>;
  /** Gives up what is no longer ours, and takes what has become so. Rejects when that cannot be read; to be called again. */
  share(): Promise<void>;
  /** The whole object; null when it is gone. */
  load(key: string): unknown;
  /** Name, uid, version and labels of an object. */
  get(key: string): ClusterObject | null;
  /** Holds what is known against what there is, and watches anew what has lost step. Gives the kinds of those. */
  rescan(lagMs: number): Promise<readonly string[]>;
  close(): void;
}

interface Watched extends PackedWatch {
  readonly resource: ApiResource;
}

/** The texts of the objects that are ours, by their keys. */
interface Held {
  readonly shelf: Shelf;
  readonly texts: Map<string, ShelfText>;
}

interface State {
  readonly options: WatchesOptions;
  readonly watched: Map<string, Watched>;
  readonly held: Held;
  readonly keep: (object: ClusterObject) => ClusterObject;
}

export function createWatches(options: WatchesOptions): Watches {
  const watched = new Map<string, Watched>();
  const held: Held = { shelf: createShelf(), texts: new Map() };
  const keep = (object: ClusterObject): ClusterObject =>
    options.owns(shardKey(object)) ? pack(object) : outline(object);
  const state: State = { options, watched, held, keep };
  return {
    follow: (policies) => follow(state, policies),
    share: async () => {
      for (const one of watched.values()) {
        // oxlint-disable-next-line no-await-in-loop -- page by page and kind by kind, so that little is in memory at once
        await take(options, { ...one, held }, give(options, { ...one, held }));
      }
    },
    load: (key) => {
      const kept = find(watched, key);
      const text = held.texts.get(key);
      return kept === null || text === undefined ? null : unpack(held.shelf.get(text), kept);
    },
    get: (key) => {
      const kept = find(watched, key);
      return kept === null ? null : metadataKept(kept);
    },
    rescan: (lagMs) => rescan(state, lagMs),
    close: () => {
      for (const { informer } of watched.values()) informer.close();
      watched.clear();
    },
  };
}

function open({ options, held, keep }: State, resource: ApiResource): Watched {
  const { informers, auditor, onWork, onError } = options;
  const { informer, ready } = watchPacked(resource.gvr, { informers, keep, onError });
  informer.onChange((change) => {
    const text = takeText(change.object);
    const key = keyOf(resource.gvr, change.object);
    if (change.what === "changed" && isSame(change.old, change.object)) return;
    if (change.what === "removed") {
      letGo(held, key);
      auditor.removed(key);
    } else if (text !== null) {
      put(held, key, text);
      auditor.changed(auditedObject(resource, change.object));
    } else return;
    onWork();
  });
  return { resource, informer, ready };
}

async function follow(state: State, policies: AuditedPolicies): Promise<void> {
  const { options, watched, held } = state;
  const { resources } = await options.client.discover();
  const wanted = new Map(wantedResources(resources, policies).map((one) => [resourceKey(one.gvr), one]));
  for (const [name, { informer, resource }] of watched) {
    if (wanted.has(name)) continue;
    informer.close();
    watched.delete(name);
    for (const key of informer.list().map((object) => keyOf(resource.gvr, object))) {
      letGo(held, key);
      options.auditor.removed(key);
    }
  }
  for (const [name, resource] of wanted) if (!watched.has(name)) watched.set(name, open(state, resource));
  await Promise.all([...watched.values()].map(({ ready }) => ready));
}

async function rescan(state: State, lagMs: number): Promise<readonly string[]> {
  const { options, watched, held } = state;
  const lost: string[] = [];
  for (const [name, { resource, informer }] of watched) {
    // oxlint-disable-next-line no-await-in-loop -- page by page and kind by kind: nobody waits for it
    if (await isInStep({ client: options.client, resource: resource.gvr, informer, lagMs })) continue;
    lost.push(resource.gvk.kind);
    const before = new Set(informer.list().map((object) => keyOf(resource.gvr, object)));
    informer.close();
    const opened = open(state, resource);
    watched.set(name, opened);
    // oxlint-disable-next-line no-await-in-loop -- the same
    await opened.ready;
    for (const object of opened.informer.list()) before.delete(keyOf(resource.gvr, object));
    for (const gone of before) {
      letGo(held, gone);
      options.auditor.removed(gone);
    }
  }
  return lost;
}

// ── shares

function put({ shelf, texts }: Held, key: string, text: string): void {
  const before = texts.get(key);
  if (before !== undefined) shelf.drop(before);
  texts.set(key, shelf.put(text));
}

function letGo({ shelf, texts }: Held, key: string): void {
  const text = texts.get(key);
  texts.delete(key);
  if (text !== undefined) shelf.drop(text);
}

interface Divided extends Watched {
  readonly held: Held;
}

/** Gives up what is no longer ours; what has become ours and is not held yet, by `namespace/name`. */
function give(
  { owns, auditor }: WatchesOptions,
  { resource, informer, held }: Divided,
): ReadonlyMap<string, ObjectName> {
  const missing = new Map<string, ObjectName>();
  for (const kept of informer.list()) {
    const isOurs = owns(shardKey(kept));
    const key = keyOf(resource.gvr, kept);
    if (isOurs === held.texts.has(key)) continue;
    if (isOurs) missing.set(nameKey(kept), { namespace: namespaceOf(kept), name: nameOf(kept) });
    else {
      letGo(held, key);
      auditor.released(key);
      empty(kept);
    }
  }
  return missing;
}

/** So many, or fewer than one of so many, are read one by one. */
const fewObjects = 20;
const fewShare = 50;

async function take(
  options: WatchesOptions,
  watched: Divided,
  missing: ReadonlyMap<string, ObjectName>,
): Promise<void> {
  const { client } = options;
  const { resource, informer } = watched;
  if (missing.size === 0) return;
  const isFew = missing.size <= Math.max(fewObjects, informer.size / fewShare);
  const pages = isFew ? onePerPage(client, resource, missing.values()) : client.list(resource.gvr);
  for await (const page of pages) {
    for (const listed of page) {
      if (missing.has(nameKey(listed))) hold(options, watched, withKind(listed, resource));
    }
    options.onWork();
  }
}

async function* onePerPage(
  client: ClusterClient,
  { gvr }: ApiResource,
  names: Iterable<ObjectName>,
): AsyncGenerator<readonly ClusterObject[]> {
  for (const name of names) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- there are few
      yield [await client.get(gvr, name)];
    } catch (error) {
      // The watch is about to tell so.
      if (!isNotFound(error)) throw error;
    }
  }
}

/** The watch may have told of it meanwhile, or of another object of that name. */
function hold({ auditor }: WatchesOptions, { resource, informer, held }: Divided, object: ClusterObject): void {
  const kept = informer.get({ namespace: namespaceOf(object), name: nameOf(object) });
  const key = keyOf(resource.gvr, object);
  if (kept === null || held.texts.has(key) || shardKey(kept) !== shardKey(object)) return;
  fill(kept, object);
  put(held, key, takeText(kept) ?? "");
  auditor.changed(auditedObject(resource, kept));
}

function nameKey(object: ClusterObject): string {
  return `${namespaceOf(object)}/${nameOf(object)}`;
}

// ── keys: `group/resource namespace/name`

function keyOf(resource: GroupVersionResource, object: ClusterObject): string {
  return `${resourceKey(resource)} ${nameKey(object)}`;
}

function resourceKey({ group, resource }: GroupVersionResource): string {
  return `${group}/${resource}`;
}

function find(watched: ReadonlyMap<string, Watched>, key: string): ClusterObject | null {
  const space = key.indexOf(" ");
  const [resource, names] = [key.slice(0, space), key.slice(space + 1)];
  const slash = names.indexOf("/");
  const name = { namespace: names.slice(0, slash), name: names.slice(slash + 1) };
  return watched.get(resource)?.informer.get(name) ?? null;
}

/** The items of a list do not say what they are. */
export function withKind(object: ClusterObject, { gvk }: ApiResource): ClusterObject {
  return typeof object["kind"] === "string" ? object : { apiVersion: apiVersionOf(gvk), kind: gvk.kind, ...object };
}

export function auditedObject({ gvr, gvk }: ApiResource, object: ClusterObject): AuditedObject {
  return {
    key: keyOf(gvr, object),
    group: gvk.group,
    version: gvk.version,
    kind: gvk.kind,
    namespace: namespaceOf(object),
    name: nameOf(object),
    uid: stringAt(object, "metadata", "uid"),
  };
}

// ── what is wanted

/** One resource for each kind that a policy matches, or whose objects policies look up. */
export function wantedResources(
  resources: readonly ApiResource[],
  { units, expanded }: Pick<AuditedPolicies, "units" | "expanded">,
): readonly ApiResource[] {
  const scopes = [...units.values()].map(({ scope }) => scope);
  const named = new Set([...scopes.flatMap(({ kinds }) => kinds ?? []), ...expanded]);
  const byKind = new Map<string, ApiResource>();
  for (const resource of resources) {
    if (!resource.preferred || !["list", "watch"].every((verb) => resource.verbs.includes(verb))) continue;
    const kind = groupKindKey(resource.gvk);
    if (isReport(resource) || (isRestless(resource) && !named.has(kind))) continue;
    if (expanded.includes(kind) || scopes.some((scope) => reaches(scope, kind))) byKind.set(kind, resource);
  }
  return [...byKind.values()];
}

/** What the audit writes itself, its parts among it (reports/audit-parts.ts). */
const reportGroups: ReadonlySet<string> = new Set([
  "wgpolicyk8s.io",
  "openreports.io",
  "reports.kyverno.io",
  "portcullis.dev",
]);

function isReport({ gvk }: ApiResource): boolean {
  return reportGroups.has(gvk.group);
}

const restless: ReadonlySet<string> = new Set(["/Event", "events.k8s.io/Event", "coordination.k8s.io/Lease"]);

function isRestless({ gvk }: ApiResource): boolean {
  return restless.has(groupKindKey(gvk));
}
