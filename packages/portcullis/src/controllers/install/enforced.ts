// What the status of a policy tells about its enforcement: Gatekeeper's kinds have an entry per replica, Kyverno's a condition.
// A status of an older generation tells nothing about the present one.

import { type JsonRecord, gvkOf, isObject, stringAt, valueAt } from "@portcullis/kube";
import type { ClusterClient, ClusterObject } from "../../cluster/api.ts";

/** `by`: how many replicas enforce it; `errors`: why it is not. */
export type Enforcement =
  | { readonly state: "enforced"; readonly by: number }
  | { readonly state: "waiting"; readonly by: number }
  | { readonly state: "failed"; readonly errors: readonly string[] }
  /** Of a kind that has no status. */
  | { readonly state: "stored" };

const podGroups: ReadonlySet<string> = new Set([
  "templates.gatekeeper.sh",
  "constraints.gatekeeper.sh",
  "mutations.gatekeeper.sh",
  "expansion.gatekeeper.sh",
  "externaldata.gatekeeper.sh",
  "config.gatekeeper.sh",
  "connection.gatekeeper.sh",
]);

const conditionKinds: ReadonlySet<string> = new Set([
  "ClusterPolicy",
  "Policy",
  "CleanupPolicy",
  "ClusterCleanupPolicy",
  "GlobalContextEntry",
]);

/** `members` are the names of the replicas that are alive. */
export function enforcementOf(object: ClusterObject, members: readonly string[]): Enforcement {
  const { group, kind } = gvkOf(object);
  if (podGroups.has(group)) return byPods(object, members);
  if (group === "kyverno.io" && conditionKinds.has(kind)) return byCondition(object, members);
  if (group === "policies.kyverno.io" && kind !== "PolicyException") return byConditionStatus(object);
  return { state: "stored" };
}

function byPods(object: ClusterObject, members: readonly string[]): Enforcement {
  const generation = Number(valueAt(object, "metadata", "generation") ?? 0);
  const current = records(valueAt(object, "status", "byPod")).filter(
    (entry) => members.includes(stringAt(entry, "id")) && Number(entry["observedGeneration"] ?? 0) >= generation,
  );
  const errors = [...new Set(current.flatMap((entry) => records(entry["errors"]).map(errorText)))];
  if (errors.length > 0) return { state: "failed", errors };
  const by = current.length;
  return by > 0 && by >= members.length ? { state: "enforced", by } : { state: "waiting", by };
}

function errorText(error: JsonRecord): string {
  const message = stringAt(error, "message");
  const location = stringAt(error, "location");
  return location === "" || message.includes(location) ? message : `${location}: ${message}`;
}

function byCondition(object: ClusterObject, members: readonly string[]): Enforcement {
  const ready = records(valueAt(object, "status", "conditions")).find((one) => one["type"] === "Ready");
  const generation = Number(valueAt(object, "metadata", "generation") ?? 0);
  if (ready === undefined || Number(ready["observedGeneration"] ?? generation) < generation) {
    return { state: "waiting", by: 0 };
  }
  if (ready["status"] !== "True") return { state: "failed", errors: [stringAt(ready, "message")] };
  return members.length > 0 ? { state: "enforced", by: members.length } : { state: "waiting", by: 0 };
}

/** Whose engine is not there is never ready. */
function byConditionStatus(object: ClusterObject): Enforcement {
  const status = valueAt(object, "status", "conditionStatus");
  if (!isObject(status)) return { state: "waiting", by: 0 };
  if (status["ready"] === true) return { state: "enforced", by: 1 };
  return { state: "failed", errors: [stringAt(status, "message")] };
}

function records(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? (value as readonly unknown[]).filter((one): one is JsonRecord => isObject(one)) : [];
}

const leases = { group: "coordination.k8s.io", version: "v1", resource: "leases" };
const memberLabel = "portcullis.dev/shards-of=portcullis";
/** A Lease that was not renewed for so long belongs to nobody; clocks of machines differ. */
const quietMs = 60_000;

/** Of the replicas that are alive. */
export async function replicaLeases(client: ClusterClient, namespace: string): Promise<readonly ClusterObject[]> {
  const alive: ClusterObject[] = [];
  for await (const page of client.list(leases, { namespace, labelSelector: memberLabel })) {
    for (const lease of page) {
      const renewedMs = Date.parse(stringAt(lease, "spec", "renewTime"));
      const isHeld = stringAt(lease, "spec", "holderIdentity") !== "";
      if (isHeld && Date.now() - renewedMs < quietMs) alive.push(lease);
    }
  }
  return alive;
}

/** The names of the replicas that are alive. */
export async function aliveReplicas(client: ClusterClient, namespace: string): Promise<readonly string[]> {
  const alive = await replicaLeases(client, namespace);
  return [...new Set(alive.map((lease) => stringAt(lease, "spec", "holderIdentity")))].toSorted();
}
