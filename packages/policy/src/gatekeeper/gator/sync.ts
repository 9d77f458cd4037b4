// `gator sync test`: whether what the templates say they need of the cluster (`requires-sync-data`) is synchronised by the
// SyncSets and the Config at hand, and served according to the GVKManifest. A requirement is a set of kinds of which
// one is enough. Requirements are named in the order of the templates, kinds in the order of the annotation; gator's
// order is that of Go's maps. Gatekeeper: pkg/gator/sync/test/test.go, pkg/cachemanager/parser/syncannotationreader.go.

import { type GroupVersionKind, gvkOf, isObject, nameOf, stringAt, valueAt } from "@portcullis/kube";
import { decodeJson, quote } from "@portcullis/lang/go";
import type { Json } from "../../engine/request.ts";
import { type GoType, flag, list, map, objectMeta, struct, text, texts, typeError } from "../gotype.ts";
import { templateDecodeError } from "../template/read.ts";
import { listAt, stringsAt } from "../tree.ts";

export interface SyncTest {
  /** What gator says on standard output, in its order. */
  readonly notes: readonly string[];
  /** gator's error, as it stands on standard error; null when everything is there. */
  readonly error: string | null;
}

export interface SyncTestOptions {
  /** Without a manifest every kind is taken to be served. */
  readonly omitManifest: boolean;
}

/** `group/version:Kind`. */
type Kind = string;

/** Of one template: each entry is a set of kinds, one of which must be there. */
type Requirements = readonly (readonly Kind[])[];

interface Found {
  readonly notes: string[];
  /** By the source's kind and name: the last one of a name counts. */
  readonly synced: Map<string, readonly Kind[]>;
  /** Several may have one name. */
  readonly templates: { readonly name: string; readonly requirements: Requirements }[];
  readonly templateErrors: Map<string, string>;
  hasConfig: boolean;
  manifest: Json;
}

export function gatorSyncTest(objects: readonly Json[], { omitManifest }: SyncTestOptions): SyncTest {
  const found: Found = {
    notes: [],
    synced: new Map(),
    templates: [],
    templateErrors: new Map(),
    hasConfig: false,
    manifest: null,
  };
  for (const object of objects) {
    const problem = take(object, found);
    if (problem !== null) return { notes: found.notes, error: `checking: ${problem}` };
  }
  const { notes, templateErrors } = found;
  if (templateErrors.size > 0) {
    const results = resultsText(templateErrors);
    return { notes, error: `encountered errors parsing the following templates: \n${results}` };
  }
  if (found.manifest === null && !omitManifest) return { notes, error: `checking: ${noManifest}` };
  if (found.manifest === null) notes.push(manifestOmitted);
  const missing = missingRequirements(found, omitManifest);
  if (missing.size === 0) return { notes, error: null };
  return { notes, error: `the following requirements were not met: \n${resultsText(missing)}` };
}

const noManifest = "no GVK manifest found; please provide a manifest enumerating the GVKs supported by the cluster";
const severalManifests =
  "multiple GVK manifests found; please provide one manifest enumerating the GVKs supported by the cluster";
const manifestOmitted =
  "ignoring absence of supported GVK manifest due to --force-omit-gvk-manifest flag; will assume all synced GVKs are supported by cluster";

function resultsText(results: ReadonlyMap<string, string>): string {
  return [...results].map(([template, result]) => `${template}:\n${result}\n`).join("");
}

function missingRequirements(found: Found, omitManifest: boolean): ReadonlyMap<string, string> {
  const synced = new Set([...found.synced.values()].flat());
  const served = servedKinds(found.manifest);
  const isMet = (kind: Kind): boolean => synced.has(kind) && (omitManifest || served.has(kind));
  const missing = new Map<string, string>();
  for (const { name, requirements } of found.templates) {
    const unmet = requirements.filter((kinds) => !kinds.some(isMet)).map((kinds) => `- ${kinds.join(" OR ")}`);
    const earlier = missing.get(name);
    if (unmet.length > 0) missing.set(name, [...(earlier === undefined ? [] : [earlier]), ...unmet].join("\n"));
  }
  return missing;
}

function servedKinds(manifest: Json): ReadonlySet<Kind> {
  const groups = valueAt(manifest, "spec", "groups");
  if (!isObject(groups)) return new Set();
  const kinds = Object.entries(groups).flatMap(([group, versions]) =>
    isObject(versions)
      ? Object.keys(versions).flatMap((version) =>
          stringsAt(versions, version).map((kind) => kindText({ group, version, kind })),
        )
      : [],
  );
  return new Set(kinds);
}

// ── objects

/** Takes an object; what stops the run, or null. */
function take(object: Json, found: Found): string | null {
  const { group, kind } = gvkOf(object);
  switch (`${kind}.${group}`) {
    case "SyncSet.syncset.gatekeeper.sh":
      return takeSynced(object, syncSet, found);
    case "Config.config.gatekeeper.sh": {
      if (found.hasConfig) return "multiple configs found; Config is a singleton resource";
      found.hasConfig = true;
      return takeSynced(object, config, found);
    }
    case "ConstraintTemplate.templates.gatekeeper.sh":
      takeTemplate(object, found);
      return null;
    case "GVKManifest.gvkmanifest.gatekeeper.sh":
      return takeManifest(object, found);
    default:
      found.notes.push(
        `skipping unstructured ${quote(nameOf(object))} because it is not a syncset, config, gvk manifest, or template`,
      );
      return null;
  }
}

interface Source {
  /** As errors name it. */
  readonly name: string;
  readonly type: GoType;
  /** Where its kinds stand. */
  readonly at: readonly string[];
}

const version = "v1alpha1";

function sourceType(name: string, spec: GoType): GoType {
  return own(name, { metadata: objectMeta, spec });
}

function own(name: string, fields: Readonly<Record<string, GoType>>): GoType {
  return struct(`${version}.${name}`, fields);
}

function gvkType(name: string): GoType {
  return own(name, { group: text, version: text, kind: text });
}

function kindEntries(name: string): GoType {
  return list(gvkType(name));
}

const syncSet: Source = {
  name: "syncset",
  type: sourceType("SyncSet", own("SyncSetSpec", { gvks: kindEntries("GVKEntry") })),
  at: ["spec", "gvks"],
};

const config: Source = {
  name: "config",
  type: sourceType(
    "Config",
    own("ConfigSpec", {
      sync: own("Sync", { syncOnly: kindEntries("SyncOnlyEntry") }),
      validation: own("Validation", {
        traces: list(own("Trace", { user: text, kind: gvkType("GVK"), dump: text })),
      }),
      match: list(
        own("MatchEntry", { excludedNamespaces: list({ ...text, name: "wildcard.Wildcard" }), processes: texts }),
      ),
      readiness: own("ReadinessSpec", { statsEnabled: flag }),
    }),
  ),
  at: ["spec", "sync", "syncOnly"],
};

const manifestSource: Source = {
  name: "gvkmanifest",
  type: sourceType("GVKManifest", own("GVKManifestSpec", { groups: groupsType() })),
  at: [],
};

/** Named types in Go. */
function groupsType(): GoType {
  const versions: GoType = { ...map({ ...texts, name: `${version}.Kinds` }), name: `${version}.Versions` };
  return { ...map(versions), name: `map[string]${version}.Versions` };
}

function takeSynced(object: Json, source: Source, found: Found): string | null {
  const problem = convertError(object, source);
  if (problem !== null) return problem;
  const entries = listAt(object, ...source.at);
  const kinds = entries.map((entry) =>
    kindText({ group: stringAt(entry, "group"), version: stringAt(entry, "version"), kind: stringAt(entry, "kind") }),
  );
  if (kinds.length > 0) found.synced.set(`${source.name}/${nameOf(object)}`, kinds);
  return null;
}

function takeManifest(object: Json, found: Found): string | null {
  if (found.manifest !== null) return severalManifests;
  const problem = convertError(object, manifestSource);
  if (problem === null) found.manifest = object;
  return problem;
}

function convertError(object: Json, { name, type }: Source): string | null {
  const gvk = gvkOf(object);
  const problem = gvk.version === version ? (typeError(object, type)?.text ?? null) : unregistered(gvk);
  return problem === null
    ? null
    : `converting unstructured ${quote(nameOf(object))} to ${name}: adding ${name}: ${problem}`;
}

function unregistered({ group, version: found, kind }: GroupVersionKind): string {
  return `no kind "${kind}" is registered for version "${group}/${found}" in scheme "pkg/runtime/scheme.go:111"`;
}

// ── templates

const annotation = "metadata.gatekeeper.sh/requires-sync-data";

function takeTemplate(object: Json, found: Found): void {
  const name = nameOf(object);
  const problem = templateDecodeError(object);
  if (problem !== null) {
    found.templateErrors.set(name, `adding template: ${problem.text}`);
    return;
  }
  const annotations = valueAt(object, "metadata", "annotations");
  const value = isObject(annotations) ? annotations[annotation] : undefined;
  const read = typeof value === "string" ? requirementsOf(value) : { requirements: [] };
  if ("error" in read) found.templateErrors.set(name, read.error);
  else found.templates.push({ name, requirements: read.requirements });
}

const clauseFields = { groups: texts, versions: texts, kinds: texts };
const clauseType: GoType = { is: "struct", name: "parser.GVKClause", fields: clauseFields, closed: true };
const clauses: GoType = list(clauseType);
const compactRequirements: GoType = { ...list(clauses), name: "parser.CompactSyncRequirements" };

function requirementsOf(value: string): { readonly requirements: Requirements } | { readonly error: string } {
  const json = firstValue(value.replace(/^[\n"]+|(?<![\n"])[\n"]+$/g, ""));
  const decoded = decodeJson(json);
  if ("error" in decoded) return { error: endOfInput(json, decoded.error) };
  const tree = Array.isArray(decoded.value) ? decoded.value.map(fieldsNamed) : decoded.value;
  const wrong = typeError(tree, compactRequirements);
  if (wrong !== null) return { error: wrong.text };
  const all = (Array.isArray(tree) ? tree : []) as readonly (readonly Json[])[];
  return { requirements: all.map((requirement) => [...new Set((requirement ?? []).flatMap(kindsOf))]) };
}

/** A stream is read as far as its first value goes: what follows a list or an object is not looked at. */
function firstValue(json: string): string {
  if (!/^\s*[[{]/u.test(json)) return json;
  let depth = 0;
  for (const { 0: token, index } of json.matchAll(/"(?:[^"\\]|\\.)*"?|[[\]{}]/gsu)) {
    if (token.startsWith('"')) continue;
    depth += token === "[" || token === "{" ? 1 : -1;
    if (depth === 0) return json.slice(0, index + 1);
  }
  return json;
}

/** The clauses of a requirement with the names of their fields as the struct has them: Go's decoder ignores their case. */
function fieldsNamed(requirement: Json): Json {
  if (!Array.isArray(requirement)) return requirement;
  return (requirement as readonly Json[]).map((one) => {
    if (!isObject(one)) return one;
    const named = (key: string): string => (Object.hasOwn(clauseFields, key.toLowerCase()) ? key.toLowerCase() : key);
    return Object.fromEntries(Object.entries(one).map(([key, field]) => [named(key), field]));
  });
}

/** A stream that ends too early has other words than a text that does. Go: encoding/json stream.go. */
function endOfInput(json: string, error: string): string {
  if (error !== "unexpected end of JSON input") return error;
  return json.trim() === "" ? "EOF" : "unexpected EOF";
}

function kindsOf(clause: Json): readonly Kind[] {
  return stringsAt(clause, "groups").flatMap((group) =>
    stringsAt(clause, "versions").flatMap((one) =>
      stringsAt(clause, "kinds").map((kind) => kindText({ group, version: one, kind })),
    ),
  );
}

function kindText({ group, version: one, kind }: GroupVersionKind): Kind {
  return `${group}/${one}:${kind}`;
}
