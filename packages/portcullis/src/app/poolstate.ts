// What a pool of evaluator threads knows: what it was told, its threads, and the requests that they answer, wait for or
// have yet to be asked (pool.ts).

import type { Answer } from "@portcullis/lang";
import type { Endpoint } from "../server/endpoints.ts";
import type { Reply } from "../server/routes.ts";
import type { Tally } from "../server/tally.ts";
import type { FileText } from "./compose.ts";
import type { EvaluatorSettings } from "./config.ts";
import type { Fetching } from "./fetch.ts";
import type { ObjectShare } from "./objectshare.ts";
import type { Failure, Lane } from "./slices.ts";
import type { EvaluatorThread, Spawn } from "./threads.ts";

export interface PoolOptions {
  /** Threads of the fast lane, at least 1. */
  readonly threads: number;
  readonly spawn?: Spawn;
  /** Old-space limit of a fast thread, in MiB; slow threads, who take the large bodies, have twice as much. */
  readonly memoryMb?: number;
  readonly settings?: EvaluatorSettings;
  /** Gets what policies need; without it, that is an error for them. */
  readonly fetching?: Fetching;
  /** The objects of a cluster, for threads that start. */
  readonly objects?: ObjectShare | null;
  readonly onOverrun: (policy: string, kind: "slice" | "deadline") => void;
  /** `detail` is for the log. */
  readonly onRestart: (reason: "deadline" | "memory" | "crash", policy: string | null, detail: string) => void;
  /** Counts of Kyverno's rules that a thread had. */
  readonly onTallies?: (tallies: readonly Tally[]) => void;
  /** An evaluator failed in a way that is our fault; the request was answered with an error. */
  readonly onFault?: (detail: string) => void;
}

export interface Task {
  /**
   * The number under which a thread was asked last, -1 before the first time. Each asking has its own: a thread that stalled
   * may still answer one from before, and keeps what it would go on with by number.
   */
  id: number;
  /** The numbers of the askings before. */
  readonly earlier: Set<number>;
  readonly body: string;
  readonly deadlineMs: number;
  readonly endpoint: Endpoint;
  readonly resolve: (reply: Reply) => void;
  lane: Lane;
  /** Why it is in the slow lane: the policy that overran, the size, a policy to compile. */
  key: string;
  /** What was fetched for it, by `needKey`. */
  readonly fetched: Map<string, Answer>;
  /** Policies that took a thread down over it. */
  readonly failed: Map<string, Failure>;
}

export interface Slot {
  readonly lane: Lane;
  thread: EvaluatorThread;
  /** Settles when the thread serves what was served when it started. */
  base: Promise<void>;
  /** In the order in which they were asked, with the time since when each has been the first. */
  tasks: Task[];
  /** Those that it goes on with once something is fetched. */
  readonly kept: Set<Task>;
  headSinceMs: number;
  /** Set once its waiting requests were given to others. */
  isStalled: boolean;
  failures: number;
}

export interface State {
  readonly options: PoolOptions;
  readonly slots: Slot[];
  readonly queues: Readonly<Record<Lane, Task[]>>;
  /** What is served, for threads that start later. */
  readonly files: Map<string, FileText>;
  version: number;
  nextId: number;
  watchdog: NodeJS.Timeout | null;
  isClosed: boolean;
  readonly fetching: Fetching;
}
