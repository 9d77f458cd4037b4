// The statuses of constraints over all replicas. Each replica counts what it found itself, of the constraints whose results
// changed; one alone writes that, of several each tells it in parts (audit-parts.ts), and the one that leads writes what all of them found, as
// soon as all have told: until then the status stays as it was, so that nobody reads a count that is half done.

import { groupKindKey } from "@portcullis/kube";
import type { ClusterClient, Informers } from "../../cluster/api.ts";
import type { JudgedObject } from "../audit/auditor.ts";
import type { AuditedPolicies, PolicyObject } from "../audit/policies.ts";
import { type AuditShare, isAlone } from "../audit/share.ts";
import { customResourceDefinition } from "../install/crds/crd.ts";
import { auditPartKind } from "../install/crds/portcullis.ts";
import { ensureDefinitions } from "../install/definitions.ts";
import { type AuditParts, createAuditParts } from "./audit-parts.ts";
import {
  type ConstraintResults,
  type StatusWriter,
  constraintResults,
  createStatusWriter,
} from "./constraint-status.ts";

export interface StatusesOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  /** The product's own. */
  readonly namespace: string;
  /** Violations in one status. */
  readonly limit: number;
  /** RFC 3339, to the second. */
  readonly timestamp: () => string;
  readonly nowMs: () => number;
  /** Something is to be written, so many milliseconds later. */
  readonly onWork: (afterMs?: number) => void;
  readonly onError: (error: Error) => void;
}

export interface Statuses {
  /** What we found of a constraint (`keyOfPolicy`) may have changed. */
  changed(key: string): void;
  /** Looks at every status again before it takes it for written. */
  forget(): void;
  /** Tells and writes what differs. Rejects when it cannot be told; then everything is as before. */
  flush(now: Now): Promise<void>;
  /** What was last found by all replicas, by `keyOfPolicy`; empty where another replica leads. */
  readonly joined: ReadonlyMap<string, ConstraintResults>;
  close(): void;
}

interface Now {
  readonly policies: AuditedPolicies;
  readonly objects: Iterable<JudgedObject>;
  readonly share: AuditShare;
}

interface State {
  readonly options: StatusesOptions;
  readonly writer: StatusWriter;
  /** Constraints of which we have to count again. */
  readonly dirty: Set<string>;
  /** Constraints whose statuses may differ from what they should be. */
  readonly waiting: Set<string>;
  /** What we found ourselves. */
  readonly own: Map<string, ConstraintResults>;
  readonly joined: Map<string, ConstraintResults>;
  parts: AuditParts | null;
  isLeader: boolean;
  /** Since when somebody has been waited for, and whether that was said. */
  silence: { readonly sinceMs: number; isSaid: boolean } | null;
}

const retryMs = 5000;

export function createStatuses(options: StatusesOptions): Statuses {
  const { client, timestamp } = options;
  const state: State = {
    options,
    writer: createStatusWriter({
      client,
      resourceOf: ({ group, version, id }) => ({ group, version, resource: id.kind.toLowerCase() }),
      timestamp,
    }),
    dirty: new Set(),
    waiting: new Set(),
    own: new Map(),
    joined: new Map(),
    parts: null,
    isLeader: false,
    silence: null,
  };
  return {
    changed: (key) => {
      state.dirty.add(key);
    },
    forget: () => state.writer.forget(),
    flush: (now) => flush(state, now),
    joined: state.joined,
    close: () => state.parts?.close(),
  };
}

async function flush(state: State, now: Now): Promise<void> {
  const { dirty, own, waiting, joined } = state;
  const { policies, objects, share } = now;
  if (share.leads !== state.isLeader) lead(state, share.leads);
  const keys = new Set([...dirty].filter((key) => policies.objects.has(key)));
  dirty.clear();
  for (const [key, results] of constraintResults(objects, keys, state.options.limit)) {
    own.set(key, results);
    waiting.add(key);
  }
  for (const key of own.keys())
    if (!policies.objects.has(key)) for (const one of [own, waiting, joined]) one.delete(key);
  try {
    await tell(state, now, keys);
  } catch (error) {
    for (const key of keys) dirty.add(key);
    throw error;
  }
  if (share.leads) await writeAll(state, now);
}

/** Who begins to lead looks at every status. */
function lead(state: State, leads: boolean): void {
  state.isLeader = leads;
  state.joined.clear();
  state.silence = null;
  if (!leads) return;
  state.writer.forget();
  for (const key of state.own.keys()) state.waiting.add(key);
}

async function tell(state: State, { policies, share }: Now, keys: ReadonlySet<string>): Promise<void> {
  state.parts ??= await openParts(state, share);
  const { parts } = state;
  if (parts === null) return;
  await parts.synced;
  if (isAlone(share)) await parts.withdraw();
  else {
    await parts.tell({
      members: share.members,
      parts: [...keys].map((key) => [
        policies.objects.get(key) as PolicyObject,
        state.own.get(key) as ConstraintResults,
      ]),
      isThere: (key) => policies.objects.has(key),
    });
  }
  if (share.leads) await parts.sweep(share.alive);
}

/** Null where their kind is not served, and nobody is there to tell. */
async function openParts({ options, own, waiting, dirty }: State, share: AuditShare): Promise<AuditParts | null> {
  const { client, onWork } = options;
  if (isAlone(share) && !share.leads) return null;
  if (!(await isServed(client, false))) {
    if (share.alive.length === 1) return null;
    if (share.leads) await ensureDefinitions(client, [customResourceDefinition(auditPartKind)]);
    if (!(await isServed(client, true))) throw new Error("the API server does not serve the kind AuditPart yet");
  }
  return createAuditParts({
    ...options,
    self: share.self,
    onPart: (key, isOurs) => {
      if (isOurs) dirty.add(key);
      else waiting.add(key);
      onWork();
    },
    onRecord: () => {
      for (const key of own.keys()) waiting.add(key);
      onWork();
    },
  });
}

async function isServed(client: ClusterClient, isAskedAnew: boolean): Promise<boolean> {
  const { group, kind } = auditPartKind;
  const { resources } = await client.discover(isAskedAnew);
  return resources.some(({ gvk }) => groupKindKey(gvk) === `${group}/${kind}`);
}

async function writeAll(state: State, { policies, share }: Now): Promise<void> {
  const { options, waiting, own, joined, parts } = state;
  const silent = new Set<string>();
  const write = async (key: string): Promise<void> => {
    const constraint = policies.objects.get(key);
    const results = own.get(key);
    if (constraint === undefined || results === undefined) return;
    const all =
      isAlone(share) || parts === null ? results : parts.join(constraint, results, { share, limit: options.limit });
    if (isSilence(all)) {
      for (const member of all) silent.add(member);
      return;
    }
    waiting.delete(key);
    joined.set(key, all);
    try {
      await state.writer.write(constraint, all);
    } catch (error) {
      waiting.add(key);
      options.onWork(retryMs);
      options.onError(error as Error);
    }
  };
  for (const batch of batches([...waiting], 8)) {
    // oxlint-disable-next-line no-await-in-loop -- a few at a time
    await Promise.all(batch.map(write));
  }
  noteSilence(state, silent);
}

function isSilence(all: ConstraintResults | readonly string[]): all is readonly string[] {
  return Array.isArray(all);
}

/** Somebody who lives and tells nothing keeps statuses as they are: after so long it is said. */
const silenceMs = 60_000;

function noteSilence(state: State, silent: ReadonlySet<string>): void {
  const { nowMs, onError, onWork } = state.options;
  if (silent.size === 0) {
    state.silence = null;
    return;
  }
  state.silence ??= { sinceMs: nowMs(), isSaid: false };
  const { sinceMs, isSaid } = state.silence;
  if (isSaid) return;
  if (nowMs() - sinceMs < silenceMs) {
    onWork(silenceMs);
    return;
  }
  state.silence.isSaid = true;
  onError(new Error(`statuses of constraints wait for what the audit of ${[...silent].toSorted().join(", ")} finds`));
}

function batches<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}
