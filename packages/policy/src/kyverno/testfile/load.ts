// Policies from files and folders, as Kyverno's command line loads them: a folder with its sub-folders, hidden ones left
// out, YAML files only. A document that is no policy ends the load of its file; one that is not valid, or of a kind that is
// not known, is reported and left out. Kinds that are not built are kept by name, so that nothing passes for having been checked.
// Kyverno: cmd/cli/kubectl-kyverno/policy/load.go.

import { apiVersionOf, gvkOf, isObject, nameOf, valueAt } from "@portcullis/kube";
import { errorAt, formatDiagnostic } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { ReadFile } from "./mocks.ts";
import { readDocuments } from "./objects.ts";
import { unknownKind, wrongName } from "./known.ts";
import { baseName, joinPaths } from "./path.ts";
import type { CliPolicy, ReadCliPolicy } from "./port.ts";

export interface Files {
  readonly readFile: ReadFile;
  /** What is in a folder, by name; null when it is no folder. Throws an Error with Go's text when it is not there. */
  readonly list: (path: string) => readonly Entry[] | null;
}

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
}

export interface LoadedPolicies {
  readonly policies: readonly CliPolicy[];
  readonly exceptions: readonly Json[];
  readonly cleanups: readonly Json[];
  /** Policies of kinds that are not built. */
  readonly unsupported: readonly Unsupported[];
  readonly warnings: readonly Remark[];
  readonly errors: readonly Remark[];
}

export interface Unsupported {
  readonly kind: string;
  readonly name: string;
}

export interface Remark {
  readonly path: string;
  /** Kyverno's. */
  readonly text: string;
  /** With the file, line and column, where they are known. */
  readonly place?: string;
}

interface Loading {
  readonly policies: CliPolicy[];
  readonly exceptions: Json[];
  readonly cleanups: Json[];
  readonly unsupported: Unsupported[];
  readonly warnings: Remark[];
  readonly errors: Remark[];
}

/** Loads policies. Throws an Error when a file cannot be read or holds something that is no policy. */
export function loadPolicies(paths: readonly string[], files: Files, read: ReadCliPolicy): LoadedPolicies {
  const loading = { policies: [], exceptions: [], cleanups: [], unsupported: [], warnings: [], errors: [] };
  for (const path of paths) loadPath(path, files, read, loading);
  return loading;
}

function loadPath(path: string, files: Files, read: ReadCliPolicy, loading: Loading): void {
  const name = baseName(path);
  if (name.startsWith(".") && !/^\.+$/.test(name)) return;
  const file = readYaml(path, files);
  const entries = file !== null && "text" in file ? null : files.list(path);
  if (entries === null) {
    if (file !== null) wrapping(`failed to load file ${path}`, () => loadFile(path, file, read, loading));
    return;
  }
  for (const below of entries) {
    wrapping(`failed to load ${path}`, () => loadPath(joinPaths(path, below.name), files, read, loading));
  }
}

/** What has the name of a YAML file is read at once, which says that it is no folder; null for other names. */
export function readYaml(path: string, { readFile }: Files): ReturnType<ReadFile> | null {
  return /\.ya?ml$/.test(path) ? readFile(path) : null;
}

function wrapping(prefix: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    throw new Error(`${prefix}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function loadFile(path: string, file: ReturnType<ReadFile>, read: ReadCliPolicy, loading: Loading): void {
  if ("error" in file) throw new Error(file.error);
  loadText(path, file.text, read, loading);
}

/** Adds the policies of a text. */
export function loadText(path: string, text: string, read: ReadCliPolicy, loading: Loading): void {
  for (const document of readDocuments(path, text)) {
    const { value } = document;
    const items = valueAt(value, "items");
    const isList = gvkOf(value).kind === "List" && Array.isArray(items);
    const parts: readonly (readonly [Json, readonly (string | number)[]])[] = isList
      ? items.map((item: Json, at): readonly [Json, readonly (string | number)[]] => [item, ["items", at]])
      : [[value, []]];
    for (const [object, at] of parts) {
      const from: ReadFrom = {
        file: path,
        locate: (inObject, within) => {
          const place = [...at, ...inObject];
          const origin = within === undefined ? null : document.scalarOrigin(place);
          if (within === undefined || origin === null) return document.positionOf(place);
          return { source: origin.span.source, start: origin.offsetOf(within.start), end: origin.offsetOf(within.end) };
        },
      };
      addPolicy({ object, from, read, loading });
    }
  }
}

interface Adding {
  readonly object: Json;
  readonly from: ReadFrom;
  readonly read: ReadCliPolicy;
  readonly loading: Loading;
}

function addPolicy({ object, from, read, loading }: Adding): void {
  const gvk = gvkOf(object);
  const { group, kind } = gvk;
  const path = from.file;
  if (!isObject(object) || gvk.kind === "" || gvk.version === "") {
    loading.errors.push({ path, text: "failed to parse document (failed to retrieve GVK: Object 'Kind' is missing)" });
    return;
  }
  const unknown = policyGroups.has(group) ? null : unknownKind(gvk);
  if (unknown !== null) {
    passOver(`failed to parse document (failed to retrieve validator: ${unknown})`, "kind", { from, loading });
    return;
  }
  if (group === "kyverno.io" && (kind === "ClusterPolicy" || kind === "Policy")) {
    const { policy, diagnostics } = read(object, from);
    for (const diagnostic of diagnostics) {
      loading.errors.push({ path, text: diagnostic.message, place: formatDiagnostic(diagnostic) });
    }
    if (policy === null) return;
    loading.policies.push(policy);
  } else if (group === "kyverno.io" && kind === "PolicyException") loading.exceptions.push(object);
  else if (group === "kyverno.io" && kind.endsWith("CleanupPolicy")) loading.cleanups.push(object);
  else if (policyGroups.has(group)) loading.unsupported.push({ kind, name: nameOf(object) });
  else {
    const wrong = wrongName(object);
    if (wrong === null) throw new Error(`policy type not supported ${apiVersionOf(gvk)}, Kind=${kind}`);
    passOver(wrong, "metadata", { from, loading });
  }
  const replacement = group === "kyverno.io" ? replacements[kind] : undefined;
  if (replacement === undefined) return;
  const text = `${apiVersionOf(gvk)} ${kind} is deprecated and will be removed in a future release; migrate to ${replacement} (policies.kyverno.io), see https://kyverno.io/docs/guides/migration-to-cel/`;
  loading.warnings.push({ path, text });
}

function passOver(text: string, field: string, { from, loading }: Pick<Adding, "from" | "loading">): void {
  const place = formatDiagnostic(errorAt("policy", from.locate?.([field]) ?? null, text));
  loading.errors.push({ path: from.file, text, place });
}

const policyGroups: ReadonlySet<string> = new Set(["policies.kyverno.io", "admissionregistration.k8s.io"]);

const replacements: Readonly<Record<string, string>> = {
  ClusterPolicy: "ValidatingPolicy, MutatingPolicy, GeneratingPolicy or ImageValidatingPolicy",
  Policy: "NamespacedValidatingPolicy and the other namespaced policy types",
  ClusterCleanupPolicy: "DeletingPolicy",
  CleanupPolicy: "NamespacedDeletingPolicy",
  PolicyException: "PolicyException",
};
