// Gatekeeper and Kyverno beside us. One that lives is seen by what it keeps on the cluster: its webhook configurations with webhooks
// in them, and Kyverno's Lease, which is renewed every few seconds. What a living neighbour writes (statuses, constraint CRDs,
// reports) we read only, so that nobody writes in a loop; and its dialect is enforced by it, not by us.

import { setTimeout as setTimeoutAsync } from "node:timers/promises";
import { type GroupVersionResource, nameOf, stringAt, valueAt } from "@portcullis/kube";
import type { ClusterClient, ClusterObject, Informer, Informers, ObjectName } from "../../cluster/api.ts";
import { webhookResources } from "../webhooks/controller.ts";
import type { Dialect } from "../webhooks/wanted.ts";

/** A neighbour that lives, and by what it is known. */
export interface Neighbour {
  readonly dialect: Dialect;
  readonly evidence: string;
}

export interface Neighbours {
  /** Resolves once it is known who is there, or when it takes too long: whoever may not look starts without knowing. */
  readonly known: Promise<void>;
  list(): readonly Neighbour[];
  /** Whether a neighbour answers for this dialect. */
  owns(dialect: Dialect): boolean;
  onChange(handler: (neighbours: readonly Neighbour[]) => void): void;
  close(): void;
}

export interface NeighbourOptions {
  readonly informers: Informers;
  /** The name of our own configurations, which have webhooks of the same names. */
  readonly configurationName?: string;
  readonly onError: (error: Error) => void;
  /** Between two looks at a Lease that may have ended; 15 s when absent. */
  readonly checkMs?: number;
}

const configurations: Readonly<Record<Dialect, RegExp>> = {
  gatekeeper: /^gatekeeper-(?:validating|mutating)-webhook-configuration$/,
  kyverno: /^kyverno-(?:resource|policy)-(?:validating|mutating)-webhook-cfg$/,
};

/** Renewed every few seconds by whoever leads among Kyverno's admission controllers. */
const kyvernoLease = "kyverno";

const leases = { group: "coordination.k8s.io", version: "v1", resource: "leases" };

export function watchNeighbours(options: NeighbourOptions): Neighbours {
  const { informers, configurationName = "portcullis", onError, checkMs = 15_000 } = options;
  const handlers = new Set<(neighbours: readonly Neighbour[]) => void>();
  let seen: readonly Neighbour[] = [];
  const watched: readonly Informer[] = [
    ...Object.values(webhookResources).map((resource) =>
      informers.watch(resource, { keep: (object) => object, onError }),
    ),
    informers.watch(leases, { fieldSelector: `metadata.name=${kyvernoLease}`, onError, keep: leaseOf }),
  ];
  const look = (): void => {
    const found = dialects.flatMap((dialect) => {
      const evidence = watched.flatMap((informer) => informer.list()).map((object) => evidenceFor(dialect, object));
      const first = evidence.find((text) => text !== null);
      return first === undefined || first === null ? [] : [{ dialect, evidence: first }];
    });
    if (dialectsOf(found) === dialectsOf(seen)) return;
    seen = found;
    for (const handler of handlers) handler(found);
  };
  const evidenceFor = (dialect: Dialect, object: ClusterObject): string | null => {
    if (nameOf(object) === configurationName) return null;
    return evidenceOf(dialect, object);
  };
  const stops = watched.map((informer) => informer.onChange(look));
  const timer = setInterval(look, checkMs);
  timer.unref();
  const known = knownSoon(watched, look);
  return {
    known,
    list: () => seen,
    owns: (dialect) => seen.some((one) => one.dialect === dialect),
    onChange: (handler) => {
      handlers.add(handler);
      if (seen.length > 0) handler(seen);
    },
    close: () => {
      clearInterval(timer);
      for (const stop of stops) stop();
      for (const informer of watched) informer.close();
    },
  };
}

const patienceMs = 5000;

/** Never rejects: closed before it was known, nobody waits any more. */
async function knownSoon(watched: readonly Informer[], look: () => void): Promise<void> {
  const all = Promise.all(watched.map(({ synced }) => synced)).catch(() => {});
  await Promise.race([all, setTimeoutAsync(patienceMs, undefined, { ref: false })]);
  look();
}

const dialects: readonly Dialect[] = ["gatekeeper", "kyverno"];

function dialectsOf(neighbours: readonly Neighbour[]): string {
  return neighbours.map(({ dialect }) => dialect).join(",");
}

function leaseOf(object: ClusterObject): ClusterObject {
  return { kind: "Lease", metadata: object["metadata"], spec: object["spec"] };
}

/** What an object tells of a living neighbour; null when it tells nothing. */
export function evidenceOf(dialect: Dialect, object: ClusterObject): string | null {
  const name = nameOf(object);
  const { webhooks } = object;
  if (Array.isArray(webhooks) && webhooks.length > 0) {
    return configurations[dialect].test(name) ? `webhook configuration ${name}` : null;
  }
  if (dialect !== "kyverno" || name !== kyvernoLease || !isHeld(object)) return null;
  return `Lease ${stringAt(object, "metadata", "namespace")}/${name}`;
}

/** Renewed within three of its durations: a replica that was replaced takes as long. */
function isHeld(lease: ClusterObject): boolean {
  const renewedMs = Date.parse(stringAt(lease, "spec", "renewTime"));
  const seconds = Number(valueAt(lease, "spec", "leaseDurationSeconds") ?? 15);
  return stringAt(lease, "spec", "holderIdentity") !== "" && Date.now() - renewedMs < 3000 * Math.max(seconds, 10);
}

// ── read only

const ownedGroups: Readonly<Record<Dialect, (resource: GroupVersionResource) => boolean>> = {
  gatekeeper: ({ group }) => group.endsWith(".gatekeeper.sh"),
  kyverno: ({ group }) =>
    /(?:^|\.)kyverno\.io$/.test(group) || group === "wgpolicyk8s.io" || group === "openreports.io",
};

/**
 * A client that leaves alone what a living neighbour owns: such writes are answered as if they had been done, with the object
 * that was to be written. Everything else goes to the cluster, as soon as it is known who is there.
 */
export function yieldingClient<Client extends ClusterClient>(
  client: Client,
  { known, owns }: Pick<Neighbours, "known" | "owns">,
): Client {
  const isOwned = async (resource: GroupVersionResource, object: unknown): Promise<boolean> => {
    await known;
    return dialects.some(
      (dialect) => owns(dialect) && (ownedGroups[dialect](resource) || isConstraintKind(dialect, object)),
    );
  };
  const named = (name: ObjectName): unknown => ({ metadata: { name: name.name } });
  return {
    ...client,
    create: async (resource, object, options) =>
      (await isOwned(resource, object)) ? object : client.create(resource, object, options),
    update: async (resource, object, options) =>
      (await isOwned(resource, object)) ? object : client.update(resource, object, options),
    patch: async (resource, name, patch, options) =>
      (await isOwned(resource, named(name))) ? {} : client.patch(resource, name, patch, options),
    remove: async (resource, name, options) => {
      if (!(await isOwned(resource, named(name)))) await client.remove(resource, name, options);
    },
  };
}

/** The definitions that Gatekeeper makes for its templates. */
function isConstraintKind(dialect: Dialect, object: unknown): boolean {
  return dialect === "gatekeeper" && nameOf(object).endsWith(".constraints.gatekeeper.sh");
}
