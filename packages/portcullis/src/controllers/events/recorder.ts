// Sends Events, without holding anybody up: they wait in a queue of limited length, are sent a few at a time and not faster
// than a rate, and what does not fit is dropped and counted. While the API server is away they wait for it. An Event that says
// what one said a while ago is not sent again.

import { createHash } from "node:crypto";
import type { GroupVersionResource } from "@portcullis/kube";
import { ApiError, type ClusterClient, type ClusterObject, isAway } from "../../cluster/api.ts";
import { createBackoff, pause } from "../../cluster/retry.ts";

export interface OutgoingEvent {
  readonly resource: GroupVersionResource;
  /** `metadata.name` is made here, from the name that it has. */
  readonly event: ClusterObject;
  /** Events with one key say the same. */
  readonly key: string;
}

export interface RecorderOptions {
  readonly client: Pick<ClusterClient, "create">;
  readonly nowMs: () => number;
  /** Events that wait; 1000 when absent. Kyverno: --maxQueuedEvents. */
  readonly queuedMax?: number;
  /** Events per second; 50 when absent. */
  readonly rate?: number;
  /** How long the same is not said again, in milliseconds; ten minutes when absent. */
  readonly quietMs?: number;
  /** The first and the longest wait for an API server that is away; 500 ms and 10 s when absent. */
  readonly retryMs?: readonly [first: number, longest: number];
  readonly onError: (error: Error) => void;
}

export interface Recorder {
  send(event: OutgoingEvent): void;
  /** Events that nobody will see. */
  readonly dropped: number;
  /** Resolves when nothing waits. */
  idle(): Promise<void>;
  close(): void;
}

const attemptsMax = 3;
const rememberedMax = 10_000;

export function createRecorder(options: RecorderOptions): Recorder {
  const { queuedMax = 1000, rate = 50, quietMs = 10 * 60_000, retryMs: [minMs, maxMs] = [500, 10_000] } = options;
  const ending = new AbortController();
  const backoff = createBackoff({ minMs, maxMs });
  const queue: { readonly outgoing: OutgoingEvent; attempts: number }[] = [];
  const state: { dropped: number; sending: Promise<void> | null; isOpen: boolean } = {
    dropped: 0,
    sending: null,
    isOpen: true,
  };

  const isRepeated = createMemory(options.nowMs, quietMs);
  /* oxlint-disable no-await-in-loop -- one after the other is what keeps the rate */
  const sendAll = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined && state.isOpen; next = queue.shift()) {
      try {
        await options.client.create(next.outgoing.resource, next.outgoing.event);
        backoff.reset();
      } catch (error) {
        if (isAway(error)) {
          queue.unshift(next);
          await pause(backoff.next(error.retryAfterMs), ending.signal);
        } else if (error instanceof ApiError && isFinal(error)) state.dropped++;
        else if (++next.attempts < attemptsMax) queue.push(next);
        else {
          state.dropped++;
          options.onError(error as Error);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 1000 / rate));
    }
  };
  /* oxlint-enable no-await-in-loop */
  const wake = (): void => {
    state.sending ??= sendAll().finally(() => {
      state.sending = null;
      if (queue.length > 0 && state.isOpen) wake();
    });
  };
  return {
    send: (outgoing) => {
      if (!state.isOpen || isRepeated(outgoing.key)) return;
      if (queue.length >= queuedMax) {
        state.dropped++;
        return;
      }
      queue.push({ outgoing, attempts: 0 });
      wake();
    },
    get dropped() {
      return state.dropped;
    },
    idle: async () => {
      // oxlint-disable-next-line no-await-in-loop -- what comes meanwhile is waited for too
      while (state.sending !== null) await state.sending;
    },
    close: () => {
      state.isOpen = false;
      queue.length = 0;
      ending.abort();
    },
  };
}

/** Whether the same was said not long ago; who says it again all the time says it once in a while. */
function createMemory(clockMs: () => number, quietMs: number): (key: string) => boolean {
  const said = new Map<string, number>();
  return (key) => {
    const digest = createHash("sha1").update(key).digest("base64");
    const nowMs = clockMs();
    const lastMs = said.get(digest) ?? -Infinity;
    const isRepeated = nowMs - lastMs < quietMs;
    said.delete(digest);
    said.set(digest, isRepeated ? lastMs : nowMs);
    for (const oldest of said.keys()) {
      if (said.size <= rememberedMax) break;
      said.delete(oldest);
    }
    return isRepeated;
  };
}

/** The namespace went, or the event is refused for what it is. */
function isFinal({ status }: ApiError): boolean {
  return status === 404 || status === 403 || status === 422 || status === 400;
}
