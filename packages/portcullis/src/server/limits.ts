// What one client may cost the server. A body is read up to a limit; a large one first takes one of a few slots, so that
// many clients who send 16 MiB each cannot fill the memory (the others wait, their sockets paused). A body over the limit
// is read to its end and thrown away, because a client that is still writing does not see an answer, but its first part
// is kept: the uid stands there, and with the uid a valid AdmissionReview can still be given.

import type { IncomingMessage } from "node:http";

export interface ServerLimits {
  /** Largest body that is taken, in bytes. A Pod of 2.75 MB is legal and arrives as 6 MB. */
  readonly bodyBytes: number;
  /** Bodies up to this many bytes need no slot. */
  readonly smallBodyBytes: number;
  /** How many larger bodies may be held at once. */
  readonly largeBodies: number;
  /** Open connections; further ones take the place of quiet ones (crowd.ts), and are closed at once when there are none. */
  readonly connections: number;
  /** TLS handshake and request headers must be there after this many milliseconds. */
  readonly headersMs: number;
  /** The whole request must be there after this many milliseconds; kube-apiserver's longest webhook timeout is 30 s. */
  readonly requestMs: number;
  /** Longer than the 90 s after which Go clients drop an idle connection, so that none is closed under a request. */
  readonly keepAliveMs: number;
  /** The time that a request has when it names none: the default of a webhook configuration. */
  readonly timeoutMs: number;
}

export const defaultLimits: ServerLimits = {
  bodyBytes: 16 * 1024 * 1024,
  smallBodyBytes: 256 * 1024,
  largeBodies: 6,
  connections: 1024,
  headersMs: 5_000,
  requestMs: 30_000,
  keepAliveMs: 95_000,
  timeoutMs: 10_000,
};

const longestTimeoutMs = 30_000;

/**
 * Milliseconds in the request's `?timeout=`, which kube-apiserver writes as a Go duration (`10s`, `500ms`, `1m0s`).
 * Absent or unreadable means `otherwise`; kube-apiserver allows at most 30 s, and so do we.
 */
export function requestTimeoutMs(url: string, otherwise: number): number {
  // One API server always writes the same.
  if (lastTimeout.url === url && lastTimeout.otherwise === otherwise) return lastTimeout.ms;
  lastTimeout = { url, otherwise, ms: readTimeoutMs(url, otherwise) };
  return lastTimeout.ms;
}

let lastTimeout = { url: "", otherwise: 0, ms: 0 };

function readTimeoutMs(url: string, otherwise: number): number {
  const text = /[?&]timeout=([^&#]*)/.exec(url)?.[1];
  if (text === undefined || !/^(?:\d+(?:\.\d+)?(?:ms|us|µs|%C2%B5s|ns|s|m|h))+$/i.test(text)) return otherwise;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|us|µs|%C2%B5s|ns|s|m|h)/giy)) {
    sum += Number(amount) * (unitMs[(unit ?? "").toLowerCase()] ?? 0);
  }
  return sum > 0 ? Math.min(sum, longestTimeoutMs) : otherwise;
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  "%c2%b5s": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * How much earlier than the client's own timeout a decision is due: the way back, our own scheduling, and the 50 ms that
 * an evaluator which hangs is waited for.
 */
export function answerMarginMs(timeoutMs: number): number {
  return Math.min(timeoutMs / 2, Math.max(80, Math.min(250, timeoutMs / 10)));
}

type Body =
  | { readonly kind: "whole"; readonly text: string; release(): void }
  /** `head` is the first part of the body. */
  | { readonly kind: "too-large"; readonly head: string }
  /** No slot came free before the deadline. */
  | { readonly kind: "busy"; readonly head: string }
  /** The client went away. */
  | { readonly kind: "aborted" };

export type ReadBody = (incoming: IncomingMessage, waitMs: number) => Promise<Body>;

/**
 * A reader whose requests share one set of slots for large bodies. It listens to the stream's events: an asynchronous
 * iterator over it costs as much as everything else about a small request together.
 */
export function bodyReader(limits: ServerLimits): ReadBody {
  const slots = createSlots(limits.largeBodies);
  return (incoming, waitMs) =>
    new Promise((resolve) => {
      const reading: Reading = {
        limits,
        slots,
        incoming,
        waitMs,
        resolve,
        chunks: [],
        size: 0,
        isTooLarge: Number(incoming.headers["content-length"] ?? 0) > limits.bodyBytes,
        isSettled: false,
        slot: null,
      };
      incoming.on("data", (chunk: Buffer) => {
        takeChunk(reading, chunk);
      });
      incoming.on("end", () => {
        settle(reading);
      });
      incoming.on("close", () => {
        abort(reading);
      });
      incoming.on("error", () => {
        abort(reading);
      });
    });
}

interface Reading {
  readonly limits: ServerLimits;
  readonly slots: Slots;
  readonly incoming: IncomingMessage;
  readonly waitMs: number;
  readonly resolve: (body: Body) => void;
  readonly chunks: Buffer[];
  size: number;
  isTooLarge: boolean;
  isSettled: boolean;
  /** Gives the slot back. */
  slot: (() => void) | null;
}

function takeChunk(reading: Reading, chunk: Buffer): void {
  const { limits, chunks, incoming } = reading;
  reading.size += chunk.length;
  reading.isTooLarge ||= reading.size > limits.bodyBytes;
  if (!reading.isTooLarge) {
    chunks.push(chunk);
    if (reading.size > limits.smallBodyBytes && reading.slot === null) void waitForSlot(reading);
    return;
  }
  if (chunks.length === 0) chunks.push(chunk);
  chunks.length = 1;
  if (reading.size > limits.bodyBytes * discardFactor) {
    incoming.pause();
    settle(reading);
  }
}

async function waitForSlot(reading: Reading): Promise<void> {
  const { incoming, slots, waitMs, resolve, chunks } = reading;
  // Until the answer is there this one waits itself, so that the next chunk does not ask again.
  reading.slot = nothing;
  incoming.pause();
  const slot = await slots.take(waitMs);
  if (slot === null) {
    reading.isSettled = true;
    resolve({ kind: "busy", head: join(chunks.slice(0, 1)) });
  } else if (reading.isSettled) {
    slot();
  } else {
    reading.slot = slot;
    incoming.resume();
  }
}

function settle(reading: Reading): void {
  const { chunks, isTooLarge, slot, resolve } = reading;
  reading.isSettled = true;
  if (!isTooLarge) {
    resolve({ kind: "whole", text: join(chunks), release: slot ?? nothing });
    return;
  }
  slot?.();
  resolve({ kind: "too-large", head: join(chunks) });
}

/** The client went away; a request that was read to its end closes too, and changes nothing. */
function abort(reading: Reading): void {
  if (reading.isSettled) return;
  reading.isSettled = true;
  reading.slot?.();
  reading.resolve({ kind: "aborted" });
}

/** How many times the limit is read and thrown away before the connection is cut. */
const discardFactor = 8;

function nothing(): void {}

/**
 * The chunks as text, in which bytes that are no UTF-8 become U+FFFD, as in Go. Text is also what travels to a thread
 * for the least: a small Buffer is a window on a large one, and would take all of it along.
 */
function join(chunks: readonly Buffer[]): string {
  const [only] = chunks;
  return (chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)).toString("utf8");
}

interface Slots {
  /** A function that gives the slot back, or null when none came free in time. */
  take(waitMs: number): Promise<(() => void) | null>;
}

function createSlots(count: number): Slots {
  let free = count;
  const waiting = new Set<() => void>();
  const releaser = (): (() => void) => {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const [next] = waiting;
      if (next === undefined) free++;
      else next();
    };
  };
  return {
    take: (waitMs) => {
      if (free > 0) {
        free--;
        return Promise.resolve(releaser());
      }
      return new Promise((resolve) => {
        const serve = (): void => {
          clearTimeout(timer);
          waiting.delete(serve);
          resolve(releaser());
        };
        const timer = setTimeout(() => {
          waiting.delete(serve);
          resolve(null);
        }, waitMs);
        waiting.add(serve);
      });
    },
  };
}
