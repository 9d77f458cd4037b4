// What stands in for a cluster on the command line: the given objects answer API calls, ConfigMaps and Namespaces, and a
// test may answer API calls and global context entries itself. Texts of errors are those of Kyverno's stand-in, which is
// a fake client over the same objects. Where that one panics (a list of something that it has none of, or with a selector in
// its URL) there is an empty list here, or what is selected. Kyverno: pkg/clients/dclient/{client,fake}.go, cmd/cli/kubectl-kyverno/store.

import {
  apiVersionOf,
  guessResource,
  gvkOf,
  isObject,
  labelsOf,
  nameOf,
  namespaceOf,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { Gvk, Json } from "../../engine/request.ts";
import { matchesKindParts } from "../match/kinds.ts";
import { compileSelector } from "../match/selector.ts";
import { containsWildcard, matchesWildcard } from "../pattern/wildcard.ts";
import type { TargetCall } from "../targets.ts";
import { readLabelQuery } from "./labelquery.ts";

export interface StandIn {
  readonly objects: readonly Json[];
  /** By `METHOD:URL` or URL. */
  readonly calls: ReadonlyMap<string, MockedCall>;
  /** Values of global context entries, or why there is none. */
  readonly entries: ReadonlyMap<string, Answer>;
}

export interface MockedCall {
  readonly status: number;
  readonly body: Json;
}

/** Answers the needs of policies. */
export function answerFrom({ objects, calls, entries }: StandIn): (need: Need) => Answer {
  return (need) => {
    if (need.kind === "object") return getObject(objects, need.call);
    if (need.kind === "kyverno.targets") return targetsOf(objects, need.call as TargetCall);
    if (need.kind === "kyverno.apiCall") return mocked(calls, need.call) ?? callObjects(objects, need.call);
    if (need.kind === "kyverno.globalContext") return entryOf(entries, need.call);
    return { error: `${need.kind} ${need.key}: no cluster is connected` };
  };
}

function getObject(objects: readonly Json[], call: Json): Answer {
  const gvk = { group: stringAt(call, "group"), version: stringAt(call, "version"), kind: stringAt(call, "kind") };
  const name = stringAt(call, "name");
  const found = objects.find((object) => isOf(object, gvk, stringAt(call, "namespace")) && nameOf(object) === name);
  return found === undefined ? { error: notFound(guessResource(gvk.kind), gvk.group, name) } : { value: found };
}

/** Kyverno: pkg/clients/dclient/helpers.go GetResources. */
function targetsOf(objects: readonly Json[], call: TargetCall): Answer {
  const { namespace, name, selector } = call;
  const ofKind = objects.filter((object) => matchesKindParts(call, gvkOf(object), ""));
  const isOne = namespace !== "" && name !== "" && !containsWildcard(namespace + name);
  if (isOne) {
    const found = ofKind.find((object) => namespaceOf(object) === namespace && nameOf(object) === name);
    return found === undefined ? { error: notFound(guessResource(call.kind), "", name) } : { value: [found] };
  }
  const selects = selector === null ? () => true : compileSelector(selector);
  const matches = (pattern: string, text: string): boolean => pattern === "" || matchesWildcard(pattern, text);
  const found = ofKind.filter(
    (object) => matches(namespace, namespaceOf(object)) && matches(name, nameOf(object)) && selects(labelsOf(object)),
  );
  return { value: found };
}

function isOf(object: Json, wanted: Gvk, namespace: string): boolean {
  const { group, version, kind } = gvkOf(object);
  const isKind = group === wanted.group && version === wanted.version && kind === wanted.kind;
  return isKind && namespaceOf(object) === namespace;
}

function notFound(resource: string, group: string, name: string): string {
  return `${group === "" ? resource : `${resource}.${group}`} ${quote(name)} not found`;
}

// ── API calls

function mocked(calls: ReadonlyMap<string, MockedCall>, call: Json): Answer | null {
  const url = stringAt(call, "service", "url") || stringAt(call, "urlPath");
  const found = calls.get(`${stringAt(call, "method") || "GET"}:${url}`) ?? calls.get(url);
  if (found === undefined) return null;
  if (found.status >= 200 && found.status < 300) return { value: found.body };
  return { error: `HTTP ${found.status} from apiCall mock for ${url} (v1 apiCall treats non-2xx as failure)` };
}

function callObjects(objects: readonly Json[], call: Json): Answer {
  const path = stringAt(call, "urlPath");
  const method = stringAt(call, "method") || "GET";
  if (path === "")
    return { error: `service ${stringAt(call, "service", "url")}: no network is used on the command line` };
  const answer = rawPath(objects, method, path.replace(/^\//, ""));
  if (!("error" in answer)) return answer;
  return { error: `failed to ${method} resource with raw url: ${path}: ${answer.error}` };
}

interface RawPath {
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly name: string;
}

function rawPath(objects: readonly Json[], method: string, path: string): Answer {
  if (method !== "GET") return { error: `method ${method} not supported for fake client` };
  const parsed = parsePath(path.split("/"));
  if (parsed.resource === "") return { error: `failed to parse path: ${path}` };
  const { group, namespace, resource, name } = parsed;
  const [listed = "", query] = resource.split("?");
  if (name === "" && query !== undefined) return selectFrom(objects, { ...parsed, resource: listed }, query);
  const kind = kindOf(objects, parsed);
  const gvk = kindFor(objects, parsed);
  if (name === "") return { value: listOf(objects, gvk, namespace) };
  const found = objects.find((object) => isOf(object, gvk, namespace) && nameOf(object) === name);
  if (found !== undefined) return { value: found };
  // A resource that the stand-in does not know has no name in its errors.
  const text =
    kind === null && !alwaysKnown.has(resource) ? ` ${quote(name)} not found` : notFound(resource, group, name);
  return { error: `failed to get resource ${apiVersionOf(gvk)}/${gvk.kind}/${name}: ${text}` };
}

function selectFrom(objects: readonly Json[], path: RawPath, query: string): Answer {
  const selects = readLabelQuery(query);
  if ("error" in selects) return selects;
  const selected = objects.filter((object) => selects(labelsOf(object)));
  return { value: listOf(selected, kindFor(objects, path), path.namespace) };
}

const alwaysKnown: ReadonlySet<string> = new Set([
  "configmaps",
  "endpoints",
  "namespaces",
  "resourcequotas",
  "secrets",
  "serviceaccounts",
  "daemonsets",
  "deployments",
  "statefulsets",
]);

/** `api/v1/…` or `apis/group/version/…`, with or without a namespace; what follows a name is ignored. */
function parsePath(parts: readonly string[]): RawPath {
  const [root] = parts;
  const isCore = root === "api" && parts.length >= 2;
  if (!isCore && !(root === "apis" && parts.length >= 3)) {
    return { group: "", version: "", namespace: "", resource: "", name: "" };
  }
  const [group = "", version = ""] = isCore ? ["", parts[1]] : [parts[1], parts[2]];
  const rest = parts.slice(isCore ? 2 : 3);
  const isNamespaced = rest[0] === "namespaces" && rest.length >= 2;
  const [resource = "", name = ""] = isNamespaced ? rest.slice(2) : rest;
  return { group, version, namespace: isNamespaced ? (rest[1] ?? "") : "", resource, name };
}

/** The kind of the given objects that has this resource; null when there is none. */
function kindOf(objects: readonly Json[], { group, version, resource }: RawPath): string | null {
  const found = objects.find((object) => {
    const gvk = gvkOf(object);
    return gvk.group === group && gvk.version === version && guessResource(gvk.kind) === resource;
  });
  return found === undefined ? null : gvkOf(found).kind;
}

/** The kind of a resource, as far as it can be told. */
function kindFor(objects: readonly Json[], path: RawPath): Gvk {
  const { group, version, resource } = path;
  const kind = kindOf(objects, path);
  if (kind !== null) return { group, version, kind };
  const inferred = { group, version, kind: inferKind(resource) };
  return namesake(objects, inferred) ?? inferred;
}

/** What has no such group and version is looked for by its resource's name alone. */
function namesake(objects: readonly Json[], { kind }: Gvk): Gvk | null {
  const resource = `${kind.toLowerCase()}s`;
  const found = objects.find((object) => guessResource(gvkOf(object).kind) === resource);
  return found === undefined ? null : gvkOf(found);
}

/** `ies` → `y`, `es` and `s` taken off, the first letter large: wrong for many, but only shown. */
function inferKind(resource: string): string {
  const singular = resource.endsWith("ies") ? `${resource.slice(0, -3)}y` : resource.replace(/e?s$/, "");
  return singular.charAt(0).toUpperCase() + singular.slice(1);
}

function listOf(objects: readonly Json[], gvk: Gvk, namespace: string): Json {
  const items = objects.filter((object) => isOf(object, gvk, namespace === "" ? namespaceOf(object) : namespace));
  return { apiVersion: apiVersionOf(gvk), kind: `${gvk.kind}List`, metadata: { resourceVersion: "" }, items };
}

// ── global context

function entryOf(entries: ReadonlyMap<string, Answer>, call: Json): Answer {
  const name = stringAt(call, "name");
  const projection = stringAt(call, "projection");
  const entry = entries.get(name);
  if (entry === undefined) return { error: `failed to fetch entry key=${name}` };
  if ("error" in entry || projection === "") return entry;
  if (!isObject(entry.value)) {
    return { error: `global context mock: projection ${quote(projection)} requested but value is not an object` };
  }
  const value = valueAt(entry.value, projection);
  return value === undefined ? { error: `global context mock: projection ${quote(projection)} not found` } : { value };
}
