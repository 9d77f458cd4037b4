// Policies from a cluster to the evaluators. An informer per policy kind that is served tells of objects; what changed
// within a short while goes to the evaluators as one change, so that a template and its constraints, in whatever order they
// came, are compiled once. The first change waits until everything that was there at the start is known. What an
// evaluator does not see (status, resourceVersion, managed fields) makes no change.
//
// As with files, an object that breaks keeps its last good form beside the new one: compose.ts says what that is for.

import { setTimeout as setTimeoutAsync } from "node:timers/promises";
import { isObject, nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import type { Account } from "../../app/account.ts";
import type { FileText } from "../../app/compose.ts";
import type { Change, Report } from "../../app/evaluator.ts";
import type {
  ClusterObject,
  Informer,
  InformerOptions,
  Informers,
  ObjectChange,
  ObjectName,
} from "../../cluster/api.ts";
import { type PolicyResource, watchPolicyResources } from "./resources.ts";

export interface FeedOptions {
  readonly informers: Informers;
  /** A ConfigMap with settings of a dialect, which reads it like a policy. */
  readonly configMap?: ObjectName;
  readonly change: (files: Pick<Change, "changed" | "removed">) => Promise<Report>;
  readonly onError: (error: Error) => void;
  /** How long changes are gathered after others were served; 100 ms when absent. */
  readonly settleMs?: number;
}

/** A policy object of the cluster. */
export interface PolicyObject {
  /** Its name among the texts: `constrainttemplate.templates.gatekeeper.sh/k8srequiredlabels`. */
  readonly file: string;
  readonly resource: PolicyResource;
  /** As it was last seen, without managed fields. */
  readonly object: ClusterObject;
  /** What the evaluators have of it, which may be older; null before they have it. */
  readonly served: ServedObject | null;
}

interface ServedObject {
  readonly text: string;
  readonly uid: string;
  readonly generation: number;
}

export interface PolicyFeed {
  /** Resolves once the policies that were there at the start are served. */
  readonly served: Promise<void>;
  /** The CustomResourceDefinitions, as `watchDefinitions` keeps them. */
  readonly definitions: Informer;
  get(file: string): PolicyObject | null;
  objects(): Iterable<PolicyObject>;
  /** How many kinds that templates define are watched. */
  readonly constraintKinds: number;
  /** Their texts, for evaluators of one's own. */
  texts(): Iterable<FileText>;
  /** What the served set says of itself; null before there is one. */
  account(): Account | null;
  /** After each change that is served; called at once when there has been one. */
  onServed(handler: (report: Report) => void): void;
  /** After each sight of a policy object, also where only its status changed; null when it is gone. */
  onObject(handler: (file: string, policy: PolicyObject | null) => void): void;
  close(): Promise<void>;
}

interface Known extends PolicyObject {
  readonly text: string;
  served: ServedObject | null;
  lastGood: string | null;
  isBroken: boolean;
}

interface Watched {
  readonly resource: PolicyResource;
  readonly informer: Informer;
}

interface State {
  readonly options: FeedOptions;
  readonly known: Map<string, Known>;
  readonly watched: Map<string, Watched>;
  /** Files that the evaluators have, whatever became of them since. */
  readonly served: Map<string, ServedObject>;
  readonly dirty: Set<string>;
  readonly onObject: ((file: string, policy: PolicyObject | null) => void)[];
  readonly onServed: ((report: Report) => void)[];
  report: Report | null;
  account: Account | null;
  timer: NodeJS.Timeout | null;
  /** When changes were served last. */
  flushedAtMs: number;
  flushing: Promise<void> | null;
  isStarted: boolean;
  isClosed: boolean;
}

export function startFeed(options: FeedOptions): PolicyFeed {
  const state: State = {
    options,
    known: new Map(),
    watched: new Map(),
    served: new Map(),
    dirty: new Set(),
    onObject: [],
    onServed: [],
    report: null,
    account: null,
    timer: null,
    flushedAtMs: -Infinity,
    flushing: null,
    isStarted: false,
    isClosed: false,
  };
  const onResource = (name: string, resource: PolicyResource | null): void => {
    if (resource === null) unwatch(state, name);
    else watch(state, name, resource);
  };
  const definitions = watchPolicyResources(options.informers, onResource, options.onError);
  if (options.configMap !== undefined) watchConfigMap(state, options.configMap);
  const served = firstServed(state, definitions);
  return {
    served,
    definitions,
    get: (file) => state.known.get(file) ?? null,
    objects: () => state.known.values(),
    get constraintKinds() {
      const groups = [...state.watched.values()].map(({ resource }) => resource.gvk.group);
      return groups.filter((group) => group === "constraints.gatekeeper.sh").length;
    },
    texts: () => [...state.known.values()].map(fileText),
    account: () => state.account,
    onServed: (handler) => {
      state.onServed.push(handler);
      if (state.report !== null) handler(state.report);
    },
    onObject: (handler) => {
      state.onObject.push(handler);
      for (const policy of state.known.values()) handler(policy.file, policy);
    },
    close: async () => {
      state.isClosed = true;
      if (state.timer !== null) clearTimeout(state.timer);
      definitions.close();
      for (const { informer } of state.watched.values()) informer.close();
      await state.flushing;
    },
  };
}

/** The kinds that were there at the start, each with all its objects. */
async function firstServed(state: State, definitions: Informer): Promise<void> {
  await definitions.synced;
  await Promise.all([...state.watched.values()].map(({ informer }) => syncedOrGone(informer)));
  state.isStarted = true;
  state.flushing = flush(state);
  await state.flushing;
}

/** A kind that is removed while it is waited for keeps nobody waiting. */
async function syncedOrGone(informer: Informer): Promise<void> {
  try {
    await informer.synced;
  } catch {
    // It was closed.
  }
}

// ── watching

/** A kind that is served otherwise now (another version) keeps what is known until it is known anew. */
function watch(state: State, name: string, resource: PolicyResource, which: InformerOptions = {}): void {
  const before = state.watched.get(name);
  const { informers, onError } = state.options;
  const informer = informers.watch(resource.gvr, { ...which, keep: keptOfPolicy, onError });
  state.watched.set(name, { resource, informer });
  before?.informer.close();
  informer.onChange((change) => {
    take(state, resource, change);
  });
  void forgetOthers(state, name, informer);
}

function watchConfigMap(state: State, { namespace, name }: ObjectName): void {
  const core = { group: "", version: "v1" };
  const gvr = { ...core, resource: "configmaps" };
  const resource = { gvr, gvk: { ...core, kind: "ConfigMap" }, namespaced: true, hasStatus: false };
  watch(state, "settings", resource, { namespace, fieldSelector: `metadata.name=${name}` });
}

/** After a change of versions: what the new one does not have is gone. */
async function forgetOthers(state: State, name: string, informer: Informer): Promise<void> {
  try {
    await informer.synced;
  } catch {
    // It was closed: another one has taken its place, or nobody needs it.
    return;
  }
  const watched = state.watched.get(name);
  if (watched?.informer !== informer) return;
  for (const { file, resource, object } of state.known.values()) {
    const isSameKind =
      resource.gvk.group === watched.resource.gvk.group && resource.gvk.kind === watched.resource.gvk.kind;
    if (!isSameKind || resource === watched.resource) continue;
    if (informer.get({ namespace: namespaceOf(object), name: nameOf(object) }) === null) forget(state, file);
  }
}

function unwatch(state: State, name: string): void {
  const watched = state.watched.get(name);
  if (watched === undefined) return;
  state.watched.delete(name);
  watched.informer.close();
  const { group, kind } = watched.resource.gvk;
  for (const { file, resource } of state.known.values()) {
    if (resource.gvk.group === group && resource.gvk.kind === kind) forget(state, file);
  }
}

function take(state: State, resource: PolicyResource, { what, object }: ObjectChange): void {
  if (state.isClosed) return;
  const file = fileOf(resource, object);
  if (what === "removed") {
    forget(state, file);
    return;
  }
  const text = textOf(resource, object);
  const before = state.known.get(file);
  const policy: Known = {
    file,
    resource,
    object,
    text,
    served: state.served.get(file) ?? null,
    lastGood: before?.lastGood ?? null,
    isBroken: before?.isBroken ?? false,
  };
  state.known.set(file, policy);
  if (before?.text !== text) markDirty(state, file);
  for (const handler of state.onObject) guarded(state, () => handler(file, policy));
}

function forget(state: State, file: string): void {
  if (!state.known.delete(file)) return;
  markDirty(state, file);
  for (const handler of state.onObject) guarded(state, () => handler(file, null));
}

/** All but what is large and nobody here reads: managed fields, and the violations that an audit wrote. */
function keptOfPolicy(object: ClusterObject): ClusterObject {
  const { managedFields: _managed, ...metadata } = (valueAt(object, "metadata") ?? {}) as Record<string, unknown>;
  const status = valueAt(object, "status");
  if (!isObject(status) || status["violations"] === undefined) return { ...object, metadata };
  const { violations: _violations, ...rest } = status;
  return { ...object, metadata, status: rest };
}

function fileOf({ gvk }: PolicyResource, object: ClusterObject): string {
  const namespace = namespaceOf(object);
  return `${gvk.kind.toLowerCase()}${gvk.group === "" ? "" : `.${gvk.group}`}/${namespace === "" ? "" : `${namespace}/`}${nameOf(object)}`;
}

const appliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

/** What evaluators see of a policy. Objects of a list have no kind of their own. */
function textOf({ gvk }: PolicyResource, object: ClusterObject): string {
  const { status: _status, metadata, ...rest } = object;
  const { resourceVersion: _version, annotations, ...kept } = (metadata ?? {}) as Record<string, unknown>;
  const written = isObject(annotations) ? Object.entries(annotations).filter(([key]) => key !== appliedAnnotation) : [];
  const apiVersion = stringAt(object, "apiVersion") || `${gvk.group}/${gvk.version}`;
  return JSON.stringify({
    ...rest,
    apiVersion,
    kind: gvk.kind,
    metadata: written.length === 0 ? kept : { ...kept, annotations: Object.fromEntries(written) },
  });
}

function fileText({ file, text, lastGood }: Known): FileText {
  return { file, role: "policies", text, lastGood, form: "object" };
}

// ── serving

function markDirty(state: State, file: string): void {
  state.dirty.add(file);
  if (!state.isStarted || state.isClosed || state.timer !== null) return;
  // A change after a quiet time is served almost at once; of many, the rest waits and goes together.
  const settledMs = state.flushedAtMs + (state.options.settleMs ?? 100) - performance.now();
  state.timer = setTimeout(
    () => {
      state.timer = null;
      state.flushing ??= flush(state);
    },
    Math.max(quickMs, settledMs),
  );
}

const quickMs = 10;

/** Serves what changed, and what changed meanwhile, until nothing is left. */
async function flush(state: State): Promise<void> {
  let pauseMs = 1000;
  do {
    const files = [...state.dirty];
    state.dirty.clear();
    try {
      // oxlint-disable-next-line no-await-in-loop -- one change after the other
      await serveFiles(state, files);
      pauseMs = 1000;
    } catch (error) {
      for (const file of files) state.dirty.add(file);
      state.options.onError(error as Error);
      // oxlint-disable-next-line no-await-in-loop -- later once more
      await setTimeoutAsync(pauseMs, undefined, { ref: false });
      pauseMs = Math.min(30_000, pauseMs * 2);
    }
  } while (state.dirty.size > 0 && !state.isClosed);
  state.flushing = null;
  state.flushedAtMs = performance.now();
}

async function serveFiles(state: State, files: readonly string[]): Promise<void> {
  if (state.isClosed) return;
  const changed = files
    .flatMap((file) => state.known.get(file) ?? [])
    .filter(({ file, text }) => state.served.get(file)?.text !== text);
  const removed = files.filter((file) => !state.known.has(file) && state.served.has(file));
  if (state.report !== null && changed.length + removed.length === 0) return;
  for (const policy of changed) if (!policy.isBroken) policy.lastGood = policy.served?.text ?? null;
  const report = await state.options.change({ changed: changed.map(fileText), removed });
  for (const file of removed) state.served.delete(file);
  for (const policy of changed) state.served.set(policy.file, servedObject(policy));
  const broken = new Set(report.broken);
  for (const policy of state.known.values()) {
    policy.served = state.served.get(policy.file) ?? null;
    policy.isBroken = broken.has(policy.file);
  }
  state.report = report;
  state.account = report.account;
  for (const handler of state.onServed) guarded(state, () => handler(report));
}

/** What is served stays served, whatever those do who hear of it. */
function guarded(state: State, tell: () => void): void {
  try {
    tell();
  } catch (error) {
    state.options.onError(error as Error);
  }
}

function servedObject({ text, object }: Known): ServedObject {
  const generation = valueAt(object, "metadata", "generation");
  return {
    text,
    uid: stringAt(object, "metadata", "uid"),
    generation: typeof generation === "number" ? generation : 0,
  };
}
