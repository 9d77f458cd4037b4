// The audit as the main thread sees it: a thread of its own (auditthread.ts) that audits this replica's share of the objects.
// It is given every policy that is served, is told when the share changes, and is started again when it ends by itself. What
// it asks for is fetched here. The other replicas give up our share only once the thread has evaluated it for the first time, and take it
// over when the thread has died.

import { Worker } from "node:worker_threads";
import type { Answer, Need } from "@portcullis/lang";
import type { Metrics } from "../server/metrics.ts";
import type { AuditShare } from "../controllers/audit/share.ts";
import type { AuditThreadData, FromAudit, ToAudit } from "./auditthread.ts";
import type { FileText } from "./compose.ts";
import type { Change } from "./evaluator.ts";
import type { Logger } from "./log.ts";
import type { ObjectShare } from "./objectshare.ts";
import { workerFile } from "./threads.ts";

export interface AuditThreadOptions {
  readonly audit: Omit<AuditThreadData["audit"], "share">;
  /** This replica's name. */
  readonly self: string;
  /** What policies look up. */
  readonly objects: ObjectShare;
  readonly fetch: (needs: readonly Need[]) => Promise<readonly Answer[]>;
  readonly metrics: Pick<Metrics, "audited" | "rules">;
  readonly logger: Logger;
  /** The thread is about to start. */
  readonly onStart: () => void;
  /** Whether this replica audits its share now. */
  readonly onAuditing: (isAuditing: boolean) => void;
  readonly onError: (error: Error) => void;
}

/** What the other replicas do. */
export interface AuditMembers {
  /** Those that audit. */
  readonly auditing: readonly string[];
  readonly alive: readonly string[];
  /** Whether this replica leads. */
  readonly leads: boolean;
}

export interface AuditThread {
  /** Policies that changed, as the evaluators get them. */
  change(files: Pick<Change, "changed" | "removed">): void;
  /** Starts it, at first; what the others do decides about our share. */
  follow(members: AuditMembers): void;
  close(): Promise<void>;
}

/**
 * In MiB. What 10,000 Pods of 6 KB and a few hundred thousand results take is 20; V8 lets garbage grow to some tenths of what
 * lives where it is given a limit like this, and to three times that where it is not.
 */
const resourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 12 };
const restartMs = [1000, 60_000] as const;
const endMs = 5000;

interface State {
  readonly options: AuditThreadOptions;
  /** All policies, for a thread that starts. */
  readonly files: Map<string, FileText>;
  worker: Worker | null;
  /** Resolves when the worker has ended. */
  ended: Promise<void>;
  /** Null before the first members are known, and after the end. */
  share: AuditShare | null;
  failures: number;
  restart: NodeJS.Timeout | null;
}

export function createAuditThread(options: AuditThreadOptions): AuditThread {
  const state: State = {
    options,
    files: new Map(),
    worker: null,
    ended: Promise.resolve(),
    share: null,
    failures: 0,
    restart: null,
  };
  let isClosed = false;
  const unlisten = options.objects.listen((change) => tell(state.worker, { kind: "data", change }));
  return {
    change: (files) => {
      for (const file of files.removed) state.files.delete(file);
      for (const file of files.changed) state.files.set(file.file, file);
      tell(state.worker, { kind: "change", files });
    },
    follow: (members) => {
      if (isClosed) return;
      state.share = shareOf(options.self, members);
      if (state.worker !== null) tell(state.worker, { kind: "share", share: state.share });
      else if (state.restart === null) start(state, state.share);
    },
    close: async () => {
      isClosed = true;
      state.share = null;
      unlisten();
      if (state.restart !== null) clearTimeout(state.restart);
      await stop(state);
    },
  };
}

function shareOf(self: string, { auditing, alive, leads }: AuditMembers): AuditShare {
  return { self, members: [...new Set([...auditing, self])].toSorted(), alive, leads };
}

function tell(worker: Worker | null, message: ToAudit): void {
  worker?.postMessage(message);
}

function start(state: State, share: AuditShare): void {
  const { options, files } = state;
  options.onStart();
  const data: AuditThreadData = { audit: { ...options.audit, share } };
  const worker = new Worker(workerFile(), { workerData: data, resourceLimits });
  state.worker = worker;
  state.ended = new Promise((resolve) => {
    worker.once("exit", () => {
      ended(state, worker);
      resolve();
    });
  });
  worker.on("error", (error) => options.onError(new Error(`the audit's thread ended: ${error.message}`)));
  worker.on("message", (message: FromAudit) => {
    void take(options, worker, message);
  });
  tell(worker, { kind: "data", change: options.objects.all() });
  tell(worker, { kind: "change", files: { changed: [...files.values()], removed: [] } });
}

/** A thread that ends by itself is started again, later each time. */
function ended(state: State, worker: Worker): void {
  if (state.worker === worker) state.worker = null;
  state.options.onAuditing(false);
  if (state.share === null || state.restart !== null) return;
  const afterMs = Math.min(restartMs[1], restartMs[0] * 2 ** state.failures++);
  state.restart = setTimeout(() => {
    state.restart = null;
    if (state.share !== null && state.worker === null) start(state, state.share);
  }, afterMs);
  state.restart.unref();
}

async function stop(state: State): Promise<void> {
  const { worker, ended: hasEnded } = state;
  if (worker === null) return;
  state.worker = null;
  tell(worker, { kind: "close" });
  const late = setTimeout(() => void worker.terminate(), endMs);
  await hasEnded;
  clearTimeout(late);
}

async function take(
  { fetch, metrics, logger, onAuditing, onError }: AuditThreadOptions,
  worker: Worker,
  message: FromAudit,
): Promise<void> {
  switch (message.kind) {
    case "fetch":
      tell(worker, { kind: "answers", id: message.id, answers: await fetch(message.needs) });
      break;
    case "log":
      for (const { fields, text } of message.lines) logger.info(fields, text);
      tell(worker, { kind: "logged" });
      break;
    case "run":
      metrics.audited(message.record);
      break;
    case "tallies":
      metrics.rules(message.tallies);
      break;
    case "error":
      onError(new Error(message.message));
      break;
    case "settled":
      onAuditing(true);
      break;
    case "closed":
      break;
    default:
      message satisfies never;
  }
}
