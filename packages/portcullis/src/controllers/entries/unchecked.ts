// What entered a cluster without being asked about: writes that our webhooks were to be asked about (stored.ts), and that no
// replica has let through (records.ts). The replica that leads looks, from where the one before it stopped; what it finds is
// logged, counted, and kept with examples in a ConfigMap, which is written only when something was found. What was written
// before an API server knew of the webhooks was nobody's to be asked about.

import { setTimeout as setTimeoutAsync } from "node:timers/promises";
import { type JsonRecord, isObject, nameOf, stringAt, valueAt } from "@portcullis/kube";
import { type ClusterClient, type Informer, type Informers, isNotFound } from "../../cluster/api.ts";
import { leaseSpec, leases, wholeLease } from "../../cluster/lease.ts";
import { managedBy } from "../install/crds/crd.ts";
import { createLoop } from "../loop.ts";
import { webhookResources } from "../webhooks/controller.ts";
import { type Records, type RecordsClocks, hostClocks, steadyOf } from "./records.ts";
import { type Scope, scopeOf } from "./scope.ts";
import { type StoredWrite, type StoredWrites, watchStoredWrites } from "./stored.ts";

interface UncheckedWrite {
  readonly kind: string;
  readonly group: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** When it was written. */
  readonly at: string;
  /** Whose policies were not asked. */
  readonly dialects: readonly string[];
}

export interface UncheckedOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  /** The product's own: Leases and the ConfigMap are there. */
  readonly namespace: string;
  readonly configurationName: string;
  readonly records: Records;
  /** In our election's Lease. */
  readonly identity: string;
  readonly onUnchecked: (write: UncheckedWrite) => void;
  /** It entered as a replica ended, and may have been asked about. */
  readonly onUnknown: () => void;
  readonly onError: (error: Error) => void;
  readonly clocks?: RecordsClocks;
}

export interface UncheckedWatch {
  /** Resolves once the Leases are known that were there at the start, or when that takes too long. */
  readonly known: Promise<void>;
  /** Whether this replica is the one that looks. */
  lead(leads: boolean): void;
  close(): Promise<void>;
}

export const uncheckedName = "portcullis-unchecked";
export const configMaps = { group: "", version: "v1", resource: "configmaps" };
const examplesMax = 100;
/** Writes that wait for judgement; further ones are not judged. */
const pendingMax = 20_000;
/** A replica that does not say within this time what it let through is not waited for. */
const waitMs = 60_000;
const turnMs = 2000;
/** Longer than this nobody waits for the Leases. */
const patienceMs = 5000;
/** The one that led before us judged nothing that was younger. */
const overlapMs = 30_000;

/** Moments on the steady clock. */
interface Pending {
  readonly write: StoredWrite;
  readonly seenMs: number;
  readonly untilMs: number;
}

interface State {
  readonly options: UncheckedOptions;
  /** What is being looked at; null while somebody else leads. */
  looking: Looking | null;
  /** When somebody else last renewed the Lease of who leads, in milliseconds since 1970; null: nobody did. */
  othersMs: number | null;
  /** Until when we looked ourselves. */
  lookedMs: number;
  found: Found | null;
}

interface Looking {
  readonly stored: StoredWrites;
  readonly configuration: Informer;
  readonly sinceMs: number;
  scope: Scope | null;
  pending: Pending[];
  /** More than could wait. */
  lost: number;
}

/** What the ConfigMap tells. */
export interface Found {
  /** Since when it is counted, ISO 8601. */
  readonly since: string;
  readonly unchecked: number;
  readonly unknown: number;
  /** The newest first. */
  readonly examples: readonly UncheckedWrite[];
}

export function watchUnchecked(options: UncheckedOptions): UncheckedWatch {
  const { informers, namespace, records, identity, clocks = hostClocks, onError } = options;
  const startMs = clocks.epochMs();
  const state: State = { options, looking: null, othersMs: null, lookedMs: -Infinity, found: null };
  const known = informers.watch(leases, { namespace, keep: wholeLease, onError });
  known.onChange(({ what, object }) => {
    if (nameOf(object) === "portcullis") noteLeader(state, object, identity);
    else if (what === "removed") records.lose(object);
    else records.take(object);
  });
  const writing = createLoop(
    () => keep(state),
    (error) => {
      onError(error);
      writing.soon(5000);
    },
  );
  let turns = 0;
  const timer = setInterval(() => {
    if (judge(state, clocks)) writing.soon(500);
    // Kinds may be served that were not before.
    if (++turns % 15 === 0) follow(state);
  }, turnMs);
  timer.unref();
  return {
    known: Promise.race([known.synced.catch(() => {}), setTimeoutAsync(patienceMs, undefined, { ref: false })]),
    lead: (leads) => {
      if (!leads) stop(state);
      else if (state.looking === null) start(state, startMs, clocks.epochMs());
    },
    close: async () => {
      clearInterval(timer);
      stop(state);
      known.close();
      await writing.close();
    },
  };
}

function noteLeader(state: State, lease: Parameters<Records["take"]>[0], identity: string): void {
  const { holder, renewTime } = leaseSpec(lease);
  if (holder !== identity) state.othersMs = Date.parse(renewTime);
}

/** Who was there before us judged what was older; without the knowledge of that time nothing of it can be told. We may have looked since. */
function sinceOf({ othersMs, lookedMs }: State, startMs: number, nowMs: number): number {
  if (othersMs === null && lookedMs === -Infinity) return nowMs;
  const theirsMs = othersMs ?? -Infinity;
  const sinceTheirsMs = startMs < theirsMs - overlapMs ? theirsMs - overlapMs : theirsMs + 5000;
  return Math.max(sinceTheirsMs, lookedMs - overlapMs);
}

function start(state: State, startMs: number, nowMs: number): void {
  const { client, informers, configurationName, onError } = state.options;
  const sinceMs = sinceOf(state, startMs, nowMs);
  const stored = watchStoredWrites({
    client,
    informers,
    onWrite: (seen) => take(state, seen),
    onError,
  });
  const configuration = informers.watch(webhookResources.ValidatingWebhookConfiguration, {
    fieldSelector: `metadata.name=${configurationName}`,
    keep: (object) => object,
    onError,
  });
  const looking: Looking = { stored, configuration, sinceMs, scope: null, pending: [], lost: 0 };
  state.looking = looking;
  configuration.onChange(({ what, object }) => {
    looking.scope = what === "removed" ? null : scopeOf(object, "enforcing");
    follow(state);
  });
}

function follow({ looking, options }: State): void {
  if (looking === null || looking.scope === null) return;
  looking.stored.follow(looking.scope).catch(options.onError);
}

function stop(state: State): void {
  if (state.looking !== null) state.lookedMs = (state.options.clocks ?? hostClocks).epochMs();
  state.looking?.stored.close();
  state.looking?.configuration.close();
  state.looking = null;
}

function take({ looking, options: { records, clocks = hostClocks } }: State, write: StoredWrite): void {
  if (looking === null || looking.scope === null) return;
  const atMs = Date.parse(write.at);
  if (!(atMs >= Math.max(looking.scope.sinceMs, looking.sinceMs))) return;
  const nowMs = clocks.steadyMs();
  const seenMs = write.wasThere ? steadyOf(clocks, atMs) : nowMs;
  // Of a kind that we may read only now, or when we lead again: it was asked about, or told then.
  if (records.hasForgotten(seenMs)) return;
  if (looking.pending.length >= pendingMax) {
    looking.lost++;
    return;
  }
  looking.pending.push({ write, seenMs, untilMs: nowMs + waitMs });
}

/** Whether there is something to tell. */
function judge(state: State, { epochMs, steadyMs }: RecordsClocks): boolean {
  const { looking, options } = state;
  if (looking === null) return false;
  const { records, onUnchecked, onUnknown } = options;
  const found: UncheckedWrite[] = [];
  let unknown = looking.lost;
  looking.lost = 0;
  const nowMs = steadyMs();
  looking.pending = looking.pending.filter(({ write, seenMs, untilMs }) => {
    const dialects = write.asked();
    const judgement = records.judge({ uid: write.uid, at: write.at, asked: dialects, seenMs });
    if (judgement === "wait" && nowMs < untilMs) return true;
    if (judgement === "unchecked") found.push(uncheckedWrite(write, dialects));
    else if (judgement !== "asked") unknown++;
    return false;
  });
  for (const write of found) onUnchecked(write);
  for (let times = 0; times < unknown; times++) onUnknown();
  if (found.length + unknown === 0) return false;
  const since = new Date(epochMs()).toISOString();
  const more = { since, unchecked: found.length, unknown, examples: found.toReversed().slice(0, examplesMax) };
  state.found = state.found === null ? more : summed(state.found, more);
  return true;
}

function uncheckedWrite(write: StoredWrite, dialects: readonly string[]): UncheckedWrite {
  const { resource, kind, namespace, name, uid, at } = write;
  return { kind, group: resource.group, namespace, name, uid, at, dialects };
}

function keyOf({ uid, at }: UncheckedWrite): string {
  return `${uid} ${at}`;
}

// ── what is kept

/** Adds what was found to what is kept; another leader may have written it meanwhile. */
async function keep(state: State): Promise<void> {
  const { found, options } = state;
  if (found === null) return;
  const { client, namespace } = options;
  const name = { namespace, name: uncheckedName };
  const stored = await client.get(configMaps, name).catch((error: unknown) => {
    if (isNotFound(error)) return null;
    throw error;
  });
  const before = stored === null ? null : foundIn(stored);
  const sum = before === null ? found : summed(before, found);
  // What is found while this is written is added the next time.
  state.found = null;
  try {
    const object = {
      ...stored,
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: isObject(stored?.["metadata"]) ? stored["metadata"] : { ...name, labels: managedBy },
      data: dataOf(sum),
    };
    if (stored === null) await client.create(configMaps, object);
    else await client.update(configMaps, object);
  } catch (error) {
    const since = state.found as Found | null;
    state.found = since === null ? found : summed(found, since);
    throw error;
  }
}

function summed(before: Found, more: Found): Found {
  const told = new Set(before.examples.map(keyOf));
  const fresh = more.examples.filter((write) => !told.has(keyOf(write)));
  const twice = more.examples.length - fresh.length;
  return {
    since: before.since,
    unchecked: before.unchecked + more.unchecked - twice,
    unknown: before.unknown + more.unknown,
    examples: [...fresh, ...before.examples].slice(0, examplesMax),
  };
}

function dataOf({ since, unchecked, unknown, examples }: Found): JsonRecord {
  return {
    since,
    unchecked: String(unchecked),
    unknown: String(unknown),
    examples: examples.map((example) => JSON.stringify(example)).join("\n"),
  };
}

/** What the ConfigMap tells. */
export function foundIn(configMap: unknown): Found {
  const text = (key: string): string => stringAt(configMap, "data", key);
  const examples = text("examples")
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => exampleIn(line));
  return { since: text("since"), unchecked: Number(text("unchecked")), unknown: Number(text("unknown")), examples };
}

function exampleIn(line: string): readonly UncheckedWrite[] {
  try {
    const tree: unknown = JSON.parse(line);
    const text = (key: string): string => stringAt(tree, key);
    const dialects = valueAt(tree, "dialects");
    return [
      {
        kind: text("kind"),
        group: text("group"),
        namespace: text("namespace"),
        name: text("name"),
        uid: text("uid"),
        at: text("at"),
        dialects: Array.isArray(dialects) ? dialects.map(String) : [],
      },
    ];
  } catch {
    return [];
  }
}
