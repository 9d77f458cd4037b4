// The CustomResourceDefinitions of constraints: what templates want to exist is made so. Every replica does the same; whoever
// comes second finds nothing to do. A definition carries the digest of what was wanted, so that one look tells whether the
// template has changed; a definition that somebody else changed is looked at whole, once, and set right.
//
// Definitions belong to their templates: an owner reference lets the API server's garbage collector take them away, and the
// leader does so itself, because a constraint without a template would look enforced. Definitions without such a reference
// (from a repository of manifests) stay. Gatekeeper: pkg/controller/constrainttemplate generateCRD.

import { type JsonRecord, isObject, labelsOf, nameOf, stringAt, valueAt } from "@portcullis/kube";
import { digestOf } from "@portcullis/policy";
import type { Account } from "../../app/account.ts";
import { ApiError, type ClusterClient, type ClusterObject, type WorkQueue } from "../../cluster/api.ts";
import { definitionResource } from "../../cluster/definitions.ts";
import type { PolicyFeed } from "./feed.ts";
import { type Insistence, createInsistence } from "./insistence.ts";

export interface EnsureOptions {
  readonly client: ClusterClient;
  readonly feed: PolicyFeed;
  readonly leads: () => boolean;
  readonly createQueue: (work: (name: string) => Promise<void>) => WorkQueue;
  readonly nowMs: () => number;
}

export interface Ensuring {
  refresh(): void;
  idle(): Promise<void>;
  close(): Promise<void>;
}

interface Definition {
  readonly crd: JsonRecord;
  readonly digest: string;
  readonly template: string;
}

interface State extends EnsureOptions {
  wanted: ReadonlyMap<string, Definition>;
  /** Definitions that were looked at whole and found right: `uid generation digest`. */
  readonly settled: Map<string, string>;
  readonly insistence: Insistence;
}

/** Which digest of a wanted definition the one on the cluster was made from. */
const digestAnnotation = "portcullis.dev/definition";
const constraintLabel = "gatekeeper.sh/constraint";

export function startEnsuring(options: EnsureOptions): Ensuring {
  const { feed } = options;
  const state: State = {
    ...options,
    wanted: new Map(),
    settled: new Map(),
    insistence: createInsistence(options.nowMs),
  };
  const queue = options.createQueue((name) => ensure(state, name, queue));
  const refresh = (): void => {
    const owned = feed.definitions.list().filter((crd) => ownerOf(crd) !== null);
    for (const name of new Set([...state.wanted.keys(), ...owned.map(nameOf)])) queue.add(name);
  };
  feed.onServed(({ account }) => {
    if (account === null) return;
    state.wanted = wantedOf(account);
    refresh();
  });
  feed.definitions.onChange(({ object }) => {
    const name = nameOf(object);
    if (state.wanted.has(name) || ownerOf(object) !== null) queue.add(name);
  });
  return { refresh, idle: () => queue.idle(), close: () => queue.close() };
}

function wantedOf({ ensured }: Account): ReadonlyMap<string, Definition> {
  const wanted = new Map<string, Definition>();
  for (const { owner, objects } of ensured) {
    for (const one of objects) {
      if (!("data" in one) || !isObject(one.data)) continue;
      const template = owner.slice(owner.lastIndexOf("/") + 1);
      wanted.set(nameOf(one.data), { crd: one.data, digest: digestOf(one.data), template });
    }
  }
  return wanted;
}

/** The template that a definition of constraints belongs to, by its owner reference. */
function ownerOf(crd: ClusterObject): { readonly name: string } | null {
  if (labelsOf(crd)[constraintLabel] !== "yes") return null;
  const owners = valueAt(crd, "metadata", "ownerReferences");
  const all = Array.isArray(owners) ? (owners as readonly unknown[]) : [];
  const owner = all.find((one) => stringAt(one, "kind") === "ConstraintTemplate");
  return owner === undefined ? null : { name: stringAt(owner, "name") };
}

async function ensure(state: State, name: string, queue: WorkQueue): Promise<void> {
  const { client, feed, insistence } = state;
  const live = feed.definitions.get({ namespace: "", name });
  const wanted = state.wanted.get(name);
  if (wanted === undefined) {
    if (live !== null) await removeOrphan(state, live);
    return;
  }
  if (live === null) {
    await client.create(definitionResource, withOwner(state, wanted));
    return;
  }
  if (valueAt(live, "metadata", "deletionTimestamp") !== undefined)
    throw new Error(`${name} is being removed, and is made again afterwards`);
  const mark = `${stringAt(live, "metadata", "uid")} ${String(valueAt(live, "metadata", "generation"))} ${wanted.digest}`;
  if (state.settled.get(name) === mark) return;
  const whole = await client.get(definitionResource, { namespace: "", name });
  if (isAsWanted(whole, wanted)) {
    state.settled.set(name, mark);
    insistence.stands(name);
    return;
  }
  const waitMs = insistence.waitMs(name, wanted.digest);
  if (waitMs > 0) {
    queue.add(name, waitMs);
    return;
  }
  await client.update(definitionResource, corrected(whole, wanted));
  insistence.wrote(name, wanted.digest);
}

function isAsWanted(whole: ClusterObject, { crd, digest }: Definition): boolean {
  return (
    stringAt(whole, "metadata", "annotations", digestAnnotation) === digest &&
    covers(valueAt(whole, "spec"), valueAt(crd, "spec")) &&
    covers(valueAt(whole, "metadata", "labels"), valueAt(crd, "metadata", "labels"))
  );
}

/** Whether everything that is wanted is there; an API server adds defaults. */
function covers(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(actual) &&
      actual.length === wanted.length &&
      wanted.every((item, at) => covers((actual as readonly unknown[])[at], item))
    );
  }
  if (!isObject(wanted)) return actual === wanted;
  return isObject(actual) && Object.entries(wanted).every(([key, value]) => covers(actual[key], value));
}

function corrected(whole: ClusterObject, { crd, digest }: Definition): ClusterObject {
  const metadata = (valueAt(whole, "metadata") ?? {}) as JsonRecord;
  const labels = { ...labelsOf(whole), ...labelsOf(crd) };
  const annotations = { ...(metadata["annotations"] as JsonRecord | undefined), [digestAnnotation]: digest };
  return { ...whole, metadata: { ...metadata, labels, annotations }, spec: crd["spec"] };
}

function withOwner({ feed }: State, { crd, digest, template }: Definition): ClusterObject {
  const owner = feed.get(templateFile(template));
  const metadata = (valueAt(crd, "metadata") ?? {}) as JsonRecord;
  const reference =
    owner === null
      ? []
      : [
          {
            apiVersion: "templates.gatekeeper.sh/v1",
            kind: "ConstraintTemplate",
            name: template,
            uid: stringAt(owner.object, "metadata", "uid"),
            controller: true,
            blockOwnerDeletion: true,
          },
        ];
  return {
    ...crd,
    metadata: {
      ...metadata,
      annotations: { [digestAnnotation]: digest },
      ...(reference.length > 0 && { ownerReferences: reference }),
    },
  };
}

function templateFile(name: string): string {
  return `constrainttemplate.templates.gatekeeper.sh/${name}`;
}

const templates = { group: "templates.gatekeeper.sh", version: "v1", resource: "constrainttemplates" };

async function isGone(client: ClusterClient, name: string): Promise<boolean> {
  try {
    await client.get(templates, { namespace: "", name });
    return false;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return true;
    throw error;
  }
}

async function removeOrphan({ client, feed, leads }: State, live: ClusterObject): Promise<void> {
  const owner = ownerOf(live);
  // Before the first policies are served no template is known; `onServed` comes here again.
  if (feed.account() === null) return;
  const isGoing = valueAt(live, "metadata", "deletionTimestamp") !== undefined;
  if (owner === null || isGoing || !leads() || feed.get(templateFile(owner.name)) !== null) return;
  // With a definition its constraints go, so the API server itself has to say that the template is not there.
  if (!(await isGone(client, owner.name))) throw new Error(`template ${owner.name} is there, but not known yet`);
  try {
    const options = { uid: stringAt(live, "metadata", "uid"), propagation: "Background" } as const;
    await client.remove(definitionResource, { namespace: "", name: nameOf(live) }, options);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}
