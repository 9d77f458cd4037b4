// Which resources the audit looks at, and how it hears of their objects. Each kind that a policy may match is watched in
// one version, the one that its group prefers. A policy for any kind means every kind that can be listed, save those that
// change all the time without anybody having decided anything (Events, Leases), unless a policy names them, and the
// reports that come of this audit, which would otherwise be reported on without end.

import { type GroupVersionResource, groupKindKey, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import type { ApiResource, ClusterClient, ClusterObject, Informers } from "../../cluster/api.ts";
import { type AuditedObject, type Auditor, reaches } from "./auditor.ts";
import { type PackedWatch, watchPacked } from "./packedwatch.ts";
import { isSame, unpack } from "./packing.ts";
import type { AuditedPolicies } from "./policies.ts";
import { isInStep } from "./rescan.ts";

export interface WatchesOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly auditor: Pick<Auditor, "changed" | "removed">;
  /** Something has to be done. */
  readonly onWork: () => void;
  readonly onError: (error: Error) => void;
}

export interface Watches {
  /** Watches what these policies match; resolves once all of it is known. */
  follow(policies: AuditedPolicies): Promise<void>;
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

export function createWatches(options: WatchesOptions): Watches {
  const watched = new Map<string, Watched>();
  const open = (resource: ApiResource): Watched => {
    const { informer, ready } = watchPacked(options.informers, resource.gvr, options.onError);
    informer.onChange((change) => {
      if (change.what === "changed" && isSame(change.old, change.object)) return;
      if (change.what === "removed") options.auditor.removed(keyOf(resource.gvr, change.object));
      else options.auditor.changed(auditedObject(resource, change.object));
      options.onWork();
    });
    return { resource, informer, ready };
  };
  return {
    follow: async (policies) => {
      const { resources } = await options.client.discover();
      const wanted = new Map(wantedResources(resources, policies).map((one) => [resourceKey(one.gvr), one]));
      for (const [key, { informer, resource }] of watched) {
        if (wanted.has(key)) continue;
        informer.close();
        watched.delete(key);
        for (const object of informer.list()) options.auditor.removed(keyOf(resource.gvr, object));
      }
      for (const [key, resource] of wanted) if (!watched.has(key)) watched.set(key, open(resource));
      await Promise.all([...watched.values()].map(({ ready }) => ready));
    },
    load: (key) => {
      const kept = find(watched, key);
      return kept === null ? null : unpack(kept);
    },
    get: (key) => find(watched, key),
    rescan: async (lagMs) => {
      const lost: string[] = [];
      for (const [key, { resource, informer }] of watched) {
        // oxlint-disable-next-line no-await-in-loop -- page by page and kind by kind: nobody waits for it
        if (await isInStep({ client: options.client, resource: resource.gvr, informer, lagMs })) continue;
        lost.push(resource.gvk.kind);
        const before = new Set(informer.list().map((object) => keyOf(resource.gvr, object)));
        informer.close();
        const opened = open(resource);
        watched.set(key, opened);
        // oxlint-disable-next-line no-await-in-loop -- the same
        await opened.ready;
        for (const object of opened.informer.list()) before.delete(keyOf(resource.gvr, object));
        for (const gone of before) options.auditor.removed(gone);
      }
      return lost;
    },
    close: () => {
      for (const { informer } of watched.values()) informer.close();
      watched.clear();
    },
  };
}

// ── keys: `group/resource namespace/name`

function keyOf(resource: GroupVersionResource, object: ClusterObject): string {
  return `${resourceKey(resource)} ${namespaceOf(object)}/${nameOf(object)}`;
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

const reportGroups: ReadonlySet<string> = new Set(["wgpolicyk8s.io", "openreports.io", "reports.kyverno.io"]);

function isReport({ gvk }: ApiResource): boolean {
  return reportGroups.has(gvk.group);
}

const restless: ReadonlySet<string> = new Set(["/Event", "events.k8s.io/Event", "coordination.k8s.io/Lease"]);

function isRestless({ gvk }: ApiResource): boolean {
  return restless.has(groupKindKey(gvk));
}
