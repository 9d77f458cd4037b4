// The objects that policies are applied to: from files, or from the YAML files of a folder when the first path is one. A
// file that cannot be read is reported and left out, as Kyverno does it. Kyverno: utils/common/{common,fetch}.go.

import type { Json } from "../../engine/request.ts";
import { type Files, readYaml } from "./load.ts";
import { readObjects } from "./objects.ts";
import { joinPaths } from "./path.ts";

export interface LoadedObjects {
  readonly objects: readonly Json[];
  /** What Kyverno prints about files that it left out. */
  readonly remarks: readonly string[];
}

/** Loads objects. Throws an Error when a file is broken, or the first path is not there. */
export function loadObjects(paths: readonly string[], files: Files): LoadedObjects {
  const [first] = paths;
  if (first === undefined) return { objects: [], remarks: [] };
  const read = readYaml(first, files);
  const entries = read !== null && "text" in read ? null : files.list(first);
  const isYaml = ({ name }: { readonly name: string }): boolean => /\.ya?ml$/.test(name);
  const all = entries === null ? paths : entries.filter(isYaml).map(({ name }) => joinPaths(first, name));
  const objects: Json[] = [];
  const remarks: string[] = [];
  for (const path of all) {
    const file = path === first && read !== null ? read : files.readFile(path);
    if ("error" in file) {
      const line = "-".repeat(70);
      remarks.push(`\n${line}\nfailed to load resources: ${path}. \nerror: ${file.error}\n${line}\n`);
    } else objects.push(...readObjects(path, file.text).map(({ object }) => object));
  }
  return { objects, remarks };
}
