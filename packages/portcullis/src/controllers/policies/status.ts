// Writes into each policy what became of it. What a replica found stands in its evaluators' reports; the status that follows
// is compared with the one on the cluster and written only when it differs, guarded by the resourceVersion that was
// compared: after a conflict the newer object is looked at again. A status that the API server changed while it was stored
// (a schema that drops a field) counts as written, and what somebody else takes away is written again later each time
// (insistence.ts), so that nobody writes in a loop.
//
// Each replica writes its own entry of Gatekeeper's kinds; Kyverno's conditions are the leader's. The leader also takes
// away the entries of replicas that are gone.

import { type JsonRecord, isObject, stringAt, valueAt } from "@portcullis/kube";
import { type RulesStatus, canonicalJson, unbuiltCode } from "@portcullis/policy";
import type { Found } from "../../app/compose.ts";
import type { Report } from "../../app/evaluator.ts";
import { ApiError, type ClusterClient, type ClusterObject, type WorkQueue } from "../../cluster/api.ts";
import { conditionStatus } from "./conditions.ts";
import type { PolicyFeed, PolicyObject } from "./feed.ts";
import { type Insistence, createInsistence } from "./insistence.ts";
import { type StatusForm, statusFormOf } from "./kinds.ts";
import type { Refreshed } from "./refreshed.ts";
import { currentPods, entriesOf, joinedPods, podEntry } from "./podstatus.ts";

export interface StatusOptions {
  readonly client: ClusterClient;
  readonly feed: PolicyFeed;
  /** This replica's name. */
  readonly id: string;
  readonly leads: () => boolean;
  /** Whether a replica is there; null while that is not known. */
  readonly isAlive: (id: string) => boolean | null;
  /** Whether the API server asks us about all that the served policies match: before, none of Kyverno's is ready. */
  readonly isRegistered: () => boolean;
  readonly createQueue: (work: (file: string) => Promise<void>) => WorkQueue;
  readonly nowMs: () => number;
  readonly epochMs: () => number;
  /** When the calls of GlobalContextEntries were answered. */
  readonly refreshed?: Pick<Refreshed, "at" | "onChange">;
  /** Kinds of others, who are left alone: `group/Kind`. */
  readonly isReadOnly?: (resource: { readonly group: string; readonly kind: string }) => boolean;
}

export interface StatusWriter {
  /** Looks at every policy again: who leads has changed, or which replicas there are. */
  refresh(): void;
  idle(): Promise<void>;
  close(): Promise<void>;
}

interface State extends StatusOptions {
  /** Errors by file, of what is served. */
  found: ReadonlyMap<string, readonly Found[]>;
  readonly rules: Map<string, RulesStatus>;
  /** By file: what was wanted last, and what the API server made of it. */
  readonly written: Map<string, { readonly wanted: string; readonly stored: string }>;
  readonly insistence: Insistence;
  /** By file and replica: since when it is missed. */
  readonly missing: Map<string, number>;
}

export function startStatus(options: StatusOptions): StatusWriter {
  const { feed } = options;
  const insistence = createInsistence(options.nowMs);
  const maps = { found: new Map(), rules: new Map(), written: new Map(), missing: new Map() };
  const state: State = { ...options, ...maps, insistence };
  const queue = options.createQueue((file) => writeStatus(state, file, queue));
  const refresh = (): void => {
    for (const { file } of feed.objects()) queue.add(file);
  };
  options.refreshed?.onChange(() => {
    for (const { file, resource } of feed.objects()) if (resource.gvk.kind === "GlobalContextEntry") queue.add(file);
  });
  feed.onServed((report) => {
    takeReport(state, report);
    refresh();
  });
  feed.onObject((file, policy) => {
    if (policy !== null) {
      queue.add(file);
      return;
    }
    state.written.delete(file);
    insistence.forget(file);
    state.rules.delete(file);
  });
  return { refresh, idle: () => queue.idle(), close: () => queue.close() };
}

function takeReport(state: State, report: Report): void {
  const found = new Map<string, Found[]>();
  for (const { file, severity, found: one } of report.problems) {
    if (one === undefined || (severity !== "error" && one.code !== unbuiltCode)) continue;
    const known = found.get(file);
    if (known === undefined) found.set(file, [one]);
    else known.push(one);
  }
  state.found = found;
  for (const { file, ...rules } of report.account?.rules ?? []) state.rules.set(file, rules);
}

/** When to look again whether we are registered. */
const unregisteredMs = 300;

/** How long a replica may be missed before its entries go: its Lease may be late. */
const missedMs = 60_000;

async function writeStatus(state: State, file: string, queue: WorkQueue): Promise<void> {
  const policy = state.feed.get(file);
  if (policy === null || policy.served === null) return;
  const { object, resource } = policy;
  const form = statusFormOf(resource.gvk);
  if (form === null || form.form === "none" || state.isReadOnly?.(resource.gvk) === true) return;
  // Another object of the same name, which is not served yet.
  if (policy.served.uid !== stringAt(object, "metadata", "uid")) return;
  if (form.form !== "pods" && !state.leads()) return;
  if (form.form === "conditions" && form.what === "policy" && !state.isRegistered()) {
    queue.add(file, unregisteredMs);
    return;
  }
  const { current, wanted } = statuses(state, policy, { form, later: (afterMs) => queue.add(file, afterMs) });
  const [now, then] = [canonicalJson(current), canonicalJson(wanted)];
  if (now === then) {
    state.insistence.stands(file);
    return;
  }
  const last = state.written.get(file);
  if (last !== undefined && last.wanted === then && last.stored === now) return;
  const said = sayings(state, form, wanted);
  const waitMs = said === sayings(state, form, current) ? 0 : state.insistence.waitMs(file, said);
  if (waitMs > 0) {
    queue.add(file, waitMs);
    return;
  }
  const stored = await patchStatus(state, policy, wanted);
  if (stored === null) return;
  state.insistence.wrote(file, said);
  // Whose entry was taken away and comes back may be somebody else's replica, which lives: it is missed anew.
  const kept = new Set(entriesOf(wanted).map((entry) => entry["id"]));
  for (const { id } of entriesOf(current)) if (!kept.has(id)) state.missing.delete(missingKey(file, String(id)));
  const part = ownPart(valueAt(stored, "status"), wanted);
  state.written.set(file, { wanted: then, stored: canonicalJson(part) });
}

/** What we say ourselves in a part of a status: others' entries come and go. */
function sayings({ id }: State, { form }: Asked["form"], part: JsonRecord): string {
  return canonicalJson(form === "pods" ? (entriesOf(part).find((entry) => entry["id"] === id) ?? null) : part);
}

interface Statuses {
  readonly current: JsonRecord;
  readonly wanted: JsonRecord;
}

interface Asked {
  readonly form: Exclude<StatusForm, { form: "none" }>;
  readonly later: (afterMs: number) => void;
}

function statuses(state: State, policy: PolicyObject, { form, later }: Asked): Statuses {
  const { file, object, served } = policy;
  const status = valueAt(object, "status");
  const found = state.found.get(file) ?? [];
  if (form.form === "pods") {
    const isTemplate = policy.resource.gvk.kind === "ConstraintTemplate";
    const [uid, generation] = [served?.uid ?? "", served?.generation ?? 0];
    const entry = podEntry({ id: state.id, form, isTemplate, uid, generation, found });
    const gone = goneReplicas(state, policy, later);
    return {
      current: currentPods(status, isTemplate),
      wanted: joinedPods({ status, entry, form, isTemplate, gone }),
    };
  }
  const what = form.form === "unbuilt" ? "unbuilt" : form.what;
  const refreshedMs = what === "entry" ? (state.refreshed?.at(object) ?? null) : null;
  const wanted = conditionStatus({
    what,
    status,
    found,
    rules: state.rules.get(file) ?? null,
    now: momentOf(state.epochMs()),
    refreshed: refreshedMs === null ? null : momentOf(refreshedMs),
  });
  return { current: ownPart(status, wanted), wanted };
}

function momentOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Of a status, the fields that another one has. */
function ownPart(status: unknown, wanted: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.keys(wanted).map((key) => [key, valueAt(status, key) ?? null]));
}

function missingKey(file: string, id: string): string {
  return `${file} ${id}`;
}

/** Replicas that have an entry and have not been there for a while; only the leader looks. */
function goneReplicas(state: State, { file, object }: PolicyObject, later: Asked["later"]): ReadonlySet<string> {
  const gone = new Set<string>();
  if (!state.leads()) return gone;
  const nowMs = state.nowMs();
  for (const entry of entriesOf(valueAt(object, "status"))) {
    const id = stringAt(entry, "id");
    const key = missingKey(file, id);
    if (id === state.id || state.isAlive(id) !== false) {
      state.missing.delete(key);
      continue;
    }
    const sinceMs = state.missing.get(key) ?? nowMs;
    state.missing.set(key, sinceMs);
    if (nowMs - sinceMs >= missedMs) gone.add(id);
    else later(missedMs - (nowMs - sinceMs) + 100);
  }
  return gone;
}

/** Null: the object is gone, or another one. Rejects after a conflict, so that the queue tries again. */
async function patchStatus(
  { client }: State,
  { object, resource }: PolicyObject,
  status: JsonRecord,
): Promise<ClusterObject | null> {
  const metadata = valueAt(object, "metadata");
  const name = { namespace: stringAt(metadata, "namespace"), name: stringAt(metadata, "name") };
  const guard = { resourceVersion: stringAt(metadata, "resourceVersion"), uid: stringAt(metadata, "uid") };
  const before = valueAt(object, "status");
  const patch = { metadata: guard, status: withRemovals(before, status) };
  const how = { type: "merge", ...(resource.hasStatus && { subresource: "status" }) } as const;
  try {
    return await client.patch(resource.gvr, name, patch, how);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** A merge patch keeps members of objects that it does not name: what is no longer wanted is set to null. */
function withRemovals(before: unknown, wanted: unknown): unknown {
  if (!isObject(wanted) || !isObject(before)) return wanted;
  const entries = Object.entries(wanted).map(([key, value]) => [key, nested(before[key], value)] as const);
  return Object.fromEntries(entries);
}

function nested(before: unknown, wanted: unknown): unknown {
  if (!isObject(wanted) || !isObject(before)) return wanted;
  const removed = Object.keys(before).filter((key) => !(key in wanted));
  return { ...Object.fromEntries(removed.map((key) => [key, null])), ...(withRemovals(before, wanted) as JsonRecord) };
}
