// What each replica's audit found of each constraint, where the one that leads can read it. A status is one number and one list
// over all objects, and objects are divided over replicas; so each writes, for each constraint, how many violations it has and the
// first of them, into a small object of its own in the product's namespace, when that changes and only then. What stands
// there outlives a change of leader. One replica alone writes none and takes away what it had written.
//
// Beside its parts a replica has a record: between which members objects were divided when it made them. A record of other
// members than the leader's, or one that is not ready, means that the parts do not fit together, and the leader waits. A
// replica whose members change therefore takes its record back first, then writes its parts, then its record again: one
// watch tells all of them in the order in which they were written.

import { hash } from "node:crypto";
import { type GroupVersionResource, nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import {
  ApiError,
  type ClusterClient,
  type ClusterObject,
  type Informer,
  type Informers,
  isNotFound,
} from "../../cluster/api.ts";
import { createSlots, retryOnConflict } from "../../cluster/retry.ts";
import { type PolicyObject, keyOfPolicy } from "../audit/policies.ts";
import type { AuditShare } from "../audit/share.ts";
import { managedBy } from "../install/crds/crd.ts";
import { type ConstraintResults, joinedResults, ordered } from "./constraint-status.ts";

export const auditParts: GroupVersionResource = {
  group: "portcullis.dev",
  version: "v1alpha1",
  resource: "auditparts",
};

export interface AuditPartsOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  /** The product's own. */
  readonly namespace: string;
  readonly self: string;
  readonly nowMs: () => number;
  /** What stands there of a constraint (`keyOfPolicy`) changed: another replica's part, or ours by somebody else. */
  readonly onPart: (key: string, isOurs: boolean) => void;
  /** A record changed. */
  readonly onRecord: () => void;
  readonly onError: (error: Error) => void;
}

export interface AuditParts {
  /** Resolves once it is known what stands there. */
  readonly synced: Promise<void>;
  /** Writes these parts where they differ, takes away those of constraints that are gone, and tells that all fit together. */
  tell(news: Told): Promise<void>;
  /** What all members found of a constraint; the names of those that have not told, when there are any. */
  join(constraint: PolicyObject, own: ConstraintResults, how: Joining): ConstraintResults | readonly string[];
  /** Takes away what stands there of us. */
  withdraw(): Promise<void>;
  /** Takes away what stands there of replicas that have not been alive for a minute. */
  sweep(alive: readonly string[]): Promise<void>;
  close(): void;
}

interface Told {
  readonly members: readonly string[];
  readonly parts: readonly (readonly [constraint: PolicyObject, results: ConstraintResults])[];
  /** Whether there is a constraint, by `keyOfPolicy`. */
  readonly isThere: (key: string) => boolean;
}

interface Joining {
  readonly share: AuditShare;
  /** Violations of one status. */
  readonly limit: number;
}

/** A record or a part; of a part, `members` is absent. */
interface Standing {
  readonly replica: string;
  readonly members?: readonly string[];
  readonly isReady?: boolean;
  /** Of a part, `keyOfPolicy`. */
  readonly key?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly results?: ConstraintResults;
}

interface State {
  readonly options: AuditPartsOptions;
  readonly informer: Informer;
  /** Texts of what was written and has not come back from the watch, by name; null: removed. */
  readonly written: Map<string, string | null>;
  /** What we wrote last, by name. */
  readonly told: Map<string, string | null>;
  /** Since when replicas are seen that are not alive. */
  readonly absentSince: Map<string, number>;
}

export function createAuditParts(options: AuditPartsOptions): AuditParts {
  const { informers, namespace, self, onPart, onRecord, onError } = options;
  const informer = informers.watch(auditParts, { namespace, keep: kept, onError });
  const state: State = { options, informer, written: new Map(), told: new Map(), absentSince: new Map() };
  informer.onChange(({ what, object }) => {
    const name = nameOf(object);
    state.written.delete(name);
    const { replica, key } = standingOf(object);
    const isOurs = replica === self;
    if (isOurs && (state.told.get(name) ?? null) === (what === "removed" ? null : textIn(object))) return;
    if (key === undefined) onRecord();
    else onPart(key, isOurs);
  });
  return {
    synced: informer.synced,
    tell: (news) => tell(state, news),
    join: (constraint, own, how) => join(state, { constraint, own, how }),
    withdraw: async () => {
      const ours = namesOf(state, (replica) => replica === self);
      // The record first: parts without one count for nothing.
      const record = recordName(self);
      for (const name of ours.toSorted((a, b) => Number(b === record) - Number(a === record))) {
        // oxlint-disable-next-line no-await-in-loop -- in this order, and rarely
        await remove(state, name);
      }
    },
    sweep: (alive) => sweep(state, alive),
    close: () => informer.close(),
  };
}

// ── what stands there

const textKey = "text";

/** An informer keeps the text of what an object says, in our order. */
function kept(object: ClusterObject): ClusterObject {
  const { apiVersion, kind } = object;
  const [uid, resourceVersion] = [stringAt(object, "metadata", "uid"), stringAt(object, "metadata", "resourceVersion")];
  const metadata = { name: nameOf(object), namespace: namespaceOf(object), uid, resourceVersion };
  return { apiVersion, kind, metadata, [textKey]: JSON.stringify(readStanding(object)) };
}

function textIn(object: ClusterObject): string {
  return object[textKey] as string;
}

function standingOf(object: ClusterObject): Standing {
  return JSON.parse(textIn(object)) as Standing;
}

function readStanding(object: ClusterObject): Standing {
  const replica = stringAt(object, "replica");
  const { members, constraint, counts, violations } = object;
  if (constraint === undefined) {
    const names = Array.isArray(members) ? members.filter((name) => typeof name === "string") : [];
    return { replica, members: names, isReady: object["ready"] === true };
  }
  const id = {
    dialect: "gatekeeper",
    kind: stringAt(constraint, "kind"),
    namespace: "",
    name: stringAt(constraint, "name"),
  };
  const actions = (Array.isArray(counts) ? counts : []).map(
    (one: unknown) => [stringAt(one, "action"), numberAt(one, "count")] as const,
  );
  return {
    replica,
    key: keyOfPolicy(id),
    uid: stringAt(constraint, "uid"),
    generation: numberAt(constraint, "generation"),
    results: {
      total: actions.reduce((sum, [, count]) => sum + count, 0),
      actions: Object.fromEntries(actions.toSorted(([a], [b]) => (a < b ? -1 : 1))),
      notAuditable: numberAt(object, "notAuditable"),
      violations: (Array.isArray(violations) ? violations : []).map(ordered),
    },
  };
}

function numberAt(value: unknown, key: string): number {
  const found = valueAt(value, key);
  return typeof found === "number" ? found : 0;
}

function namesOf({ informer, options }: State, isWanted: (replica: string) => boolean): readonly string[] {
  return informer
    .list(options.namespace)
    .filter((object) => isWanted(standingOf(object).replica))
    .map(nameOf);
}

function standingText({ informer, options, written }: State, name: string): string | null {
  const known = written.get(name);
  if (known !== undefined) return known;
  const object = informer.get({ namespace: options.namespace, name });
  return object === null ? null : textIn(object);
}

// ── telling

/** Parts that are written at the same time. */
const writesMax = 8;

async function tell(state: State, { members, parts, isThere }: Told): Promise<void> {
  const { self } = state.options;
  const wanted = parts.map(([constraint, results]) => partOf(state, constraint, results));
  const changed = wanted.filter((part) => JSON.stringify(readStanding(part)) !== standingText(state, nameOf(part)));
  const gone = state.informer.list(state.options.namespace).filter((object) => {
    const { replica, key } = standingOf(object);
    return replica === self && key !== undefined && !isThere(key);
  });
  const before = standingText(state, recordName(self));
  const record = recordOf(state, members, true);
  if (changed.length > 0 && before !== null) {
    const { members: of = [], isReady } = JSON.parse(before) as Standing;
    if (isReady === true && of.join("\n") !== members.join("\n")) await write(state, recordOf(state, members, false));
  }
  // A few at a time, so that many constraints are no flood.
  const inSlot = createSlots(writesMax);
  await Promise.all(changed.map((part) => inSlot(() => write(state, part))));
  // oxlint-disable-next-line no-await-in-loop
  for (const part of gone) await remove(state, nameOf(part));
  if (JSON.stringify(readStanding(record)) !== standingText(state, recordName(self))) await write(state, record);
}

function recordOf({ options }: State, members: readonly string[], ready: boolean): ClusterObject {
  const { self } = options;
  return { ...outline(options, recordName(self)), replica: self, members, ready };
}

function partOf({ options }: State, { id, uid, generation }: PolicyObject, results: ConstraintResults): ClusterObject {
  const { self } = options;
  const counts = Object.entries(results.actions).map(([action, count]) => ({ action, count }));
  return {
    ...outline(options, partName(self, keyOfPolicy(id))),
    replica: self,
    constraint: { kind: id.kind, name: id.name, uid, generation },
    counts: counts.toSorted((a, b) => (a.action < b.action ? -1 : 1)),
    notAuditable: results.notAuditable,
    violations: results.violations,
  };
}

function outline({ namespace }: AuditPartsOptions, name: string): ClusterObject {
  const metadata = { name, namespace, labels: managedBy };
  return { apiVersion: `${auditParts.group}/${auditParts.version}`, kind: "AuditPart", metadata };
}

const nameMax = 200;

function recordName(replica: string): string {
  const name = replica.toLowerCase().replaceAll(/[^a-z0-9.-]/g, "-");
  return `${name.slice(0, nameMax)}.${hash("sha1", replica).slice(0, 8)}`;
}

function partName(replica: string, key: string): string {
  return `${recordName(replica)}.${hash("sha1", key).slice(0, 16)}`;
}

async function write(state: State, object: ClusterObject): Promise<void> {
  const { client, namespace } = state.options;
  const name = nameOf(object);
  const text = JSON.stringify(readStanding(object));
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...said } = object;
  const patch = (): Promise<ClusterObject> =>
    retryOnConflict(() => client.patch(auditParts, { namespace, name }, said, { type: "merge" }));
  state.told.set(name, text);
  try {
    await (standingText(state, name) === null ? client.create(auditParts, object) : patch());
  } catch (error) {
    if (isNotFound(error)) await client.create(auditParts, object);
    else if (error instanceof ApiError && error.reason === "AlreadyExists") await patch();
    else throw error;
  }
  state.written.set(name, text);
}

async function remove(state: State, name: string): Promise<void> {
  const { client, namespace } = state.options;
  state.told.set(name, null);
  if (standingText(state, name) === null) return;
  try {
    await client.remove(auditParts, { namespace, name });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  state.written.set(name, null);
}

// ── joining

interface Join {
  readonly constraint: PolicyObject;
  readonly own: ConstraintResults;
  readonly how: Joining;
}

function join(state: State, { constraint, own, how }: Join): ConstraintResults | readonly string[] {
  const { share, limit } = how;
  const found = [own];
  const silent: string[] = [];
  for (const member of share.members) {
    if (member === share.self) continue;
    const results = toldBy(state, member, { share, constraint });
    if (results === null) silent.push(member);
    else found.push(results);
  }
  return silent.length > 0 ? silent : joinedResults(found, limit);
}

/** What a member found; null when it has not told what fits to our members and to this generation. */
function toldBy(
  { informer, options: { namespace } }: State,
  member: string,
  { share, constraint }: { readonly share: AuditShare; readonly constraint: PolicyObject },
): ConstraintResults | null {
  const read = (name: string): Standing | null => {
    const object = informer.get({ namespace, name });
    return object === null ? null : standingOf(object);
  };
  const record = read(recordName(member));
  if (record?.isReady !== true || record.members?.join("\n") !== share.members.join("\n")) return null;
  const part = read(partName(member, keyOfPolicy(constraint.id)));
  return part?.uid === constraint.uid && part.generation === constraint.generation ? (part.results ?? null) : null;
}

/** How long what a dead replica told is left, in milliseconds. */
const absentMs = 60_000;

async function sweep(state: State, alive: readonly string[]): Promise<void> {
  const { absentSince, options } = state;
  const nowMs = options.nowMs();
  const seen = new Set<string>();
  for (const object of state.informer.list(options.namespace)) {
    const { replica } = standingOf(object);
    if (replica === options.self || alive.includes(replica)) continue;
    seen.add(replica);
    const sinceMs = absentSince.get(replica) ?? nowMs;
    absentSince.set(replica, sinceMs);
    // oxlint-disable-next-line no-await-in-loop -- few, and nobody waits for it
    if (nowMs - sinceMs >= absentMs) await remove(state, nameOf(object));
  }
  for (const replica of absentSince.keys()) if (!seen.has(replica)) absentSince.delete(replica);
}
