// The life of one evaluator thread as the server sees it: it is spawned, told what to serve, asked, and ends once, either
// because it was told to or by itself (out of memory, a crash). What happens to its unanswered requests is the pool's
// business.

import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { Tally } from "../server/tally.ts";
import type { EvaluatorSettings } from "./config.ts";
import type { Answer } from "@portcullis/lang";
import type { Change, Question, Report } from "./evaluator.ts";
import type { DataChange } from "./objectshare.ts";
import { type FromThread, type Sent, type ThreadData, type ToThread, noteWithdrawn, sinceStamp } from "./thread.ts";

export interface EvaluatorThread {
  /** Asked again for a version, it gives the same report. Rejects when the thread ends before that, or cannot do it. */
  prepare(change: Change): Promise<Report>;
  release(version: number): void;
  /** Objects of the cluster, since what was sent before. */
  data(change: DataChange): void;
  ask(id: number, question: Question): void;
  /** Goes on with a question that needed something. */
  resume(id: number, answers: readonly Answer[]): void;
  /** Questions up to a number need no answer any more, but for one: it is, or would be, the next. */
  withdraw(upTo: number, but: number): void;
  /** Ends a question that needed something. */
  forget(id: number): void;
  /** Versions that can be asked for. */
  readonly held: ReadonlySet<number>;
  /** Whether it is busy with preparing a version. */
  readonly preparing: boolean;
  /** Asks for the counts of Kyverno's rules; `onTallies` gets them, unless the thread ends before. */
  tally(): Promise<void>;
  /** The policy that is running at this moment, for a thread that does not come back. */
  runningPolicy(): string | null;
  /** How long ago the time of the policy that is running was up, in milliseconds; negative or 0: it is not. */
  lateMs(nowMs: number): number;
  /** Ends it; `onEnd` is called. */
  terminate(): Promise<void>;
}

export interface ThreadOptions {
  readonly spawn: Spawn;
  /** Old-space limit, in MiB. */
  readonly memoryMb: number;
  readonly settings: EvaluatorSettings;
  readonly onTallies: (tallies: readonly Tally[]) => void;
  readonly onResult: (id: number, result: Sent) => void;
  /** Called once, with the reason when the thread ended by itself. */
  readonly onEnd: (reason: string | null) => void;
}

interface SpawnOptions {
  readonly workerData: ThreadData;
  readonly resourceLimits: { readonly maxOldGenerationSizeMb: number; readonly maxYoungGenerationSizeMb: number };
}

export type Spawn = (options: SpawnOptions) => Worker;

/** The thread of this package: worker.ts. */
export const spawnWorker: Spawn = (options) => new Worker(workerFile(), options);

/** worker.ts, or what is published in its place. */
export function workerFile(): string {
  return createRequire(import.meta.url).resolve("#worker");
}

/** Young-space limit, in MiB: a third of it is filled between two collections, by a request at about 0.3. */
const youngMb = 12;

/** The reason that `onEnd` is given when a thread's heap was full. */
export const outOfMemory = "out of memory";

interface Preparing {
  readonly resolve: (report: Report) => void;
  readonly reject: (error: Error) => void;
}

export function startThread(options: ThreadOptions): EvaluatorThread {
  const running = new Int32Array(new SharedArrayBuffer(8)).fill(-1);
  const withdrawn = new BigInt64Array(new SharedArrayBuffer(16)).fill(-1n);
  const resourceLimits = { maxOldGenerationSizeMb: options.memoryMb, maxYoungGenerationSizeMb: youngMb };
  const worker = options.spawn({ workerData: { running, withdrawn, settings: options.settings }, resourceLimits });
  const preparing = new Map<number, Preparing>();
  const reports = new Map<number, Promise<Report>>();
  const held = new Set<number>();
  const tallying = createTallying(options.onTallies);
  let names: readonly string[] = [];
  let failure: string | null = null;
  let isWanted = false;
  let hasEnded = false;
  const send = (message: ToThread): void => {
    worker.postMessage(message);
  };
  worker.on("message", (message: FromThread) => {
    if (message.kind === "answered") options.onResult(message.id, message.result);
    else if (message.kind === "tallied") tallying.take(message.tallies);
    else if (message.kind === "prepared") {
      const { version } = message.report;
      ({ names } = message.report);
      held.add(version);
      settle(preparing, version, ({ resolve }) => resolve(message.report));
    } else settle(preparing, message.version, ({ reject }) => reject(new Error(message.message)));
  });
  worker.on("error", (error: NodeJS.ErrnoException) => {
    failure = error.code === "ERR_WORKER_OUT_OF_MEMORY" ? outOfMemory : (error.stack ?? error.message);
  });
  worker.on("exit", (code) => {
    hasEnded = true;
    held.clear();
    for (const waiting of preparing.values()) waiting.reject(new Error(failure ?? "the evaluator thread ended"));
    preparing.clear();
    tallying.end();
    options.onEnd(isWanted ? null : (failure ?? `exit code ${code}`));
  });
  return {
    prepare: (change) => {
      const known = reports.get(change.version);
      if (known !== undefined) return known;
      if (hasEnded) return Promise.reject(new Error("the evaluator thread has ended"));
      const report = new Promise<Report>((resolve, reject) => {
        preparing.set(change.version, { resolve, reject });
        send({ kind: "prepare", change });
      });
      reports.set(change.version, report);
      return report;
    },
    release: (version) => {
      for (const old of held) if (old < version) held.delete(old);
      for (const old of reports.keys()) if (old < version) reports.delete(old);
      send({ kind: "release", version });
    },
    data: (change) => {
      send({ kind: "data", change });
    },
    tally: () => (hasEnded ? Promise.resolve() : tallying.ask(() => send({ kind: "tally" }))),
    ...questioning(send, withdrawn),
    held,
    get preparing() {
      return preparing.size > 0;
    },
    ...watching(running, () => names),
    terminate: async () => {
      isWanted = true;
      await worker.terminate();
    },
  };
}

function watching(
  running: Int32Array,
  names: () => readonly string[],
): Pick<EvaluatorThread, "lateMs" | "runningPolicy"> {
  return {
    lateMs: (nowMs) => {
      const until = Atomics.load(running, 1);
      return Atomics.load(running, 0) === -1 || until === -1 ? 0 : sinceStamp(until, nowMs);
    },
    runningPolicy: () => names()[Atomics.load(running, 0)] ?? null,
  };
}

type Questioning = Pick<EvaluatorThread, "ask" | "resume" | "forget" | "withdraw">;

function questioning(send: (message: ToThread) => void, withdrawn: BigInt64Array): Questioning {
  return {
    ask: (id, question) => {
      send({ kind: "ask", id, question });
    },
    resume: (id, answers) => {
      send({ kind: "resume", id, answers });
    },
    forget: (id) => {
      send({ kind: "forget", id });
    },
    withdraw: (upTo, but) => {
      noteWithdrawn(withdrawn, upTo, but);
    },
  };
}

function settle(preparing: Map<number, Preparing>, version: number, how: (waiting: Preparing) => void): void {
  const waiting = preparing.get(version);
  preparing.delete(version);
  if (waiting !== undefined) how(waiting);
}

interface Tallying {
  ask(send: () => void): Promise<void>;
  take(tallies: readonly Tally[]): void;
  end(): void;
}

/** Those who wait for counts, in the order in which they asked. */
function createTallying(onTallies: ThreadOptions["onTallies"]): Tallying {
  const waiting: (() => void)[] = [];
  return {
    ask: (send) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        send();
      }),
    take: (tallies) => {
      onTallies(tallies);
      waiting.shift()?.();
    },
    end: () => {
      for (const done of waiting.splice(0)) done();
    },
  };
}
