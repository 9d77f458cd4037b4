// The policy kinds that the cluster serves, from its CustomResourceDefinitions: discovery would say the same a few seconds
// later.

import { isObject, nameOf, stringAt, valueAt } from "@portcullis/kube";
import type { ApiResource, ClusterObject, Informer, Informers } from "../../cluster/api.ts";
import { servedVersions, watchDefinitions } from "../../cluster/definitions.ts";
import { statusFormOf } from "./kinds.ts";

export type PolicyResource = Pick<ApiResource, "gvr" | "gvk" | "namespaced"> & { readonly hasStatus: boolean };

/** Tells which policy kinds are served, and each change. */
export function watchPolicyResources(
  informers: Informers,
  onChange: (name: string, resource: PolicyResource | null) => void,
  onError: (error: Error) => void,
): Informer {
  const known = new Map<string, string>();
  const tell = (object: ClusterObject, isGone: boolean): void => {
    const name = nameOf(object);
    const resource = isGone ? null : policyResource(object);
    const text = resource === null ? "" : JSON.stringify(resource);
    if ((known.get(name) ?? "") === text) return;
    if (resource === null) known.delete(name);
    else known.set(name, text);
    onChange(name, resource);
  };
  const informer = watchDefinitions(informers, onError);
  informer.onChange((change) => {
    tell(change.object, change.what === "removed");
  });
  return informer;
}

/** Null for a definition of something else, and for one of which nothing is served. */
function policyResource(crd: ClusterObject): PolicyResource | null {
  const spec = valueAt(crd, "spec");
  const [group, kind] = [stringAt(spec, "group"), stringAt(spec, "names", "kind")];
  if (statusFormOf({ group, kind }) === null) return null;
  const served = servedVersions(crd);
  const chosen = served.find((version) => valueAt(version, "storage") === true) ?? served[0];
  if (chosen === undefined) return null;
  const version = stringAt(chosen, "name");
  return {
    gvr: { group, version, resource: stringAt(spec, "names", "plural") },
    gvk: { group, version, kind },
    namespaced: stringAt(spec, "scope") === "Namespaced",
    hasStatus: isObject(valueAt(chosen, "subresources", "status")),
  };
}
