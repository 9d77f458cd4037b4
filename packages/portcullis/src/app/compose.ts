// From the texts of files to what is served: documents, policy objects and context objects. Texts travel to the evaluator
// threads as they are and are read there, so that the thread that answers connections reads no YAML, and so that every
// diagnostic can point into its file.
//
// A file carries its last good text beside the present one. Where the present text cannot be read, or an object in it is
// broken, the object of the last good text stands in: an editor's slip takes no policy out of service.

import { type Diagnostic, Source, formatDiagnostic, parseJson } from "@portcullis/lang";
import { gvkOf, nameOf, namespaceOf, parseYaml } from "@portcullis/kube";
import { type Engine, type ObjectRef, type PolicySet, type PolicySource, statusKey } from "@portcullis/policy";
import { objectsOf, strangeDocument } from "./objects.ts";

export interface FileText {
  readonly file: string;
  /** Policies are what decides; data are the objects of a cluster that policies may look at. */
  readonly role: "policies" | "data";
  readonly text: string;
  /** What was served before the present text broke; null when nothing was. */
  readonly lastGood: string | null;
  /** The text is that of one object of a cluster, in JSON: it has no lines that anybody wrote. YAML when absent. */
  readonly form?: "object";
}

export interface Problem {
  readonly file: string;
  readonly severity: Diagnostic["severity"];
  /** `file:line:column: code: message`. */
  readonly text: string;
  /** What was found, for statuses; absent where a file could not be read at all. */
  readonly found?: Found;
}

/** A diagnostic without its source, which does not travel. */
export interface Found {
  readonly code: string;
  readonly message: string;
  /** `source:line:column`, "" where it is not known. */
  readonly location: string;
}

interface Composed {
  readonly set: PolicySet;
  /** Objects that are no policies: Namespaces, and everything in data files. */
  readonly context: readonly unknown[];
  readonly problems: readonly Problem[];
  /** Files that are not served as they are. */
  readonly broken: readonly string[];
}

export interface Composer {
  /** Reads what changed since the last call, and joins everything. */
  compose(changed: readonly FileText[], removed: readonly string[]): Composed;
}

export interface ComposerOptions {
  readonly engine: Engine;
  readonly owns: (kind: { readonly group: string; readonly kind: string }) => boolean;
  /** Whether an object that is no policy says how policies are taken; it may lie among the data too. */
  readonly configures?: (object: unknown) => boolean;
}

export function createComposer({ engine, owns, configures = () => false }: ComposerOptions): Composer {
  const files = new Map<string, ReadFile>();
  let set = engine.policySet([]);
  return {
    compose: (changed, removed) => {
      for (const file of removed) files.delete(file);
      for (const file of changed) files.set(file.file, readFile(file));
      const ordered = [...files.values()].toSorted((a, b) => (a.file < b.file ? -1 : 1));
      const wanted = ordered.flatMap((file) => entriesOf(file)).filter((entry) => isPolicy(entry));
      set = replaceSet(set, wanted);
      const standIns = standInsFor(set, ordered);
      if (standIns.length > 0) {
        const replaced = standIns.map(({ object }) => statusKey(object));
        const { status } = set;
        set = set.with(standIns, []);
        // What is wrong with the objects that were replaced, and with the others beside those that stand in.
        const reported = new Map([...set.status, ...replaced.map((key) => [key, status.get(key) ?? []] as const)]);
        return composed({ set, files: ordered, reported, owns });
      }
      return composed({ set, files: ordered, reported: set.status, owns });
    },
  };

  function isPolicy(entry: Entry): boolean {
    return (entry.role === "policies" && owns(gvkOf(entry.object))) || configures(entry.object);
  }
}

interface Entry extends PolicySource {
  readonly role: FileText["role"];
}

interface ReadFile {
  readonly file: string;
  readonly entries: readonly Entry[];
  readonly diagnostics: readonly Diagnostic[];
  /** Of the last good text; empty when it is the present one. */
  readonly good: readonly Entry[];
}

function readFile(file: FileText): ReadFile {
  const { entries, diagnostics } = readText(file, file.text);
  const isNew = file.lastGood !== null && file.lastGood !== file.text;
  return { file: file.file, entries, diagnostics, good: isNew ? readText(file, file.lastGood).entries : [] };
}

function readText(file: FileText, text: string): Pick<ReadFile, "entries" | "diagnostics"> {
  if (file.form === "object") {
    return { entries: [{ role: file.role, file: file.file, object: parseJson(text) }], diagnostics: [] };
  }
  const { value, diagnostics } = parseYaml(new Source(file.file, text), { dialect: "go", tellsDuplicates: true });
  const entries = value.flatMap((document) =>
    objectsOf(document).map(({ object, locate }) => ({ role: file.role, file: file.file, object, locate })),
  );
  return { entries, diagnostics: [...diagnostics, ...value.flatMap((document) => strangeDocument(document) ?? [])] };
}

/** What a file gives. When a document of it cannot be read, the last good objects that it does not name stay. */
function entriesOf(file: ReadFile): readonly Entry[] {
  if (!file.diagnostics.some(isError)) return file.entries;
  const named = new Set(file.entries.map((entry) => identity(entry.object)));
  return [...file.entries, ...file.good.filter((entry) => !named.has(identity(entry.object)))];
}

function replaceSet(set: PolicySet, wanted: readonly Entry[]): PolicySet {
  const keep = new Set(wanted.map((entry) => identity(entry.object)));
  const removed = set.sources
    .filter((source) => !keep.has(identity(source.object)))
    .map((source) => refOf(source.object));
  return set.with(wanted, removed);
}

/** For each object that the set calls broken: its last good form, where there is one. */
function standInsFor(set: PolicySet, files: readonly ReadFile[]): readonly Entry[] {
  return files.flatMap((file) =>
    file.good.filter((entry) => (set.status.get(statusKey(entry.object)) ?? []).some(isError)),
  );
}

interface Composing {
  readonly set: PolicySet;
  readonly files: readonly ReadFile[];
  readonly reported: PolicySet["status"];
  readonly owns: ComposerOptions["owns"];
}

function composed({ set, files, reported, owns }: Composing): Composed {
  const fileOf = new Map(
    files.flatMap((file) => entriesOf(file).map((entry) => [statusKey(entry.object), file.file] as const)),
  );
  const problems: Problem[] = files.flatMap((file) => file.diagnostics.map((found) => problemOf(file.file, found)));
  for (const [key, diagnostics] of reported) {
    problems.push(...diagnostics.map((found) => problemOf(fileOf.get(key) ?? "", found, key)));
  }
  const context = files
    .flatMap((file) => entriesOf(file))
    .filter((entry) => entry.role === "data" || gvkOf(entry.object).kind === "Namespace")
    .filter((entry) => !owns(gvkOf(entry.object)))
    .map((entry) => entry.object);
  const broken = new Set(problems.filter((problem) => problem.severity === "error").map((problem) => problem.file));
  return { set, context, problems, broken: [...broken] };
}

function problemOf(file: string, diagnostic: Diagnostic, key = ""): Problem {
  const text = formatDiagnostic(diagnostic);
  const placed = diagnostic.span === null ? `${file}: ${key === "" ? "" : `${key}: `}${text}` : text;
  const { code, message, severity, span } = diagnostic;
  return { file, severity, text: placed, found: { code, message, location: span === null ? "" : locationOf(span) } };
}

function locationOf({ source, start }: NonNullable<Diagnostic["span"]>): string {
  const { line, column } = source.position(start);
  return `${source.name}:${line}:${column}`;
}

function isError(diagnostic: Diagnostic): boolean {
  return diagnostic.severity === "error";
}

function refOf(object: unknown): ObjectRef {
  const { group, version, kind } = gvkOf(object);
  return { group, version, kind, namespace: namespaceOf(object), name: nameOf(object) };
}

function identity(object: unknown): string {
  const { group, kind } = gvkOf(object);
  return `${group}/${kind}/${namespaceOf(object)}/${nameOf(object)}`;
}
