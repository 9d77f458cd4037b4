// The objects that policies look up (`data.inventory`), as the audit's thread sees them: the kinds that policies say they
// read are watched, their objects held as text, and parsed when a policy looks at one. A change of such data means asking
// the policies that read it again, about everything; that is done for many changes together, a few seconds apart.

import { type GroupVersionKind, apiVersionOf, groupKindKey, gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import { type DataChange, type ObjectShare, type SharedKey, createObjectShare } from "../../app/objectshare.ts";
import { createObjectStore } from "../../app/objectstore.ts";
import type { ApiResource, ClusterClient, ClusterObject, Informers } from "../../cluster/api.ts";
import { reaches } from "./auditor.ts";
import { type PackedWatch, watchPacked } from "./packedwatch.ts";
import { isSame, takeText, unpack } from "./packing.ts";
import type { AuditedPolicies } from "./policies.ts";

export interface AuditData {
  /** Watches what these policies read; resolves once all of it is known. */
  follow(policies: AuditedPolicies): Promise<void>;
  /** Undefined for what it does not know of. */
  answer(need: Need): Answer | undefined;
  close(): void;
}

export interface AuditDataOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  /** An object of this kind (`group/Kind`) changed. */
  readonly onChange: (kind: string) => void;
  readonly onError: (error: Error) => void;
}

/** Data that somebody else watches: `take` is told of every change in what the threads of a process share. */
export function sharedAuditData(): {
  readonly create: (options: Pick<AuditDataOptions, "onChange">) => AuditData;
  readonly take: (change: DataChange) => void;
} {
  const store = createObjectStore();
  const listeners = new Set<(kind: string) => void>();
  return {
    take: (change) => {
      store.apply(change);
      const objects = [...change.entries, ...change.removed].filter(({ shelf }) => shelf === "inventory");
      const kinds = new Set(objects.map(({ apiVersion, kind }) => groupKindKey(gvkOf({ apiVersion, kind }))));
      for (const kind of kinds) for (const listener of listeners) listener(kind);
    },
    create: ({ onChange }) => {
      listeners.add(onChange);
      return {
        follow: () => Promise.resolve(),
        answer: (need) => store.answer(need) ?? undefined,
        close: () => listeners.delete(onChange),
      };
    },
  };
}

export function createAuditData(options: AuditDataOptions): AuditData {
  const share = createObjectShare();
  const store = createObjectStore();
  const open = new Map<string, PackedWatch>();
  return {
    follow: async (policies) => {
      const { resources } = await options.client.discover();
      const wanted = new Map(readResources(resources, policies).map((one) => [groupKindKey(one.gvk), one]));
      for (const [kind, { informer }] of open) {
        if (wanted.has(kind)) continue;
        for (const object of informer.list()) share.remove(keyOf(gvkOf(object), object));
        informer.close();
        open.delete(kind);
      }
      for (const [kind, resource] of wanted) {
        if (!open.has(kind)) open.set(kind, watch(options, share, resource));
      }
      await Promise.all([...open.values()].map(({ ready }) => ready));
    },
    answer: (need) => {
      const change = share.take();
      if (change !== null) store.apply(change);
      return store.answer(need) ?? undefined;
    },
    close: () => {
      for (const { informer } of open.values()) informer.close();
    },
  };
}

function watch(
  { informers, onChange, onError }: AuditDataOptions,
  share: ObjectShare,
  { gvr, gvk }: ApiResource,
): PackedWatch {
  const opened = watchPacked(gvr, { informers, onError });
  opened.informer.onChange((change) => {
    const text = takeText(change.object);
    if (change.what === "changed" && isSame(change.old, change.object)) return;
    const key = keyOf(gvk, change.object);
    if (change.what === "removed") share.remove(key);
    else if (text !== null) share.set(key, unpack(text, change.object));
    onChange(groupKindKey(gvk));
  });
  return opened;
}

/** Kinds that no policy names are never read: a policy that reads any kind gets those that others name. */
function readResources(resources: readonly ApiResource[], { units }: AuditedPolicies): readonly ApiResource[] {
  const named = [...units.values()].flatMap(({ reads }) => reads).filter(({ kinds }) => kinds !== undefined);
  return resources.filter(
    (resource) =>
      resource.preferred &&
      ["list", "watch"].every((verb) => resource.verbs.includes(verb)) &&
      named.some((scope) => reaches(scope, groupKindKey(resource.gvk))),
  );
}

function keyOf(gvk: GroupVersionKind, object: ClusterObject): SharedKey {
  return {
    shelf: "inventory",
    apiVersion: apiVersionOf(gvk),
    kind: gvk.kind,
    namespace: namespaceOf(object),
    name: nameOf(object),
  };
}
