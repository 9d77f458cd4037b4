// Objects are kept small between two evaluations: an informer holds the names, the labels and a compressed text, a fifth of
// what the tree of a Pod takes, and the tree is made again for each evaluation. A digest of the text tells whether anything
// that a policy may see has changed; the resourceVersion and the managed fields are not among that.

import { hash } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { isObject, labelsOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import type { ClusterObject } from "../../cluster/api.ts";

const packedKey = "packed";
const digestKey = "digest";

/** What an informer keeps of an object; `unpack` gives the whole. */
export function pack(object: ClusterObject): ClusterObject {
  const kept = outline(object);
  fill(kept, object);
  return kept;
}

/** Of an object that is another replica's: who it is, and which version there was. `fill` makes it whole. */
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
    [packedKey]: undefined,
  };
}

/** Whether it can be unpacked. */
export function isPacked(kept: ClusterObject): boolean {
  return kept[packedKey] !== undefined;
}

/** Makes an outline of an object whole. */
export function fill(kept: ClusterObject, object: ClusterObject): void {
  const { managedFields: _managed, resourceVersion, ...metadata } = metadataOf(object);
  const text = JSON.stringify({ ...object, metadata });
  const one = kept as Record<string, unknown>;
  one["metadata"] = { ...metadataOf(kept), labels: labelsOf(object), resourceVersion };
  one[digestKey] = hash("sha1", text, "base64");
  // Level 1: half of the time, and a tenth more than the best. What zlib gives lies in a buffer of 16 KiB.
  one[packedKey] = new Uint8Array(deflateRawSync(text, { level: 1 }));
}

/** Leaves the outline of an object. */
export function empty(kept: ClusterObject): void {
  const { labels: _labels, ...metadata } = metadataOf(kept);
  const one = kept as Record<string, unknown>;
  one["metadata"] = metadata;
  one[digestKey] = undefined;
  one[packedKey] = undefined;
}

export function unpack(kept: ClusterObject): unknown {
  const object = JSON.parse(inflateRawSync(kept[packedKey] as Uint8Array).toString("utf8")) as Record<string, unknown>;
  const { resourceVersion } = metadataOf(kept);
  return resourceVersion === undefined ? object : { ...object, metadata: { ...metadataOf(object), resourceVersion } };
}

/** Whether policies would see the same in both. */
export function isSame(a: ClusterObject, b: ClusterObject): boolean {
  return a[digestKey] === b[digestKey];
}

function metadataOf(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { metadata } = object;
  return isObject(metadata) ? metadata : {};
}
