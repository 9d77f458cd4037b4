// Which replicas live: those that renew their Leases while we look. A replica that ends takes its Lease with it; one that was killed
// leaves it, and is known to be gone when the Lease has run out.

import { setTimeout as sleep } from "node:timers/promises";
import { nameOf } from "@portcullis/kube";
import type { ClusterClient, ClusterObject } from "../../cluster/api.ts";
import { leaseSpec, leases } from "../../cluster/lease.ts";

export interface LivingOptions {
  readonly client: ClusterClient;
  /** The product's own. */
  readonly namespace: string;
  /** Between two looks; 500 when absent. */
  readonly pauseMs?: number;
}

/** Nobody's clock is so wrong. */
const oldMs = 600_000;

/** Their names. Takes as long as a Lease lasts, at most, and no time without Leases. Rejects with ApiError. */
export async function livingReplicas(options: LivingOptions): Promise<readonly string[]> {
  const { pauseMs = 500 } = options;
  const first = await renewals(options);
  const startMs = performance.now();
  const waitMs = Math.max(0, ...first.values().map(({ durationMs }) => durationMs));
  while (performance.now() - startMs < waitMs) {
    // oxlint-disable-next-line no-await-in-loop -- until somebody renews
    await sleep(pauseMs);
    // oxlint-disable-next-line no-await-in-loop
    const now = await renewals(options);
    const living = [...now].filter(([name, { at }]) => first.get(name)?.at !== at).map(([name]) => name);
    if (living.length > 0) return living.toSorted();
    if (now.size === 0) return [];
  }
  return [];
}

interface Renewal {
  readonly at: string;
  readonly durationMs: number;
}

async function renewals({ client, namespace }: LivingOptions): Promise<ReadonlyMap<string, Renewal>> {
  const found = new Map<string, Renewal>();
  for await (const page of client.list(leases, { namespace })) {
    for (const lease of page) {
      const name = /^portcullis-(.+)$/.exec(nameOf(lease))?.[1];
      const renewal = renewalOf(lease);
      if (name !== undefined && renewal !== null) found.set(name, renewal);
    }
  }
  return found;
}

/** Null when it was let go, or ended long ago. */
function renewalOf(lease: ClusterObject): Renewal | null {
  const { renewTime, durationSeconds } = leaseSpec(lease);
  const ageMs = Date.now() - Date.parse(renewTime);
  return Number.isNaN(ageMs) || ageMs > oldMs ? null : { at: renewTime, durationMs: durationSeconds * 1000 };
}
