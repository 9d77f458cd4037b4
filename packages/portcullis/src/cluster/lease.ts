// Leases of coordination.k8s.io: who holds one, and until when. Clocks of machines differ, so that the times in a Lease are
// never compared with ours: a Lease is alive for its duration after the moment at which we saw it change last.
// Behaviour: k8s.io/client-go tools/leaderelection.

import { type GroupVersionResource, isObject, stringAt, valueAt } from "@portcullis/kube";
import type { ClusterObject } from "./api.ts";

export const leases: GroupVersionResource = { group: "coordination.k8s.io", version: "v1", resource: "leases" };

/** What informers of Leases keep, for all who watch them to share one. */
export function wholeLease(lease: ClusterObject): ClusterObject {
  return lease;
}

export interface LeaseSpec {
  readonly holder: string;
  readonly durationSeconds: number;
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly transitions: number;
}

export function leaseSpec(lease: ClusterObject): LeaseSpec {
  const number = (key: string): number => Number(valueAt(lease, "spec", key) ?? 0);
  return {
    holder: stringAt(lease, "spec", "holderIdentity"),
    durationSeconds: number("leaseDurationSeconds"),
    acquireTime: stringAt(lease, "spec", "acquireTime"),
    renewTime: stringAt(lease, "spec", "renewTime"),
    transitions: number("leaseTransitions"),
  };
}

/** The Lease with another spec; what else stands in it stays. */
export function withSpec(lease: ClusterObject, spec: LeaseSpec): ClusterObject {
  const old = lease["spec"];
  return {
    ...lease,
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    spec: {
      ...(isObject(old) ? old : {}),
      holderIdentity: spec.holder,
      leaseDurationSeconds: spec.durationSeconds,
      ...(spec.acquireTime === "" ? {} : { acquireTime: spec.acquireTime }),
      renewTime: spec.renewTime,
      leaseTransitions: spec.transitions,
    },
  };
}

/** A MicroTime. */
export function leaseTime(): string {
  return new Date().toISOString().replace("Z", "000Z");
}

/** When Leases were seen to change last, on our own clock. */
export interface LeaseObserver {
  /** Whether the Lease is still alive, given that it is seen now. */
  isAlive(lease: ClusterObject): boolean;
  /** How long it lasts if it does not change, in milliseconds; less than nothing: for how long it has ended. */
  leftMs(lease: ClusterObject): number;
  /** Remembers only these names. */
  retain(names: ReadonlySet<string>): void;
}

export function createLeaseObserver(nowMs: () => number = () => performance.now()): LeaseObserver {
  const seen = new Map<string, { readonly mark: string; readonly sinceMs: number }>();
  const quietMs = (lease: ClusterObject): number => {
    const name = stringAt(lease, "metadata", "name");
    const { holder, renewTime } = leaseSpec(lease);
    const mark = `${stringAt(lease, "metadata", "uid")} ${holder} ${renewTime}`;
    const known = seen.get(name);
    if (known?.mark === mark) return nowMs() - known.sinceMs;
    seen.set(name, { mark, sinceMs: nowMs() });
    return 0;
  };
  const leftMs = (lease: ClusterObject): number => leaseSpec(lease).durationSeconds * 1000 - quietMs(lease);
  return {
    leftMs,
    isAlive: (lease) => leaseSpec(lease).holder !== "" && leftMs(lease) > 0,
    retain(names) {
      for (const name of seen.keys()) if (!names.has(name)) seen.delete(name);
    },
  };
}
