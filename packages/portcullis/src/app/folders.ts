// The files of policies and data: found in folders, read, watched. A folder is searched with its sub-folders for .yaml, .yml
// and .json; names that begin with a dot are left out, which also leaves out the hidden folders behind a mounted
// ConfigMap, whose visible names are links into them. What cannot be read is a problem and not an end.

import { type FSWatcher, type Stats, watch } from "node:fs";
import { readFile, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { FileText, Problem } from "./compose.ts";
import { NotTextError, isManifestName, manifestText } from "./manifestfile.ts";
import { reasonOf } from "./refusal.ts";

export interface Root {
  readonly path: string;
  readonly role: FileText["role"];
}

export interface ScannedText extends Pick<FileText, "role" | "text"> {
  /** When the file was last written, in milliseconds since 1970. */
  readonly writtenMs: number;
}

export interface Scanned {
  readonly texts: ReadonlyMap<string, ScannedText>;
  readonly problems: readonly Problem[];
  /** Files and folders that are there but could not be read: what they gave before still counts. */
  readonly unreadable: readonly string[];
}

/** A larger file is not a manifest. */
const fileBytesMax = 32 * 1024 * 1024;

/** Reads all files below the roots, in the order of the roots and of names. Never rejects. */
export async function scanFolders(roots: readonly Root[]): Promise<Scanned> {
  const texts = new Map<string, ScannedText>();
  const problems: Problem[] = [];
  const unreadable: string[] = [];
  const fail = (file: string, text: string): void => {
    problems.push({ file, severity: "error", text });
    unreadable.push(file);
  };
  const visit = async (path: string, role: FileText["role"], isRoot: boolean): Promise<void> => {
    try {
      const found = await stat(path);
      if (found.isDirectory()) {
        const names = await readdir(path);
        // oxlint-disable-next-line no-await-in-loop -- in order, and one file in memory at a time
        for (const name of names.toSorted()) if (!name.startsWith(".")) await visit(join(path, name), role, false);
      } else if (isRoot || isManifest(path, found)) {
        if (found.size > fileBytesMax) fail(path, `${path}: ${tooLarge(found.size)}`);
        else texts.set(path, await readText(path, role));
      }
    } catch (error) {
      fail(path, error instanceof NotTextError ? error.message : `${path}: ${reasonOf(error)}`);
    }
  };
  // oxlint-disable-next-line no-await-in-loop -- see above
  for (const { path, role } of roots) await visit(path, role, true);
  return { texts, problems, unreadable };
}

/** The time is asked for after the text: whatever was read, it was not written later than that. */
async function readText(path: string, role: FileText["role"]): Promise<ScannedText> {
  const text = manifestText(path, await readFile(path));
  return { role, text, writtenMs: (await stat(path)).mtimeMs };
}

function isManifest(path: string, found: Stats): boolean {
  return found.isFile() && isManifestName(path);
}

function tooLarge(size: number): string {
  return `${(size / 2 ** 20).toFixed(1)} MiB are more than the ${fileBytesMax / 2 ** 20} MiB that a file may have; split it`;
}

export interface Watching {
  close(): void;
}

/** Editors and kubelet write in several steps; a change is reported when this many milliseconds were quiet. */
const settleMs = 100;

/** Calls back after something below the roots has changed. Files are watched through their folder: editors replace them. */
export function watchFolders(roots: readonly Root[], onChange: () => void, onError: (error: Error) => void): Watching {
  let timer: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, settleMs);
  };
  const watchers: FSWatcher[] = [];
  const open = (path: string, recursive: boolean): void => {
    const watcher = watch(path, { recursive }, changed);
    watcher.on("error", onError);
    watchers.push(watcher);
  };
  for (const { path } of roots) {
    try {
      if (isManifestName(path)) open(dirname(path), false);
      else open(path, true);
    } catch (error) {
      onError(error as Error);
    }
  }
  return {
    close: () => {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
