// The safety net below the watches: now and then the names and versions of all objects are listed, page by page, and held
// against what the watches know. What differs is looked at once more a little later, because a watch may be a moment behind;
// a kind for which it still differs is watched anew, which brings every object of it.

import { type GroupVersionResource, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import { ApiError, type ClusterClient, type Informer, type ObjectName } from "../../cluster/api.ts";

export interface Rescan {
  readonly client: ClusterClient;
  readonly resource: GroupVersionResource;
  readonly informer: Informer;
  /** How long a watch may be behind. */
  readonly lagMs: number;
}

/** Whether a watch knows what there is. Rejects when the cluster cannot be read. */
export async function isInStep(rescan: Rescan): Promise<boolean> {
  const suspects = await findSuspects(rescan);
  if (suspects.length === 0) return true;
  await new Promise((resolve) => setTimeout(resolve, rescan.lagMs));
  for (const name of suspects) {
    // oxlint-disable-next-line no-await-in-loop -- they are few, and the first that differs is enough
    if ((await versionOf(rescan, name)) !== knownVersion(rescan, name)) return false;
  }
  return true;
}

async function findSuspects(rescan: Rescan): Promise<readonly ObjectName[]> {
  const seen = new Set<string>();
  const suspects: ObjectName[] = [];
  for await (const page of rescan.client.list(rescan.resource, { metadataOnly: true })) {
    for (const object of page) {
      const name = { namespace: namespaceOf(object), name: nameOf(object) };
      seen.add(`${name.namespace}/${name.name}`);
      if (knownVersion(rescan, name) !== stringAt(object, "metadata", "resourceVersion")) suspects.push(name);
    }
  }
  for (const object of rescan.informer.list()) {
    const name = { namespace: namespaceOf(object), name: nameOf(object) };
    if (!seen.has(`${name.namespace}/${name.name}`)) suspects.push(name);
  }
  return suspects;
}

/** "" where there is none. */
function knownVersion({ informer }: Rescan, name: ObjectName): string {
  return stringAt(informer.get(name), "metadata", "resourceVersion");
}

async function versionOf({ client, resource }: Rescan, name: ObjectName): Promise<string> {
  try {
    return stringAt(await client.get(resource, name), "metadata", "resourceVersion");
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return "";
    throw error;
  }
}
