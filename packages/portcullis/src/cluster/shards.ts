// Work that replicas divide among themselves: each keeps a Lease with a common label, sees whose Leases are alive, and
// works on the keys for which its own name has the highest hash with the key (rendezvous hashing), so that a replica that
// comes or goes moves only its own share. While replicas see each other differently, a key may be worked on twice or not
// at all for a moment: what is done for it must be desired state, and is done again when the members change.

import { nameOf } from "@portcullis/kube";
import { ApiError, type ClusterClient, type ClusterObject, isNotFound } from "./api.ts";

import { createLeaseObserver, leaseSpec, leaseTime, leases, withSpec } from "./lease.ts";
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
  readonly onError?: (error: Error) => void;
}

export interface Membership {
  /** The replicas that are alive, in order; at least this one. */
  readonly members: readonly string[];
  /** Whether a key is ours. */
  owns(key: string): boolean;
  /** Called when the members have changed. */
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

export function createMembership(options: MembershipOptions): Membership {
  const { client, namespace, identity, leaseMs = 15_000, renewMs = 5000, onError } = options;
  const ending = new AbortController();
  const handlers = new Set<(members: readonly string[]) => void>();
  const observer = createLeaseObserver();
  const joined = Promise.withResolvers<void>();
  let members: readonly string[] = [identity];
  let mine: ClusterObject | null = null;
  const turn = async (): Promise<void> => {
    mine = await renew(options, mine, Math.ceil(leaseMs / 1000));
    const all = await readLeases(options);
    const alive = all.filter((lease) => observer.isAlive(lease)).map((lease) => leaseSpec(lease).holder);
    observer.retain(new Set(all.map(nameOf)));
    const next = [...new Set([...alive, identity])].toSorted();
    const hasChanged = next.join("\n") !== members.join("\n");
    members = next;
    joined.resolve();
    if (hasChanged) for (const handler of handlers) handler(members);
    for (const lease of all)
      if (observer.quietMs(lease) > forgottenAfter * leaseMs) await removeLease(client, namespace, lease);
  };
  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        // oxlint-disable-next-line no-await-in-loop
        await turn();
      } catch (error) {
        onError?.(error instanceof Error ? error : new Error(String(error)));
      }
      // oxlint-disable-next-line no-await-in-loop
      await pause(renewMs * (0.9 + Math.random() * 0.2), ending.signal);
    }
  };
  const running = run();
  return {
    get members() {
      return members;
    },
    owns: (key) => ownerOf(members, key) === identity,
    onChange: (handler) => {
      handlers.add(handler);
    },
    joined: joined.promise,
    async close() {
      if (ending.signal.aborted) return;
      ending.abort();
      joined.resolve();
      await Promise.race([running, pause(closeMs)]);
      if (mine === null) return;
      const leave = removeLease(client, namespace, mine).catch((error: unknown) => onError?.(error as Error));
      await Promise.race([leave, pause(closeMs)]);
    },
  };
}

/**
 * The member with the highest hash for a key; the order of members does not matter.
 * @internal
 */
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

async function renew(
  { client, namespace, group, identity }: MembershipOptions,
  mine: ClusterObject | null,
  durationSeconds: number,
): Promise<ClusterObject> {
  const now = leaseTime();
  const name = { namespace, name: `${group}-${identity}`.toLowerCase().replaceAll(/[^a-z0-9.-]/g, "-") };
  const spec = { holder: identity, durationSeconds, acquireTime: now, renewTime: now, transitions: 0 };
  const known = mine ?? (await client.get(leases, name).catch(absent));
  if (known !== null) {
    try {
      const { acquireTime, transitions } = leaseSpec(known);
      return await client.update(leases, withSpec(known, { ...spec, acquireTime, transitions }));
    } catch (error) {
      if (!(error instanceof ApiError) || ![404, 409].includes(error.status)) throw error;
      const current = await client.get(leases, name).catch(absent);
      if (current !== null) return client.update(leases, withSpec(current, spec));
    }
  }
  return client.create(leases, withSpec({ metadata: { ...name, labels: { [memberLabel]: group } } }, spec));
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
