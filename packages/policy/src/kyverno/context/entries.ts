// Context entries of a rule, compiled: a ConfigMap, an API call, a computed variable, a shared entry of the cluster. What
// has to be fetched becomes a Need, with the namespace of the policy that asks, and only with the rights that the policy
// should have: a namespaced policy reads nothing outside its namespace. Failures have Kyverno's texts, which often name
// the entry twice. Kyverno: pkg/engine/context/loaders, pkg/engine/apicall.

import { isObject, stringAt, valueAt } from "@portcullis/kube";
import { type Need, Suspend } from "@portcullis/lang";
import { queryUnescape } from "@portcullis/lang/go";
import { canonicalJson } from "../../engine/digest.ts";
import type { Json } from "../../engine/request.ts";
import { Failure, failureOf, prefixing } from "../failure.ts";
import { type Query, compileDynamicQuery, compileQuery } from "../query.ts";
import type { ContextEntry, Scope } from "../scope.ts";
import type { ContextSource } from "../settings.ts";
import { type Template, compileTemplate } from "../template.ts";
import { variableEntry } from "./variable.ts";

export interface SourcedEntry extends ContextEntry {
  /** Null: the entry says not what it is, which is an error where it is loaded. */
  readonly source: ContextSource | null;
}

/** Compiles the `context` of a rule or of a foreach. */
export function compileEntries(tree: Json): readonly SourcedEntry[] {
  return Array.isArray(tree) ? tree.map(compileEntry) : [];
}

/** Adds entries for what follows; rules without a readable entry fail here. */
export function addEntries(scope: Scope, entries: readonly SourcedEntry[], leftOut: ReadonlySet<ContextSource>): void {
  for (const { source, name } of entries) {
    if (source === null) throw new Failure(`failed to create deferred loader for context entry ${name}`);
  }
  scope.addEntries(
    leftOut.size === 0 ? entries : entries.filter(({ source }) => source !== null && !leftOut.has(source)),
  );
}

function compileEntry(tree: Json): SourcedEntry {
  const name = stringAt(tree, "name");
  const configMap = valueAt(tree, "configMap");
  if (isObject(configMap)) return fetched(name, "configMap", configMapLoad(name, configMap));
  const apiCall = valueAt(tree, "apiCall");
  if (isObject(apiCall)) return fetched(name, "apiCall", apiCallLoad(name, apiCall));
  const reference = valueAt(tree, "globalReference");
  if (isObject(reference)) return fetched(name, "globalReference", globalLoad(name, reference));
  const registry = valueAt(tree, "imageRegistry");
  if (isObject(registry)) return fetched(name, "imageRegistry", registryLoad(name));
  const variable = valueAt(tree, "variable");
  if (isObject(variable)) return { ...variableEntry(name, variable), source: "variable" };
  return fetched(name, null, () => undefined);
}

function fetched(name: string, source: ContextSource | null, load: (scope: Scope) => Json): SourcedEntry {
  return { name, source, recomputed: false, load };
}

/** What a need has brought. Throws Suspend, Failure with the text of a failed fetch. */
export function ask(scope: Scope, need: Need): Json {
  const [answer] = scope.evaluation.world.ask([need]);
  if (answer === undefined) throw new Suspend([need]);
  if ("error" in answer) throw new Failure(answer.error);
  return answer.value;
}

// ── configMap

function configMapLoad(entry: string, tree: Json): (scope: Scope) => Json {
  const named = { name: stringAt(tree, "name"), namespace: stringAt(tree, "namespace") };
  const name = compileTemplate(named.name);
  const namespace = compileTemplate(named.namespace);
  const text = (field: "name" | "namespace", template: Template, scope: Scope): string => {
    const what = `failed to substitute variables in context ${entry} configMap.${field} ${named[field]}`;
    const value = prefixing(what, () => template.evaluate(scope));
    if (typeof value !== "string") throw new Failure(`${what}: expected string, got ${goType(value)}`);
    return value;
  };
  return (scope) =>
    prefixing(`failed to retrieve config map for context entry ${entry}`, () => {
      const wanted = { name: text("name", name, scope), namespace: text("namespace", namespace, scope) };
      return configMapData(entry, wanted, scope);
    });
}

interface ObjectName {
  readonly name: string;
  readonly namespace: string;
}

function configMapData(entry: string, wanted: ObjectName, scope: Scope): Json {
  const own = scope.policyNamespace;
  const namespace = wanted.namespace === "" ? own || "default" : wanted.namespace;
  if (own !== "" && namespace !== own) {
    throw new Failure(
      `context entry ${entry}: configMap namespace "${namespace}" is different from policy namespace "${own}"`,
    );
  }
  const call = { group: "", version: "v1", kind: "ConfigMap", namespace, name: wanted.name };
  const need = { kind: "object", key: `v1/ConfigMap/${namespace}/${wanted.name}`, call };
  const object = prefixing(`failed to get configmap ${namespace}/${wanted.name} `, () => ask(scope, need));
  return { data: valueAt(object, "data") ?? null, metadata: valueAt(object, "metadata") ?? null };
}

function goType(value: Json): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "boolean") return "bool";
  return isObject(value) ? "map[string]interface {}" : "float64";
}

// ── apiCall

/** What is to be fetched: a path of the API server, or a URL of a service. */
interface ApiCall {
  readonly method: string;
  readonly urlPath: string;
  readonly service: Json;
  readonly data: readonly Json[];
  /** The namespace of the policy that asks; "" for a cluster policy. */
  readonly policyNamespace: string;
}

function apiCallLoad(entry: string, tree: Json): (scope: Scope) => Json {
  const call = compileTemplate(tree);
  const fallback = valueAt(tree, "default");
  const urlPath = stringAt(tree, "urlPath");
  const path = stringAt(tree, "jmesPath");
  const transform = path === "" ? null : compileTransform(entry, path);
  return (scope) => {
    const data = prefixing("failed to fetch data for APICall", () => {
      const what = `failed to substitute variables in context entry ${entry} ${urlPath}`;
      const resolved = prefixing(what, () => call.evaluate(scope));
      return fetchApiCall(resolved, fallback, scope);
    });
    if (transform === null || data.isDefault) return data.value;
    return prefixing("failed to store data for APICall", () => transform(data.value, scope));
  };
}

function fetchApiCall(
  resolved: Json,
  fallback: Json,
  scope: Scope,
): { readonly value: Json; readonly isDefault: boolean } {
  const call: ApiCall = {
    method: stringAt(resolved, "method") || "GET",
    urlPath: stringAt(resolved, "urlPath"),
    service: valueAt(resolved, "service") ?? null,
    data: (valueAt(resolved, "data") as readonly Json[] | undefined) ?? [],
    policyNamespace: scope.policyNamespace,
  };
  refuseForeignPath(call);
  try {
    const value = ask(scope, { kind: "kyverno.apiCall", key: canonicalJson(call), call });
    return { value, isDefault: false };
  } catch (error) {
    const failure = failureOf(error);
    if (fallback === undefined || fallback === null) throw failure;
    return { value: fallback, isDefault: true };
  }
}

/** Paths with line ends have none. */
const namespacedPath = /^\/apis?\/.*?\/namespaces\/([^/]+)/;

/** A namespaced policy may ask only for what is in its namespace, however the path is spelled. */
function refuseForeignPath({ urlPath, policyNamespace }: ApiCall): void {
  if (policyNamespace === "") return;
  const path = cleanPath(unescaped(urlPath));
  const namespace = path.includes("\n") ? undefined : namespacedPath.exec(path)?.[1];
  if (namespace === undefined) {
    throw new Failure(`path ${path} does not contain a namespace segment, which is required for namespaced policies`);
  }
  if (namespace !== policyNamespace) {
    throw new Failure(
      `path ${path} refers to namespace ${namespace}, which is different from the policy namespace ${policyNamespace}`,
    );
  }
}

/** Go: url.PathUnescape, where a plus is a plus. */
function unescaped(path: string): string {
  const decoded = queryUnescape(path.replaceAll("+", "%2B"));
  return typeof decoded === "string" ? decoded : path;
}

/** Go: path.Clean. */
function cleanPath(path: string): string {
  const rooted = path.startsWith("/");
  const steps: string[] = [];
  for (const step of path.split("/")) {
    if (step === "" || step === ".") continue;
    if (step !== "..") steps.push(step);
    else if (steps.length > 0 && steps.at(-1) !== "..") steps.pop();
    else if (!rooted) steps.push("..");
  }
  return (rooted ? "/" : "") + steps.join("/") || (rooted ? "/" : ".");
}

function compileTransform(entry: string, path: string): (value: Json, scope: Scope) => Json {
  const template = compileTemplate(path);
  const fixed: Query | null = template.isStatic ? compileQuery(path) : null;
  return (value, scope) => {
    const what = `failed to substitute variables in context entry ${entry} JMESPath ${path}`;
    const text = fixed?.text ?? prefixing(what, () => template.evaluate(scope));
    const query = fixed ?? compileDynamicQuery(String(text));
    const failed = `failed to apply JMESPath ${query.text} for context entry ${entry}`;
    return prefixing(failed, () => query.search(value, scope.queryContext));
  };
}

// ── globalReference, imageRegistry

function globalLoad(entry: string, tree: Json): (scope: Scope) => Json {
  const reference = compileTemplate(tree);
  return (scope) => {
    if (scope.policyNamespace !== "") {
      throw new Failure(`context entry ${entry}: globalReference is not allowed in namespaced policies`);
    }
    return prefixing(`failed to marshal APICall data for context entry ${entry}`, () =>
      globalData(entry, reference.evaluate(scope), scope),
    );
  };
}

function globalData(entry: string, reference: Json, scope: Scope): Json {
  const [name = "", projection = ""] = stringAt(reference, "name").split(".");
  const call = { name, projection };
  const value = ask(scope, { kind: "kyverno.globalContext", key: `${name}.${projection}`, call });
  const path = stringAt(reference, "jmesPath");
  if (path === "") return value;
  const query = compileDynamicQuery(path);
  return prefixing(`failed to apply JMESPath ${path} for context entry ${entry}`, () =>
    query.search(value, scope.queryContext),
  );
}

function registryLoad(entry: string): (scope: Scope) => Json {
  return () => {
    throw new Failure(`image data from registries is not supported yet: context entry ${entry}`);
  };
}
