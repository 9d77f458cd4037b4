// Our decisions in the shadow of a neighbour beside what came of the requests: whether it would be refused by us what the neighbour
// let in, or the other way round. We are asked about everything at the same time as the neighbour, and told nothing of its answer;
// but what is let in is stored, and a write that does not appear within some seconds was refused, by the neighbour or, which we
// cannot tell apart, by another webhook, a quota or a conflict. What leaves no stored write (deletions, dry runs, subresources)
// is not compared. Each replica compares what it was asked about itself.

import type { ClusterClient, Informer, Informers } from "../../cluster/api.ts";
import type { EntryNote } from "../../server/decided.ts";
import { webhookResources } from "../webhooks/controller.ts";
import type { Dialect } from "../webhooks/wanted.ts";
import { scopeOf } from "./scope.ts";
import { type StoredWrites, watchStoredWrites } from "./stored.ts";

/** One write on which we and the neighbour differ, or agree. */
export interface Comparison {
  readonly dialect: Dialect;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** What we would have said. */
  readonly ours: "allow" | "deny";
  /** Whether it was let in. */
  readonly stored: boolean;
  /** Ours. */
  readonly message: string;
}

export interface ShadowingOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly configurationName: string;
  readonly onCompared: (comparison: Comparison) => void;
  readonly onError: (error: Error) => void;
  /** After so long a write that does not appear was refused; 10 s when absent. */
  readonly patienceMs?: number;
  readonly nowMs?: () => number;
}

export interface Shadowing {
  /** We have decided about a write. */
  decided(note: EntryNote, ours: { readonly allowed: boolean; readonly message: string }): void;
  close(): void;
}

interface Decided {
  readonly note: EntryNote;
  readonly dialect: Dialect;
  allowed: boolean;
  message: string;
  stored: boolean;
  readonly dueMs: number;
}

/** Further ones are not compared. */
const pendingMax = 20_000;
const turnMs = 1000;

export function compareInShadow(options: ShadowingOptions): Shadowing {
  const { client, informers, configurationName, onCompared, onError } = options;
  const { patienceMs = 10_000, nowMs = () => performance.now() } = options;
  const pending = new Map<string, Decided>();
  const stored: StoredWrites = watchStoredWrites({
    client,
    informers,
    onWrite: ({ uid, at }) => {
      for (const dialect of ["gatekeeper", "kyverno"]) {
        const one = pending.get(`${dialect} ${uid} ${at}`);
        if (one !== undefined) one.stored = true;
      }
    },
    onError,
  });
  const configuration: Informer = informers.watch(webhookResources.ValidatingWebhookConfiguration, {
    fieldSelector: `metadata.name=${configurationName}`,
    keep: (object) => object,
    onError,
  });
  configuration.onChange(({ what, object }) => {
    if (what !== "removed") stored.follow(scopeOf(object, "shadow")).catch(onError);
  });
  const compare = (): void => {
    const now = nowMs();
    for (const [key, one] of pending) {
      if (one.dueMs > now) continue;
      pending.delete(key);
      if (stored.isKnown) onCompared(comparisonOf(one, stored));
    }
  };
  const timer = setInterval(compare, turnMs);
  timer.unref();
  return {
    decided: (note, { allowed, message }) => {
      // Until it is known what there is, nothing can be missed; nor what we may not read (Secrets), or do not look at.
      if (!stored.isKnown || !stored.sees(note)) return;
      for (const dialect of note.dialects) {
        const key = `${dialect} ${note.uid} ${note.at}`;
        const known = pending.get(key);
        if (known === undefined && pending.size >= pendingMax) continue;
        const one = known ?? { note, dialect, allowed: true, message: "", stored: false, dueMs: nowMs() + patienceMs };
        // Kyverno's policies are asked apart by their failure policies: one that refuses is enough.
        if (!allowed) Object.assign(one, { allowed, message });
        pending.set(key, one);
      }
    },
    close: () => {
      clearInterval(timer);
      stored.close();
      configuration.close();
    },
  };
}

function comparisonOf({ note, dialect, allowed, message, stored: wasSeen }: Decided, stored: StoredWrites): Comparison {
  const { group, resource, kind, namespace, name, uid, at } = note;
  // A write that changed nothing is not stored again.
  const isThere = wasSeen || stored.writtenAt({ group, resource }, { namespace, name, uid }) === at;
  return { dialect, kind, namespace, name, ours: allowed ? "allow" : "deny", stored: isThere, message };
}

// ── how often

/** The annotation of a replica's Lease that tells its counts. */
export const shadowAnnotation = "portcullis.dev/shadow";

const examplesMax = 5;

export interface ShadowCounts {
  /** By dialect, what we would have said, and what came of it. */
  readonly counts: readonly {
    readonly dialect: string;
    readonly ours: string;
    readonly stored: boolean;
    readonly count: number;
  }[];
  /** The newest differences. */
  readonly examples: readonly Comparison[];
}

export interface ShadowTally {
  add(comparison: Comparison): void;
  /** "" while nothing was compared. */
  text(): string;
}

export function createShadowTally(): ShadowTally {
  const counts = new Map<string, ShadowCounts["counts"][number]>();
  let examples: readonly Comparison[] = [];
  return {
    add: (comparison) => {
      const { dialect, ours, stored, message } = comparison;
      const key = `${dialect} ${ours} ${stored}`;
      counts.set(key, { dialect, ours, stored, count: (counts.get(key)?.count ?? 0) + 1 });
      if (differs(comparison)) {
        const short = { ...comparison, message: message.slice(0, 200) };
        examples = [short, ...examples].slice(0, examplesMax);
      }
    },
    text: () => (counts.size === 0 ? "" : JSON.stringify({ counts: [...counts.values()], examples })),
  };
}

export function differs({ ours, stored }: Pick<Comparison, "ours" | "stored">): boolean {
  return (ours === "allow") !== stored;
}
