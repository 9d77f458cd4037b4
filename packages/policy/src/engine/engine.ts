// From objects to a PolicySet. Every object belongs to the dialect that owns its kind; reading one is expensive (Rego is
// compiled) and cached by its content, so that a changed set reads only what changed. Linking is cheap and looks at
// everything. A set is immutable and carries its source form, from which a worker makes the same set again.

import { type Diagnostic, type Span, errorAt, limitOf, warningAt } from "@portcullis/lang";
import { deepest, isTooDeep } from "./depth.ts";
import { digestOf, digestOfAll } from "./digest.ts";
import { type DialectPart, evaluate } from "./evaluate.ts";
import type { Linked, PolicyFrontend, Profile } from "./frontend.ts";
import type { PolicySet, PolicySource } from "./policyset.ts";
import type { Catalog, Json, ObjectRef } from "./request.ts";
import { indexByScope } from "./scope.ts";

export interface EngineOptions {
  /** In the order in which their warnings stand in an answer. */
  readonly frontends: readonly PolicyFrontend[];
  readonly catalog: Catalog;
  readonly profile?: Profile;
  /** How often one decision may wait for data; 16 when absent. */
  readonly rounds?: number;
  /** The part of a decision's remaining time that one policy may use; 0.5 when absent. */
  readonly share?: number;
}

export interface Engine {
  /** Objects that no frontend owns are not policies: they are left out and reported in the status. */
  policySet(sources: readonly PolicySource[]): PolicySet;
}

export function createEngine(options: EngineOptions): Engine {
  return { policySet: (sources) => makeSet({ options, sources, known: new Map() }) };
}

/**
 * What would be wrong with an object if it joined the set: what a webhook says before it is stored. Empty when all is
 * well or no dialect owns its kind.
 */
export function admissionProblems(set: PolicySet, source: PolicySource): readonly Diagnostic[] {
  const found = set.with([source], []).status.get(statusKey(source.object)) ?? [];
  return found.filter((diagnostic) => diagnostic.code !== unknownKind);
}

const unknownKind = "unknown-policy-kind";

interface Reading {
  readonly frontend: PolicyFrontend;
  readonly unit: unknown;
  readonly diagnostics: readonly Diagnostic[];
}

interface Making {
  readonly options: EngineOptions;
  readonly sources: readonly PolicySource[];
  /** What earlier sets read, by file and content. */
  readonly known: ReadonlyMap<string, Reading>;
}

interface Item {
  readonly source: PolicySource;
  readonly key: string;
  readonly reading: Reading | null;
}

function makeSet({ options, sources, known }: Making): PolicySet {
  const status = new Map<string, readonly Diagnostic[]>();
  const items = readAll(options, latest(sources, status), known);
  for (const item of items) {
    report(status, item.key, item.reading === null ? [unowned(item.source)] : item.reading.diagnostics);
  }
  const { catalog, profile = "cluster" } = options;
  const linked = options.frontends.map((frontend) => {
    const units = items.filter((item) => item.reading?.frontend === frontend).map((item) => item.reading?.unit);
    const of = frontend.link(
      units.filter((unit) => unit !== null && unit !== undefined),
      catalog,
      profile,
    );
    return { frontend, linked: of };
  });
  for (const { linked: one } of linked) for (const [key, found] of one.status) report(status, key, found);
  const mutations = linked.flatMap(({ linked: one }) => one.mutations);
  const deciding = {
    parts: linked.map(({ frontend, linked: one }) => partOf(frontend, one)),
    stages: indexByScope(mutations),
    catalog,
    rounds: options.rounds ?? 16,
    share: options.share ?? 0.5,
  };
  const kept = items.map((item) => item.source);
  let digest: string | null = null;
  return {
    get digest() {
      digest ??= digestOfAll(kept.map((source) => digestOf(source.object)));
      return digest;
    },
    status,
    policies: linked.flatMap(({ linked: one }) => one.policies),
    mutations,
    effects: linked.flatMap(({ linked: one }) => one.effects),
    sources: kept,
    with: (changed, removed) =>
      makeSet({ options, sources: replaced(kept, changed, removed), known: readingsOf(items) }),
    evaluate: (request, world, budget, how) => evaluate(deciding, request, world, budget, how),
  };
}

function partOf(frontend: PolicyFrontend, linked: Linked): DialectPart {
  const { derive } = linked;
  return {
    frontend,
    policies: indexByScope(linked.policies),
    derive: derive === undefined ? null : (request, evaluation) => derive(request, evaluation),
  };
}

function readAll(
  { frontends }: EngineOptions,
  sources: readonly PolicySource[],
  known: ReadonlyMap<string, Reading>,
): readonly Item[] {
  return sources.map((source) => {
    const key = statusKey(source.object);
    const owner = ownerOf(frontends, source.object);
    if (owner === undefined) return { source, key, reading: null };
    // Digests are for sets that follow one another; a run over files makes one set and needs none.
    const cached = known.size === 0 ? undefined : known.get(cacheKey(source));
    if (cached !== undefined && cached.frontend === owner) return { source, key, reading: cached };
    return { source, key, reading: { frontend: owner, ...readSafely(owner, source) } };
  });
}

/** The dialect that reads an object, because its kind is its own or because the object configures it. */
export function ownerOf(frontends: readonly PolicyFrontend[], object: Json): PolicyFrontend | undefined {
  const kind = groupKind(object);
  return frontends.find((frontend) => frontend.owns(kind) || frontend.configures?.(object) === true);
}

function readingsOf(items: readonly Item[]): ReadonlyMap<string, Reading> {
  const readings = new Map<string, Reading>();
  for (const { source, reading } of items) if (reading !== null) readings.set(cacheKey(source), reading);
  return readings;
}

/** What cannot be read, and a mistake of ours in reading one object, must not take the others with it. */
function readSafely(owner: PolicyFrontend, source: PolicySource): ReturnType<PolicyFrontend["read"]> {
  const refused = (code: string, message: string): ReturnType<PolicyFrontend["read"]> => ({
    unit: null,
    diagnostics: [errorAt(code, place(source), message)],
  });
  if (isTooDeep(source.object)) return refused("too-deep", `nested too deeply: more than ${deepest} levels`);
  try {
    return owner.read(source.object, source);
  } catch (error) {
    const limit = limitOf(error);
    if (limit !== null) return refused("too-large", limit.message);
    const message = `this is a mistake of the engine: ${error instanceof Error ? error.message : String(error)}`;
    return refused("internal-error", message);
  }
}

/** Diagnostics point into the file, so that the same object in another file is another reading. */
function cacheKey({ object, file }: PolicySource): string {
  return `${digestOf(object)} ${file}`;
}

// ── identity

/** The last of several objects with one identity counts, as when they are applied in order. */
function latest(sources: readonly PolicySource[], status: Map<string, readonly Diagnostic[]>): readonly PolicySource[] {
  const byIdentity = new Map<string, PolicySource>();
  for (const source of sources) {
    const id = identity(source.object);
    const earlier = byIdentity.get(id);
    if (earlier !== undefined) {
      const message = `defined more than once: in ${earlier.file} and, counting, in ${source.file}`;
      report(status, statusKey(source.object), [warningAt("duplicate-object", place(source), message)]);
    }
    byIdentity.set(id, source);
  }
  return [...byIdentity.values()];
}

function replaced(
  sources: readonly PolicySource[],
  changed: readonly PolicySource[],
  removed: readonly ObjectRef[],
): readonly PolicySource[] {
  const gone = new Set(removed.map((ref) => `${ref.group}/${ref.kind}/${ref.namespace}/${ref.name}`));
  const byIdentity = new Map(sources.map((source) => [identity(source.object), source] as const));
  for (const id of gone) byIdentity.delete(id);
  for (const source of changed) byIdentity.set(identity(source.object), source);
  return [...byIdentity.values()];
}

function identity(object: Json): string {
  const { group, kind } = groupKind(object);
  const metadata = field(object, "metadata");
  return `${group}/${kind}/${text(field(metadata, "namespace"))}/${text(field(metadata, "name"))}`;
}

/** `Kind/namespace/name`, the key of the status. */
export function statusKey(object: Json): string {
  const metadata = field(object, "metadata");
  return `${groupKind(object).kind}/${text(field(metadata, "namespace"))}/${text(field(metadata, "name"))}`;
}

function groupKind(object: Json): { readonly group: string; readonly kind: string } {
  const apiVersion = text(field(object, "apiVersion"));
  const slash = apiVersion.indexOf("/");
  return { group: slash === -1 ? "" : apiVersion.slice(0, slash), kind: text(field(object, "kind")) };
}

function field(value: Json, key: string): Json {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, Json>>)[key];
}

function text(value: Json): string {
  return typeof value === "string" ? value : "";
}

// ── status

function report(status: Map<string, readonly Diagnostic[]>, key: string, found: readonly Diagnostic[]): void {
  if (found.length > 0) status.set(key, [...(status.get(key) ?? []), ...found]);
}

function unowned(source: PolicySource): Diagnostic {
  const { group, kind } = groupKind(source.object);
  const message = `${kind === "" ? "an object without kind" : `${kind}${group === "" ? "" : ` (${group})`}`} is no kind of policy`;
  return errorAt(unknownKind, place(source), message);
}

function place(source: PolicySource): Span | null {
  return source.locate?.(["kind"]) ?? null;
}
