// The client for any resource of a cluster. A refusal becomes an ApiError with what the API server's Status says. What the
// API server asks to be tried again (429, or any answer with Retry-After) is tried again within the call's time, as is a
// request that met a connection which the server had just closed, when sending it twice does no harm. A 401 renews the
// credential once.

import { type GroupVersionKind, type GroupVersionResource, namespaceOf, nameOf } from "@portcullis/kube";
import {
  type ApiCall,
  ApiError,
  type ClusterClient,
  type ClusterObject,
  type ObjectName,
  type PatchOptions,
  type WriteOptions,
} from "./api.ts";
import { createDiscovery, kindOfResource } from "./discovery.ts";
import type { ClusterConfig } from "./kubeconfig.ts";
import { listPages } from "./list.ts";
import { type PathOptions, resourcePath, subjectOf } from "./paths.ts";
import { createSlots, pause } from "./retry.ts";
import { type CallRecord, type CallTally, createTally } from "./tally.ts";
import { StaleConnectionError, createTransport, readBody, refusal, stopTimer } from "./transport.ts";

export interface ClientOptions {
  /** `portcullis` when absent; the product adds its version. */
  readonly userAgent?: string;
  /** Each `Warning:` that the API server adds to an answer. */
  readonly onWarning?: (text: string) => void;
  /** Each exchange, once it has ended. */
  readonly onCall?: (record: CallRecord) => void;
}

/** A client whose answers can be read while they come, as informers do. */
export interface StreamingClient extends ClusterClient {
  readonly calls: CallTally;
  /** The body of a successful GET, chunk by chunk, until the signal, the server or the consumer ends it. */
  stream(request: StreamRequest): Promise<AsyncIterable<Buffer>>;
}

interface StreamRequest {
  readonly path: string;
  readonly accept?: string;
  readonly signal: AbortSignal;
  /** How long the head of the answer may take; 30 s when absent. */
  readonly headMs?: number;
}

const defaultTimeoutMs = 30_000;
const defaultBytesMax = 512 * 1024 * 1024;
const refusalBytesMax = 1024 * 1024;
const attemptsMax = 6;
/** Calls that are under way at the same time; more wait for their turn, streams do not count. */
const callsMax = 32;

const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

export function createClient(config: ClusterConfig, options: ClientOptions = {}): StreamingClient {
  const transport = createTransport(config, options.userAgent ?? "portcullis");
  const calls = createTally();
  const exchange = createExchange({ config, transport, calls, options });
  const inSlot = createSlots(callsMax);
  const call = (request: ApiCall): Promise<unknown> => callWithRetries(exchange, request, { config, inSlot });
  const discover = createDiscovery(call);
  const kindOf = (resource: GroupVersionResource): Promise<GroupVersionKind | null> =>
    kindOfResource(discover, resource);
  const write = async (method: "POST" | "PUT", path: string, body: ClusterObject): Promise<ClusterObject> =>
    (await call({ method, path, body })) as ClusterObject;
  return {
    server: config.server,
    calls,
    call,
    discover,
    get: async (resource, name) => (await call({ method: "GET", path: namedPath(resource, name) })) as ClusterObject,
    list: (resource, listOptions = {}) => listPages({ call, kindOf }, resource, listOptions),
    create: (resource, object, given = {}) => {
      const name = given.subresource === undefined ? undefined : nameOf(object);
      return write("POST", resourcePath(resource, { namespace: namespaceOf(object), name, ...writing(given) }), object);
    },
    update: (resource, object, given = {}) => {
      const name = { namespace: namespaceOf(object), name: nameOf(object) };
      return write("PUT", namedPath(resource, name, writing(given)), object);
    },
    patch: async (resource, name, patch, given) => {
      const path = namedPath(resource, name, writing(given));
      const answer = await call({ method: "PATCH", path, body: patch, contentType: patchTypes[given.type] });
      return answer as ClusterObject;
    },
    remove: async (resource, name, given = {}) => {
      const { propagation, uid, resourceVersion, dryRun } = given;
      const preconditions = {
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      };
      const body = {
        apiVersion: "v1",
        kind: "DeleteOptions",
        ...(propagation === undefined ? {} : { propagationPolicy: propagation }),
        ...(Object.keys(preconditions).length === 0 ? {} : { preconditions }),
        ...(dryRun === true ? { dryRun: ["All"] } : {}),
      };
      await call({ method: "DELETE", path: namedPath(resource, name), body });
    },
    stream: async ({ path, accept, signal, headMs }) => {
      const timeoutMs = headMs ?? defaultTimeoutMs;
      const response = await exchange({ method: "GET", path, signal, timeoutMs, ...(accept && { accept }) });
      stopTimer(response);
      return response as AsyncIterable<Buffer>;
    },
    close: () => transport.close(),
  };
}

function namedPath(resource: GroupVersionResource, name: ObjectName, more: PathOptions = {}): string {
  if (name.name === "") throw new ApiError(`${resource.resource}: a name is needed`, { status: 0, reason: "Invalid" });
  return resourcePath(resource, { ...more, namespace: name.namespace, name: name.name });
}

function writing({ fieldManager, dryRun, fieldValidation, subresource, ...more }: WriteOptions): PathOptions {
  const { force, type } = more as Partial<PatchOptions>;
  return {
    subresource,
    query: {
      fieldManager: fieldManager ?? (type === "apply" ? "portcullis" : undefined),
      dryRun: dryRun === true ? "All" : undefined,
      fieldValidation,
      force: force === true ? true : undefined,
    },
  };
}

type Send = (request: ApiCall) => ReturnType<ReturnType<typeof createTransport>["send"]>;

interface Parts {
  readonly config: ClusterConfig;
  readonly transport: ReturnType<typeof createTransport>;
  readonly calls: CallTally;
  readonly options: ClientOptions;
}

/** One exchange, counted; resolves to a successful answer, rejects with an ApiError for any other. */
function createExchange({ config, transport, calls, options }: Parts): Send {
  const send = async (request: ApiCall): ReturnType<Send> => {
    const { method, path, body, contentType = "application/json", accept = "application/json" } = request;
    const startMs = performance.now();
    let status = 0;
    try {
      const response = await transport.send({
        method,
        path,
        body: body === undefined ? undefined : JSON.stringify(body),
        headers: { accept, ...(body === undefined ? {} : { "content-type": contentType }) },
        timeoutMs: request.timeoutMs ?? defaultTimeoutMs,
        signal: request.signal,
      });
      status = response.statusCode ?? 0;
      for (const text of warnings(response.headersDistinct["warning"])) options.onWarning?.(text);
      if (status >= 200 && status < 300) return response;
      throw refusal(response, (await readBody(response, refusalBytesMax)).toString(), `${method} ${path}`);
    } finally {
      const record = { ...subjectOf(method, path), status, durationMs: performance.now() - startMs };
      calls.add(record);
      options.onCall?.(record);
    }
  };
  return async (request) => {
    try {
      return await send(request);
    } catch (error) {
      const isRefused = error instanceof ApiError && error.status === 401;
      if (!isRefused || !config.credentials.refuse()) throw error;
      return send(request);
    }
  };
}

interface Calling {
  readonly config: ClusterConfig;
  readonly inSlot: ReturnType<typeof createSlots>;
}

async function callWithRetries(exchange: Send, request: ApiCall, { config, inSlot }: Calling): Promise<unknown> {
  const { timeoutMs = defaultTimeoutMs, bytesMax = defaultBytesMax, signal } = request;
  let endMs = Infinity;
  const attemptOnce = async (): Promise<unknown> => {
    endMs = Math.min(endMs, performance.now() + timeoutMs);
    const response = await exchange({ ...request, timeoutMs: Math.max(1, endMs - performance.now()) });
    return bodyOf(await readBody(response, bytesMax), response.headers["content-type"], config.server);
  };
  const isRepeatable = request.method === "GET" || request.method === "PUT";
  let failure: unknown = null;
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    try {
      // Attempts follow one another.
      // oxlint-disable-next-line no-await-in-loop
      return await inSlot(attemptOnce);
    } catch (error) {
      failure = error;
      if (!(error instanceof ApiError) || signal?.aborted === true) throw error;
      const isStale = error instanceof StaleConnectionError && isRepeatable;
      const waitMs = isStale ? 0 : error.retryAfterMs;
      if (waitMs === null || performance.now() + waitMs >= endMs) throw error;
      // oxlint-disable-next-line no-await-in-loop
      if (waitMs > 0) await pause(waitMs, signal);
    }
  }
  throw failure;
}

function bodyOf(body: Buffer, contentType: string | undefined, server: string): unknown {
  if (body.length === 0) return null;
  const text = body.toString();
  if (!/^application\/(json|[\w.+-]+\+json)\b/.test(contentType ?? "")) return text;
  try {
    const tree: unknown = JSON.parse(text);
    return tree;
  } catch {
    throw new ApiError(`${server} answered with broken JSON`, { status: 0, reason: "Broken" });
  }
}

/** `299 - "text"`, several of which may stand in one header. RFC 7234 §5.5 */
function warnings(headers: readonly string[] | undefined): readonly string[] {
  return (headers ?? []).flatMap((header) =>
    [...header.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text.replaceAll(/\\(.)/g, "$1")),
  );
}
