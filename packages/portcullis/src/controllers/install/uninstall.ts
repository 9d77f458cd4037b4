// What the product takes with it when it leaves for good: its webhook configurations first, so that writes to the cluster do not
// wait for somebody who is gone, then its certificates, what it knows of unchecked writes, and Leases. Policies, their definitions and reports belong to the user and
// stay. Doing it again finds nothing to do.

import { labelsOf, nameOf, namespaceOf } from "@portcullis/kube";
import { ApiError, type ClusterClient, type ClusterObject, type ObjectName } from "../../cluster/api.ts";
import { secrets } from "../certificates/secret.ts";
import { configMaps, uncheckedName } from "../entries/unchecked.ts";
import { auditParts } from "../reports/audit-parts.ts";
import { removeConfiguration, webhookResources } from "../webhooks/controller.ts";
import { managedBy } from "./crds/crd.ts";

export interface UninstallOptions {
  readonly client: ClusterClient;
  readonly namespace: string;
  readonly configurationName: string;
  readonly secretName: string;
}

const leases = { group: "coordination.k8s.io", version: "v1", resource: "leases" };

/** What was removed, `Kind/name`. Rejects with ApiError when something is there that may not be removed. */
export async function uninstall(options: UninstallOptions): Promise<readonly string[]> {
  const { client, namespace, configurationName, secretName } = options;
  const removed: string[] = [];
  for (const [kind, resource] of Object.entries(webhookResources)) {
    // oxlint-disable-next-line no-await-in-loop -- in this order
    const stored = await found(client, resource, { namespace: "", name: configurationName });
    if (stored === null || !isOurs(stored)) continue;
    // oxlint-disable-next-line no-await-in-loop
    await removeConfiguration(client, kind as keyof typeof webhookResources, stored);
    removed.push(`${kind}/${configurationName}`);
  }
  const secret = await found(client, secrets, { namespace, name: secretName });
  if (secret !== null && isOurs(secret) && (await removeOne(client, secrets, secret))) {
    removed.push(`Secret/${secretName}`);
  }
  const unchecked = await found(client, configMaps, { namespace, name: uncheckedName });
  if (unchecked !== null && isOurs(unchecked) && (await removeOne(client, configMaps, unchecked))) {
    removed.push(`ConfigMap/${uncheckedName}`);
  }
  removed.push(...(await removeParts(client, namespace)));
  for await (const page of client.list(leases, { namespace })) {
    for (const lease of page) {
      if (!/^portcullis(?:-|$)/.test(nameOf(lease))) continue;
      // oxlint-disable-next-line no-await-in-loop -- there are a few
      if (await removeOne(client, leases, lease)) removed.push(`Lease/${nameOf(lease)}`);
    }
  }
  return removed;
}

/** What audits told each other; their kind may not be served. */
async function removeParts(client: ClusterClient, namespace: string): Promise<readonly string[]> {
  const removed: string[] = [];
  try {
    for await (const page of client.list(auditParts, { namespace })) {
      // oxlint-disable-next-line no-await-in-loop -- in order
      for (const part of page) if (await removeOne(client, auditParts, part)) removed.push(`AuditPart/${nameOf(part)}`);
    }
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  return removed;
}

function isOurs(object: ClusterObject): boolean {
  return Object.entries(managedBy).every(([key, value]) => labelsOf(object)[key] === value);
}

type Resource = Parameters<ClusterClient["get"]>[0];

async function found(client: ClusterClient, resource: Resource, name: ObjectName): Promise<ClusterObject | null> {
  try {
    return await client.get(resource, name);
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
}

/** False when it was gone already. */
async function removeOne(client: ClusterClient, resource: Resource, object: ClusterObject): Promise<boolean> {
  try {
    await client.remove(resource, { namespace: namespaceOf(object), name: nameOf(object) });
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
