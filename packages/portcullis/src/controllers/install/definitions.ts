// CustomResourceDefinitions on a cluster: those that are missing are made, those that this product made in an earlier version are
// brought up to date (a digest of what was written stands in an annotation), and those of somebody else are left as they
// are. Afterwards every one is served.

import { createHash } from "node:crypto";
import { type JsonRecord, annotationsOf, isObject, labelsOf, nameOf, stringAt, valueAt } from "@portcullis/kube";
import { ApiError, type ClusterClient, type ClusterObject } from "../../cluster/api.ts";
import { definitionResource } from "../../cluster/definitions.ts";
import { managedBy } from "./crds/crd.ts";

const digestAnnotation = "portcullis.dev/definition";

export interface DefinitionChanges {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  /** There already, as wanted or as somebody else wants it. */
  readonly kept: readonly string[];
}

/** Resolves once each is served. Rejects with ApiError when one cannot be written, or is not served within `limitMs`. */
export async function ensureDefinitions(
  client: ClusterClient,
  definitions: readonly JsonRecord[],
  limitMs = 30_000,
): Promise<DefinitionChanges> {
  const there = new Map<string, ClusterObject>();
  for await (const page of client.list(definitionResource))
    for (const object of page) there.set(nameOf(object), object);
  const changes = { created: new Array<string>(), updated: new Array<string>(), kept: new Array<string>() };
  for (const definition of definitions) {
    // oxlint-disable-next-line no-await-in-loop -- an API server that installs many at once answers others late
    const change = await ensureOne(client, definition, there.get(nameOf(definition)) ?? null);
    changes[change].push(nameOf(definition));
  }
  const waiting = definitions.map((definition) => nameOf(definition));
  await untilServed(client, waiting, performance.now() + limitMs);
  return changes;
}

async function ensureOne(
  client: ClusterClient,
  definition: JsonRecord,
  stored: ClusterObject | null,
): Promise<keyof DefinitionChanges> {
  const wanted = withDigest(definition);
  const fieldManager = "portcullis";
  if (stored === null) {
    try {
      await client.create(definitionResource, wanted, { fieldManager });
      return "created";
    } catch (error) {
      // Another replica, or the user, was faster.
      if (error instanceof ApiError && error.status === 409) return "kept";
      throw error;
    }
  }
  const isOurs = includes(labelsOf(stored), managedBy);
  if (!isOurs || annotationsOf(stored)[digestAnnotation] === annotationsOf(wanted)[digestAnnotation]) return "kept";
  const name = { namespace: "", name: nameOf(definition) };
  await client.patch(definitionResource, name, wanted, { type: "apply", force: true, fieldManager });
  return "updated";
}

function withDigest(definition: JsonRecord): ClusterObject {
  const digest = createHash("sha256").update(JSON.stringify(definition["spec"])).digest("hex").slice(0, 16);
  const { metadata } = definition;
  const annotations = { ...annotationsOf(definition), [digestAnnotation]: digest };
  return { ...definition, metadata: { ...(isObject(metadata) && metadata), annotations } };
}

async function untilServed(client: ClusterClient, names: readonly string[], untilMs: number): Promise<void> {
  let waiting = names;
  while (waiting.length > 0) {
    const served = new Set<string>();
    // oxlint-disable-next-line no-await-in-loop -- polling is the point
    for await (const page of client.list(definitionResource)) {
      for (const object of page) if (isServed(object)) served.add(nameOf(object));
    }
    waiting = waiting.filter((name) => !served.has(name));
    if (waiting.length === 0) return;
    if (performance.now() > untilMs) throw new Error(`the API server does not serve ${waiting.join(", ")}`);
    // oxlint-disable-next-line no-await-in-loop
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Whether objects of the kind can be written. */
export function isServed(definition: ClusterObject): boolean {
  const conditions = valueAt(definition, "status", "conditions");
  const listed: readonly unknown[] = Array.isArray(conditions) ? conditions : [];
  return listed.some((one) => stringAt(one, "type") === "Established" && stringAt(one, "status") === "True");
}

function includes(all: Readonly<Record<string, unknown>>, some: Readonly<Record<string, string>>): boolean {
  return Object.entries(some).every(([key, value]) => all[key] === value);
}
