// An image as files, from a registry or a layout on disk. As `oras pull` does it: each layer with a title is a file of
// that name, or a packed folder where its annotation says so; layers without a title are no files. Files stay in memory,
// nothing is written, so no name in an image can reach anything on this machine. Content, files and their number have
// limits. Gatekeeper: pkg/oci/oci.go; oras-go v2: content/file.

import { gunzipSync } from "node:zlib";
import { type ClientOptions, type ImageSource, registrySource } from "./client.ts";
import { type Descriptor, descriptorOf } from "./digest.ts";
import { layoutSource, parseLayoutReference } from "./layout.ts";
import { RegistryError, parseReference } from "./reference.ts";
import { checkName, readTar } from "./tar.ts";

export interface ImageFile {
  /** With slashes, relative to the image. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** In bytes. */
const layerMax = 64 * 1024 * 1024;
const unpackedMax = 256 * 1024 * 1024;
const entriesMax = 20_000;
const layersMax = 500;

const title = "org.opencontainers.image.title";
const unpack = "io.deis.oras.content.unpack";

/** The files of an image in the order of their names, or why there are none. */
export async function pullImage(
  image: string,
  options: ClientOptions,
): Promise<{ readonly files: readonly ImageFile[] } | { readonly error: string }> {
  let step = `parsing OCI reference ${JSON.stringify(image)}`;
  try {
    const layout = parseLayoutReference(image);
    const remote = layout === null ? parseReference(image) : null;
    step = `pulling artifact ${JSON.stringify(image)}`;
    const source = remote === null ? layoutSource(layout?.folder ?? "") : registrySource(remote, options);
    const layers = await layersOf(source, remote?.reference ?? layout?.reference ?? "");
    return { files: await filesOf(layers, source) };
  } catch (error) {
    if (error instanceof RegistryError) return { error: `${step}: ${error.message}` };
    if (error instanceof SyntaxError) return { error: `${step}: the manifest is no JSON` };
    throw error;
  }
}

interface Manifest {
  readonly mediaType?: unknown;
  readonly layers?: unknown;
  readonly manifests?: unknown;
}

/** The layers of an image; of all images in an index. */
async function layersOf(source: ImageSource, reference: string): Promise<readonly Descriptor[]> {
  const manifest = await readManifest(source, reference);
  if (!Array.isArray(manifest.manifests)) return listOf(manifest.layers);
  const layers: Descriptor[] = [];
  for (const { digest } of listOf(manifest.manifests)) {
    // In turn, so that the order of files is the image's own.
    // oxlint-disable-next-line no-await-in-loop
    layers.push(...listOf((await readManifest(source, digest)).layers));
  }
  return layers;
}

async function readManifest(source: ImageSource, reference: string): Promise<Manifest> {
  const { bytes } = await source.manifest(reference);
  const manifest: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  if (typeof manifest !== "object" || manifest === null) throw new RegistryError("the manifest is no object");
  return manifest;
}

function listOf(value: unknown): readonly Descriptor[] {
  const entries: readonly unknown[] = Array.isArray(value) ? value : [];
  if (entries.length > layersMax) throw new RegistryError(`the image has more than ${layersMax} layers`);
  return entries.map(descriptorOf);
}

async function filesOf(layers: readonly Descriptor[], source: ImageSource): Promise<readonly ImageFile[]> {
  const files = new Map<string, Uint8Array>();
  let total = 0;
  const titled = layers.filter(({ annotations }) => (annotations[title] ?? "") !== "");
  for (const layer of titled) {
    const name = layer.annotations[title] ?? "";
    checkName(name);
    // One blob after the other keeps the memory at one layer.
    // oxlint-disable-next-line no-await-in-loop
    const bytes = await source.blob(layer, layerMax);
    const found = layer.annotations[unpack] === "true" ? unpacked(name, bytes) : [{ name, bytes }];
    for (const file of found) {
      total += file.bytes.length;
      if (total > unpackedMax) throw new RegistryError(`the image has more than ${unpackedMax} bytes of files`);
      files.set(file.name, file.bytes);
      if (files.size > entriesMax) throw new RegistryError(`the image has more than ${entriesMax} files`);
    }
  }
  const sorted = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, bytes]) => ({ name, bytes }));
}

/** A folder that was packed; names in it begin with the folder's own. */
function unpacked(name: string, bytes: Uint8Array): readonly ImageFile[] {
  let archive: Uint8Array;
  try {
    archive = gunzipSync(bytes, { maxOutputLength: unpackedMax });
  } catch (error) {
    const isLong = error instanceof RangeError || (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw new RegistryError(isLong ? `${name}: more than ${unpackedMax} bytes` : `${name}: no gzip archive`);
  }
  return readTar(archive, { entriesMax, bytesMax: layerMax });
}
