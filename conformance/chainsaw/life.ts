// What a controller manager does, as little of it as tests notice: a Namespace that is deleted is emptied and let go, roles
// are aggregated, and Deployments say that their Pods are ready. There are no Pods: who asserts them has none.

import { setTimeout as sleep } from "node:timers/promises";
import {
  type SelectorPredicate,
  compileLabelSelector,
  isObject,
  labelsOf,
  nameOf,
  namespaceOf,
  readLabelSelector,
  valueAt,
} from "@portcullis/kube";
import {
  type ClusterClient,
  type ClusterObject,
  isConflict,
  isNotFound,
} from "../../packages/portcullis/src/cluster/api.ts";

export const namespaces = { group: "", version: "v1", resource: "namespaces" };
const deployments = { group: "apps", version: "v1", resource: "deployments" };
const clusterRoles = { group: "rbac.authorization.k8s.io", version: "v1", resource: "clusterroles" };

/** Until the signal. */
export async function keepAlive(client: ClusterClient, signal: AbortSignal): Promise<void> {
  await Promise.all(
    [endNamespaces, aggregateRoles, readyDeployments].map((work) => repeat(() => work(client), signal)),
  );
}

async function repeat(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // What went wrong is tried again: the object was changed, or the API server is going.
    // oxlint-disable-next-line no-await-in-loop -- once in a while
    await work().catch(() => {});
    // oxlint-disable-next-line no-await-in-loop -- see above
    await sleep(250, undefined, { signal }).catch(() => {});
  }
}

// ── namespaces

async function endNamespaces(client: ClusterClient): Promise<void> {
  const going = (await all(client, namespaces)).filter(isGoing);
  await Promise.all(going.map((one) => emptyAndEnd(client, nameOf(one))));
}

function isGoing(object: ClusterObject): boolean {
  return valueAt(object, "metadata", "deletionTimestamp") !== undefined;
}

export async function emptyAndEnd(client: ClusterClient, name: string): Promise<void> {
  await empty(client, name);
  const object = await client.get(namespaces, { namespace: "", name }).catch(() => null);
  if (object === null || !isObject(object["spec"])) return;
  const body = { ...object, spec: { ...object["spec"], finalizers: [] } };
  await client.call({ method: "PUT", path: `/api/v1/namespaces/${name}/finalize`, body }).catch(ignoreMissing);
}

async function empty(client: ClusterClient, namespace: string, kept: ReadonlySet<string> = new Set()): Promise<void> {
  const { resources } = await client.discover();
  const removable = resources.filter(
    ({ gvr, namespaced, preferred, verbs }) =>
      namespaced && preferred && verbs.includes("deletecollection") && !kept.has(gvr.resource),
  );
  await Promise.all(
    removable.map(async ({ gvr: { group, version, resource } }) => {
      const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
      const path = `${root}/namespaces/${namespace}/${resource}?gracePeriodSeconds=0`;
      await client.call({ method: "DELETE", path }).catch(ignoreMissing);
    }),
  );
}

/** What is the cluster's own in the namespace `default`. */
const kept: ReadonlySet<string> = new Set(["endpoints", "endpointslices", "serviceaccounts", "services"]);
const policyGroups: ReadonlySet<string> = new Set(["kyverno.io", "policies.kyverno.io"]);

/** Takes away every policy, and what is in the namespace `default`. */
export async function clear(client: ClusterClient): Promise<void> {
  const { resources } = await client.discover();
  const policies = resources.filter(
    ({ gvr, preferred, verbs }) => policyGroups.has(gvr.group) && preferred && verbs.includes("list"),
  );
  await Promise.all(
    policies.map(async ({ gvr }) => {
      for (const object of await all(client, gvr)) {
        // oxlint-disable-next-line no-await-in-loop -- rarely more than one
        await client.remove(gvr, { namespace: namespaceOf(object), name: nameOf(object) }).catch(ignoreMissing);
      }
    }),
  );
  await empty(client, "default", kept);
}

/** Another one was faster, which is as good. */
export function ignoreMissing(error: unknown): void {
  if (!isNotFound(error) && !isConflict(error)) throw error;
}

// ── roles

async function aggregateRoles(client: ClusterClient): Promise<void> {
  const roles = await all(client, clusterRoles);
  for (const role of roles) {
    const selectors = valueAt(role, "aggregationRule", "clusterRoleSelectors");
    if (!Array.isArray(selectors)) continue;
    const matches = selectors.map(labelMatcher);
    const chosen = roles.filter((one) => one !== role && matches.some((matching) => matching(labelsOf(one))));
    const rules = chosen.flatMap((one) => (Array.isArray(one["rules"]) ? (one["rules"] as readonly unknown[]) : []));
    if (JSON.stringify(rules) === JSON.stringify(role["rules"] ?? [])) continue;
    // oxlint-disable-next-line no-await-in-loop -- rarely more than one
    await client.patch(clusterRoles, { namespace: "", name: nameOf(role) }, { rules }, { type: "merge" });
  }
}

function labelMatcher(tree: unknown): SelectorPredicate {
  const selector = readLabelSelector(tree);
  if ("error" in selector) return () => false;
  const compiled = compileLabelSelector(selector);
  return "error" in compiled ? () => false : compiled.matches;
}

// ── Deployments

async function readyDeployments(client: ClusterClient): Promise<void> {
  for (const object of await all(client, deployments)) {
    const replicas = Number(valueAt(object, "spec", "replicas") ?? 1);
    const generation = valueAt(object, "metadata", "generation");
    const status = {
      observedGeneration: generation,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
    };
    const now = valueAt(object, "status");
    if (Object.entries(status).every(([key, value]) => (valueAt(now, key) ?? 0) === value)) continue;
    const where = { namespace: namespaceOf(object), name: nameOf(object) };
    // oxlint-disable-next-line no-await-in-loop -- rarely more than one
    await client.patch(deployments, where, { status }, { type: "merge", subresource: "status" });
  }
}

async function all(
  client: ClusterClient,
  resource: Parameters<ClusterClient["list"]>[0],
): Promise<readonly ClusterObject[]> {
  const found: ClusterObject[] = [];
  for await (const page of client.list(resource)) found.push(...page);
  return found;
}
