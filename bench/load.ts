// A load generator for HTTPS on loopback: keep-alive connections over which whole requests are written and whole
// responses read, with as little work of its own as Node allows, because it shares the cores with what it measures.
// `saturate` sends as fast as answers come; `atRate` sends on a schedule (in steps of a millisecond, because a
// busy loop would take a core from the server) and measures from the moment when the timer woke for a request, whether or
// not a connection was free, so that a stalled server cannot hide its stall, and a timer that woke late is not the server's.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import { runProcess } from "./process.ts";

export interface LoadTarget {
  readonly port: number;
  readonly path: string;
  /** Bodies, sent in turn. */
  readonly bodies: readonly string[];
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were not 200, and connections that broke. */
  readonly errors: number;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
}

/** Sends as fast as answers come; with a rate, so many requests a second. */
export interface Load extends LoadOptions {
  readonly requestsPerSecond?: number;
}

/** In a process of its own: whatever the bench holds in memory is not collected while latency is measured. */
export async function runLoad(target: LoadTarget, options: Load): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-load-"));
  try {
    const file = join(folder, "load.json");
    writeFileSync(file, JSON.stringify({ target, options }));
    const { stdout, stderr } = await runProcess(process.execPath, [import.meta.filename, file]);
    if (stdout === "") throw new Error(`the load generator failed: ${stderr}`);
    return JSON.parse(stdout) as LoadResult;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function saturate(target: LoadTarget, { connections, seconds }: LoadOptions): Promise<LoadResult> {
  const clients = await Promise.all(Array.from({ length: connections }, () => openClient(target)));
  const latencies: number[] = [];
  let errors = 0;
  const started = performance.now();
  const until = started + seconds * 1000;
  const runClient = async (client: Client): Promise<void> => {
    let sent = performance.now();
    while (sent < until) {
      // A closed loop: the next request goes out when the answer is there.
      // oxlint-disable-next-line no-await-in-loop
      const ok = await client.ask();
      const now = performance.now();
      latencies.push(now - sent);
      if (!ok) errors += 1;
      sent = now;
    }
  };
  await Promise.all(clients.map(runClient));
  const elapsedMs = performance.now() - started;
  for (const client of clients) client.close();
  return summary(latencies, errors, elapsedMs);
}

async function atRate(
  target: LoadTarget,
  options: LoadOptions & { readonly requestsPerSecond: number },
): Promise<LoadResult> {
  const { connections, seconds, requestsPerSecond } = options;
  const idle = await Promise.all(Array.from({ length: connections }, () => openClient(target)));
  const clients = [...idle];
  // A connection over which nothing was ever asked is closed by servers that defend themselves.
  await Promise.all(idle.map((client) => client.ask()));
  const latencies: number[] = [];
  const waiting: number[] = [];
  let errors = 0;
  const start = async (client: Client, due: number): Promise<void> => {
    if (!(await client.ask())) errors += 1;
    latencies.push(performance.now() - due);
    const next = waiting.shift();
    if (next === undefined) idle.push(client);
    else void start(client, next);
  };
  const started = performance.now();
  const total = Math.floor(requestsPerSecond * seconds);
  let scheduled = 0;
  await new Promise<void>((resolve) => {
    const tick = (): void => {
      const now = performance.now();
      for (; scheduled < total && started + (scheduled * 1000) / requestsPerSecond <= now; scheduled++) {
        const client = idle.pop();
        if (client === undefined) waiting.push(now);
        else void start(client, now);
      }
      if (latencies.length >= total) resolve();
      else setTimeout(tick, 1);
    };
    tick();
  });
  const elapsedMs = performance.now() - started;
  for (const client of clients) client.close();
  return summary(latencies, errors, elapsedMs);
}

interface Client {
  readonly ask: () => Promise<boolean>;
  readonly close: () => void;
}

async function openClient({ port, path, bodies }: LoadTarget): Promise<Client> {
  const requests = bodies.map((body) =>
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  );
  const answers = createAnswers();
  // The measured server has a certificate of its own making; what is measured is time, not trust. What is read goes into one
  // buffer, because the stream's own way to hand it over costs as much as sending the request.
  const socket = connect({
    port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    onread: { buffer: Buffer.allocUnsafe(64 * 1024), callback: answers.take },
  } as ConnectionOptions);
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  socket.setNoDelay(true);
  socket.on("close", answers.end);
  socket.on("error", answers.end);
  let turn = Math.floor(Math.random() * requests.length);
  return {
    ask: () => {
      turn = (turn + 1) % requests.length;
      const answer = answers.next();
      socket.write(requests[turn] as Buffer);
      return answer;
    },
    close: () => socket.destroy(),
  };
}

interface Answers {
  /** Whether the next response is a 200; asked for before its request is sent. */
  readonly next: () => Promise<boolean>;
  /** What was read; true: go on. */
  readonly take: (length: number, bytes: Uint8Array) => boolean;
  /** There will be no more. */
  readonly end: () => void;
}

/** One response after the other, whose body has a length or comes in chunks. */
function createAnswers(): Answers {
  let head = "";
  let body: Body | null = null;
  let isGood = false;
  let hasEnded = false;
  let done: ((isGood: boolean) => void) | null = null;
  const finish = (good: boolean): void => {
    const resolve = done;
    done = null;
    body = null;
    head = "";
    resolve?.(good);
  };
  return {
    next: () =>
      new Promise((resolve) => {
        done = resolve;
        // It was closed between two requests, and nobody will answer.
        if (hasEnded) finish(false);
      }),
    take: (length, bytes) => {
      const read = Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, length);
      if (body !== null) {
        if (body(read)) finish(isGood);
        return true;
      }
      const all = head === "" ? read : Buffer.concat([Buffer.from(head, "latin1"), read]);
      const end = all.indexOf(headEnd);
      head = all.toString("latin1", 0, end === -1 ? all.length : end + headEnd.length);
      if (end === -1) return true;
      isGood = head.startsWith("HTTP/1.1 200");
      body = bodyOf(head);
      if (body(all.subarray(end + headEnd.length))) finish(isGood);
      return true;
    },
    end: () => {
      hasEnded = true;
      finish(false);
    },
  };
}

const headEnd = "\r\n\r\n";
const lastChunk = "\r\n0\r\n\r\n";

/** Takes the next bytes of a body; true: that was its end. */
type Body = (bytes: Buffer) => boolean;

function bodyOf(head: string): Body {
  const [, size] = /\r\ncontent-length: (\d+)/i.exec(head) ?? [];
  if (size !== undefined) {
    let missing = Number(size);
    return (bytes) => (missing -= bytes.length) <= 0;
  }
  let tail = "";
  return (bytes) => {
    tail = (tail + bytes.toString("latin1", Math.max(0, bytes.length - lastChunk.length))).slice(-lastChunk.length);
    return tail === lastChunk;
  };
}

function summary(latencies: readonly number[], errors: number, elapsedMs: number): LoadResult {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { requestsPerSecond: (latencies.length * 1000) / elapsedMs, p50Ms: at(0.5), p99Ms: at(0.99), errors };
}

if (import.meta.main) {
  const { target, options } = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as {
    readonly target: LoadTarget;
    readonly options: Load;
  };
  const { requestsPerSecond } = options;
  const result =
    requestsPerSecond === undefined
      ? await saturate(target, options)
      : await atRate(target, { ...options, requestsPerSecond });
  console.log(JSON.stringify(result));
}
