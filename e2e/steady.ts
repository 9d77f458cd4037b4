// Reviews at a steady rate, sent as an API server sends them: on a schedule, whether or not answers have come, over connections
// that are kept, each with what the webhook configuration says at that moment has to be trusted (a new bundle gets new
// connections). Some go over a connection of their own, so that handshakes never pause. A process of its own, because
// tests block theirs.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:https";
import { quantile } from "./pressure.ts";

export interface SteadyOptions {
  readonly port: number;
  readonly path: string;
  readonly body: string;
  /** Part of the right answer. */
  readonly expected: string;
  readonly requestsPerSecond: number;
  /** What is trusted at the beginning (PEM). */
  readonly ca: string;
}

export interface SteadyResult {
  readonly asked: number;
  readonly seconds: number;
  /** Requests over a connection of their own. */
  readonly handshakes: number;
  /** How many bundles were trusted, one after the other. */
  readonly bundles: number;
  readonly failures: readonly string[];
  readonly p99Ms: number;
}

export interface SteadyLoad {
  /** From now on this is trusted (PEM), and nothing else. */
  trust(ca: string): void;
  /** Once all answers are there. */
  end(): Promise<SteadyResult>;
}

type Message =
  | { readonly kind: "start"; readonly options: SteadyOptions }
  | { readonly kind: "trust"; readonly ca: string }
  | { readonly kind: "end" };

export function startSteadyLoad(options: SteadyOptions): SteadyLoad {
  const child: ChildProcess = spawn(process.execPath, [import.meta.filename], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const tell = (message: Message): void => {
    child.send(message);
  };
  tell({ kind: "start", options });
  return {
    trust: (ca) => tell({ kind: "trust", ca }),
    end: async () => {
      const told = once(child, "message");
      tell({ kind: "end" });
      const [result] = (await told) as [SteadyResult];
      child.disconnect();
      return result;
    },
  };
}

// ── the process

/** Every so many requests one has a connection of its own. */
const ownConnectionEvery = 20;
/** API servers give a webhook up to 30 s; ours answer in milliseconds. */
const patienceMs = 10_000;
const failuresMax = 20;

function send(): void {
  let started: { readonly options: SteadyOptions; readonly timer: NodeJS.Timeout; readonly startMs: number } | null =
    null;
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const trusted = { ca: "", bundles: 0 };
  const tookMs: number[] = [];
  const failures: string[] = [];
  let [asked, handshakes, waiting] = [0, 0, 0];
  const trust = (ca: string): void => {
    if (ca !== trusted.ca) trusted.bundles++;
    trusted.ca = ca;
  };
  const askNow = async (options: SteadyOptions): Promise<void> => {
    const isAlone = asked++ % ownConnectionEvery === 0;
    if (isAlone) handshakes++;
    waiting++;
    const startMs = performance.now();
    const said = await ask(options, { ca: trusted.ca, agent: isAlone ? false : agent });
    tookMs.push(performance.now() - startMs);
    waiting--;
    if (said !== null && failures.length < failuresMax) failures.push(said);
  };
  const start = (options: SteadyOptions): void => {
    trust(options.ca);
    const startMs = performance.now();
    const tick = (): void => {
      const due = Math.floor(((performance.now() - startMs) * options.requestsPerSecond) / 1000);
      for (let late = due - asked; late > 0; late--) void askNow(options);
    };
    started = { options, startMs, timer: setInterval(tick, 2) };
  };
  const end = (): void => {
    if (started === null) return;
    clearInterval(started.timer);
    const seconds = (performance.now() - started.startMs) / 1000;
    const tell = (): void => {
      if (waiting > 0) {
        setTimeout(tell, 10);
        return;
      }
      const p99Ms = quantile(
        tookMs.toSorted((a, b) => a - b),
        0.99,
      );
      process.send?.({ asked, seconds, handshakes, bundles: trusted.bundles, failures, p99Ms } satisfies SteadyResult);
      agent.destroy();
    };
    tell();
  };
  process.on("message", (message: Message) => {
    if (message.kind === "start") start(message.options);
    else if (message.kind === "trust") trust(message.ca);
    else end();
  });
}

interface Asking {
  readonly ca: string;
  readonly agent: Agent | false;
  readonly isAgain?: true;
}

/** Null: answered as it should be. What met a kept connection that was just closed is sent again, as Go's client does. */
function ask(options: SteadyOptions, { ca, agent, isAgain }: Asking): Promise<string | null> {
  const { port, path, body, expected } = options;
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const where = { host: "127.0.0.1", port, path, method: "POST", headers, ca, agent, timeout: patienceMs };
  return new Promise((resolve) => {
    const outgoing = request(where, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", (error) => resolve(String(error)));
      response.on("end", () => {
        const said = `${response.statusCode} ${Buffer.concat(chunks).toString()}`;
        resolve(said.includes(expected) ? null : said);
      });
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer in ${patienceMs} ms`)));
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      const isStale = outgoing.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
      if (isStale && isAgain !== true) resolve(ask(options, { ca, agent: false, isAgain: true }));
      else resolve(String(error));
    });
    outgoing.end(body);
  });
}

if (import.meta.main) send();
