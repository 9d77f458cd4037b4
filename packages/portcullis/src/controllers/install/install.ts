// Policies onto a cluster, in an order in which each finds what it needs: namespaces, definitions, templates, what policies look
// at, and then the policies themselves. A constraint waits until its kind is served: replicas of ours make it from the
// template, and where none runs it is made here. At the end each policy is watched until every replica enforces it.
// Every step is desired state, so that doing it again changes nothing.

import { type JsonRecord, gvkOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import { ApiError, type ApiResource, type ClusterClient, type ClusterObject } from "../../cluster/api.ts";
import { definitionResource } from "../../cluster/definitions.ts";
import { type DefinitionChanges, ensureDefinitions, isServed } from "./definitions.ts";
import { type Enforcement, aliveReplicas, enforcementOf } from "./enforced.ts";
import { missingRights } from "./missing.ts";
import { type Compiled, lookedAt } from "./named.ts";

interface InstallItem {
  readonly object: ClusterObject;
  /** `file:line:column`, for people. */
  readonly place: string;
}

export interface InstallOptions {
  readonly client: ClusterClient;
  readonly items: readonly InstallItem[];
  /** The product's own. */
  readonly definitions: readonly JsonRecord[];
  /** Those of constraints, which the items' templates want. */
  readonly constraintDefinitions: readonly JsonRecord[];
  /** Where the replicas' Leases are. */
  readonly namespace: string;
  /** Until they are enforced. */
  readonly limitMs: number;
  /** Look until every replica enforces each. */
  readonly waits: boolean;
  /** What the policies look at, to see whether the product may look at it. */
  readonly policies: Compiled["policies"];
  readonly tell: (line: string) => void;
  readonly warn: (line: string) => void;
}

/** What is wrong, in lines for people; empty when everything is as wanted. Rejects with ApiError when the cluster fails. */
export async function install(options: InstallOptions): Promise<readonly string[]> {
  const { client, definitions, tell } = options;
  tellDefinitions(await ensureDefinitions(client, definitions), tell);
  const ordered = options.items.toSorted((a, b) => rankOf(a.object) - rankOf(b.object));
  const problems: string[] = [];
  const stored: (InstallItem & { readonly resource: ApiResource })[] = [];
  let rank = 0;
  for (const item of ordered) {
    const own = rankOf(item.object);
    // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
    if (own !== rank) await betweenRanks(options, rank, own);
    rank = own;
    // oxlint-disable-next-line no-await-in-loop
    const applied = await applyOne(client, item);
    if (typeof applied === "string") problems.push(applied);
    else {
      tell(`${titleOf(item.object, applied.resource)} ${applied.what}`);
      stored.push({ ...item, object: applied.object, resource: applied.resource });
    }
  }
  await warnOfRights(options);
  if (!options.waits) return problems;
  return [...problems, ...(await untilEnforced(options, stored))];
}

function tellDefinitions({ created, updated }: DefinitionChanges, tell: (line: string) => void): void {
  if (created.length > 0) tell(`customresourcedefinitions: ${created.length} created`);
  if (updated.length > 0) tell(`customresourcedefinitions: ${updated.length} configured`);
}

/** What the product's ServiceAccount lacks; whoever may not ask is not told. */
async function warnOfRights({ client, namespace, policies, items, warn }: InstallOptions): Promise<void> {
  const account = { namespace, name: "portcullis" };
  try {
    await client.get({ group: "", version: "v1", resource: "serviceaccounts" }, account);
    const { resources } = await client.discover();
    const user = `system:serviceaccount:${namespace}:${account.name}`;
    const objects = items.map(({ object }) => object);
    const looked = lookedAt({ policies }, objects, resources);
    for (const line of await missingRights({ client, policies: looked, resources, user })) warn(line);
  } catch (error) {
    if (!(error instanceof ApiError && (error.status === 403 || error.status === 404))) throw error;
  }
}

const ranks = { namespace: 0, definition: 1, template: 2, data: 3, policy: 4 } as const;

function rankOf(object: ClusterObject): number {
  const { group, kind } = gvkOf(object);
  if (kind === "Namespace") return ranks.namespace;
  if (kind === "CustomResourceDefinition") return ranks.definition;
  if (kind === "ConstraintTemplate") return ranks.template;
  return /(?:gatekeeper\.sh|kyverno\.io)$/.test(group) && kind !== "PolicyException" ? ranks.policy : ranks.data;
}

async function betweenRanks(options: InstallOptions, from: number, to: number): Promise<void> {
  const { client, items, constraintDefinitions, namespace, limitMs } = options;
  if (from < ranks.template && to >= ranks.template) {
    const own = items.filter(({ object }) => rankOf(object) === ranks.definition).map(({ object }) => object);
    if (own.length > 0) await ensureDefinitions(client, own);
  }
  if (to !== ranks.policy || constraintDefinitions.length === 0) return;
  const isRunning = (await aliveReplicas(client, namespace)).length > 0;
  if (isRunning) await untilMade(client, constraintDefinitions, Math.min(limitMs, 5000));
  await ensureDefinitions(client, constraintDefinitions);
}

/** Gives replicas the time to make the kinds of their templates. */
async function untilMade(client: ClusterClient, definitions: readonly JsonRecord[], limitMs: number): Promise<void> {
  const wanted = new Set(definitions.map((definition) => nameOf(definition)));
  const untilMs = performance.now() + limitMs;
  while (performance.now() < untilMs) {
    let made = 0;
    // oxlint-disable-next-line no-await-in-loop -- polling is the point
    for await (const page of client.list(definitionResource)) {
      made += page.filter((object) => wanted.has(nameOf(object)) && isServed(object)).length;
    }
    if (made >= wanted.size) return;
    // oxlint-disable-next-line no-await-in-loop
    await pause(200);
  }
}

// ── one object

interface Applied {
  readonly object: ClusterObject;
  readonly resource: ApiResource;
  readonly what: "created" | "configured" | "unchanged";
}

/** What was done, or why it could not be done. */
async function applyOne(client: ClusterClient, { object, place }: InstallItem): Promise<Applied | string> {
  const resource = await resourceFor(client, object);
  if (resource === null) {
    const { kind } = gvkOf(object);
    return `${place}: the API server serves no kind ${kind} of ${stringAt(object, "apiVersion")}`;
  }
  const namespace = resource.namespaced ? namespaceOf(object) || "default" : "";
  const name = { namespace, name: nameOf(object) };
  try {
    const before = await found(client, resource, name);
    const after = await client.patch(resource.gvr, name, object, {
      type: "apply",
      fieldManager: "portcullis-install",
      force: true,
      fieldValidation: "Strict",
    });
    const isSame = versionOf(before) === versionOf(after);
    return { object: after, resource, what: before === null ? "created" : isSame ? "unchanged" : "configured" };
  } catch (error) {
    if (error instanceof ApiError && error.status !== 0) return `${place}: ${error.message}`;
    throw error;
  }
}

/** A kind that was just defined is asked for again, and once more a moment later. */
async function resourceFor(client: ClusterClient, object: ClusterObject): Promise<ApiResource | null> {
  const { group, version, kind } = gvkOf(object);
  for (let attempt = 0; attempt < 10; attempt++) {
    // oxlint-disable-next-line no-await-in-loop -- until it is served
    const { resources } = await client.discover(attempt > 0);
    const same = resources.filter(({ gvk }) => gvk.group === group && gvk.kind === kind);
    const exact = same.find(({ gvk }) => gvk.version === version);
    if (exact !== undefined) return exact;
    if (attempt > 0 && !/\.(?:gatekeeper\.sh|kyverno\.io)$/.test(`.${group}`)) return null;
    // oxlint-disable-next-line no-await-in-loop
    if (attempt > 0) await pause(300);
  }
  return null;
}

async function found(
  client: ClusterClient,
  { gvr }: ApiResource,
  name: { readonly namespace: string; readonly name: string },
): Promise<ClusterObject | null> {
  try {
    return await client.get(gvr, name);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

function versionOf(object: ClusterObject | null): string {
  return stringAt(object, "metadata", "resourceVersion");
}

function titleOf(object: ClusterObject, { gvr }: ApiResource): string {
  const { kind } = gvkOf(object);
  const namespace = namespaceOf(object);
  const group = gvr.group === "" ? "" : `.${gvr.group}`;
  return `${kind.toLowerCase()}${group}/${namespace === "" ? "" : `${namespace}/`}${nameOf(object)}`;
}

// ── until it counts

interface Watched extends InstallItem {
  readonly resource: ApiResource;
}

async function untilEnforced(options: InstallOptions, stored: readonly Watched[]): Promise<readonly string[]> {
  const { client, namespace, limitMs, tell } = options;
  const untilMs = performance.now() + limitMs;
  const problems: string[] = [];
  let waiting = stored.filter(({ object }) => enforcementOf(object, []).state !== "stored");
  let members: readonly string[] = [];
  while (waiting.length > 0) {
    // oxlint-disable-next-line no-await-in-loop -- polling is the point
    members = await aliveReplicas(client, namespace);
    // oxlint-disable-next-line no-await-in-loop
    const looked = await Promise.all(waiting.map((item) => look(client, item, members)));
    waiting = looked.filter(({ enforcement }) => enforcement.state === "waiting").map(({ item }) => item);
    for (const { item, enforcement } of looked) {
      const title = titleOf(item.object, item.resource);
      if (enforcement.state === "enforced")
        tell(`${title} enforced by ${enforcement.by} of ${members.length} replicas`);
      if (enforcement.state === "failed")
        problems.push(...enforcement.errors.map((text) => `${item.place}: ${title}: ${text}`));
    }
    if (waiting.length === 0 || performance.now() > untilMs) break;
    // oxlint-disable-next-line no-await-in-loop
    await pause(300);
  }
  if (waiting.length === 0) return problems;
  if (members.length === 0) return [...problems, nobody(namespace)];
  const late = waiting.map(
    (item) => `${item.place}: ${titleOf(item.object, item.resource)} is not enforced by every replica yet`,
  );
  return [...problems, ...late];
}

function nobody(namespace: string): string {
  return `no replica of portcullis runs in the namespace ${namespace}: the policies are stored, and are enforced when one starts`;
}

async function look(
  client: ClusterClient,
  item: Watched,
  members: readonly string[],
): Promise<{ readonly item: Watched; readonly enforcement: Enforcement }> {
  const { resource, object } = item;
  const name = { namespace: namespaceOf(object), name: nameOf(object) };
  const live = await found(client, resource, name);
  if (live === null) return { item, enforcement: { state: "failed", errors: ["it was removed meanwhile"] } };
  return { item, enforcement: enforcementOf(live, members) };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
