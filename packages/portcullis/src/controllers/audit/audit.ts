// The audit of a cluster: policies in, what they say of every object out, in statuses of constraints and in reports. What
// changes wakes it; it waits a moment, so that changes come together, then follows the policies' kinds, evaluates what has
// to be evaluated, and writes what differs. Statuses are written only once nothing is left to evaluate, so that nobody reads
// a count that is half done.
//
// On an interval it also tells what it knows, as Gatekeeper's audit run does: log lines, metrics, exported violations. That
// costs no evaluation, save for policies whose answers depend on the time or on data that nobody watches.
//
// Of several replicas each audits its share of the objects (share.ts). When the members change, what is no longer ours is
// forgotten, what has become ours is read and evaluated, and until that is done no report is taken for superfluous.

import { type GroupVersionResource, groupKindKey, stringAt } from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import type { ClusterObject, Informer } from "../../cluster/api.ts";
import { type Statuses, createStatuses } from "../reports/joined-status.ts";
import { type ReportApi, policyReport, reportKind, reportedAnnotations } from "../reports/policy-report.ts";
import { type ReportWriter, createReportWriter } from "../reports/report-writer.ts";
import { type Auditor, type ObjectResults, createAuditor } from "./auditor.ts";
import { type AuditData, createAuditData } from "./data.ts";
import type { Audit, AuditOptions } from "./options.ts";
import { type AuditedPolicies, type PolicyObject, auditedPolicies, keyOfPolicy } from "./policies.ts";
import { type Result, createResultStore, newResults } from "./results.ts";
import { type Scanner, createScanner } from "./scanner.ts";
import { type AuditShare, isAlone, isOwn, sameMembers, wholeAudit } from "./share.ts";
import { type Watches, createWatches } from "./watches.ts";

interface State {
  readonly options: AuditOptions;
  readonly auditor: Auditor;
  readonly scanner: Scanner;
  readonly watches: Watches;
  readonly statuses: Statuses;
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
  /** Follow the same policies again: kinds may have come or gone. */
  followsAgain: boolean;
  share: AuditShare;
  /** A share that nobody has taken yet. */
  nextShare: AuditShare | null;
  /** Whether all that was ours when the members changed last has been evaluated: what has no results then needs no report. */
  isReviewed: boolean;
  /** Objects are being evaluated. */
  isJudging: boolean;
  /** Namespaces of reports, by uid, whose object had no results while others waited: it may be among those. */
  readonly undecided: Map<string, string>;
  /** Keys of objects that have results, by uid. */
  readonly uids: Map<string, string>;
  working: Promise<void> | null;
  /** Somebody woke us while we worked: what for may have come too late for this turn. */
  isWoken: boolean;
  timer: { readonly timeout: NodeJS.Timeout; readonly dueMs: number } | null;
  isRunning: boolean;
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
    setShare: (share) => {
      if (sameMembers(share, state.nextShare ?? state.share)) {
        // Who leads now has statuses to write; nothing has to be evaluated for that.
        if (state.nextShare !== null) state.nextShare = share;
        else state.share = share;
      } else state.nextShare = share;
      wake(state);
    },
    settled: async () => {
      do {
        // oxlint-disable-next-line no-await-in-loop -- what was written may have woken it again
        await work(state);
      } while (state.working !== null || hasNews(state) || state.auditor.waiting > 0);
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
      if (state.timer !== null) clearTimeout(state.timer.timeout);
      state.watches.close();
      state.statuses.close();
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
    onReleased: ({ uid }) => {
      state.uids.delete(uid);
    },
  });
  const owns = (key: string): boolean => isOwn(state.share, key);
  const watches = createWatches({ client, informers, auditor, owns, onWork: () => wake(state), onError });
  const statuses = createStatuses({
    client,
    informers,
    namespace: options.namespace,
    limit: settings.violationsLimit,
    timestamp: () => timestamp(clock.epochMs()),
    nowMs: clock.nowMs,
    onWork: (afterMs) => wake(state, afterMs),
    onError,
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
    isJudging: false,
    undecided: new Map(),
    uids: new Map(),
    reports: null,
    policies: null,
    next: null,
    followsAgain: false,
    share: options.share ?? wholeAudit,
    nextShare: null,
    isReviewed: false,
    working: null,
    isWoken: false,
    timer: null,
    isRunning: false,
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

/** Work begins so many milliseconds from now, or before if somebody wanted that already. */
function wake(state: State, afterMs = state.options.settings.gatherMs): void {
  if (state.isClosed) return;
  const dueMs = performance.now() + afterMs;
  if (state.timer !== null) {
    if (state.timer.dueMs <= dueMs) return;
    clearTimeout(state.timer.timeout);
  }
  const timeout = setTimeout(() => {
    state.timer = null;
    if (state.working === null) void work(state);
    else state.isWoken = true;
  }, afterMs);
  timeout.unref();
  state.timer = { timeout, dueMs };
}

/** Whether there are policies or a share that nobody has followed yet. */
function hasNews({ next, nextShare }: State): boolean {
  return next !== null || nextShare !== null;
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
      if (state.isWoken) wake(state);
      state.isWoken = false;
    });
  return state.working;
}

async function workOnce(state: State): Promise<void> {
  const { auditor } = state;
  await state.namespaces.synced;
  await followNews(state);
  if (state.policies === null) return;
  askAboutData(state);
  state.isJudging = true;
  try {
    while (auditor.waiting > 0 && !state.isClosed) {
      // oxlint-disable-next-line no-await-in-loop -- what came in the meantime belongs to it
      await auditor.work();
    }
  } finally {
    state.isJudging = false;
  }
  if (!state.isClosed) await finish(state);
  // What came too late for this turn.
  if (hasNews(state)) wake(state);
}

async function followNews(state: State): Promise<void> {
  const { nextShare } = state;
  if (nextShare !== null) {
    state.nextShare = null;
    try {
      await followShare(state, nextShare);
    } catch (error) {
      state.nextShare ??= nextShare;
      throw error;
    }
  }
  const next = state.next ?? (state.followsAgain ? state.policies : null);
  state.followsAgain = false;
  if (next === null) return;
  state.next = null;
  try {
    await followPolicies(state, next);
  } catch (error) {
    state.next ??= next;
    throw error;
  }
}

/** From here on informers keep what is ours now. */
async function followShare(state: State, share: AuditShare): Promise<void> {
  state.share = share;
  state.isReviewed = false;
  markConstraints(state);
  await state.watches.share();
}

/** Nothing waits: reports that nobody wants are known now, and counts are whole. */
async function finish(state: State): Promise<void> {
  const { policies, auditor, statuses, share, options } = state;
  if (policies === null) return;
  if (!state.isReviewed) {
    state.isReviewed = true;
    state.reports?.reviewAll();
  }
  for (const [uid, namespace] of state.undecided) state.reports?.changed(namespace, uid);
  state.undecided.clear();
  await statuses.flush({ policies, objects: auditor.objects(), share });
  if (auditor.waiting === 0 && !hasNews(state)) options.onSettled?.();
}

function markConstraints({ policies, statuses }: State): void {
  if (policies === null) return;
  for (const [key, { id }] of policies.objects) if (id.dialect === "gatekeeper") statuses.changed(key);
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
  markConstraints(state);
  if (before !== null) reportAgain(state, before, next);
}

/** Reports also say what some of a policy's annotations say: where those changed, results that stayed are reported anew. */
function reportAgain({ auditor, reports }: State, before: AuditedPolicies, next: AuditedPolicies): void {
  const said = ({ annotations, reported }: PolicyObject): string =>
    JSON.stringify([reported, ...reportedAnnotations.map((name) => annotations[name])]);
  const changed = new Set(
    [...next.objects].flatMap(([key, object]) => {
      const old = before.objects.get(key);
      return old === undefined || said(old) === said(object) ? [] : [key];
    }),
  );
  if (changed.size === 0) return;
  for (const { heads, namespace, uid } of auditor.objects()) {
    if (heads.some(({ policy }) => changed.has(keyOfPolicy(policy)))) reports?.changed(namespace, uid);
  }
}

/** Reports are written as soon as their kind is there. */
async function openReports(state: State): Promise<void> {
  const { client, informers, createQueue, settings, onError } = state.options;
  const { reports: api } = settings;
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
    owns: (uid) => isOwn(state.share, uid),
    wanted: (namespace, uid) => {
      const key = state.uids.get(uid);
      const object = key === undefined ? null : state.auditor.get(key);
      if (object?.namespace === namespace && object.uid === uid) return reportOf(state, object, api);
      // What was there before may not have been evaluated yet.
      if (!state.isReviewed) return undefined;
      if (state.auditor.waiting === 0 && !state.isJudging) return null;
      state.undecided.set(uid, namespace);
      return undefined;
    },
    isActive: () => !state.isClosed,
  });
  // What an earlier process or another replica wrote is held against what this one finds.
  state.isReviewed = false;
  await state.reports.synced;
}

function reportOf({ options, policies }: State, object: ObjectResults, api: ReportApi): ClusterObject | null {
  return policyReport(object, { api, allowed: options.settings.reported, policies: policies?.objects ?? new Map() });
}

function noted(state: State, object: ObjectResults, before: readonly Result[]): void {
  for (const { policy } of [...newResults(object.results, before), ...newResults(before, object.results)]) {
    if (policy.dialect === "gatekeeper") state.statuses.changed(keyOfPolicy(policy));
  }
  if (object.results.length > 0) state.uids.set(object.uid, object.key);
  else state.uids.delete(object.uid);
  state.reports?.changed(object.namespace, object.uid);
  state.options.onResults?.(object, before, isTold(state, object));
}

/** Of what we judge for the first time somebody may have told: an earlier process, or a replica that judged it before. */
function isTold(state: State, object: ObjectResults): boolean {
  const { isReviewed, reports, share, options } = state;
  if (isReviewed) return false;
  const { reports: api } = options.settings;
  if (api === null || reports === null) return !isAlone(share);
  return reports.isStanding(object.namespace, object.uid, () => reportOf(state, object, api));
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
  markConstraints(state);
  await work(state);
}

/** One after the other: telling what was found may take longer than the time between two. */
async function run(state: State): Promise<void> {
  if (state.isRunning) return;
  state.isRunning = true;
  try {
    await runOnce(state);
  } finally {
    state.isRunning = false;
  }
}

async function runOnce(state: State): Promise<void> {
  const { options, auditor } = state;
  if (state.policies === null || state.isClosed) return;
  const startedMs = options.clock.epochMs();
  // Kinds come and go with their CRDs.
  await options.client.discover(true);
  // Not as `next`: newer ones may just be followed.
  state.followsAgain = true;
  auditor.refresh();
  await work(state);
  const { policies } = state;
  await options.onRun?.({
    id: timestamp(startedMs),
    startedMs,
    policies,
    objects: () => auditor.objects(),
    constraints: state.share.leads ? state.statuses.joined : null,
    metadataOf: (key) => state.watches.get(key),
  });
}
