// Rights that policies need and the product does not have: it cannot audit kinds that it may not list, nor look at data that it
// may not watch. The API server itself is asked, once for each resource, about us or about our ServiceAccount.

import { type GroupVersionResource, valueAt } from "@portcullis/kube";
import type { Scope } from "@portcullis/policy";
import type { ApiResource, ClusterClient } from "../../cluster/api.ts";
import { aggregationLabel } from "./rights.ts";

export interface MissingOptions {
  readonly client: ClusterClient;
  readonly policies: readonly { readonly scope: Scope; readonly reads: readonly Scope[] }[];
  readonly resources: readonly ApiResource[];
  /** `system:serviceaccount:…`; whoever the client is when absent. */
  readonly user?: string;
}

/** A line for people for each resource. Rejects with ApiError when the API server does not say. */
export async function missingRights(options: MissingOptions): Promise<readonly string[]> {
  const { client, policies, resources, user } = options;
  const needed = neededResources(policies, resources);
  // What is listed is also watched: an audit that cannot go on is none.
  const may = (verb: string): Promise<readonly boolean[]> =>
    Promise.all(needed.map((resource) => isAllowed(client, { verb, resource, user })));
  const [listed, watched] = await Promise.all([may("list"), may("watch")]);
  const [label = ""] = Object.entries(aggregationLabel).map(([key, value]) => `${key}: "${value}"`);
  return needed.flatMap(({ group, resource }, at) => {
    if (listed[at] === true && watched[at] === true) return [];
    const name = group === "" ? resource : `${resource}.${group}`;
    const verb = listed[at] === true ? "watch" : "list";
    return `policies look at ${name}, which portcullis may not ${verb}: give it a ClusterRole for them with the label ${label}`;
  });
}

/** Of the kinds that policies name; who matches everything audits what may be listed. */
export function neededResources(
  policies: MissingOptions["policies"],
  resources: readonly ApiResource[],
): readonly GroupVersionResource[] {
  const kinds = new Set(policies.flatMap(({ scope, reads }) => [scope, ...reads].flatMap((one) => one.kinds ?? [])));
  const found = new Map<string, GroupVersionResource>();
  for (const { gvr, gvk, verbs } of resources) {
    const isNamed = kinds.has(`${gvk.group}/${gvk.kind}`) || kinds.has(`*/${gvk.kind}`);
    if (isNamed && verbs.includes("list")) found.set(`${gvr.group}/${gvr.resource}`, gvr);
  }
  return [...found.values()].toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function keyOf({ group, resource }: GroupVersionResource): string {
  return `${group}/${resource}`;
}

interface Right {
  readonly verb: string;
  readonly resource: GroupVersionResource;
  readonly user: string | undefined;
}

async function isAllowed(client: ClusterClient, { verb, resource, user }: Right): Promise<boolean> {
  const kind = user === undefined ? "SelfSubjectAccessReview" : "SubjectAccessReview";
  const { group, resource: name } = resource;
  const answer = await client.call({
    method: "POST",
    path: `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`,
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind,
      spec: { resourceAttributes: { group, resource: name, verb }, ...(user !== undefined && { user }) },
    },
  });
  return valueAt(answer, "status", "allowed") === true;
}
