// Requests while something goes wrong: clients that ask again and again, and what they were answered when. They share the
// test's own thread, so that a test under load must not wait for other programs synchronously.

import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

export interface Failure {
  readonly atMs: number;
  readonly said: string;
}

export interface Load {
  readonly asked: () => number;
  /** What was answered otherwise than it should, so far. */
  readonly failures: () => readonly Failure[];
  /** Milliseconds of what was answered, slowest last. */
  readonly end: () => Promise<readonly number[]>;
}

export interface LoadOptions {
  readonly clients?: number;
  /** Between two requests of a client, in milliseconds. */
  readonly pauseMs?: number;
}

/** Each question resolves to null when the answer is right, else to what was said instead. */
export function startLoad(
  questions: readonly (() => Promise<string | null>)[],
  { clients = 4, pauseMs = 20 }: LoadOptions = {},
): Load {
  const ending = new AbortController();
  const failures: Failure[] = [];
  const tookMs: number[] = [];
  const ask = async (question: () => Promise<string | null>): Promise<void> => {
    const startMs = performance.now();
    const said = await question().catch((error: unknown) => String(error));
    const atMs = performance.now();
    tookMs.push(atMs - startMs);
    if (said !== null) failures.push({ atMs, said });
  };
  const client = async (first: number): Promise<void> => {
    for (let at = first; !ending.signal.aborted; at++) {
      const question = questions[at % questions.length];
      // oxlint-disable-next-line no-await-in-loop -- one client sends one request at a time
      if (question !== undefined) await ask(question);
      // oxlint-disable-next-line no-await-in-loop
      await sleep(pauseMs);
    }
  };
  const running = Array.from({ length: clients }, (_none, at) => client(at));
  return {
    asked: () => tookMs.length,
    failures: () => failures,
    end: async () => {
      ending.abort();
      await Promise.all(running);
      return tookMs.toSorted((a, b) => a - b);
    },
  };
}

/** The value below which so many of 1 lie. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Sends a review to a webhook's port, over a connection of its own. */
export function review(port: number, body: string, path = "/v1/admit?timeout=5s"): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const where = { host: "127.0.0.1", port, path, method: "POST", headers, rejectUnauthorized: false, agent: false };
    const outgoing = request({ ...where, timeout: 15_000 }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve(`${response.statusCode} ${Buffer.concat(chunks).toString()}`));
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in 15 s")));
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
