// What an API server serves. Newer ones tell all groups in two answers (aggregated discovery v2, v2beta1 before), older
// ones a list per group and version. A group whose own server does not answer is left out and named; the rest is used.
// The answer is remembered; those who ask at the same time share one read.
// Behaviour: k8s.io/client-go discovery ServerGroupsAndResources, k8s.io/api/apidiscovery/v2.

import {
  type GroupVersionKind,
  type GroupVersionResource,
  isObject,
  parseApiVersion,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import { type ApiCall, type ApiResource, ApiError } from "./api.ts";

interface Discovered {
  readonly resources: readonly ApiResource[];
  /** `group/version`s that could not be read. */
  readonly failed: readonly string[];
}

export type Discover = (refresh?: boolean) => Promise<Discovered>;

const aggregatedAccept = ["v2", "v2beta1"]
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .concat("application/json")
  .join(",");

type Call = (request: ApiCall) => Promise<unknown>;

export function createDiscovery(call: Call): Discover {
  let known: Promise<Discovered> | null = null;
  return (refresh = false) => {
    if (refresh || known === null) {
      const reading = discoverAll(call);
      known = reading;
      reading.catch(() => {
        if (known === reading) known = null;
      });
    }
    return known;
  };
}

/** The kind of a resource; null when it is not served, of which we make sure by asking again. */
export async function kindOfResource(
  discover: Discover,
  resource: GroupVersionResource,
): Promise<GroupVersionKind | null> {
  const found = resourceIn(await discover(), resource) ?? resourceIn(await discover(true), resource);
  return found?.gvk ?? null;
}

function resourceIn({ resources }: Discovered, wanted: GroupVersionResource): ApiResource | undefined {
  return resources.find(
    ({ gvr }) => gvr.group === wanted.group && gvr.version === wanted.version && gvr.resource === wanted.resource,
  );
}

async function discoverAll(call: Call): Promise<Discovered> {
  const parts = await Promise.all(["/api", "/apis"].map((path) => discoverRoot(call, path)));
  return { resources: parts.flatMap(({ resources }) => resources), failed: parts.flatMap(({ failed }) => failed) };
}

async function discoverRoot(call: Call, path: string): Promise<Discovered> {
  const answer = await call({ method: "GET", path, accept: aggregatedAccept });
  if (stringAt(answer, "kind") === "APIGroupDiscoveryList") return aggregated(answer);
  return path === "/api" ? legacyCore(call, answer) : legacyGroups(call, answer);
}

// ── aggregated

function aggregated(answer: unknown): Discovered {
  const resources: ApiResource[] = [];
  const failed: string[] = [];
  for (const group of listAt(answer, "items")) {
    const name = stringAt(group, "metadata", "name");
    const preferredKinds = new Set<string>();
    for (const entry of listAt(group, "versions")) {
      const version = stringAt(entry, "version");
      if (stringAt(entry, "freshness") === "Stale") failed.push(name === "" ? version : `${name}/${version}`);
      for (const resource of listAt(entry, "resources")) {
        const found = aggregatedResource({ group: name, version }, resource);
        if (found === null) continue;
        resources.push({ ...found, preferred: !preferredKinds.has(found.gvk.kind) });
        preferredKinds.add(found.gvk.kind);
      }
    }
  }
  return { resources, failed };
}

function aggregatedResource(
  { group, version }: { readonly group: string; readonly version: string },
  tree: unknown,
): ApiResource | null {
  const resource = stringAt(tree, "resource");
  const kind = stringAt(tree, "responseKind", "kind");
  if (resource === "" || kind === "") return null;
  const verbs = stringsAt(tree, "verbs");
  return {
    gvr: { group, version, resource },
    gvk: {
      group: stringAt(tree, "responseKind", "group") || group,
      version: stringAt(tree, "responseKind", "version") || version,
      kind,
    },
    namespaced: stringAt(tree, "scope") === "Namespaced",
    verbs,
    subresources: listAt(tree, "subresources").map((one) => stringAt(one, "subresource")),
    preferred: false,
    shortNames: stringsAt(tree, "shortNames"),
    categories: stringsAt(tree, "categories"),
  };
}

// ── a list per group and version

async function legacyCore(call: Call, answer: unknown): Promise<Discovered> {
  const versions = stringsAt(answer, "versions").map((version) => ({ path: `/api/${version}`, text: version }));
  return collected(await Promise.all(versions.map((version) => legacyVersion(call, version))));
}

async function legacyGroups(call: Call, answer: unknown): Promise<Discovered> {
  const groups = listAt(answer, "groups").map((group) => {
    const preferred = stringAt(group, "preferredVersion", "groupVersion");
    const versions = listAt(group, "versions").map((one) => stringAt(one, "groupVersion"));
    return [preferred, ...versions.filter((version) => version !== preferred)].filter((version) => version !== "");
  });
  const parts = groups.map(async (versions) =>
    collected(await Promise.all(versions.map((text) => legacyVersion(call, { path: `/apis/${text}`, text })))),
  );
  const all = await Promise.all(parts);
  return { resources: all.flatMap(({ resources }) => resources), failed: all.flatMap(({ failed }) => failed) };
}

/** Of versions in the order of their preference, the first that has a kind is the preferred one for it. */
function collected(parts: readonly Discovered[]): Discovered {
  const kinds = new Set<string>();
  const resources: ApiResource[] = [];
  for (const resource of parts.flatMap((part) => part.resources)) {
    resources.push({ ...resource, preferred: !kinds.has(resource.gvk.kind) });
    kinds.add(resource.gvk.kind);
  }
  return { resources, failed: parts.flatMap(({ failed }) => failed) };
}

async function legacyVersion(
  call: Call,
  { path, text }: { readonly path: string; readonly text: string },
): Promise<Discovered> {
  let answer: unknown;
  try {
    answer = await call({ method: "GET", path });
  } catch (error) {
    if (error instanceof ApiError) return { resources: [], failed: [text] };
    throw error;
  }
  const { group, version } = parseApiVersion(text) ?? { group: "", version: text };
  const entries = listAt(answer, "resources");
  const resources = entries.flatMap((entry): readonly ApiResource[] => {
    const resource = stringAt(entry, "name");
    if (resource === "" || resource.includes("/")) return [];
    const prefix = `${resource}/`;
    return [
      {
        gvr: { group, version, resource },
        gvk: {
          group: stringAt(entry, "group") || group,
          version: stringAt(entry, "version") || version,
          kind: stringAt(entry, "kind"),
        },
        namespaced: valueAt(entry, "namespaced") === true,
        verbs: stringsAt(entry, "verbs"),
        subresources: entries
          .map((one) => stringAt(one, "name"))
          .filter((name) => name.startsWith(prefix))
          .map((name) => name.slice(prefix.length)),
        preferred: false,
        shortNames: stringsAt(entry, "shortNames"),
        categories: stringsAt(entry, "categories"),
      },
    ];
  });
  return { resources, failed: [] };
}

function listAt(tree: unknown, key: string): readonly unknown[] {
  const list = isObject(tree) ? tree[key] : null;
  return Array.isArray(list) ? (list as readonly unknown[]) : [];
}

function stringsAt(tree: unknown, key: string): readonly string[] {
  return listAt(tree, key).filter((one) => typeof one === "string");
}
