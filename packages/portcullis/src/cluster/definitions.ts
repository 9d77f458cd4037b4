// The CustomResourceDefinitions, by which one hears at once what an API server serves besides its own: discovery says the same a moment
// later. Of each definition only that is kept, since their schemas are the largest objects of many clusters.

import { type GroupVersionResource, isObject, stringAt, valueAt } from "@portcullis/kube";
import type { ApiResource, ClusterObject, Informer, InformerOptions, Informers, ObjectChange } from "./api.ts";

export const definitionResource: GroupVersionResource = {
  group: "apiextensions.k8s.io",
  version: "v1",
  resource: "customresourcedefinitions",
};

/** One watch for all who ask. */
export function watchDefinitions(informers: Informers, onError: InformerOptions["onError"]): Informer {
  return informers.watch(definitionResource, { keep: keptOfDefinition, ...(onError !== undefined && { onError }) });
}

function keptOfDefinition(object: ClusterObject): ClusterObject {
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

/** The versions that are served of it; none of a definition that is not established, or is being removed. */
export function servedVersions(definition: ClusterObject): readonly unknown[] {
  if (valueAt(definition, "metadata", "deletionTimestamp") !== undefined) return [];
  const isEstablished = listAt(definition, "status", "conditions").some(
    (one) => stringAt(one, "type") === "Established" && stringAt(one, "status") === "True",
  );
  const versions = listAt(definition, "spec", "versions");
  return isEstablished ? versions.filter((version) => valueAt(version, "served") === true) : [];
}

function servedResources(definition: ClusterObject): readonly string[] {
  const spec = valueAt(definition, "spec");
  const resource = { group: stringAt(spec, "group"), resource: stringAt(spec, "names", "plural") };
  return servedVersions(definition).map((one) => keyOf({ ...resource, version: stringAt(one, "name") }));
}

function keyOf({ group, version, resource }: GroupVersionResource): string {
  return `${group}/${version}/${resource}`;
}

/** Whether other resources are served after a change of a definition. */
export function changesServed(change: ObjectChange): boolean {
  const before = change.what === "changed" ? servedResources(change.old) : [];
  return before.join(" ") !== servedResources(change.object).join(" ");
}

/** Whether definitions serve what discovery does not list yet. */
export function isBehind(resources: readonly ApiResource[], definitions: Informer): boolean {
  const listed = new Set(resources.map(({ gvr }) => keyOf(gvr)));
  return definitions.list().some((definition) => servedResources(definition).some((key) => !listed.has(key)));
}
