// A cluster in memory for controllers' tests: resourceVersions that must agree, uids, generations, a status that only its
// subresource writes, finalizers, writes that change nothing and therefore tell nobody, and informers that hear of changes
// a moment later. Calls are counted as the real client counts them; faults can be put in their way.
// Not here: validation by schemas, garbage collection, namespaces that must exist, admission.

import { isDeepStrictEqual } from "node:util";
import {
  type GroupVersionResource,
  apiVersionOf,
  generateNameOf,
  isObject,
  nameOf,
  namespaceOf,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import {
  type ApiCall,
  ApiError,
  type ApiResource,
  type ClusterClient,
  type ClusterObject,
  type DeleteOptions,
  type Informers,
  type ListOptions,
  type ObjectChange,
  type ObjectName,
  type PatchOptions,
  type WriteOptions,
} from "../../src/cluster/api.ts";
import { subjectOf } from "../../src/cluster/paths.ts";
import { type CallTally, createTally } from "../../src/cluster/tally.ts";
import { type Applied, patched, selects } from "./fake-changes.ts";
import { createFakeInformers } from "./fake-informers.ts";
import { type ServedKind, builtinResources, crdResources, served } from "./fake-resources.ts";

interface FakeCall {
  /** `get`, `list`, `create`, `update`, `patch`, `delete`. */
  readonly verb: string;
  readonly resource: GroupVersionResource;
  readonly name: ObjectName;
  readonly subresource: string;
}

export interface FakeOptions {
  /** What is there at the start. */
  readonly objects?: readonly ClusterObject[];
  /** Kinds that are served besides the built-in ones and those of CustomResourceDefinitions. */
  readonly kinds?: readonly ServedKind[];
  /** Looks at each call before it is done; what it gives is the call's refusal. */
  readonly fault?: (call: FakeCall) => ApiError | null;
  /** Answers to `call` for paths that are no resource: `/version`, `/metrics`. */
  readonly paths?: Readonly<Record<string, unknown>>;
}

export interface FakeCluster {
  readonly client: ClusterClient & { readonly calls: CallTally };
  readonly informers: Informers;
  /** Puts an object in place, as somebody else would: not counted, no conflict. */
  put(object: ClusterObject): ClusterObject;
  /** Takes an object away, as somebody else would. */
  drop(resource: GroupVersionResource, name: ObjectName): void;
  /** Resolves when informers have told everything. */
  settled(): Promise<void>;
}

interface Stored {
  readonly object: ClusterObject;
  readonly applied: Applied;
}

/** `group/resource`: all versions are one store. */
type StoreKey = string;

interface State {
  readonly options: FakeOptions;
  readonly calls: CallTally;
  readonly stores: Map<StoreKey, Map<string, Stored>>;
  readonly extra: ApiResource[];
  readonly listeners: Set<(store: StoreKey, change: ObjectChange) => void>;
  version: number;
}

const storeKey = ({ group, resource }: GroupVersionResource): StoreKey => `${group}/${resource}`;
const objectKey = ({ namespace, name }: ObjectName): string => `${namespace}/${name}`;

export function createFakeCluster(options: FakeOptions = {}): FakeCluster {
  const state: State = {
    options,
    calls: createTally(),
    stores: new Map(),
    extra: (options.kinds ?? []).map(served),
    listeners: new Set(),
    version: 100,
  };
  const informers = createFakeInformers({
    objects: (resource) => [...storeOf(state, resource).values()].map(({ object }) => object),
    listen: (resource, listener) => {
      const filtered = (store: StoreKey, change: ObjectChange): void => {
        if (store === storeKey(resource)) listener(change);
      };
      state.listeners.add(filtered);
      return () => state.listeners.delete(filtered);
    },
    shown: (resource, object, listOptions) => asVersion(resource, shown(object, listOptions)),
  });
  const put = (object: ClusterObject): ClusterObject => {
    const resource = resourceOfObject(state, object);
    const before = storeOf(state, resource).get(objectKey({ namespace: namespaceOf(object), name: nameOf(object) }));
    const next = prepared(state, resource, object, before?.object ?? null);
    return commit(state, resource, { object: next, existing: before });
  };
  for (const object of options.objects ?? []) put(object);
  return {
    client: createFakeClient(state),
    informers,
    put,
    drop: (resource, name) => erase(state, resource, name),
    settled: async () => {
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

function createFakeClient(state: State): FakeCluster["client"] {
  const enter = async (call: FakeCall): Promise<ApiResource> => {
    await Promise.resolve();
    const { verb, resource, name, subresource } = call;
    const about = { verb, ...resource, subresource, ...name, durationMs: 0 };
    try {
      const refusal = state.options.fault?.(call) ?? null;
      if (refusal !== null) throw refusal;
      const found = apiResource(state, resource);
      state.calls.add({ ...about, status: verb === "create" ? 201 : 200 });
      return found;
    } catch (error) {
      state.calls.add({ ...about, status: error instanceof ApiError ? error.status : 0 });
      throw error;
    }
  };
  const client: FakeCluster["client"] = {
    server: "https://fake.invalid",
    calls: state.calls,
    call: (request) => fakeCall(state, client, request),
    discover: () => Promise.resolve({ resources: allResources(state), failed: [] }),
    get: async (resource, name) => {
      await enter({ verb: "get", resource, name, subresource: "" });
      return asVersion(resource, existing(state, resource, name).object);
    },
    list: (resource, options = {}) => fakePages(state, enter, { resource, options }),
    create: async (resource, object, options = {}) => {
      const name = { namespace: namespaceOf(object), name: nameOf(object) || madeName(state, object) };
      await enter({ verb: "create", resource, name, subresource: options.subresource ?? "" });
      if (stringAt(object, "metadata", "resourceVersion") !== "")
        throw new ApiError("resourceVersion should not be set on objects to be created", unexpected);
      if (storeOf(state, resource).has(objectKey(name))) throw conflict(resource, name, "AlreadyExists");
      return write(state, { resource, object: named(object, name), existing: undefined, options });
    },
    update: async (resource, object, options = {}) => {
      const name = { namespace: namespaceOf(object), name: nameOf(object) };
      await enter({ verb: "update", resource, name, subresource: options.subresource ?? "" });
      return write(state, { resource, object, existing: existing(state, resource, name), options });
    },
    patch: async (resource, name, patch, options) => {
      await enter({ verb: "patch", resource, name, subresource: options.subresource ?? "" });
      const stored = storeOf(state, resource).get(objectKey(name));
      if (stored === undefined && options.type !== "apply") throw notFound(resource, name);
      const target = { object: stored?.object ?? null, applied: stored?.applied ?? new Map<string, unknown>() };
      const object = named(patched(target, patch, options), name);
      return write(state, { resource, object, existing: stored, options, applied: target.applied });
    },
    remove: async (resource, name, options = {}) => {
      await enter({ verb: "delete", resource, name, subresource: "" });
      removeObject(state, resource, { name, options });
    },
    close: () => undefined,
  };
  return client;
}

/** As kube-apiserver answers, though it is the caller's mistake. */
const unexpected = { status: 500, reason: "InternalError" };

interface Write {
  readonly resource: GroupVersionResource;
  readonly object: ClusterObject;
  readonly existing: Stored | undefined;
  readonly options: WriteOptions | PatchOptions;
  readonly applied?: Applied;
}

function write(state: State, { resource, object, existing: before, options, applied }: Write): ClusterObject {
  const old = before?.object ?? null;
  const name = { namespace: namespaceOf(object), name: nameOf(object) };
  const said = stringAt(object, "metadata", "resourceVersion");
  if (old !== null && said !== "" && said !== stringAt(old, "metadata", "resourceVersion"))
    throw conflict(resource, name, "Conflict");
  const uid = stringAt(object, "metadata", "uid");
  if (old !== null && uid !== "" && uid !== stringAt(old, "metadata", "uid"))
    throw conflict(resource, name, "Conflict");
  const { subresource = "" } = options;
  if (subresource !== "" && !apiResource(state, resource).subresources.includes(subresource))
    throw notFound(resource, name);
  const wanted = subresource === "status" && old !== null ? { ...old, status: object["status"] } : object;
  const next = prepared(state, resource, wanted, old, subresource);
  if (options.dryRun === true) return asVersion(resource, next);
  return asVersion(resource, commit(state, resource, { object: next, existing: before, applied }));
}

/** The object as it would be stored: metadata that the API server owns, the status from whoever may write it. */
function prepared(
  state: State,
  resource: GroupVersionResource,
  object: ClusterObject,
  old: ClusterObject | null,
  subresource = "put",
): ClusterObject {
  const { subresources, gvk } = apiResource(state, resource);
  const hasStatus = subresources.includes("status");
  const { status, ...rest } = structuredClone(object);
  const keptStatus = subresource === "" && hasStatus ? old?.["status"] : status;
  const metadata = (isObject(rest["metadata"]) ? rest["metadata"] : {}) as Record<string, unknown>;
  const isSame = (key: string): boolean => key === "metadata" || isDeepStrictEqual(rest[key], old?.[key]);
  const specChanged =
    old !== null &&
    ![...Object.keys(rest), ...Object.keys(old)]
      .filter((key) => key !== "status" && key !== "apiVersion")
      .every(isSame);
  const deletion = stringAt(old, "metadata", "deletionTimestamp") || stringAt(metadata, "deletionTimestamp");
  const generation = Number(valueAt(old, "metadata", "generation") ?? 0);
  return {
    ...rest,
    apiVersion: apiVersionOf(gvk),
    kind: gvk.kind,
    metadata: {
      ...metadata,
      uid: stringAt(old, "metadata", "uid") || (subresource === "put" && stringAt(metadata, "uid")) || newUid(state),
      creationTimestamp:
        stringAt(old, "metadata", "creationTimestamp") ||
        stringAt(metadata, "creationTimestamp") ||
        "2026-01-01T00:00:00Z",
      ...(deletion === "" ? {} : { deletionTimestamp: deletion }),
      ...(hasStatus ? { generation: old === null ? 1 : generation + (specChanged ? 1 : 0) } : {}),
    },
    ...(keptStatus === undefined ? {} : { status: keptStatus }),
  };
}

/** Stores and tells, unless nothing changed. */
function commit(
  state: State,
  resource: GroupVersionResource,
  given: {
    readonly object: ClusterObject;
    readonly existing: Stored | undefined;
    readonly applied?: Applied | undefined;
  },
): ClusterObject {
  const old = given.existing?.object ?? null;
  const stamp = (version: string): ClusterObject => ({
    ...given.object,
    metadata: { ...(given.object["metadata"] as object), resourceVersion: version },
  });
  const oldVersion = stringAt(old, "metadata", "resourceVersion");
  if (old !== null && isDeepStrictEqual(stamp(oldVersion), old)) return old;
  const object = frozen(stamp(String(++state.version)));
  const name = { namespace: namespaceOf(object), name: nameOf(object) };
  if (isFinished(object)) {
    erase(state, resource, name);
    return object;
  }
  storeOf(state, resource).set(objectKey(name), {
    object,
    applied: given.applied ?? given.existing?.applied ?? new Map<string, unknown>(),
  });
  tell(state, resource, old === null ? { what: "added", object } : { what: "changed", object, old });
  return object;
}

function isFinished(object: ClusterObject): boolean {
  const finalizers = valueAt(object, "metadata", "finalizers");
  const isHeld = Array.isArray(finalizers) && finalizers.length > 0;
  return stringAt(object, "metadata", "deletionTimestamp") !== "" && !isHeld;
}

function removeObject(
  state: State,
  resource: GroupVersionResource,
  { name, options }: { readonly name: ObjectName; readonly options: DeleteOptions },
): void {
  const stored = existing(state, resource, name);
  const { object } = stored;
  const differs = (wanted: string | undefined, key: string): boolean =>
    wanted !== undefined && wanted !== stringAt(object, "metadata", key);
  if (differs(options.uid, "uid") || differs(options.resourceVersion, "resourceVersion"))
    throw conflict(resource, name, "Conflict");
  if (options.dryRun === true) return;
  const metadata = { ...(object["metadata"] as object), deletionTimestamp: "2026-01-01T00:00:00Z" };
  if (isFinished({ ...object, metadata })) erase(state, resource, name);
  else commit(state, resource, { object: { ...object, metadata }, existing: stored });
}

function erase(state: State, resource: GroupVersionResource, name: ObjectName): void {
  const store = storeOf(state, resource);
  const stored = store.get(objectKey(name));
  if (stored === undefined) return;
  store.delete(objectKey(name));
  state.version++;
  tell(state, resource, { what: "removed", object: stored.object });
}

function tell(state: State, resource: GroupVersionResource, change: ObjectChange): void {
  for (const listener of state.listeners) listener(storeKey(resource), change);
}

// ── reading

async function* fakePages(
  state: State,
  enter: (call: FakeCall) => Promise<ApiResource>,
  { resource, options }: { readonly resource: GroupVersionResource; readonly options: ListOptions },
): AsyncGenerator<readonly ClusterObject[]> {
  const name = { namespace: options.namespace ?? "", name: "" };
  const limit = options.limit ?? 500;
  const isWanted = selects(options);
  let all: readonly ClusterObject[] | null = null;
  for (let start = 0; all === null || start < all.length; start += limit) {
    await enter({ verb: "list", resource, name, subresource: "" });
    all ??= [...storeOf(state, resource)]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { object }]) => object)
      .filter(isWanted);
    const page = all.slice(start, start + limit);
    if (page.length > 0) yield page.map((object) => asVersion(resource, shown(object, options)));
  }
}

function shown(object: ClusterObject, { metadataOnly = false }: ListOptions): ClusterObject {
  const { apiVersion, kind, metadata } = object;
  return metadataOnly ? { apiVersion, kind, metadata } : object;
}

function asVersion(resource: GroupVersionResource, object: ClusterObject): ClusterObject {
  const apiVersion = apiVersionOf(resource);
  return object["apiVersion"] === apiVersion ? object : { ...object, apiVersion };
}

async function fakeCall(state: State, client: ClusterClient, { method, path, body }: ApiCall): Promise<unknown> {
  const known = state.options.paths?.[path];
  if (known !== undefined) return known;
  const { verb, group, version, resource, namespace, name, subresource } = subjectOf(method, path);
  const gvr = { group, version, resource };
  const options = subresource === "" ? {} : { subresource };
  switch (verb) {
    case "get":
      if (resource !== "") return client.get(gvr, { namespace, name });
      break;
    case "list": {
      const query = new URLSearchParams(path.split("?")[1]);
      const labelSelector = query.get("labelSelector") ?? "";
      const items: ClusterObject[] = [];
      for await (const page of client.list(gvr, { labelSelector, ...(namespace !== "" && { namespace }) }))
        items.push(...page);
      return {
        apiVersion: apiVersionOf(gvr),
        kind: "List",
        metadata: { resourceVersion: String(state.version) },
        items,
      };
    }
    case "create":
      return client.create(gvr, body as ClusterObject, options);
    case "update":
      return client.update(gvr, body as ClusterObject, options);
    case "delete":
      return client.remove(gvr, { namespace, name });
    default:
  }
  throw new ApiError("the server could not find the requested resource", { status: 404, reason: "NotFound" });
}

// ── what there is

function allResources(state: State): readonly ApiResource[] {
  const crds = storeOf(state, { group: "apiextensions.k8s.io", version: "v1", resource: "customresourcedefinitions" });
  return [...builtins, ...state.extra, ...[...crds.values()].flatMap(({ object }) => crdResources(object))];
}

const builtins = builtinResources();

function apiResource(state: State, resource: GroupVersionResource): ApiResource {
  const found = allResources(state).find(
    ({ gvr }) => storeKey(gvr) === storeKey(resource) && gvr.version === resource.version,
  );
  if (found !== undefined) return found;
  throw new ApiError("the server could not find the requested resource", { status: 404, reason: "NotFound" });
}

function resourceOfObject(state: State, object: ClusterObject): GroupVersionResource {
  const apiVersion = stringAt(object, "apiVersion");
  const kind = stringAt(object, "kind");
  const found = allResources(state).find(({ gvk }) => apiVersionOf(gvk) === apiVersion && gvk.kind === kind);
  if (found === undefined)
    throw new Error(`the fake cluster does not serve ${apiVersion} ${kind}: name it in \`kinds\``);
  return found.gvr;
}

function storeOf(state: State, resource: GroupVersionResource): Map<string, Stored> {
  const key = storeKey(resource);
  const store = state.stores.get(key) ?? new Map<string, Stored>();
  state.stores.set(key, store);
  return store;
}

function existing(state: State, resource: GroupVersionResource, name: ObjectName): Stored {
  const stored = storeOf(state, resource).get(objectKey(name));
  if (stored === undefined) throw notFound(resource, name);
  return stored;
}

const qualified = ({ group, resource }: GroupVersionResource): string =>
  group === "" ? resource : `${resource}.${group}`;

function notFound(resource: GroupVersionResource, { name }: ObjectName): ApiError {
  return new ApiError(`${qualified(resource)} ${JSON.stringify(name)} not found`, { status: 404, reason: "NotFound" });
}

function conflict(
  resource: GroupVersionResource,
  { name }: ObjectName,
  reason: "Conflict" | "AlreadyExists",
): ApiError {
  const what = `${qualified(resource)} ${JSON.stringify(name)}`;
  const message =
    reason === "AlreadyExists"
      ? `${what} already exists`
      : `Operation cannot be fulfilled on ${what}: the object has been modified; please apply your changes to the latest version and try again`;
  return new ApiError(message, { status: 409, reason });
}

function madeName(state: State, object: ClusterObject): string {
  const prefix = generateNameOf(object);
  if (prefix === "") throw new ApiError("name or generateName is required", { status: 422, reason: "Invalid" });
  return `${prefix}${(state.version * 7919).toString(36).padStart(5, "0").slice(-5)}`;
}

function newUid(state: State): string {
  return `00000000-0000-4000-8000-${String(++state.version).padStart(12, "0")}`;
}

function named(object: ClusterObject, { namespace, name }: ObjectName): ClusterObject {
  const metadata = object["metadata"] as object | undefined;
  return { ...object, metadata: { ...metadata, name, ...(namespace === "" ? {} : { namespace }) } };
}

function frozen<Tree>(tree: Tree): Tree {
  if (typeof tree === "object" && tree !== null && !Object.isFrozen(tree)) {
    Object.freeze(tree);
    for (const value of Object.values(tree)) frozen(value);
  }
  return tree;
}
