// Policies and objects from files, folders and standard input. A folder is searched with its sub-folders, in the order
// of names, for manifests; names that begin with a dot are left out, as the server leaves them out, except where gator's
// own commands read. What cannot be read ends the run with each place and reason: nothing is skipped in silence. A file is
// read up to a limit, so that a wrong path does not fill the memory.

import { fstatSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseYaml } from "@portcullis/kube";
import { type Diagnostic, Source, formatDiagnostic } from "@portcullis/lang";
import type { Locate } from "@portcullis/policy";
import { NotTextError, isManifestName, manifestEndings, manifestText } from "../../app/manifestfile.ts";
import { reasonOf } from "../../app/refusal.ts";
import { objectsOf, strangeDocument } from "../../app/objects.ts";
import { diagnosticFinding, findingLine } from "../output/finding.ts";
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
  /** Read standard input when it is a pipe, besides the paths. */
  readonly stdin: boolean;
  /** As gator reads: names that begin with a dot, too, and of a key that stands twice nothing is said. */
  readonly asGator?: boolean;
  /** Takes what is no error: by default it goes to standard error. */
  readonly warn?: (warning: Diagnostic) => void;
}

/** A larger file is not a manifest. */
const fileBytesMax = 64 * 1024 * 1024;

/** All objects in all paths. Throws UsageError with every problem of all of them. */
export function loadObjects(paths: readonly string[], options: LoadOptions): readonly LoadedObject[] {
  const { stdin, asGator = false } = options;
  const files = paths.filter((path) => path !== "-").flatMap((path) => filesOf(path, asGator));
  const problems: string[] = [];
  const loaded: LoadedObject[] = [];
  const take = (read: () => readonly LoadedObject[]): void => {
    try {
      for (const one of read()) loaded.push(one);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      problems.push(error.message);
    }
  };
  for (const file of files) take(() => readObjects(file, readText(file), options));
  if (paths.includes("-") || (stdin && isPiped())) take(() => readObjects("stdin", readStdin(), options));
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return loaded;
}

/** What is said where nothing was found. */
export function nothingIn(paths: readonly string[]): UsageError {
  return new UsageError(
    paths.length === 0
      ? "no input: give files or folders, or `-` for standard input"
      : `${paths.join(", ")}: no Kubernetes objects here; expected them in files that end in ${manifestEndings.join(", ")}`,
  );
}

/** The files that a path stands for. Throws UsageError. */
export function filesOf(path: string, hidden: boolean): readonly string[] {
  return reading(path, () => {
    if (!statSync(path).isDirectory()) {
      if (isManifestName(path)) return [path];
      throw new UsageError(`${path}: expected a file that ends in ${manifestEndings.join(", ")}`);
    }
    return readdirSync(path, { withFileTypes: true })
      .filter(({ name }) => hidden || !name.startsWith("."))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => {
        const below = join(path, entry.name);
        if (entry.isDirectory()) return filesOf(below, hidden);
        return isManifestName(entry.name) && reading(below, () => statSync(below).isFile()) ? [below] : [];
      });
  });
}

export function readText(file: string): string {
  const bytes = reading(file, () => {
    const { size } = statSync(file);
    if (size > fileBytesMax) {
      const limit = `the ${fileBytesMax} that a manifest may have`;
      throw new UsageError(`${file}: ${size} bytes are more than ${limit}; split the file`);
    }
    return readFileSync(file);
  });
  return textIn(file, bytes);
}

/** The objects in a text. Throws UsageError with every problem of it. */
export function readObjects(
  file: string,
  text: string,
  { asGator = false, warn = warnOnStderr }: Omit<LoadOptions, "stdin">,
): readonly LoadedObject[] {
  const { value, diagnostics } = parseYaml(new Source(file, text), { dialect: "go", tellsDuplicates: !asGator });
  const told = [...diagnostics, ...value.flatMap((document) => strangeDocument(document) ?? [])];
  const problems = told.filter(({ severity }) => severity === "error");
  if (problems.length > 0)
    throw new UsageError([...problems.map(formatDiagnostic), ...chartHint(file, text)].join("\n"));
  told.forEach(warn);
  return value.flatMap((document) => objectsOf(document).map(({ object, locate }) => ({ object, file, locate })));
}

/** What is no YAML because it will only become some. */
function chartHint(file: string, text: string): readonly string[] {
  const isTemplate =
    /\{\{-? *(?:\.(?:Values|Release|Chart|Capabilities)\b|(?:if|range|with|include|define|template) )/.test(text);
  return isTemplate
    ? [`${file}: this is a template of a chart: give what \`helm template\` makes of it, on standard input`]
    : [];
}

function warnOnStderr(warning: Diagnostic): void {
  process.stderr.write(findingLine(diagnosticFinding(warning)));
}

function readStdin(): string {
  return textIn(
    "stdin",
    reading("stdin", () => readFileSync(0)),
  );
}

function textIn(file: string, bytes: Uint8Array): string {
  try {
    return manifestText(file, bytes);
  } catch (error) {
    throw error instanceof NotTextError ? new UsageError(error.message) : error;
  }
}

/** What the system refuses is told with the path that it refused. */
function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${path}: ${reasonOf(error)}`);
  }
}

function isPiped(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile();
  } catch {
    // It is closed.
    return false;
  }
}
