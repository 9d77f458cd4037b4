// An OCI image layout: a folder with `oci-layout`, `index.json` and blobs by their digests, as `oras copy --to-oci-layout`
// and `skopeo copy … oci:FOLDER:TAG` make it. An image in it is named `oci:FOLDER`, `oci:FOLDER:TAG` or
// `oci:FOLDER@DIGEST`. https://github.com/opencontainers/image-spec image-layout.md.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ImageSource } from "./client.ts";
import { type Descriptor, descriptorOf, verify } from "./digest.ts";
import { RegistryError, isDigest } from "./reference.ts";

const prefix = "oci:";
const manifestBytesMax = 4 * 1024 * 1024;
const refName = "org.opencontainers.image.ref.name";

export interface LayoutReference {
  readonly folder: string;
  /** A tag, a digest, or "" for the only image. */
  readonly reference: string;
}

/** Null when the text names no layout. */
export function parseLayoutReference(text: string): LayoutReference | null {
  if (!text.startsWith(prefix)) return null;
  const rest = text.slice(prefix.length);
  const found = /^(.+?)(?:@(sha\d+:[a-f0-9]+)|:([\w][\w.-]{0,127}))?$/.exec(rest);
  if (found === null) return { folder: rest, reference: "" };
  return { folder: found[1] ?? rest, reference: found[2] ?? found[3] ?? "" };
}

export function layoutSource(folder: string): ImageSource {
  return {
    manifest: async (reference) => {
      const descriptor = isDigest(reference) ? bare(reference) : named(folder, reference);
      const bytes = readBlob(folder, descriptor.digest, manifestBytesMax);
      return Promise.resolve({ bytes, mediaType: descriptor.mediaType });
    },
    blob: async ({ digest, size }, bytesMax) => {
      const bytes = readBlob(folder, digest, Math.min(size, bytesMax));
      if (bytes.length !== size) throw new RegistryError(`${digest}: expected ${size} bytes, got ${bytes.length}`);
      return Promise.resolve(bytes);
    },
  };
}

function bare(digest: string): Descriptor {
  return { mediaType: "", digest, size: 0, annotations: {} };
}

/** The image of a tag; without a tag, the only one. */
function named(folder: string, tag: string): Descriptor {
  if (readText(join(folder, "oci-layout")) === null) throw new RegistryError(`${folder} is no OCI layout`);
  const index: unknown = JSON.parse(readText(join(folder, "index.json")) ?? "null");
  const manifests = (index as { readonly manifests?: unknown } | null)?.manifests;
  const images = (Array.isArray(manifests) ? manifests : []).map(descriptorOf);
  const wanted = tag === "" ? images : images.filter(({ annotations }) => annotations[refName] === tag);
  const [first] = wanted;
  if (first === undefined) throw new RegistryError(`${tag === "" ? folder : tag}: not found`);
  if (tag === "" && wanted.length > 1) {
    throw new RegistryError(`${folder} holds ${wanted.length} images: name one as ${prefix}${folder}:TAG`);
  }
  return first;
}

function readText(file: string): string | null {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile() || stat.size > manifestBytesMax) return null;
  return readFileSync(file, "utf8");
}

function readBlob(folder: string, digest: string, bytesMax: number): Uint8Array {
  if (!isDigest(digest)) throw new RegistryError("a descriptor has no usable digest");
  const file = join(folder, "blobs", ...digest.split(":"));
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) throw new RegistryError(`${digest}: not found`);
  if (stat.size > bytesMax)
    throw new RegistryError(`${digest}: ${stat.size} bytes are more than the ${bytesMax} allowed`);
  const bytes = readFileSync(file);
  verify(bytes, digest);
  return bytes;
}
