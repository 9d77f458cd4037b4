// Objects on the cluster as chainsaw handles them: a namespaced object without a namespace is in the test's own, what is
// applied and there already is merged into it, and what has no name is looked for by kind, namespace and labels.

import { type GroupVersionResource, labelsOf, nameOf, namespaceOf, parseApiVersion, stringAt } from "@portcullis/kube";
import {
  type ApiResource,
  type ClusterClient,
  type ClusterObject,
  type ObjectName,
  isNotFound,
} from "../../packages/portcullis/src/cluster/api.ts";

export interface Reference {
  readonly resource: GroupVersionResource;
  readonly name: ObjectName;
}

export interface Objects {
  /** The object with the namespace that it has for this test. Rejects when its kind is not served. */
  readonly placed: (object: ClusterObject) => Promise<{ readonly object: ClusterObject; readonly where: Reference }>;
  readonly get: (where: Reference) => Promise<ClusterObject | null>;
  /** What an object may be about: itself by name, else all of its kind and namespace that have its labels. */
  readonly candidates: (object: ClusterObject) => Promise<readonly ClusterObject[]>;
  /** Creates it, or merges it into what is there; says which. */
  readonly apply: (object: ClusterObject) => Promise<Written>;
  readonly create: (object: ClusterObject) => Promise<Written>;
  /** Rejects when it is not there. */
  readonly merge: (object: ClusterObject) => Promise<Written>;
  readonly remove: (where: Reference) => Promise<void>;
}

export interface Written {
  readonly object: ClusterObject;
  readonly where: Reference;
  readonly isNew: boolean;
}

/** `namespace` is the test's own. */
export function createObjects(client: ClusterClient, namespace: string): Objects {
  const placed: Objects["placed"] = async (object) => {
    const { gvr, namespaced } = await resourceOf(client, object);
    const inNamespace = namespaced ? namespaceOf(object) || namespace : "";
    const metadata = { ...(object["metadata"] as object | undefined), ...(namespaced && { namespace: inNamespace }) };
    return {
      object: { ...object, metadata },
      where: { resource: gvr, name: { namespace: inNamespace, name: nameOf(object) } },
    };
  };
  const get: Objects["get"] = async ({ resource, name }) => {
    try {
      return await client.get(resource, name);
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  };
  const create: Objects["create"] = async (given) => {
    const { object, where } = await placed(given);
    const made = await client.create(where.resource, object);
    return { object: made, where: { ...where, name: { ...where.name, name: nameOf(made) } }, isNew: true };
  };
  const merge: Objects["merge"] = async (given) => {
    const { object, where } = await placed(given);
    const merged = await client.patch(where.resource, where.name, object, { type: "merge" });
    return { object: merged, where, isNew: false };
  };
  return {
    placed,
    get,
    create,
    merge,
    apply: async (given) => {
      const { where } = await placed(given);
      const isThere = where.name.name !== "" && (await get(where)) !== null;
      return isThere ? await merge(given) : await create(given);
    },
    candidates: async (given) => {
      const { object, where } = await placed(given);
      if (where.name.name !== "") {
        const found = await get(where);
        return found === null ? [] : [found];
      }
      return await listed(client, where, object);
    },
    remove: async ({ resource, name }) => {
      try {
        await client.remove(resource, name, { propagation: "Background" });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
  };
}

async function listed(
  client: ClusterClient,
  { resource, name }: Reference,
  object: ClusterObject,
): Promise<readonly ClusterObject[]> {
  const labelSelector = Object.entries(labelsOf(object))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  const found: ClusterObject[] = [];
  const { namespace } = name;
  for await (const page of client.list(resource, { ...(namespace !== "" && { namespace }), labelSelector })) {
    found.push(...page);
  }
  // Items of lists do not say what they are.
  return found.map((item) => ({ ...item, apiVersion: object["apiVersion"], kind: object["kind"] }));
}

/** The resource of a kind; the kinds that are served are read again when it is not among them. */
async function resourceOf(client: ClusterClient, object: ClusterObject): Promise<ApiResource> {
  const said = parseApiVersion(stringAt(object, "apiVersion"));
  const kind = stringAt(object, "kind");
  for (const refresh of [false, true]) {
    // oxlint-disable-next-line no-await-in-loop -- the second reading is for what the first lacks
    const { resources } = await client.discover(refresh);
    const found = resources.find(
      ({ gvk }) => gvk.group === said?.group && gvk.version === said.version && gvk.kind === kind,
    );
    if (found !== undefined) return found;
  }
  throw new Error(`no matches for kind "${kind}" in version "${stringAt(object, "apiVersion")}"`);
}
