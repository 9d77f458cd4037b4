// `images`: the images of a Pod or of what makes Pods, by kind of container and container name, taken from the object
// when a query first mentions them. Kyverno: pkg/utils/api/image.go.

import { isObject, stringAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { Failure } from "../failure.ts";
import { createLatest } from "../latest.ts";
import type { ContextEntry } from "../scope.ts";
import { type RegistrySettings, imageInfo } from "./imagereference.ts";

const podSpecs: Readonly<Record<string, readonly string[]>> = {
  Pod: ["spec"],
  DaemonSet: ["spec", "template", "spec"],
  Deployment: ["spec", "template", "spec"],
  ReplicaSet: ["spec", "template", "spec"],
  ReplicationController: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
};

const containerLists = ["initContainers", "containers", "ephemeralContainers"];

/** The context entry `images` of an object; nothing where it has none, so that asking for it is an error. */
export function imagesEntry(object: Json, settings: RegistrySettings): ContextEntry {
  const known = isObject(object) ? entries.get(object) : undefined;
  if (known !== undefined && known.settings === settings) return known.entry;
  const entry = newEntry(object, settings);
  if (isObject(object)) entries.set(object, { settings, entry });
  return entry;
}

/** Made once for each object, for all the policies that look at it. */
const entries = createLatest<object, { readonly settings: RegistrySettings; readonly entry: ContextEntry }>();

function newEntry(object: Json, settings: RegistrySettings): ContextEntry {
  let images: { readonly value: Json } | null = null;
  return {
    name: "images",
    recomputed: false,
    load: () => {
      images ??= { value: imagesOf(object, settings) };
      return images.value;
    },
  };
}

function imagesOf(object: Json, settings: RegistrySettings): Json {
  const kind = stringAt(object, "kind");
  const path = Object.hasOwn(podSpecs, kind) ? podSpecs[kind] : undefined;
  if (path === undefined) return undefined;
  const images: Record<string, Json> = {};
  for (const list of containerLists) {
    const found = imagesIn(object, [...path, list], settings);
    if (found.length > 0) images[list] = Object.fromEntries(found);
  }
  return Object.keys(images).length > 0 ? images : undefined;
}

type Found = readonly (readonly [name: string, info: Json])[];

function imagesIn(object: Json, path: readonly string[], settings: RegistrySettings): Found {
  let node = object;
  for (const step of path) {
    if (node === null || node === undefined) return [];
    if (!isObject(node)) throw new Failure("invalid image config");
    node = Object.hasOwn(node, step) ? node[step] : undefined;
  }
  if (node === null || node === undefined) return [];
  const pointer = `/${path.join("/")}`;
  if (Array.isArray(node)) {
    return node.flatMap((item: Json, at) => (isObject(item) ? imageOf(item, `${pointer}/${at}`, settings) : []));
  }
  if (!isObject(node)) throw new Failure("invalid image config");
  return Object.entries(node).flatMap(([key, item]) =>
    isObject(item) ? imageOf(item, `${pointer}/${key}`, settings) : [],
  );
}

function imageOf(container: Readonly<Record<string, Json>>, pointer: string, settings: RegistrySettings): Found {
  const { name, image } = container;
  if (typeof name !== "string") throw new Failure("invalid key");
  if (typeof image !== "string" || image.trim() === "") return [];
  const info = imageInfo(image, settings);
  if ("error" in info) throw new Failure(`invalid image '${image}' (${info.error})`);
  const { registry, tag, digest, reference, referenceWithTag } = info;
  // Go leaves out what is empty, but for name and path.
  const parts = Object.entries({ registry, tag, digest, reference, referenceWithTag }).filter(
    ([, part]) => part !== "",
  );
  return [[name, { name: info.name, path: info.path, ...Object.fromEntries(parts), jsonPointer: `${pointer}/image` }]];
}
