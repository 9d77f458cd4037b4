// Keeps a store in step with the API server, for ever. It starts with a watch that sends what is there first; where the API
// server has no such thing, with a list (what its cache has first, page by page) and a watch from the list's version. A
// watch that ends goes on from the last version that an event or a bookmark told. What is too old (410, as answer or as
// event) is listed again at once, and what is then missing was removed. Any other trouble is waited out, from the same version,
// longer each time; whoever could not reach the API server waits no longer when another one could, and whoever was refused
// not so long, because a right or a definition may come at any time.
// Behaviour: k8s.io/client-go tools/cache Reflector; KEP-3157 for the watch that lists.

import { type GroupVersionKind, type GroupVersionResource, stringAt, valueAt } from "@portcullis/kube";
import { ApiError, type ClusterObject, type ListOptions, isRefused } from "./api.ts";
import type { StreamingClient } from "./client.ts";
import { kindOfResource } from "./discovery.ts";
import { type Page, isExpired, metadataOf, readPage } from "./list.ts";
import { type Backoff, type Refusals, type Revival, createBackoff, pause } from "./retry.ts";
import type { ObjectStore } from "./store.ts";
import { type WatchEvent, isStreamingUnsupported, watchEvents } from "./watch.ts";

export interface ReflectorTiming {
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** After so long without trouble, waiting starts at the shortest again. */
  readonly backoffQuietMs: number;
  /** Who was refused waits not longer than this, or this for each who was. */
  readonly refusedMs: number;
  readonly refusedEachMs: number;
  /** A watch is asked to end after a time between these, so that those of many clients do not end together. */
  readonly watchSeconds: readonly [least: number, most: number];
  /** How much later than asked for a watch may end before its connection counts as dead. */
  readonly graceMs: number;
  /** How long nothing may come of what is there before it is listed instead. */
  readonly quietMs: number;
}

export const defaultTiming: ReflectorTiming = {
  backoffMinMs: 800,
  backoffMaxMs: 30_000,
  backoffQuietMs: 120_000,
  refusedMs: 10_000,
  refusedEachMs: 1000,
  watchSeconds: [300, 600],
  graceMs: 30_000,
  quietMs: 30_000,
};

export interface ReflectorOptions {
  readonly client: StreamingClient;
  readonly resource: GroupVersionResource;
  readonly options: Omit<ListOptions, "limit">;
  readonly store: ObjectStore;
  readonly timing: ReflectorTiming;
  readonly revival: Revival;
  readonly refusals: Refusals;
  readonly signal: AbortSignal;
  readonly onSynced: () => void;
  readonly onError: (error: Error) => void;
}

interface Progress {
  /** Where a watch goes on; null when everything has to be told again. */
  version: string | null;
  /** Whether the API server can tell what is there through a watch. */
  streams: boolean;
  /** The first list may be as old as the API server's cache; a later one must not be older than what we have. */
  hasListed: boolean;
  kind: GroupVersionKind | null;
}

/** A watch that ends sooner without having told anything is trouble. client-go calls it a very short watch. */
const shortWatchMs = 1000;

/** Goes on until the signal. Never rejects. */
export async function reflect(options: ReflectorOptions): Promise<void> {
  try {
    await reflectUntilEnd(options);
  } finally {
    options.refusals.over(options);
  }
}

async function reflectUntilEnd(options: ReflectorOptions): Promise<void> {
  const { signal, timing, onError } = options;
  const backoff = createBackoff({
    minMs: timing.backoffMinMs,
    maxMs: timing.backoffMaxMs,
    quietMs: timing.backoffQuietMs,
  });
  const progress: Progress = { version: null, streams: true, hasListed: false, kind: null };
  while (!signal.aborted) {
    try {
      // One watch follows the other.
      // oxlint-disable-next-line no-await-in-loop
      await turn(options, progress);
    } catch (reason) {
      if (signal.aborted) return;
      const error = reason instanceof Error ? reason : new Error(String(reason));
      const trouble = takeError(options, progress, error);
      if (trouble !== "none") onError(error);
      // oxlint-disable-next-line no-await-in-loop
      if (trouble === "waits") await waitOut(options, error, backoff);
    }
  }
}

const revivalSpreadMs = 500;

/** Many wait: they do not all come at the same moment. */
async function waitOut(options: ReflectorOptions, error: Error, backoff: Backoff): Promise<void> {
  const { signal, revival, refusals } = options;
  const { status = 0, retryAfterMs = null } = error instanceof ApiError ? error : {};
  const waitMs = backoff.next(retryAfterMs);
  if (isRefused(error)) {
    await pause(Math.min(waitMs, refusals.waitMs(options)), signal);
    return;
  }
  refusals.over(options);
  if (status !== 0) {
    await pause(waitMs, signal);
    return;
  }
  const revived = revival.missed();
  await pause(waitMs, AbortSignal.any([signal, revived]));
  if (revived.aborted) await pause(Math.random() * revivalSpreadMs, signal);
}

type Trouble = "none" | "told" | "waits";

/** What trouble means for where we go on; whether it is told, and whether to wait before that. */
function takeError({ store, revival }: ReflectorOptions, progress: Progress, error: Error): Trouble {
  if (error instanceof ApiError && error.status >= 400 && error.status < 500) revival.answered();
  if (progress.version === null && progress.streams && isStreamingUnsupported(error)) {
    progress.streams = false;
    return "none";
  }
  const isList = progress.version === null;
  if (isExpired(error) || isTooLarge(error)) progress.version = null;
  if (error instanceof ApiError && error.status === 404) {
    // The resource is no longer served, and with it all its objects are gone.
    progress.version = null;
    store.sweep().end();
  }
  return isExpired(error) && !isList ? "told" : "waits";
}

/** Our version is of the future: the API server's storage was restored from an older copy. */
function isTooLarge(error: Error): boolean {
  if (!(error instanceof ApiError)) return false;
  const causes = valueAt(error.answer, "details", "causes");
  return (
    Array.isArray(causes) && causes.some((cause: unknown) => stringAt(cause, "reason") === "ResourceVersionTooLarge")
  );
}

/** One watch from its beginning to its end, with the list before it where that is needed. */
async function turn(options: ReflectorOptions, progress: Progress): Promise<void> {
  const { client, resource, signal, timing, revival, store, onSynced } = options;
  if (options.options.metadataOnly === true) progress.kind ??= await kindOfResource(client.discover, resource);
  if (progress.version === null && !progress.streams) {
    progress.version = await listAll(options, progress);
    onSynced();
  }
  const start = performance.now();
  let hasEvents = false;
  let sweep = progress.version === null ? store.sweep() : null;
  const onEvent = ({ type, object }: WatchEvent): void => {
    hasEvents = true;
    const version = stringAt(object, "metadata", "resourceVersion");
    const whole = options.options.metadataOnly === true ? metadataOf(object, progress.kind) : object;
    if (type === "DELETED") store.remove(whole);
    else if (type !== "BOOKMARK") store.put(whole);
    else if (sweep !== null && isEndOfInitialEvents(object)) {
      sweep.end();
      sweep = null;
      progress.hasListed = true;
      onSynced();
    }
    if (sweep === null && version !== "") progress.version = version;
  };
  const [least, most] = timing.watchSeconds;
  await watchEvents(client, {
    resource,
    options: options.options,
    resourceVersion: progress.version,
    timeoutSeconds: least + Math.floor(Math.random() * (most - least + 1)),
    graceMs: timing.graceMs,
    quietMs: timing.quietMs,
    isQuietAllowed: () => sweep === null,
    signal,
    onOpen: () => {
      revival.answered();
      options.refusals.over(options);
    },
    onEvent,
  });
  if (!hasEvents && performance.now() - start < shortWatchMs && !signal.aborted)
    throw new ApiError(`the watch of ${resource.resource} ended at once`, { status: 0, reason: "Unreachable" });
}

function isEndOfInitialEvents(bookmark: ClusterObject): boolean {
  return stringAt(bookmark, "metadata", "annotations", "k8s.io/initial-events-end") === "true";
}

/** Puts all objects into the store, removes the others, and gives the version from which to watch. */
async function listAll(options: ReflectorOptions, progress: Progress): Promise<string> {
  try {
    return await listFrom(options, progress.hasListed ? {} : { resourceVersion: "0" }, progress);
  } catch (error) {
    if (!isExpired(error)) throw error;
  }
  try {
    return await listFrom(options, {}, progress);
  } catch (error) {
    if (!isExpired(error)) throw error;
    // Pages expire faster than they come: everything at once.
    return listFrom(options, { limit: 0 }, progress);
  }
}

async function listFrom(
  { client, resource, options, store, signal }: ReflectorOptions,
  first: { readonly resourceVersion?: string; readonly limit?: number },
  progress: Progress,
): Promise<string> {
  const { namespace, labelSelector, fieldSelector, metadataOnly } = options;
  const selection = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(metadataOnly === undefined ? {} : { metadataOnly }),
    ...(first.limit === undefined ? {} : { limit: first.limit }),
  };
  const source = { call: client.call, kindOf: () => Promise.resolve(progress.kind) };
  const sweep = store.sweep();
  let page: Page | null = null;
  while (page === null || page.continue !== "") {
    const place = page === null ? { resourceVersion: first.resourceVersion ?? "" } : { continue: page.continue };
    // Each page needs the one before.
    // oxlint-disable-next-line no-await-in-loop
    page = await readPage(source, resource, { ...selection, ...place, signal });
    for (const item of page.items) store.put(item);
  }
  sweep.end();
  progress.hasListed = true;
  return page.resourceVersion;
}
