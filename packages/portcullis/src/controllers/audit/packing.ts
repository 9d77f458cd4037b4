// Objects are kept small between two evaluations: an informer holds who they are, and of ours a digest and the labels; the text
// lies on a shelf with those of others (shelf.ts), and the tree is made again for each evaluation. The digest tells whether
// anything that a policy may see has changed; the resourceVersion and the managed fields are not among that.

import { hash } from "node:crypto";
import { isObject, labelsOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import type { ClusterObject } from "../../cluster/api.ts";

const digestKey = "digest";
const labelsKey = "labels";
const textKey = "text";

/** What an informer keeps of an object, and for the moment its text: `takeText`. */
export function pack(object: ClusterObject): ClusterObject {
  const kept = outline(object);
  fill(kept, object);
  return kept;
}

/** Of an object that is another replica's: who it is, and which version there was. `fill` adds the rest. */
export function outline(object: ClusterObject): ClusterObject {
  const namespace = namespaceOf(object);
  return {
    apiVersion: object["apiVersion"],
    kind: object["kind"],
    metadata: {
      name: nameOf(object),
      ...(namespace === "" ? {} : { namespace }),
      uid: stringAt(object, "metadata", "uid"),
      resourceVersion: stringAt(object, "metadata", "resourceVersion"),
    },
    [digestKey]: undefined,
    [labelsKey]: undefined,
    [textKey]: undefined,
  };
}

/** Makes what `pack` gives of what `outline` gave. */
export function fill(kept: ClusterObject, object: ClusterObject): void {
  const { managedFields: _managed, resourceVersion, ...metadata } = metadataOf(object);
  const text = JSON.stringify({ ...object, metadata });
  const one = kept as Record<string, unknown>;
  (one["metadata"] as Record<string, unknown>)["resourceVersion"] = resourceVersion;
  one[digestKey] = hash("sha1", text, "base64");
  one[labelsKey] = JSON.stringify(labelsOf(object));
  one[textKey] = text;
}

/** The text, which is not kept any longer; null when it was taken before, and of an outline. */
export function takeText(kept: ClusterObject): string | null {
  const one = kept as Record<string, unknown>;
  const text = one[textKey];
  one[textKey] = undefined;
  return typeof text === "string" ? text : null;
}

/** Leaves the outline of an object. */
export function empty(kept: ClusterObject): void {
  const one = kept as Record<string, unknown>;
  for (const key of [digestKey, labelsKey, textKey]) one[key] = undefined;
}

/** The whole object, of its text and what was kept of it. */
export function unpack(text: string, kept: ClusterObject): unknown {
  const object = JSON.parse(text) as Record<string, unknown>;
  const { resourceVersion } = metadataOf(kept);
  return resourceVersion === undefined ? object : { ...object, metadata: { ...metadataOf(object), resourceVersion } };
}

/** Name, uid, version and labels. */
export function metadataKept(kept: ClusterObject): ClusterObject {
  const labels = kept[labelsKey];
  const { apiVersion, kind } = kept;
  const said: unknown = typeof labels === "string" ? JSON.parse(labels) : {};
  return { apiVersion, kind, metadata: { ...metadataOf(kept), labels: said } };
}

/** Whether policies would see the same in both. */
export function isSame(a: ClusterObject, b: ClusterObject): boolean {
  return a[digestKey] === b[digestKey];
}

function metadataOf(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { metadata } = object;
  return isObject(metadata) ? metadata : {};
}
