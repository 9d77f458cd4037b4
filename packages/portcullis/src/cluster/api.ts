// What the rest of the product knows of a cluster: a client for any resource, informers that keep a copy of a
// resource's objects in step, work queues for controllers, and Leases that decide who leads. Controllers are given
// these interfaces, so that their tests need no API server.

import type { GroupVersionKind, GroupVersionResource } from "@portcullis/kube";

/** An object as the API server gives it; a tree of JSON.parse. */
export type ClusterObject = Readonly<Record<string, unknown>>;

/** One resource that the API server serves, from discovery. */
export interface ApiResource {
  readonly gvr: GroupVersionResource;
  readonly gvk: GroupVersionKind;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** `status`, `scale`, … without the resource's name before them. */
  readonly subresources: readonly string[];
  /** The version that its group prefers for this kind. */
  readonly preferred: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
}

export interface ObjectName {
  /** "" for objects of the cluster. */
  readonly namespace: string;
  readonly name: string;
}

export interface WriteOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore";
  /** `status`, `scale`, … */
  readonly subresource?: string;
}

export interface PatchOptions extends WriteOptions {
  readonly type: "json" | "merge" | "strategic" | "apply";
  /** Server-side apply takes fields over from other managers. */
  readonly force?: boolean;
}

/** @internal */
export interface DeleteOptions {
  readonly propagation?: "Foreground" | "Background" | "Orphan";
  /** Only the object with this uid, or of this version: another one of the same name stays. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly dryRun?: boolean;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects per page; 500 when absent. */
  readonly limit?: number;
  /** Only `metadata` of each object is sent. */
  readonly metadataOnly?: boolean;
}

export interface ClusterClient {
  /** `https://host:port`, for messages. */
  readonly server: string;
  /** Any path with any verb; resolves to the body, parsed when it is JSON. Rejects with ApiError. */
  call(request: ApiCall): Promise<unknown>;
  /** All that is served, remembered until `refresh`. Groups that cannot be read are left out and named in `failed`. */
  discover(
    refresh?: boolean,
  ): Promise<{ readonly resources: readonly ApiResource[]; readonly failed: readonly string[] }>;
  get(resource: GroupVersionResource, name: ObjectName): Promise<ClusterObject>;
  /**
   * Every object, page by page. A page whose `continue` expired goes on behind the same object with what is newest, or,
   * when the API server does not offer that, starts again from the first object.
   */
  list(resource: GroupVersionResource, options?: ListOptions): AsyncIterable<readonly ClusterObject[]>;
  create(resource: GroupVersionResource, object: ClusterObject, options?: WriteOptions): Promise<ClusterObject>;
  /** Rejects with a 409 when the object's resourceVersion is not the newest. */
  update(resource: GroupVersionResource, object: ClusterObject, options?: WriteOptions): Promise<ClusterObject>;
  patch(
    resource: GroupVersionResource,
    name: ObjectName,
    patch: unknown,
    options: PatchOptions,
  ): Promise<ClusterObject>;
  remove(resource: GroupVersionResource, name: ObjectName, options?: DeleteOptions): Promise<void>;
  /** Ends every connection. */
  close(): void;
}

export interface ApiCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** 30 s when absent. */
  readonly timeoutMs?: number;
  /** Bodies that are longer end the call with an error; 512 MiB when absent. */
  readonly bytesMax?: number;
  readonly signal?: AbortSignal;
}

/** What an API server says when it refuses. `status` is 0 when there was no answer at all. */
export class ApiError extends Error {
  readonly status: number;
  /** `NotFound`, `AlreadyExists`, `Conflict`, `Expired`, … */
  readonly reason: string;
  /** From `Retry-After`; null when it was not said. */
  readonly retryAfterMs: number | null;
  /** The whole Status, with its `details`; null when there was none. */
  readonly answer: unknown;

  constructor(
    message: string,
    about: {
      readonly status: number;
      readonly reason: string;
      readonly retryAfterMs?: number;
      readonly answer?: unknown;
    },
  ) {
    super(message);
    this.name = "ApiError";
    this.status = about.status;
    this.reason = about.reason;
    this.retryAfterMs = about.retryAfterMs ?? null;
    this.answer = about.answer ?? null;
  }
}

/** Whether an error says that there is no such object (or no such resource). */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/**
 * Whether an API server that is well will not show something, which may not be read or is not served: it may say otherwise as soon as
 * somebody has changed that.
 */
export function isRefused(error: unknown): error is ApiError {
  return error instanceof ApiError && refusalCodes.has(error.status);
}

const refusalCodes: ReadonlySet<number> = new Set([401, 403, 404, 405]);

/** Whether an API server was not there, or too busy to look at a request: the same may succeed when it is. */
export function isAway(error: unknown): error is ApiError {
  if (!(error instanceof ApiError)) return false;
  const { status, reason } = error;
  return status === 429 || status === 503 || (status === 0 && (reason === "Unreachable" || reason === "Timeout"));
}

/** Whether somebody else wrote the object in between. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409 && error.reason === "Conflict";
}

// ── copies that stay in step

export interface Informer {
  /** Resolves once all objects that were there at the start are known; rejects when it is closed before. */
  readonly synced: Promise<void>;
  hasSynced(): boolean;
  get(name: ObjectName): ClusterObject | null;
  list(namespace?: string): readonly ClusterObject[];
  /** How many objects it holds. */
  readonly size: number;
  /** Called for what is there already too, as `added`. A handler that throws is reported and called again next time. */
  onChange(handler: (change: ObjectChange) => void): () => void;
  close(): void;
}

/** `removed` gives the last state that was seen: the final one may be unknown. */
export type ObjectChange =
  | { readonly what: "added"; readonly object: ClusterObject }
  | { readonly what: "changed"; readonly object: ClusterObject; readonly old: ClusterObject }
  | { readonly what: "removed"; readonly object: ClusterObject };

export interface InformerOptions extends Omit<ListOptions, "limit"> {
  /** What is kept of each object. Absent: all but `managedFields` and the last-applied annotation. */
  readonly keep?: (object: ClusterObject) => ClusterObject;
  /** Trouble with the API server; the informer goes on by itself. */
  readonly onError?: (error: Error) => void;
}

/** One informer per resource and options is shared by all who ask; the last one to close it ends it. */
export interface Informers {
  watch(resource: GroupVersionResource, options?: InformerOptions): Informer;
  close(): void;
}

// ── controllers

/** Keys wait here until they are worked on, one worker per key at a time; failures come back later and later. */
export interface WorkQueue {
  add(key: string, afterMs?: number): void;
  readonly size: number;
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>;
  /** No new work begins; resolves when what runs has ended. */
  close(): Promise<void>;
}

export interface LeaderElection {
  readonly isLeader: boolean;
  onChange(handler: (isLeader: boolean) => void): void;
  /** Gives the Lease back, so that another replica leads at once. */
  close(): Promise<void>;
}
