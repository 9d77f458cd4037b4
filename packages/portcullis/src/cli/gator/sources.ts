// What gator's commands read: files and folders, images, and standard input when it is a pipe, in this order. A resource
// that stands in two places is logged, and both are used. Gatekeeper: pkg/gator/reader/{filereader,conflictdetector}.go.

import { statSync } from "node:fs";
import { gvkOf, nameOf, namespaceOf } from "@portcullis/kube";
import { quote } from "@portcullis/lang/go";
import type { GatorSourceFlags } from "../flags.ts";
import { type LoadedObject, loadObjects, readObjects } from "../load/files.ts";
import { isManifestName } from "../../app/manifestfile.ts";
import { UsageError } from "../usage.ts";

interface Named {
  readonly object: LoadedObject;
  /** `stdin`, `file: "…"`, `file: "…", image: "…"`. */
  readonly from: string;
}

/** The objects, or gator's error, as it stands behind `reading: `. */
export async function readSources(
  flags: GatorSourceFlags,
): Promise<readonly LoadedObject[] | { readonly error: string }> {
  let read: readonly Named[] = [];
  try {
    read = flags.filename.flatMap((path) => readPath(path));
  } catch (error) {
    return failed("reading from filenames", error);
  }
  for (const image of flags.image) {
    // Images are pulled in turn, so that the first one that fails is the one that is named.
    // oxlint-disable-next-line no-await-in-loop
    const pulled = await readImage(image);
    if ("error" in pulled) return { error: `pulling image: ${pulled.error}` };
    read = [...read, ...pulled.objects];
  }
  try {
    const piped = loadObjects([], { stdin: true, asGator: true });
    read = [...read, ...piped.map((object) => ({ object, from: "stdin" }))];
  } catch (error) {
    return failed("reading from stdin", error);
  }
  warnOfDuplicates(read);
  return read.map(({ object }) => object);
}

function failed(step: string, error: unknown): { readonly error: string } {
  if (error instanceof UsageError) return { error: `${step}: ${error.message}` };
  throw error;
}

function readPath(path: string): readonly Named[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new UsageError(`stat on path ${quote(path)}: stat ${path}: no such file or directory`);
  if (!stat.isDirectory() && !isManifestName(path)) {
    throw new UsageError(`path ${quote(path)} must be of extensions: [.yaml .yml .json]`);
  }
  return loadObjects([path], { stdin: false, asGator: true }).map((object) => ({
    object,
    from: `file: ${quote(object.file)}`,
  }));
}

async function readImage(image: string): Promise<{ readonly objects: readonly Named[] } | { readonly error: string }> {
  const { pullImage } = await import("../../registry/pull.ts");
  const pulled = await pullImage(image, { environment: process.env });
  if ("error" in pulled) return pulled;
  try {
    const objects = pulled.files
      .filter(({ name }) => isManifestName(name))
      .flatMap(({ name, bytes }) => readObjects(name, Buffer.from(bytes).toString("utf8"), { asGator: true }));
    return {
      objects: objects.map((object) => ({
        object,
        from: `file: ${quote(object.file)}, image: ${quote(image)}`,
      })),
    };
  } catch (error) {
    if (error instanceof UsageError) return { error: error.message };
    throw error;
  }
}

function warnOfDuplicates(read: readonly Named[]): void {
  const known = new Map<string, string>();
  for (const { object, from } of read) {
    const { group, kind } = gvkOf(object.object);
    const name = nameOf(object.object);
    const key = JSON.stringify([group, kind, namespaceOf(object.object), name]);
    const earlier = known.get(key);
    if (earlier !== undefined) {
      process.stderr.write(`WARNING - Resource named ${quote(name)} (from ${from}) is already defined in ${earlier}\n`);
    }
    known.set(key, from);
  }
}

/** gator's commands end so: one line on standard error, and 1. */
export function fail(text: string): number {
  process.stderr.write(`${text}\n`);
  return 1;
}
