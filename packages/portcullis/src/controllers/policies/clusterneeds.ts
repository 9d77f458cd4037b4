// Answers from the cluster to what policies ask for: single objects, API calls of Kyverno's context entries, who is bound to
// which roles, the lists of GlobalContextEntries and the targets of rules that change existing objects. What changes rarely
// and is asked for often (bindings, lists of global entries) is watched from the first question on; the rest is asked of the
// API server at once. Texts of errors are those of the API server within Kyverno's.
//
// A policy may call the API server's paths, but not climb out of a path it was allowed: encoded dots and slashes are refused.
// Kyverno: pkg/engine/apicall, pkg/userinfo/roleRef.go, pkg/globalcontext.

import {
  type GroupVersionResource,
  isObject,
  labelsOf,
  nameOf,
  namespaceOf,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import type { Answer, Need } from "@portcullis/lang";
import { compileSelector, matchesKindParts, matchesWildcard } from "@portcullis/policy";
import type { Fetchers } from "../../app/fetch.ts";
import { rolesOf } from "../../app/needs.ts";
import {
  type ApiResource,
  ApiError,
  type ClusterClient,
  type ClusterObject,
  type Informer,
  type Informers,
} from "../../cluster/api.ts";
import { type KnownWatch, watchKnown } from "../../cluster/known.ts";

export interface ClusterNeedsOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly onError: (error: Error) => void;
  /** The call of a GlobalContextEntry was answered anew. */
  readonly onRefreshed?: (call: unknown) => void;
  /** Calls a service that is not the API server; null: policies call none. */
  readonly callService: ((call: unknown, signal: AbortSignal) => Promise<Answer>) | null;
}

export interface ClusterNeeds {
  readonly fetchers: Fetchers;
  close(): void;
}

interface State extends ClusterNeedsOptions {
  /** By `group/version/resource namespace`. */
  readonly watched: Map<string, KnownWatch>;
  /** Answers to API calls that say how long they hold, by the need's key. */
  readonly held: Map<string, { readonly untilMs: number; readonly answer: Answer }>;
}

export function clusterNeeds(options: ClusterNeedsOptions): ClusterNeeds {
  const state: State = { ...options, watched: new Map(), held: new Map() };
  const each =
    (answer: (need: Need, signal: AbortSignal) => Promise<Answer>) =>
    (needs: readonly Need[], signal: AbortSignal): Promise<readonly Answer[]> =>
      Promise.all(needs.map((need) => answered(() => answer(need, signal))));
  return {
    fetchers: {
      object: each(({ call }) => getObject(state, call)),
      "kyverno.apiCall": each((need, signal) => apiCall(state, need, signal)),
      "kyverno.roles": each((need) => boundRoles(state, need)),
      "kyverno.resources": each(({ call }) => listed(state, call)),
      "kyverno.targets": each(({ call }) => targets(state, call)),
    },
    close: () => {
      for (const { informer } of state.watched.values()) informer.close();
    },
  };
}

async function answered(answer: () => Promise<Answer>): Promise<Answer> {
  try {
    return await answer();
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

// ── objects

async function getObject({ client }: State, call: unknown): Promise<Answer> {
  const kind = gvkOfCall(call);
  const resource = await resourceOf(client, kind);
  if (resource === null) return { error: `no matches for kind "${kind.kind}" in version "${apiVersionText(kind)}"` };
  const name = { namespace: resource.namespaced ? stringAt(call, "namespace") : "", name: stringAt(call, "name") };
  return { value: await client.get(resource.gvr, name) };
}

interface CallKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

function gvkOfCall(call: unknown): CallKind {
  return { group: stringAt(call, "group"), version: stringAt(call, "version"), kind: stringAt(call, "kind") };
}

function apiVersionText({ group, version }: CallKind): string {
  return group === "" ? version : `${group}/${version}`;
}

/** Discovery is asked once more for what it did not know. */
async function resourceOf(client: ClusterClient, kind: CallKind): Promise<ApiResource | null> {
  const find = (resources: readonly ApiResource[]): ApiResource | undefined =>
    resources.find(({ gvk }) => gvk.group === kind.group && gvk.version === kind.version && gvk.kind === kind.kind);
  return find((await client.discover()).resources) ?? find((await client.discover(true)).resources) ?? null;
}

// ── API calls

async function apiCall(state: State, { key, call }: Need, signal: AbortSignal): Promise<Answer> {
  const refreshMs = valueAt(call, "refreshMs");
  if (typeof refreshMs !== "number") return callOnce(state, call, signal);
  const held = state.held.get(key);
  if (held !== undefined && performance.now() < held.untilMs) return held.answer;
  const answer = await callOnce(state, call, signal);
  // An old answer is better than none.
  if ("error" in answer && held !== undefined) return held.answer;
  if (!("error" in answer)) {
    state.held.set(key, { untilMs: performance.now() + refreshMs, answer });
    state.onRefreshed?.(call);
  }
  return answer;
}

async function callOnce({ client, callService }: State, call: unknown, signal: AbortSignal): Promise<Answer> {
  const path = stringAt(call, "urlPath");
  if (path === "") {
    if (callService !== null) return callService(call, signal);
    return { error: `service ${stringAt(call, "service", "url")}: calls to services are switched off` };
  }
  const method = stringAt(call, "method") === "POST" ? "POST" : "GET";
  const failed = `failed to ${method} resource with raw url: ${path}`;
  if (climbs(path)) return { error: `${failed}: the path must not have encoded dots or slashes, or steps upwards` };
  const body = method === "POST" ? { body: requestData(call) } : {};
  try {
    return { value: await client.call({ method, path, signal, bytesMax: responseBytesMax, ...body }) };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const isForbidden = error instanceof ApiError && (error.status === 403 || error.status === 401);
    return { error: `${failed}: ${isForbidden ? "permission denied: " : ""}${text}` };
  }
}

/** Kyverno: --maxAPICallResponseLength of the admission controller. */
const responseBytesMax = 10 * 1000 * 1000;

function climbs(path: string): boolean {
  const [before = ""] = path.split("?");
  return /%2e|%2f/i.test(before) || before.split("/").includes("..");
}

function requestData(call: unknown): unknown {
  const data = valueAt(call, "data");
  const entries = Array.isArray(data) ? (data as readonly unknown[]) : [];
  return Object.fromEntries(entries.map((one) => [stringAt(one, "key"), valueAt(one, "value")]));
}

// ── what is watched from the first question on

const bindings = ["rolebindings", "clusterrolebindings"].map((resource) => ({
  group: "rbac.authorization.k8s.io",
  version: "v1",
  resource,
}));

async function boundRoles(state: State, need: Need): Promise<Answer> {
  const watches = bindings.map((resource) => watched(state, resource, { keep: keptOfBinding }));
  const informers = await Promise.all(watches.map(allOf));
  const objects = informers.flatMap((informer) => informer.list());
  return rolesOf(objects, need) ?? { value: { roles: [], clusterRoles: [] } };
}

function keptOfBinding(object: ClusterObject): ClusterObject {
  const { metadata, roleRef, subjects } = object;
  const { name, namespace, uid, resourceVersion } = (metadata ?? {}) as Readonly<Record<string, unknown>>;
  const kind = namespace === undefined ? "ClusterRoleBinding" : "RoleBinding";
  const kept = { name, uid, resourceVersion, ...(namespace !== undefined && { namespace }) };
  return { apiVersion: "rbac.authorization.k8s.io/v1", kind, metadata: kept, roleRef, subjects };
}

async function listed(state: State, call: unknown): Promise<Answer> {
  const resource = {
    group: stringAt(call, "group"),
    version: stringAt(call, "version"),
    resource: stringAt(call, "resource"),
  };
  const namespace = stringAt(call, "namespace");
  const informer = await allOf(watched(state, resource, namespace === "" ? {} : { namespace }));
  return { value: informer.list() };
}

interface HowWatched {
  readonly namespace?: string;
  readonly keep?: (object: ClusterObject) => ClusterObject;
}

function watched(state: State, resource: GroupVersionResource, how: HowWatched): KnownWatch {
  const key = `${resource.group}/${resource.version}/${resource.resource} ${how.namespace ?? ""}`;
  const known = state.watched.get(key);
  if (known !== undefined) return known;
  const watch = watchKnown(state.informers, resource, { ...how, onError: state.onError });
  state.watched.set(key, watch);
  return watch;
}

/** Rejects when the API server does not show it. */
async function allOf({ informer, known }: KnownWatch): Promise<Informer> {
  const refusal = await known;
  if (refusal !== null && !informer.hasSynced()) throw refusal;
  return informer;
}

// ── targets

/** Kyverno: pkg/clients/dclient/helpers.go GetResources. */
async function targets({ client }: State, call: unknown): Promise<Answer> {
  const [namespace, name] = [stringAt(call, "namespace"), stringAt(call, "name")];
  const parts = { ...gvkOfCall(call), subresource: stringAt(call, "subresource") };
  const { resources } = await client.discover();
  const wanted = resources.filter(
    ({ gvk, preferred, verbs }) =>
      verbs.includes("list") && matchesKindParts(parts, gvk, "") && (preferred || parts.version === gvk.version),
  );
  const selector = valueAt(call, "selector");
  const selects = isObject(selector) ? compileSelector(selector) : () => true;
  const isWild = /[*?]/.test(namespace + name);
  const found: ClusterObject[] = [];
  for (const resource of wanted) {
    if (!isWild && name !== "" && (namespace !== "" || !resource.namespaced)) {
      // oxlint-disable-next-line no-await-in-loop -- rarely more than one
      found.push(await client.get(resource.gvr, { namespace: resource.namespaced ? namespace : "", name }));
      continue;
    }
    const options = resource.namespaced && namespace !== "" && !isWild ? { namespace } : {};
    // oxlint-disable-next-line no-await-in-loop -- page after page
    for await (const page of client.list(resource.gvr, options)) {
      found.push(
        ...page.filter(
          (object) =>
            (namespace === "" || matchesWildcard(namespace, namespaceOf(object))) &&
            (name === "" || matchesWildcard(name, nameOf(object))) &&
            selects(labelsOf(object)),
        ),
      );
    }
  }
  return { value: found };
}
