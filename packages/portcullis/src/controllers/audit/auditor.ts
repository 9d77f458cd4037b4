// The audit itself, without a cluster: it is told of objects and policies, and keeps what every policy says of every
// object. Per object it remembers the table (policy → fingerprint) that the results were made with; an object whose table
// is the present one of its kind and which has not changed needs nothing. A changed object is asked of all policies, a
// changed policy only of the objects in its scope, and only it: the other results stay.
//
// Work waits in a set of keys, so that an object that changes ten times while it waits is evaluated once, and is done in
// short turns between which others run.

import type { Scope } from "@portcullis/policy";
import type { AuditedPolicies, AuditedPolicy } from "./policies.ts";
import { type KeptResults, type Result, type ResultStore, noResults, sameResults } from "./results.ts";
import type { Scanner } from "./scanner.ts";

/** What is kept of an object beside its results. */
export interface AuditedObject {
  readonly key: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface ObjectResults extends AuditedObject {
  readonly results: readonly Result[];
  /** Seconds since 1970 at which the results became what they are. */
  readonly sinceSeconds: number;
}

/** An object that was judged; its results are unpacked when they are looked at. */
export interface JudgedObject extends ObjectResults {
  /** Enough to count by (results.ts). */
  readonly heads: readonly Result[];
}

export interface AuditorOptions {
  readonly scanner: Scanner;
  readonly store: ResultStore;
  /** The whole object; null when it is gone. */
  readonly load: (key: string) => unknown;
  readonly seconds: () => number;
  /** Lets others run. */
  readonly pause: () => Promise<void>;
  /** Milliseconds of work between two pauses. */
  readonly turnMs: number;
  readonly nowMs: () => number;
  /** The results of an object changed; `before` are those that it had. */
  readonly onResults: (object: ObjectResults, before: readonly Result[]) => void;
  readonly onReleased: (object: AuditedObject) => void;
}

export interface Auditor {
  setPolicies(policies: AuditedPolicies): void;
  /** An object is there or has changed. */
  changed(object: AuditedObject): void;
  /** Something that every policy may see of the object has changed, its Namespace for one. */
  touch(key: string): void;
  removed(key: string): void;
  /** Another replica judges the object from now on: what was found is forgotten, and nobody is told that it went. */
  released(key: string): void;
  /** Data of these kinds (`group/Kind`) changed: policies that read them are asked again. */
  dataChanged(kinds: ReadonlySet<string>): void;
  /** Policies whose answers depend on the time or on data that nobody watches are asked again. */
  refresh(): void;
  /** Works until nothing waits. */
  work(): Promise<void>;
  readonly waiting: number;
  readonly size: number;
  objects(): Iterable<JudgedObject>;
  get(key: string): JudgedObject | null;
}

/** Policy → fingerprint, for objects of one kind. */
type Table = ReadonlyMap<string, string>;

interface Entry extends AuditedObject {
  kept: KeptResults;
  sinceSeconds: number;
  /** What the results were made with; null: not at all yet, or the object has changed since. */
  table: Table | null;
}

const none: readonly Result[] = [];

interface State {
  readonly options: AuditorOptions;
  readonly entries: Map<string, Entry>;
  readonly waiting: Set<string>;
  /** How often the answers of a policy were doubted although it did not change itself. */
  readonly epochs: Map<string, number>;
  policies: AuditedPolicies | null;
  /** By `group/Kind`; made when first asked for. */
  tables: Map<string, Table>;
}

export function createAuditor(options: AuditorOptions): Auditor {
  const entries = new Map<string, Entry>();
  const waiting = new Set<string>();
  const state: State = { options, entries, waiting, epochs: new Map(), policies: null, tables: new Map() };
  return {
    setPolicies: (next) => {
      state.policies = next;
      doubt(state, []);
    },
    changed: (object) => {
      const known = entries.get(object.key);
      const before = known?.uid === object.uid ? known : { kept: noResults, sinceSeconds: 0 };
      if (known !== undefined && known !== before) settle(state, known, none);
      const { kept, sinceSeconds } = before;
      replace(state, { ...object, kept, sinceSeconds, table: null });
    },
    touch: (key) => {
      const entry = entries.get(key);
      if (entry !== undefined) replace(state, { ...entry, table: null });
    },
    removed: (key) => {
      const entry = entries.get(key);
      entries.delete(key);
      waiting.delete(key);
      if (entry !== undefined) settle(state, entry, none);
    },
    released: (key) => {
      const entry = entries.get(key);
      entries.delete(key);
      waiting.delete(key);
      if (entry === undefined) return;
      options.store.drop(entry.kept);
      options.onReleased(entry);
    },
    dataChanged: (kinds) => {
      const readers = [...(state.policies?.units.values() ?? [])].filter(({ reads }) => readsAny(reads, kinds));
      if (readers.length > 0)
        doubt(
          state,
          readers.map(({ unit }) => unit),
        );
    },
    refresh: () => {
      options.store.sweep(keptIn(entries.values()));
      if (options.scanner.volatile.size > 0) doubt(state, options.scanner.volatile);
    },
    work: () => workOff(state),
    get waiting() {
      return waiting.size;
    },
    get size() {
      return entries.size;
    },
    objects: () => judgedIn(state),
    get: (key) => {
      const entry = entries.get(key);
      return entry === undefined ? null : judged(state, entry);
    },
  };
}

function* keptIn(entries: Iterable<Entry>): Generator<KeptResults> {
  for (const { kept } of entries) yield kept;
}

function* judgedIn(state: State): Generator<JudgedObject> {
  for (const entry of state.entries.values()) yield judged(state, entry);
}

function judged({ options: { store } }: State, entry: Entry): JudgedObject {
  const { key, group, version, kind, namespace, name, uid, kept, sinceSeconds } = entry;
  return {
    key,
    group,
    version,
    kind,
    namespace,
    name,
    uid,
    sinceSeconds,
    heads: kept.heads,
    get results() {
      return store.unpack(kept);
    },
  };
}

/** Another entry for another state of the object: what is being found out about the old one counts no more. */
function replace({ entries, waiting }: State, entry: Entry): void {
  entries.set(entry.key, entry);
  waiting.add(entry.key);
}

/** These policies are asked again, and whatever else is not up to date. */
function doubt(state: State, units: Iterable<string>): void {
  for (const unit of units) state.epochs.set(unit, (state.epochs.get(unit) ?? 0) + 1);
  state.tables = new Map();
  for (const entry of state.entries.values()) {
    if (isStale(entry.table, tableOf(state, entry))) state.waiting.add(entry.key);
  }
}

function settle({ options }: State, entry: Entry, results: readonly Result[]): void {
  const { store, seconds, onResults } = options;
  const before = store.unpack(entry.kept);
  if (sameResults(results, before)) return;
  store.drop(entry.kept);
  entry.kept = store.pack(results);
  entry.sinceSeconds = seconds();
  const { key, group, version, kind, namespace, name, uid, sinceSeconds } = entry;
  onResults({ key, group, version, kind, namespace, name, uid, sinceSeconds, results }, before);
}

/* oxlint-disable no-await-in-loop -- one object after the other, with pauses, is what keeps the thread free */
async function workOff(state: State): Promise<void> {
  const { waiting, entries, options } = state;
  let turnBeganMs = options.nowMs();
  for (const key of waiting) {
    waiting.delete(key);
    const entry = entries.get(key);
    if (entry !== undefined) await evaluate(state, entry);
    if (options.nowMs() - turnBeganMs < options.turnMs) continue;
    await options.pause();
    turnBeganMs = options.nowMs();
  }
}
/* oxlint-enable no-await-in-loop */

async function evaluate(state: State, entry: Entry): Promise<void> {
  const { policies, entries, options } = state;
  const table = tableOf(state, entry);
  if (policies === null || !isStale(entry.table, table)) return;
  const units = entry.table === null ? new Set(table.keys()) : staleUnits(entry.table, table);
  const object = units.size === 0 ? undefined : options.load(entry.key);
  if (object === null) return;
  const found = object === undefined ? none : await options.scanner.scan(policies, object, units);
  // It changed or went while its answer was on the way: its turn comes again.
  if (entries.get(entry.key) !== entry || tableOf(state, entry) !== table) return;
  const before = entry.table === null ? none : options.store.unpack(entry.kept);
  const stayed = before.filter(({ unit }) => table.has(unit) && !units.has(unit));
  entry.table = table;
  settle(state, entry, inOrder([...stayed, ...found]));
}

// ── tables

function tableOf(state: State, object: AuditedObject): Table {
  const { policies, epochs, tables } = state;
  if (policies === null) return noTable;
  const name = `${object.group}/${object.kind}${isExcluded(policies, object) ? " excluded" : ""}`;
  const known = tables.get(name);
  if (known !== undefined) return known;
  const table = new Map(
    policiesFor(policies, object).map(({ unit, fingerprint }) => [unit, `${fingerprint} ${epochs.get(unit) ?? 0}`]),
  );
  tables.set(name, table);
  return table;
}

const noTable: Table = new Map();

/** What is to be asked about an object. */
export function policiesFor(policies: AuditedPolicies, object: Omit<AuditedObject, "key">): readonly AuditedPolicy[] {
  const kind = `${object.group}/${object.kind}`;
  const isExpanded = policies.expanded.includes(kind);
  const excluded = isExcluded(policies, object);
  return [...policies.units.values()].filter(({ scope, dialect }) =>
    dialect === "gatekeeper" ? !excluded && (isExpanded || reaches(scope, kind)) : reaches(scope, kind),
  );
}

/** Config takes namespaces out of Gatekeeper's sight, not out of that of others. */
function isExcluded(
  { excludes }: AuditedPolicies,
  { group, kind, namespace, name }: Omit<AuditedObject, "key">,
): boolean {
  return excludes(group === "" && kind === "Namespace" ? name : namespace);
}

/** Whether objects of a kind (`group/Kind`) may be in a scope. */
export function reaches({ kinds }: Scope, kind: string): boolean {
  if (kinds === undefined) return true;
  const slash = kind.indexOf("/");
  const [group, name] = [kind.slice(0, slash), kind.slice(slash + 1)];
  return [kind, `*/${name}`, `${group}/*`, "*/*"].some((one) => kinds.includes(one));
}

function readsAny(reads: AuditedPolicy["reads"], kinds: ReadonlySet<string>): boolean {
  return reads.some((scope) => [...kinds].some((kind) => reaches(scope, kind)));
}

function isStale(made: Table | null, present: Table): boolean {
  if (made === null) return true;
  if (made === present) return false;
  return made.size !== present.size || staleUnits(made, present).size > 0;
}

/** Policies that have to be asked again; those that went are not among them. */
function staleUnits(made: Table, present: Table): ReadonlySet<string> {
  return new Set([...present].filter(([unit, fingerprint]) => made.get(unit) !== fingerprint).map(([unit]) => unit));
}

/** Equal results have one order, whichever of them were made now and which before. */
function inOrder(results: readonly Result[]): readonly Result[] {
  return results.toSorted((a, b) => (a.unit < b.unit ? -1 : Number(a.unit > b.unit)));
}
