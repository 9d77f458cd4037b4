// Work that replicas divide among themselves: each keeps a Lease with a common label, sees whose Leases are alive, and
// works on the keys for which its own name has the highest hash with the key (rendezvous hashing), so that a replica that
// comes or goes moves only its own share. While replicas see each other differently, a key may be worked on twice or not
// at all for a moment: what is done for it must be desired state, and is done again when the members change.
//
// Everybody watches the Leases and notes when each has changed. One that has not for its duration is held to be dead once a
// renewal of our own has come back through the same watch: then the API server took writes, and whatever was written before has
// been heard. When a Lease is about to end we renew ours at that moment, so that its end is known at once. After a time in
// which we did not hear of ourselves nobody can have been heard: everybody has a whole duration again.
//
// A task that not every replica does at every moment, because its part of the process starts later or has died, stands as a
// label on the Lease: only those who have it share the task's keys.

import { annotationsOf, labelsOf, nameOf } from "@portcullis/kube";
import { ApiError, type ClusterClient, type ClusterObject, type Informer, type Informers, isNotFound } from "./api.ts";

import {
  type LeaseObserver,
  createLeaseObserver,
  leaseSpec,
  leaseTime,
  leases,
  wholeLease,
  withSpec,
} from "./lease.ts";
import { pause } from "./retry.ts";

export interface MembershipOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly namespace: string;
  /** What is divided; replicas of one group see each other. A label's value. */
  readonly group: string;
  /** The replica's name, part of its Lease's name. */
  readonly identity: string;
  /** 7 s when absent: so long after its last renewal a replica counts as gone. */
  readonly leaseMs?: number;
  /** 2.5 s when absent: how often it renews. */
  readonly renewMs?: number;
  /** What our Lease tells besides, each time that it is renewed, and once more before it is taken away. */
  readonly annotations?: () => Readonly<Record<string, string>>;
  readonly onError?: (error: Error) => void;
}

export interface Membership {
  /** The replicas that are alive, in order; at least this one. */
  readonly members: readonly string[];
  /** Whether a key is ours. */
  owns(key: string): boolean;
  /** Those of the members that do a task, in order. */
  doing(task: string): readonly string[];
  /** Tells the others at once that we do a task, or no longer. A part of a label's name. */
  does(task: string, isDone: boolean): void;
  /** Called when the members have changed, or what they do. */
  onChange(handler: (members: readonly string[]) => void): void;
  /** Resolves when the others are known. */
  readonly joined: Promise<void>;
  /** Takes our Lease away, so that others take our share at once. */
  close(): Promise<void>;
}

/** @internal */
export const memberLabel = "portcullis.dev/shards-of";

/** Leases of replicas that have been gone for so many durations are taken away. */
const forgottenAfter = 40;
const defaultLeaseMs = 7000;
const defaultRenewMs = 2500;
/** A write that hangs is not waited for longer at the end. */
const closeMs = 2000;

interface State {
  readonly options: MembershipOptions;
  readonly informer: Informer;
  readonly observer: LeaseObserver;
  readonly handlers: Set<(members: readonly string[]) => void>;
  /** What we do. */
  readonly tasks: Set<string>;
  members: readonly string[];
  /** Member → labels of its Lease that tell a task. */
  doing: ReadonlyMap<string, ReadonlySet<string>>;
  mine: ClusterObject | null;
  /** The time in our Lease as we sent it last. */
  sentTime: string;
  /** When we last heard of our own renewal, on the monotonic clock. */
  heardMs: number;
  /** Names of Leases that ended. */
  readonly dead: Set<string>;
  readonly joined: PromiseWithResolvers<void>;
  /** Ends the pause before the next renewal. */
  hurry: AbortController;
}

export function createMembership(options: MembershipOptions): Membership {
  const { identity, onError } = options;
  const state = createState(options);
  const { joined, informer } = state;
  const ending = new AbortController();
  const running = run(state, ending.signal);
  return {
    get members() {
      return state.members;
    },
    owns: (key) => ownerOf(state.members, key) === identity,
    doing: (task) => state.members.filter((member) => state.doing.get(member)?.has(taskLabel(task)) === true),
    does: (task, isDone) => {
      if (state.tasks.has(task) === isDone) return;
      if (isDone) state.tasks.add(task);
      else state.tasks.delete(task);
      state.hurry.abort();
    },
    onChange: (handler) => {
      state.handlers.add(handler);
    },
    joined: joined.promise,
    async close() {
      if (ending.signal.aborted) return;
      ending.abort();
      joined.resolve();
      informer.close();
      await Promise.race([running, pause(closeMs)]);
      const left = leave(state).catch((error: unknown) => onError?.(error as Error));
      await Promise.race([left, pause(closeMs)]);
    },
  };
}

function createState(options: MembershipOptions): State {
  const { informers, namespace, identity, onError } = options;
  const informer = informers.watch(leases, { namespace, keep: wholeLease, ...(onError && { onError }) });
  const state: State = {
    options,
    informer,
    observer: createLeaseObserver(),
    handlers: new Set(),
    tasks: new Set(),
    members: [identity],
    doing: new Map(),
    mine: null,
    sentTime: "",
    heardMs: -Infinity,
    dead: new Set(),
    joined: Promise.withResolvers(),
    hurry: new AbortController(),
  };
  informer.onChange(({ what, object }) => {
    if (labelsOf(object)[memberLabel] !== options.group) return;
    state.dead.delete(nameOf(object));
    if (what !== "removed" && leaseSpec(object).renewTime === state.sentTime && isOurs(options, object)) hear(state);
    look(state);
  });
  // Ours may have come before the others were known.
  informer.synced.then(
    () => state.hurry.abort(),
    () => undefined,
  );
  return state;
}

async function run(state: State, signal: AbortSignal): Promise<void> {
  const { onError } = state.options;
  while (!signal.aborted) {
    state.hurry = new AbortController();
    try {
      // oxlint-disable-next-line no-await-in-loop
      await turn(state);
    } catch (error) {
      onError?.(error instanceof Error ? error : new Error(String(error)));
    }
    // oxlint-disable-next-line no-await-in-loop
    await pause(waitMs(state), AbortSignal.any([signal, state.hurry.signal]));
  }
}

/** Until the next renewal: a Lease that ends before then is looked at when it does. */
function waitMs(state: State): number {
  const { renewMs = defaultRenewMs } = state.options;
  const ends = othersOf(state)
    .map((lease) => state.observer.leftMs(lease))
    .filter((leftMs) => leftMs > 0);
  return Math.min(renewMs * (0.9 + Math.random() * 0.2), Math.max(Math.min(...ends), renewMs / 10));
}

async function leave(state: State): Promise<void> {
  const { options, mine } = state;
  if (mine === null) return;
  const last = options.annotations === undefined ? mine : await renew(state, 1);
  await removeLease(options.client, options.namespace, last);
}

const taskPrefix = "tasks.portcullis.dev/";

function taskLabel(task: string): string {
  return `${taskPrefix}${task}`;
}

/** Renews our Lease; what became of the others is looked at when the watch tells of it. */
async function turn(state: State): Promise<void> {
  const { options, observer } = state;
  const { client, namespace, leaseMs = defaultLeaseMs } = options;
  state.mine = await renew(state, Math.ceil(leaseMs / 1000));
  for (const lease of othersOf(state)) {
    // oxlint-disable-next-line no-await-in-loop -- there is hardly ever one
    if (-observer.leftMs(lease) > forgottenAfter * leaseMs) await removeLease(client, namespace, lease);
  }
}

/** Our renewal came back: whose Lease ended has had the time to renew it, and we would know. */
function hear(state: State): void {
  const { options, informer, observer, dead, joined } = state;
  const { leaseMs = defaultLeaseMs, renewMs = defaultRenewMs } = options;
  if (!informer.hasSynced()) return;
  const nowMs = performance.now();
  if (nowMs - state.heardMs > Math.max(leaseMs / 2, renewMs * 2)) observer.retain(new Set());
  state.heardMs = nowMs;
  for (const lease of othersOf(state)) if (!observer.isAlive(lease)) dead.add(nameOf(lease));
  joined.resolve();
}

/** Who is there, and does what. */
function look(state: State): void {
  const { options, informer, observer, dead } = state;
  if (!informer.hasSynced()) return;
  const all = informer.list(options.namespace).filter((lease) => labelsOf(lease)[memberLabel] === options.group);
  observer.retain(new Set(all.map(nameOf)));
  for (const lease of all) observer.leftMs(lease);
  const alive = all.filter((lease) => leaseSpec(lease).holder !== "" && !dead.has(nameOf(lease)));
  const members = [...new Set([...alive.map((lease) => leaseSpec(lease).holder), options.identity])].toSorted();
  const doing = new Map(alive.map((lease) => [leaseSpec(lease).holder, tasksOf(lease)] as const));
  const said = (of: State["doing"]): string => JSON.stringify(members.map((member) => [...(of.get(member) ?? [])]));
  const hasChanged = members.join("\n") !== state.members.join("\n") || said(doing) !== said(state.doing);
  state.members = members;
  state.doing = doing;
  if (hasChanged) for (const handler of state.handlers) handler(members);
}

function othersOf({ options, informer }: State): readonly ClusterObject[] {
  return informer
    .list(options.namespace)
    .filter((lease) => labelsOf(lease)[memberLabel] === options.group && !isOurs(options, lease));
}

function isOurs(options: MembershipOptions, lease: ClusterObject): boolean {
  return nameOf(lease) === leaseName(options);
}

function leaseName({ group, identity }: MembershipOptions): string {
  return `${group}-${identity}`.toLowerCase().replaceAll(/[^a-z0-9.-]/g, "-");
}

function tasksOf(lease: ClusterObject): ReadonlySet<string> {
  const labels = Object.keys(labelsOf(lease)).filter((name) => name.startsWith(taskPrefix));
  return new Set(labels.toSorted());
}

/** The member with the highest hash for a key; the order of members does not matter. */
export function ownerOf(members: readonly string[], key: string): string | null {
  let owner: string | null = null;
  let highest = -1;
  for (const member of members) {
    const weight = hash(`${member}\n${key}`);
    if (weight > highest || (weight === highest && (owner === null || member < owner))) {
      highest = weight;
      owner = member;
    }
  }
  return owner;
}

/** FNV-1a with MurmurHash3's last steps, which spread what differs in few bits: 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

async function renew(state: State, durationSeconds: number): Promise<ClusterObject> {
  const { options, mine, tasks } = state;
  const { client, namespace, group, identity, annotations = () => ({}) } = options;
  const now = leaseTime();
  state.sentTime = now;
  const name = { namespace, name: leaseName(options) };
  const spec = { holder: identity, durationSeconds, acquireTime: now, renewTime: now, transitions: 0 };
  const labels = { [memberLabel]: group, ...Object.fromEntries([...tasks].map((task) => [taskLabel(task), "true"])) };
  const told = { labels, annotations: annotations() };
  const known = mine ?? (await client.get(leases, name).catch(absent));
  if (known !== null) {
    try {
      const { acquireTime, transitions } = leaseSpec(known);
      return await client.update(leases, withSpec(telling(known, told), { ...spec, acquireTime, transitions }));
    } catch (error) {
      if (!(error instanceof ApiError) || ![404, 409].includes(error.status)) throw error;
      const current = await client.get(leases, name).catch(absent);
      if (current !== null) return client.update(leases, withSpec(telling(current, told), spec));
    }
  }
  return client.create(leases, withSpec({ metadata: { ...name, ...told } }, spec));
}

interface Told {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** With these labels and annotations of ours, and what others have added. */
function telling(lease: ClusterObject, { labels, annotations }: Told): ClusterObject {
  const others = Object.entries(labelsOf(lease)).filter(([name]) => !name.startsWith(taskPrefix));
  return {
    ...lease,
    metadata: {
      ...(lease["metadata"] as object),
      labels: { ...Object.fromEntries(others), ...labels },
      annotations: { ...annotationsOf(lease), ...annotations },
    },
  };
}

function absent(error: unknown): null {
  if (isNotFound(error)) return null;
  throw error;
}

/** Only as it is: a replica that came back has renewed it. */
async function removeLease(client: ClusterClient, namespace: string, lease: ClusterObject): Promise<void> {
  const metadata = lease["metadata"] as { readonly resourceVersion: string };
  try {
    const { resourceVersion } = metadata;
    await client.remove(leases, { namespace, name: nameOf(lease) }, { resourceVersion });
  } catch (error) {
    if (!(error instanceof ApiError) || ![404, 409].includes(error.status)) throw error;
  }
}
