// Policies and objects from files, folders and standard input. A folder is searched with its sub-folders, in the order
// of names, for .yaml, .yml and .json. What cannot be read ends the run with the place and the reason: nothing is
// skipped in silence. A file is read up to a limit, so that a wrong path does not fill the memory.

import { fstatSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseYaml } from "@portcullis/kube";
import { Source, formatDiagnostic, hasError } from "@portcullis/lang";
import type { Locate } from "@portcullis/policy";
import { objectsOf } from "../../app/objects.ts";
import { UsageError } from "../usage.ts";

export interface LoadedObject {
  /** The tree; a number that a double would change is a Decimal. */
  readonly object: unknown;
  /** As given on the command line, or `stdin`. */
  readonly file: string;
  /** The place of a value of the object, by its path. */
  readonly locate: Locate;
}

export interface LoadOptions {
  /** Which YAML: as Kubernetes reads it, or as `gator verify` does. */
  readonly dialect: "go" | "yaml.v3";
  /** Read standard input when it is a pipe, besides the paths. */
  readonly stdin: boolean;
}

/** A file larger than this is not a manifest; the limit is ten times the largest object etcd stores by default. */
const fileBytesMax = 64 * 1024 * 1024;

const extensions = [".yaml", ".yml", ".json"];

/** All objects in all paths. Throws UsageError with every problem of the first file that has one. */
export function loadObjects(paths: readonly string[], { dialect, stdin }: LoadOptions): readonly LoadedObject[] {
  const files = paths.filter((path) => path !== "-").flatMap((path) => filesOf(path));
  const loaded = files.flatMap((file) => readObjects(file, readText(file), dialect));
  const fromStdin = paths.includes("-") || (stdin && isPiped());
  return fromStdin ? [...loaded, ...readObjects("stdin", readFileSync(0, "utf8"), dialect)] : loaded;
}

/** The files that a path stands for. */
export function filesOf(path: string): readonly string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new UsageError(`${path}: no such file or folder`);
  if (!stat.isDirectory()) {
    if (!hasExtension(path)) throw new UsageError(`${path}: expected a file that ends in ${extensions.join(", ")}`);
    return [path];
  }
  return readdirSync(path, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const below = join(path, entry.name);
      if (entry.isDirectory()) return filesOf(below);
      return hasExtension(entry.name) && statSync(below).isFile() ? [below] : [];
    });
}

/** Whether a file's name says that it is a manifest. */
export function hasExtension(path: string): boolean {
  return extensions.some((extension) => path.endsWith(extension));
}

export function readText(file: string): string {
  const { size } = statSync(file);
  if (size > fileBytesMax) {
    throw new UsageError(
      `${file}: ${size} bytes are more than the ${fileBytesMax} that a manifest may have; split the file`,
    );
  }
  return readFileSync(file, "utf8");
}

/** The objects in a text. Throws UsageError with every problem of it. */
export function readObjects(file: string, text: string, dialect: LoadOptions["dialect"]): readonly LoadedObject[] {
  const { value, diagnostics } = parseYaml(new Source(file, text), { dialect });
  if (hasError(diagnostics)) throw new UsageError(diagnostics.map(formatDiagnostic).join("\n"));
  return value.flatMap((document) => objectsOf(document).map(({ object, locate }) => ({ object, file, locate })));
}

function isPiped(): boolean {
  const stat = fstatSync(0);
  return stat.isFIFO() || stat.isFile();
}
