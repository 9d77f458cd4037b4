// The audit of a cluster: policies in, what they say of every object out, in statuses of constraints and in reports. What
// changes wakes it; it waits a moment, so that changes come together, then follows the policies' kinds, evaluates what has
// to be evaluated, and writes what differs. Statuses are written only once nothing is left to evaluate, so that nobody reads
// a count that is half done.
//
// On an interval it also tells what it knows, as Gatekeeper's audit run does: log lines, metrics, exported violations. That
// costs no evaluation, save for policies whose answers depend on the time or on data that nobody watches.

import { type GroupVersionResource, groupKindKey, stringAt } from "@portcullis/kube";
import type { Answer, Need, World } from "@portcullis/lang";
import type { PolicySet } from "@portcullis/policy";
import type { ClusterClient, ClusterObject, Informer, Informers, WorkQueue } from "../../cluster/api.ts";
import {
  type ConstraintResults,
  type StatusWriter,
  constraintResults,
  createStatusWriter,
} from "../reports/constraint-status.ts";
import { type ReportApi, type ReportedResults, policyReport, reportKind } from "../reports/policy-report.ts";
import { type ReportWriter, createReportWriter } from "../reports/report-writer.ts";
import { type Auditor, type ObjectResults, createAuditor } from "./auditor.ts";
import { type AuditData, type AuditDataOptions, createAuditData } from "./data.ts";
import { type AuditedPolicies, type PolicyObject, auditedPolicies, keyOfPolicy } from "./policies.ts";
import { type Result, createResultStore, newResults } from "./results.ts";
import { type Scanner, createScanner } from "./scanner.ts";
import { type Watches, createWatches } from "./watches.ts";

export interface AuditOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly createQueue: (work: (key: string) => Promise<void>) => WorkQueue;
  readonly settings: AuditSettings;
  /** What policies look up; watched here when absent. */
  readonly createData?: (options: AuditDataOptions) => AuditData;
  /** The world of one decision. */
  readonly world: (answer: (need: Need) => Answer) => World;
  /** What is not known of the cluster: anything but Namespaces and the inventory. Never rejects. */
  readonly fetch: (needs: readonly Need[]) => Promise<readonly Answer[]>;
  /** The policy that runs at this moment. */
  readonly running?: () => string | null;
  readonly clock: AuditClock;
  /** What an object's results became, and what they were. */
  readonly onResults?: (object: ObjectResults, before: readonly Result[]) => void;
  /** After each run. */
  readonly onRun?: (run: AuditRun) => Promise<void> | void;
  readonly onError: (error: Error) => void;
}

interface AuditClock {
  /** Milliseconds since 1970. */
  readonly epochMs: () => number;
  /** On a monotonic clock. */
  readonly nowMs: () => number;
  /** Lets others run. */
  readonly pause: () => Promise<void>;
}

export interface AuditSettings {
  /** Between two runs; 0: no runs. */
  readonly intervalMs: number;
  /** Between two looks at whether the watches know all there is; 0: none. */
  readonly rescanMs: number;
  /** Violations in a constraint's status. Gatekeeper: --constraint-violations-limit. */
  readonly violationsLimit: number;
  /** Null: no reports. */
  readonly reports: ReportApi | null;
  /** Which results stand in reports. Kyverno: --allowedResults. */
  readonly reported: ReportedResults;
  /** Milliseconds that all policies together have for one object. */
  readonly objectMs: number;
  /** Milliseconds of work between two pauses. */
  readonly turnMs: number;
  /** How long changes are gathered before work on them begins. */
  readonly gatherMs: number;
}

export const defaultAuditSettings: AuditSettings = {
  intervalMs: 60_000,
  rescanMs: 3_600_000,
  violationsLimit: 20,
  reports: "wgpolicyk8s.io",
  reported: new Set(["pass", "fail", "warn", "error", "skip"] as const),
  objectMs: 10_000,
  turnMs: 5,
  gatherMs: 300,
};

/** What is known at the moment of a run. */
export interface AuditRun {
  /** RFC 3339, to the second. */
  readonly id: string;
  readonly startedMs: number;
  readonly policies: AuditedPolicies;
  readonly objects: () => Iterable<ObjectResults>;
  /** Labels and version of an object. */
  readonly metadataOf: (key: string) => ClusterObject | null;
}

export interface Audit {
  setPolicies(set: PolicySet): void;
  /** Resolves when all that is known has been evaluated and written. */
  settled(): Promise<void>;
  readonly policies: AuditedPolicies | null;
  objects(): Iterable<ObjectResults>;
  metadataOf(key: string): ClusterObject | null;
  /** How many times an object was evaluated since the start. */
  readonly evaluations: number;
  /** Looks now whether the watches know all there is. */
  rescan(): Promise<void>;
  close(): Promise<void>;
}

interface State {
  readonly options: AuditOptions;
  readonly auditor: Auditor;
  readonly scanner: Scanner;
  readonly watches: Watches;
  readonly statuses: StatusWriter;
  readonly namespaces: Informer;
  readonly data: AuditData;
  /** Kinds (`group/Kind`) of data that changed and about which nobody was asked yet. */
  readonly changedData: Set<string>;
  /** When policies were last asked because of data, on the monotonic clock. */
  dataAskedMs: number;
  reports: ReportWriter | null;
  policies: AuditedPolicies | null;
  /** Policies that nobody has followed yet. */
  next: AuditedPolicies | null;
  /** Constraints whose statuses may differ from what they should be, by `keyOfPolicy`. */
  readonly dirty: Set<string>;
  /** Keys of objects that have results, by uid. */
  readonly uids: Map<string, string>;
  working: Promise<void> | null;
  timer: NodeJS.Timeout | null;
  isClosed: boolean;
}

const namespacesResource: GroupVersionResource = { group: "", version: "v1", resource: "namespaces" };

export function startAudit(options: AuditOptions): Audit {
  const state = createState(options);
  const { intervalMs, rescanMs } = options.settings;
  const tickers = [
    ...(intervalMs > 0 ? [setInterval(() => attempt(state, () => run(state)), intervalMs)] : []),
    ...(rescanMs > 0 ? [setInterval(() => attempt(state, () => rescan(state)), rescanMs)] : []),
  ];
  for (const ticker of tickers) ticker.unref();
  state.namespaces.onChange((change) => {
    const { object } = change;
    if (change.what === "changed" && sameNamespace(change.old, object)) return;
    const name = stringAt(object, "metadata", "name");
    for (const { key, namespace } of state.auditor.objects()) if (namespace === name) state.auditor.touch(key);
    wake(state);
  });
  return audit(state, tickers);
}

function audit(state: State, tickers: readonly NodeJS.Timeout[]): Audit {
  return {
    setPolicies: (set) => {
      state.next = auditedPolicies(set);
      wake(state);
    },
    settled: async () => {
      do {
        // oxlint-disable-next-line no-await-in-loop -- what was written may have woken it again
        await work(state);
      } while (state.working !== null || state.next !== null || state.auditor.waiting > 0);
      await state.reports?.idle();
    },
    get policies() {
      return state.policies;
    },
    objects: () => state.auditor.objects(),
    metadataOf: (key) => state.watches.get(key),
    get evaluations() {
      return state.scanner.evaluations;
    },
    rescan: () => rescan(state),
    close: async () => {
      state.isClosed = true;
      for (const ticker of tickers) clearInterval(ticker);
      if (state.timer !== null) clearTimeout(state.timer);
      state.watches.close();
      state.namespaces.close();
      state.data.close();
      await state.working;
      await state.reports?.close();
    },
  };
}

function createState(options: AuditOptions): State {
  const { client, informers, clock, settings, onError } = options;
  const store = createResultStore();
  const namespaces = informers.watch(namespacesResource, { onError });
  const createData = options.createData ?? createAuditData;
  const data = createData({ client, informers, onChange: (kind) => dataChanged(state, kind), onError });
  const scanner = createScanner({
    store,
    world: (ask) => ({ ...options.world(noAnswer), ask }),
    answer: (need) => namespaceAnswer(namespaces, need) ?? data.answer(need),
    fetch: options.fetch,
    objectMs: settings.objectMs,
    nowMs: clock.nowMs,
    ...(options.running !== undefined && { running: options.running }),
  });
  const auditor = createAuditor({
    scanner,
    store,
    load: (key) => state.watches.load(key),
    seconds: () => Math.floor(clock.epochMs() / 1000),
    pause: clock.pause,
    turnMs: settings.turnMs,
    nowMs: clock.nowMs,
    onResults: (object, before) => noted(state, object, before),
  });
  const watches = createWatches({ client, informers, auditor, onWork: () => wake(state), onError });
  const statuses = createStatusWriter({
    client,
    resourceOf: ({ group, version, id }) => ({ group, version, resource: id.kind.toLowerCase() }),
    timestamp: () => timestamp(clock.epochMs()),
  });
  const state: State = {
    options,
    auditor,
    scanner,
    watches,
    statuses,
    namespaces,
    data,
    changedData: new Set(),
    dataAskedMs: -Infinity,
    dirty: new Set(),
    uids: new Map(),
    reports: null,
    policies: null,
    next: null,
    working: null,
    timer: null,
    isClosed: false,
  };
  return state;
}

function noAnswer({ kind, key }: Need): Answer {
  return { error: `${kind} ${key} is not known` };
}

/** As Go writes a time in UTC to the second. */
export function timestamp(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

function sameNamespace(a: ClusterObject, b: ClusterObject): boolean {
  const seen = (object: ClusterObject): string => {
    const { resourceVersion: _version, ...metadata } = object["metadata"] as Readonly<Record<string, unknown>>;
    return JSON.stringify({ ...object, metadata });
  };
  return seen(a) === seen(b);
}

/** Namespaces are always known; while they are not, there is nothing to be evaluated. */
function namespaceAnswer(namespaces: Informer, { kind, call }: Need): Answer | undefined {
  if (kind !== "object" || stringAt(call, "kind") !== "Namespace" || stringAt(call, "group") !== "") return undefined;
  const name = stringAt(call, "name");
  const found = namespaces.get({ namespace: "", name });
  return found === null ? { error: `namespaces ${JSON.stringify(name)} not found` } : { value: found };
}

// ── work

const retryMs = 5000;

function wake(state: State, afterMs = state.options.settings.gatherMs): void {
  if (state.timer !== null || state.isClosed) return;
  state.timer = setTimeout(() => {
    state.timer = null;
    void work(state);
  }, afterMs);
  state.timer.unref();
}

/** One at a time; never rejects. */
function work(state: State): Promise<void> {
  state.working ??= workOnce(state)
    .catch((error: unknown) => {
      if (state.isClosed) return;
      state.options.onError(error instanceof Error ? error : new Error(String(error)));
      // What could not be done now is tried again a little later.
      wake(state, retryMs);
    })
    .finally(() => {
      state.working = null;
    });
  return state.working;
}

async function workOnce(state: State): Promise<void> {
  const { auditor } = state;
  await state.namespaces.synced;
  if (state.next !== null) {
    const { next } = state;
    state.next = null;
    try {
      await followPolicies(state, next);
    } catch (error) {
      state.next ??= next;
      throw error;
    }
  }
  if (state.policies === null) return;
  askAboutData(state);
  while (auditor.waiting > 0 && !state.isClosed) {
    // oxlint-disable-next-line no-await-in-loop -- what came in the meantime belongs to it
    await auditor.work();
  }
  if (!state.isClosed) await flush(state);
}

/** How long policies that read data are left alone after they were asked about all objects. */
const dataQuietMs = 5000;

function dataChanged(state: State, kind: string): void {
  state.changedData.add(kind);
  wake(state);
}

function askAboutData(state: State): void {
  const { changedData, auditor, options } = state;
  if (changedData.size === 0) return;
  const waitMs = state.dataAskedMs + dataQuietMs - options.clock.nowMs();
  if (waitMs > 0) {
    wake(state, waitMs);
    return;
  }
  state.dataAskedMs = options.clock.nowMs();
  auditor.dataChanged(new Set(changedData));
  changedData.clear();
}

async function followPolicies(state: State, next: AuditedPolicies): Promise<void> {
  const before = state.policies;
  await openReports(state);
  await Promise.all([state.data.follow(next), state.watches.follow(next)]);
  // What was there at the start is no change.
  if (before === null) state.changedData.clear();
  state.policies = next;
  state.auditor.setPolicies(next);
  for (const [key, { id }] of next.objects) if (id.dialect === "gatekeeper") state.dirty.add(key);
  if (before !== null) reportAgain(state, before, next);
  if (before !== null || state.reports === null) return;
  // Once: what an earlier process wrote is held against what this one finds.
  await state.auditor.work();
  state.reports.reviewAll();
}

/** Reports also say what a policy's annotations say: where those changed, results that stayed are reported anew. */
function reportAgain({ auditor, reports }: State, before: AuditedPolicies, next: AuditedPolicies): void {
  const said = ({ annotations, reported }: PolicyObject): string => JSON.stringify([reported, annotations]);
  const changed = new Set(
    [...next.objects].flatMap(([key, object]) => {
      const old = before.objects.get(key);
      return old === undefined || said(old) === said(object) ? [] : [key];
    }),
  );
  if (changed.size === 0) return;
  for (const { results, namespace, uid } of auditor.objects()) {
    if (results.some(({ policy }) => changed.has(keyOfPolicy(policy)))) reports?.changed(namespace, uid);
  }
}

/** Reports are written as soon as their kind is there. */
async function openReports(state: State): Promise<void> {
  const { client, informers, createQueue, settings, onError } = state.options;
  const { reports: api, reported } = settings;
  if (api === null || state.reports !== null) return;
  const { resources } = await client.discover();
  const { kind } = reportKind(api, true);
  if (!resources.some(({ gvk }) => groupKindKey(gvk) === `${api}/${kind}`)) return;
  state.reports = createReportWriter({
    client,
    informers,
    api,
    createQueue,
    onError,
    wanted: (namespace, uid) => {
      const key = state.uids.get(uid);
      const object = key === undefined ? null : state.auditor.get(key);
      if (object === null || object.namespace !== namespace || object.uid !== uid) return null;
      return policyReport(object, { api, allowed: reported, policies: state.policies?.objects ?? new Map() });
    },
    isActive: () => !state.isClosed,
  });
  await state.reports.synced;
}

function noted(state: State, object: ObjectResults, before: readonly Result[]): void {
  for (const { policy } of [...newResults(object.results, before), ...newResults(before, object.results)]) {
    if (policy.dialect === "gatekeeper") state.dirty.add(keyOfPolicy(policy));
  }
  if (object.results.length > 0) state.uids.set(object.uid, object.key);
  else state.uids.delete(object.uid);
  state.reports?.changed(object.namespace, object.uid);
  state.options.onResults?.(object, before);
}

/** Writes the statuses of constraints that may have changed. */
async function flush(state: State): Promise<void> {
  const { dirty, policies, options, auditor, statuses } = state;
  if (policies === null || dirty.size === 0) return;
  const keys = new Set([...dirty].filter((key) => policies.objects.has(key)));
  dirty.clear();
  const results = constraintResults(auditor.objects(), keys, options.settings.violationsLimit);
  const write = async ([key, found]: [string, ConstraintResults]): Promise<void> => {
    try {
      await statuses.write(policies.objects.get(key) as PolicyObject, found);
    } catch (error) {
      dirty.add(key);
      wake(state, retryMs);
      options.onError(error as Error);
    }
  };
  for (const batch of batches([...results], 8)) {
    // oxlint-disable-next-line no-await-in-loop -- a few at a time
    await Promise.all(batch.map(write));
  }
}

function batches<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}

// ── runs

function attempt(state: State, task: () => Promise<void>): void {
  void task().catch((error: unknown) => {
    state.options.onError(error instanceof Error ? error : new Error(String(error)));
  });
}

/** How far behind a watch may be, in milliseconds, before a rescan says that it lost something. */
const watchLagMs = 5000;

async function rescan(state: State): Promise<void> {
  const { settings, onError } = state.options;
  if (state.policies === null || state.isClosed) return;
  const lost = await state.watches.rescan(Math.min(watchLagMs, settings.rescanMs));
  if (lost.length > 0) onError(new Error(`the watch of ${lost.join(", ")} had lost changes: it was begun anew`));
  // What somebody else wrote into a status is found, too.
  state.statuses.forget();
  for (const [key, { id }] of state.policies.objects) if (id.dialect === "gatekeeper") state.dirty.add(key);
  await work(state);
}

async function run(state: State): Promise<void> {
  const { options, auditor } = state;
  if (state.policies === null || state.isClosed) return;
  const startedMs = options.clock.epochMs();
  // Kinds come and go with their CRDs.
  await options.client.discover(true);
  state.next ??= state.policies;
  auditor.refresh();
  await work(state);
  const { policies } = state;
  await options.onRun?.({
    id: timestamp(startedMs),
    startedMs,
    policies,
    objects: () => auditor.objects(),
    metadataOf: (key) => state.watches.get(key),
  });
}
