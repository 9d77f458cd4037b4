// Work that replicas divide among themselves: each keeps a Lease with a common label, sees whose Leases are alive, and
// works on the keys for which its own name has the highest hash with the key (rendezvous hashing), so that a replica that
// comes or goes moves only its own share. While replicas see each other differently, a key may be worked on twice or not
// at all for a moment: what is done for it must be desired state, and is done again when the members change.
//
// A task that not every replica does at every moment, because its part of the process starts later or has died, stands as a
// label on the Lease: only those who have it share the task's keys.

import { annotationsOf, labelsOf, nameOf } from "@portcullis/kube";
import { ApiError, type ClusterClient, type ClusterObject, isNotFound } from "./api.ts";

import { type LeaseObserver, createLeaseObserver, leaseSpec, leaseTime, leases, withSpec } from "./lease.ts";
import { pause } from "./retry.ts";

export interface MembershipOptions {
  readonly client: ClusterClient;
  readonly namespace: string;
  /** What is divided; replicas of one group see each other. A label's value. */
  readonly group: string;
  /** The replica's name, part of its Lease's name. */
  readonly identity: string;
  /** 15 s when absent: so long after its last renewal a replica counts as gone. */
  readonly leaseMs?: number;
  /** 5 s when absent: how often it renews and looks for others. */
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
  /** Resolves when the others were looked for once. */
  readonly joined: Promise<void>;
  /** Takes our Lease away, so that others take our share at once. */
  close(): Promise<void>;
}

/** @internal */
export const memberLabel = "portcullis.dev/shards-of";

/** Leases of replicas that have been gone for so many durations are taken away. */
const forgottenAfter = 20;
/** A write that hangs is not waited for longer at the end. */
const closeMs = 2000;

interface State {
  readonly options: MembershipOptions;
  readonly observer: LeaseObserver;
  readonly handlers: Set<(members: readonly string[]) => void>;
  /** What we do. */
  readonly tasks: Set<string>;
  members: readonly string[];
  /** Member → labels of its Lease that tell a task. */
  doing: ReadonlyMap<string, ReadonlySet<string>>;
  mine: ClusterObject | null;
  /** When we last saw the Leases of the others, on the monotonic clock. */
  lookedMs: number;
  /** Ends the pause before the next renewal. */
  hurry: AbortController;
}

export function createMembership(options: MembershipOptions): Membership {
  const { identity, renewMs = 5000, onError } = options;
  const ending = new AbortController();
  const joined = Promise.withResolvers<void>();
  const state: State = {
    options,
    observer: createLeaseObserver(),
    handlers: new Set(),
    tasks: new Set(),
    members: [identity],
    doing: new Map(),
    mine: null,
    lookedMs: -Infinity,
    hurry: new AbortController(),
  };
  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      state.hurry = new AbortController();
      try {
        // oxlint-disable-next-line no-await-in-loop
        await turn(state);
        joined.resolve();
      } catch (error) {
        onError?.(error instanceof Error ? error : new Error(String(error)));
      }
      const waitMs = renewMs * (0.9 + Math.random() * 0.2);
      // oxlint-disable-next-line no-await-in-loop
      await pause(waitMs, AbortSignal.any([ending.signal, state.hurry.signal]));
    }
  };
  const running = run();
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
      await Promise.race([running, pause(closeMs)]);
      const left = leave(state).catch((error: unknown) => onError?.(error as Error));
      await Promise.race([left, pause(closeMs)]);
    },
  };
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

/** Renews our Lease and looks at those of the others. */
async function turn(state: State): Promise<void> {
  const { options, observer } = state;
  const { client, namespace, identity, leaseMs = 15_000, renewMs = 5000 } = options;
  state.mine = await renew(state, Math.ceil(leaseMs / 1000));
  const all = await readLeases(options);
  const nowMs = performance.now();
  // While we could not look, the others could not renew, or we would not have seen it: nobody is dead for that.
  if (nowMs - state.lookedMs > Math.max(leaseMs / 2, renewMs * 2)) observer.retain(new Set());
  state.lookedMs = nowMs;
  const alive = all.filter((lease) => observer.isAlive(lease));
  observer.retain(new Set(all.map(nameOf)));
  const members = [...new Set([...alive.map((lease) => leaseSpec(lease).holder), identity])].toSorted();
  const doing = new Map(alive.map((lease) => [leaseSpec(lease).holder, tasksOf(lease)] as const));
  const said = (of: State["doing"]): string => JSON.stringify(members.map((member) => [...(of.get(member) ?? [])]));
  const hasChanged = members.join("\n") !== state.members.join("\n") || said(doing) !== said(state.doing);
  state.members = members;
  state.doing = doing;
  if (hasChanged) for (const handler of state.handlers) handler(members);
  for (const lease of all) {
    // oxlint-disable-next-line no-await-in-loop -- there is hardly ever one
    if (observer.quietMs(lease) > forgottenAfter * leaseMs) await removeLease(client, namespace, lease);
  }
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

async function renew({ options, mine, tasks }: State, durationSeconds: number): Promise<ClusterObject> {
  const { client, namespace, group, identity, annotations = () => ({}) } = options;
  const now = leaseTime();
  const name = { namespace, name: `${group}-${identity}`.toLowerCase().replaceAll(/[^a-z0-9.-]/g, "-") };
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

async function readLeases({ client, namespace, group }: MembershipOptions): Promise<readonly ClusterObject[]> {
  const found: ClusterObject[] = [];
  for await (const page of client.list(leases, { namespace, labelSelector: `${memberLabel}=${group}` }))
    found.push(...page);
  return found;
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
