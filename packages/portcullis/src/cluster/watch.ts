// One watch: a GET whose answer is a line of JSON for each event, for as long as the API server lets it go on. It ends
// normally when the API server's time for it is over, and with an error when the connection breaks, an ERROR event comes,
// or nothing is over although it should be (half-open connections): the deadline lies a little behind the API server's.

import { setImmediate as immediately } from "node:timers/promises";
import { type GroupVersionResource, isObject, stringAt, valueAt } from "@portcullis/kube";
import { ApiError, type ClusterObject, type ListOptions } from "./api.ts";
import type { StreamingClient } from "./client.ts";
import { createLineSplitter } from "./lines.ts";
import { metadataAccept } from "./list.ts";
import { resourcePath } from "./paths.ts";
import { messageOf } from "./transport.ts";

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: ClusterObject;
}

export interface WatchRequest {
  readonly resource: GroupVersionResource;
  readonly options: ListOptions;
  /** Null asks for what is there first, as events, and a bookmark that tells their end. */
  readonly resourceVersion: string | null;
  /** After so long the API server ends the watch. */
  readonly timeoutSeconds: number;
  /** And so much later we do. */
  readonly graceMs: number;
  /** Nothing may come for so long until `isQuietAllowed` holds; what was asked for first is then not supported. */
  readonly quietMs?: number;
  readonly isQuietAllowed?: () => boolean;
  readonly signal: AbortSignal;
  /** The API server has taken the watch. */
  readonly onOpen: () => void;
  readonly onEvent: (event: WatchEvent) => void;
}

/** When many events come together, whoever else waits for this thread gets his turn after so long. */
const turnMaxMs = 5;
/** A line is one object; etcd takes 1.5 MB, aggregated API servers may have larger ones. */
const lineBytesMax = 64 * 1024 * 1024;

/** Resolves when the API server ends the watch. Rejects with an ApiError; 410 and `Expired` mean: list again. */
export async function watchEvents(client: StreamingClient, request: WatchRequest): Promise<void> {
  const { resource, options, resourceVersion, timeoutSeconds, graceMs, signal } = request;
  const { namespace, labelSelector, fieldSelector, metadataOnly = false } = options;
  const isStart = resourceVersion === null;
  const query = {
    watch: 1,
    allowWatchBookmarks: true,
    timeoutSeconds,
    labelSelector,
    fieldSelector,
    ...(isStart ? { sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" } : { resourceVersion }),
  };
  const ending = createEnding(signal);
  const stopWatchdog = ending.after(timeoutSeconds * 1000 + graceMs, "the watch did not end at its time");
  let stopQuiet = quietTimer(ending, request);
  try {
    const body = await client.stream({
      path: resourcePath(resource, { namespace, query }),
      signal: ending.signal,
      ...(metadataOnly ? { accept: metadataAccept } : {}),
    });
    request.onOpen();
    const split = createLineSplitter(lineBytesMax);
    let turnMs = performance.now();
    for await (const chunk of body) {
      stopQuiet();
      for (const line of split(chunk)) {
        if (ending.signal.aborted) break;
        request.onEvent(eventOf(line));
      }
      if (performance.now() - turnMs > turnMaxMs) {
        await immediately();
        turnMs = performance.now();
      }
      stopQuiet = quietTimer(ending, request);
    }
  } catch (error) {
    ending.check();
    if (error instanceof ApiError) throw error;
    throw new ApiError(`the watch of ${resource.resource} broke: ${messageOf(error)}`, {
      status: 0,
      reason: "Unreachable",
    });
  } finally {
    stopQuiet();
    stopWatchdog();
    ending.release();
  }
  ending.check();
}

function quietTimer(ending: Ending, { quietMs, isQuietAllowed }: WatchRequest): () => void {
  if (quietMs === undefined || isQuietAllowed?.() !== false) return () => undefined;
  return ending.after(quietMs, notSupported);
}

const notSupported = "what is there did not come through the watch";

/** The API server does not send what is there through a watch: it says so, or nothing comes. */
export function isStreamingUnsupported(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return [400, 405, 406, 415, 422].includes(error.status) || (error.status === 0 && error.message === notSupported);
}

interface Ending {
  readonly signal: AbortSignal;
  after(ms: number, why: string): () => void;
  /** Throws when we ended it ourselves because something took too long. */
  check(): void;
  release(): void;
}

function createEnding(outer: AbortSignal): Ending {
  const controller = new AbortController();
  let cause = null as ApiError | null;
  const abort = (): void => controller.abort();
  if (outer.aborted) abort();
  else outer.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    after(ms, why) {
      const timer = setTimeout(() => {
        cause = new ApiError(why, { status: 0, reason: "Timeout" });
        abort();
      }, ms);
      return () => clearTimeout(timer);
    },
    check: () => {
      if (cause !== null && !outer.aborted) throw cause;
    },
    release: () => outer.removeEventListener("abort", abort),
  };
}

function eventOf(line: string): WatchEvent {
  let tree: unknown;
  try {
    tree = JSON.parse(line);
  } catch {
    throw new ApiError(`a line of the watch is broken JSON`, { status: 0, reason: "Broken" });
  }
  const type = stringAt(tree, "type");
  const object = valueAt(tree, "object");
  if (type === "ERROR") throw errorOf(object);
  if (!isObject(object) || !(type === "ADDED" || type === "MODIFIED" || type === "DELETED" || type === "BOOKMARK"))
    throw new ApiError(`the watch sent an unknown event \`${type}\``, { status: 0, reason: "Broken" });
  return { type, object };
}

/** The Status in an ERROR event. */
function errorOf(status: unknown): ApiError {
  const code = valueAt(status, "code");
  const seconds = valueAt(status, "details", "retryAfterSeconds");
  return new ApiError(stringAt(status, "message") || "the watch failed", {
    status: typeof code === "number" ? code : 500,
    reason: stringAt(status, "reason") || "InternalError",
    ...(typeof seconds === "number" && seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
    answer: status,
  });
}
