// Gatekeeper's Config: which Namespaces it leaves alone, and in what; which requests are traced; which kinds are
// synchronised. There is one, named `config`, in Gatekeeper's own namespace; others are not looked at.
// Gatekeeper: apis/config/v1alpha1, pkg/controller/config/process/excluder.go, pkg/webhook/common.go.

import { compileWildcard, gvkOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import { type Diagnostic, errorAt, hasError, warningAt } from "@portcullis/lang";
import type { Locate, ReadFrom } from "../../engine/frontend.ts";
import type { PolicySet } from "../../engine/policyset.ts";
import type { EvaluationRequest, Gvk, Json } from "../../engine/request.ts";
import { servedKind, strictProblems, unservedKind } from "../strict.ts";
import { listAt, stringsAt } from "../tree.ts";

export const configGroup = "config.gatekeeper.sh";

/** What Gatekeeper does with objects, as Config names it. */
export type Process = "audit" | "webhook" | "mutation-webhook" | "sync";

const processes: readonly Process[] = ["audit", "webhook", "mutation-webhook", "sync"];

export interface Config {
  /** Whether a process leaves a namespace alone; "" is that of cluster-scoped objects. */
  excludes(process: Process, namespace: string): boolean;
  readonly traces: readonly Trace[];
}

export interface Trace {
  readonly user: string;
  readonly kind: Gvk;
  /** Everything that the policies know goes with it. */
  readonly dump: boolean;
}

export interface ConfigUnit {
  readonly unit: "config";
  readonly name: string;
  readonly namespace: string;
  readonly locate: Locate | null;
  /** Null when there is a problem. */
  readonly config: Config | null;
  readonly strict: readonly Diagnostic[];
}

const text = { type: "string" };

const gvk = { type: "object", properties: { group: text, version: text, kind: text } };

const list = (items: Json): Json => ({ type: "array", items });

const kind = servedKind(
  { kind: "Config", versions: ["v1alpha1"], code: "config" },
  {
    type: "object",
    properties: {
      match: list({
        type: "object",
        properties: {
          excludedNamespaces: list({ type: "string", pattern: "^\\*?[-:a-z0-9]*\\*?$" }),
          processes: list(text),
        },
      }),
      readiness: { type: "object", properties: { statsEnabled: { type: "boolean" } } },
      sync: { type: "object", properties: { syncOnly: list(gvk) } },
      validation: {
        type: "object",
        properties: { traces: list({ type: "object", properties: { dump: text, kind: gvk, user: text } }) },
      },
    },
  },
);

/** `namespace` is where Gatekeeper is; a Config from a file may leave its own out. */
export function readConfig(
  object: Json,
  from: ReadFrom,
  { namespace }: { readonly namespace: string },
): { readonly unit: ConfigUnit | null; readonly diagnostics: readonly Diagnostic[] } {
  const other = unservedKind(object, from, kind);
  if (other !== null) return { unit: null, diagnostics: [other] };
  const strict = strictProblems(object, from, kind);
  const diagnostics = problemsOf(object, from, namespace);
  const unit: ConfigUnit = {
    unit: "config",
    name: nameOf(object),
    namespace: namespaceOf(object),
    locate: from.locate ?? null,
    config: diagnostics.length > 0 || hasError(strict) ? null : parseConfig(object),
    strict,
  };
  return { unit, diagnostics };
}

function problemsOf(object: Json, { locate }: ReadFrom, namespace: string): readonly Diagnostic[] {
  const place = locate?.(["metadata", "name"]) ?? null;
  if (nameOf(object) !== "config") return [errorAt("config", place, "config resource must have name 'config'")];
  const own = namespaceOf(object);
  if (own === "" || own === namespace) return [];
  const message = `this Config is not used: Gatekeeper's is the one in namespace ${namespace}`;
  return [warningAt("config", locate?.(["metadata", "namespace"]) ?? place, message)];
}

function parseConfig(object: Json): Config {
  const excluded = new Map<string, ((namespace: string) => boolean)[]>();
  for (const entry of listAt(object, "spec", "match")) {
    const globs = stringsAt(entry, "excludedNamespaces").map(compileWildcard);
    for (const named of stringsAt(entry, "processes")) {
      for (const process of named === "*" ? processes : [named]) {
        excluded.set(process, [...(excluded.get(process) ?? []), ...globs]);
      }
    }
  }
  return {
    excludes: (process, namespace) => excluded.get(process)?.some((matches) => matches(namespace)) === true,
    traces: listAt(object, "spec", "validation", "traces").map((trace) => ({
      user: stringAt(trace, "user"),
      kind: gvkIn((trace as { readonly kind?: Json } | null)?.kind),
      dump: stringAt(trace, "dump").toLowerCase() === "all",
    })),
  };
}

function gvkIn(tree: Json): Gvk {
  return { group: stringAt(tree, "group"), version: stringAt(tree, "version"), kind: stringAt(tree, "kind") };
}

/**
 * Whether a process leaves alone what a request is about: a Namespace by its own name, all others by the namespace of the
 * request, because what is sent to a subresource need not name it. Without an object there is nothing to say so.
 * Gatekeeper: pkg/webhook/common.go skipExcludedNamespace.
 */
export function excludesRequest(config: Config, process: Process, request: EvaluationRequest): boolean {
  const object = request.operation === "DELETE" ? request.oldObject : request.object;
  if (object === null) return false;
  const { group, kind: own } = gvkOf(object);
  const isNamespace = group === "" && own === "Namespace";
  return config.excludes(process, isNamespace ? nameOf(object) : request.namespace);
}

const configs = new WeakMap<PolicySet, Config | null>();

/** What is used of a set; null without one. */
export function configOf(set: PolicySet, namespace: string): Config | null {
  const known = configs.get(set);
  if (known !== undefined) return known;
  const source = set.sources.find(
    ({ object }) =>
      gvkOf(object).group === configGroup &&
      nameOf(object) === "config" &&
      (namespaceOf(object) === "" || namespaceOf(object) === namespace),
  );
  const unit = source === undefined ? null : readConfig(source.object, { file: "" }, { namespace }).unit;
  const config = unit?.config ?? null;
  configs.set(set, config);
  return config;
}

/** The trace that a request is to have; null without one. */
export function traceFor({ traces }: Config, { user, kind: asked }: EvaluationRequest): Trace | null {
  if (user === null || asked === null) return null;
  const found = traces.filter(
    (trace) =>
      trace.user === user.username &&
      trace.kind.group === asked.group &&
      trace.kind.version === asked.version &&
      trace.kind.kind === asked.kind,
  );
  return found.find(({ dump }) => dump) ?? found[0] ?? null;
}
