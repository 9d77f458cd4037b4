// The audit of a cluster once, without a trace in it: every object that a policy matches is listed, page by page, and judged.
// The policies are those of the cluster or others, which is how one finds out what they would break.

import { stringAt } from "@portcullis/kube";
import type { Answer, Need, World } from "@portcullis/lang";
import type { PolicySet, PolicySource } from "@portcullis/policy";
import type { ClusterClient, ClusterObject, Informers } from "../../cluster/api.ts";
import { type AuditedObject, policiesFor } from "./auditor.ts";
import { createAuditData } from "./data.ts";
import { auditedPolicies } from "./policies.ts";
import { type Result, createResultStore } from "./results.ts";
import { createScanner } from "./scanner.ts";
import { auditedObject, wantedResources, withKind } from "./watches.ts";

export interface OnceOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly set: PolicySet;
  readonly world: (answer: (need: Need) => Answer) => World;
  readonly fetch: (needs: readonly Need[]) => Promise<readonly Answer[]>;
  readonly running: () => string | null;
  readonly onObject: (object: AuditedObject, results: readonly Result[]) => void;
  readonly onError: (error: Error) => void;
}

const objectMs = 10_000;

/** Resolves to the number of objects that were judged. Rejects when the cluster cannot be read. */
export async function auditOnce(options: OnceOptions): Promise<number> {
  const { client, informers, onError } = options;
  const policies = auditedPolicies(options.set);
  const data = createAuditData({ client, informers, onChange: () => undefined, onError });
  await data.follow(policies);
  const namespaces = await namespacesOf(client);
  const store = createResultStore();
  const scanner = createScanner({
    store,
    world: (ask) => ({ ...options.world(({ key }) => ({ error: key })), ask }),
    answer: (need) => namespaces(need) ?? data.answer(need),
    fetch: options.fetch,
    objectMs,
    nowMs: () => performance.now(),
    running: options.running,
  });
  const { resources } = await client.discover();
  let count = 0;
  /* oxlint-disable no-await-in-loop -- page by page, so that a large cluster needs little memory */
  for (const resource of wantedResources(resources, policies)) {
    for await (const page of client.list(resource.gvr)) {
      for (const listed of page) {
        const object = withKind(listed, resource);
        const audited = auditedObject(resource, object);
        const units = new Set(policiesFor(policies, audited).map(({ unit }) => unit));
        if (units.size === 0) continue;
        count++;
        options.onObject(audited, await scanner.scan(policies, object, units));
      }
    }
  }
  /* oxlint-enable no-await-in-loop */
  data.close();
  return count;
}

async function namespacesOf(client: ClusterClient): Promise<(need: Need) => Answer | undefined> {
  const known = new Map<string, ClusterObject>();
  for await (const page of client.list({ group: "", version: "v1", resource: "namespaces" })) {
    for (const object of page)
      known.set(stringAt(object, "metadata", "name"), { apiVersion: "v1", kind: "Namespace", ...object });
  }
  return ({ kind, call }) => {
    if (kind !== "object" || stringAt(call, "kind") !== "Namespace" || stringAt(call, "group") !== "") return undefined;
    const name = stringAt(call, "name");
    const found = known.get(name);
    return found === undefined ? { error: `namespaces ${JSON.stringify(name)} not found` } : { value: found };
  };
}

/** The policies that are in a cluster, as it stores them; `owns` tells which kinds those are. */
export async function policiesIn(
  client: ClusterClient,
  owns: (kind: { readonly group: string; readonly kind: string }) => boolean,
): Promise<readonly PolicySource[]> {
  const { resources } = await client.discover();
  const sources: PolicySource[] = [];
  const wanted = resources.filter(({ gvk, preferred, verbs }) => preferred && verbs.includes("list") && owns(gvk));
  for (const resource of wanted) {
    // oxlint-disable-next-line no-await-in-loop -- there are few, and most are small
    for await (const page of client.list(resource.gvr)) {
      for (const listed of page) {
        const { status: _status, ...object } = withKind(listed, resource);
        const name = stringAt(object, "metadata", "name");
        sources.push({ object, file: `${resource.gvr.resource}/${name}` });
      }
    }
  }
  return sources;
}
