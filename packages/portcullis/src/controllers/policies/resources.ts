// The policy kinds that the cluster serves, from its CustomResourceDefinitions: discovery would say the same a few seconds
// later. Of each definition only what is needed here is kept, since their schemas are the largest objects of many clusters.

import { type GroupVersionResource, isObject, nameOf, stringAt, valueAt } from "@portcullis/kube";
import type { ApiResource, ClusterObject, Informer, Informers } from "../../cluster/api.ts";
import { statusFormOf } from "./kinds.ts";

export const crdResource: GroupVersionResource = {
  group: "apiextensions.k8s.io",
  version: "v1",
  resource: "customresourcedefinitions",
};

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
  const informer = informers.watch(crdResource, { keep: keptOfCrd, onError });
  informer.onChange((change) => {
    tell(change.object, change.what === "removed");
  });
  return informer;
}

/** What is kept of a definition. */
function keptOfCrd(object: ClusterObject): ClusterObject {
  const metadata = valueAt(object, "metadata");
  const spec = valueAt(object, "spec");
  const versions = listAt(spec, "versions").map((version) => ({
    name: stringAt(version, "name"),
    served: valueAt(version, "served") === true,
    storage: valueAt(version, "storage") === true,
    subresources: { status: isObject(valueAt(version, "subresources", "status")) ? {} : undefined },
  }));
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: picked(metadata, [
      "name",
      "uid",
      "resourceVersion",
      "generation",
      "labels",
      "annotations",
      "ownerReferences",
      "deletionTimestamp",
    ]),
    spec: {
      group: stringAt(spec, "group"),
      scope: stringAt(spec, "scope"),
      names: picked(valueAt(spec, "names"), ["kind", "plural"]),
      versions,
    },
    status: { conditions: listAt(object, "status", "conditions").map((one) => picked(one, ["type", "status"])) },
  };
}

function picked(tree: unknown, keys: readonly string[]): Readonly<Record<string, unknown>> {
  const entries = keys.map((key) => [key, valueAt(tree, key)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function listAt(tree: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = valueAt(tree, ...path);
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** Null for a definition of something else, and for one that is not established or is being removed. */
function policyResource(crd: ClusterObject): PolicyResource | null {
  const spec = valueAt(crd, "spec");
  const [group, kind] = [stringAt(spec, "group"), stringAt(spec, "names", "kind")];
  if (statusFormOf({ group, kind }) === null || !isEstablished(crd)) return null;
  const served = listAt(spec, "versions").filter((version) => valueAt(version, "served") === true);
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

function isEstablished(crd: ClusterObject): boolean {
  if (valueAt(crd, "metadata", "deletionTimestamp") !== undefined) return false;
  const conditions = listAt(crd, "status", "conditions");
  return conditions.some((one) => stringAt(one, "type") === "Established" && stringAt(one, "status") === "True");
}
