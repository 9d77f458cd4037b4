// The audit as the main thread sees it: while this replica leads, there is a thread that audits (auditthread.ts); it is given
// every policy that is served, and started again when it ends by itself. What it asks for is fetched here.

import { Worker } from "node:worker_threads";
import type { Answer, Need } from "@portcullis/lang";
import type { Metrics } from "../server/metrics.ts";
import type { AuditThreadData, FromAudit, ToAudit } from "./auditthread.ts";
import type { FileText } from "./compose.ts";
import type { Change } from "./evaluator.ts";
import type { Logger } from "./log.ts";
import type { ObjectShare } from "./objectshare.ts";

export interface AuditThreadOptions extends AuditThreadData {
  /** What policies look up. */
  readonly objects: ObjectShare;
  readonly fetch: (needs: readonly Need[]) => Promise<readonly Answer[]>;
  readonly metrics: Pick<Metrics, "audited" | "rules">;
  readonly logger: Logger;
  readonly onError: (error: Error) => void;
}

export interface AuditThread {
  /** Policies that changed, as the evaluators get them. */
  change(files: Pick<Change, "changed" | "removed">): void;
  /** Whether this replica is the one that audits. */
  lead(leads: boolean): void;
  close(): Promise<void>;
}

const restartMs = [1000, 60_000] as const;
const endMs = 5000;

interface State {
  readonly options: AuditThreadOptions;
  /** All policies, for a thread that starts. */
  readonly files: Map<string, FileText>;
  worker: Worker | null;
  /** Resolves when the worker has ended. */
  ended: Promise<void>;
  leads: boolean;
  failures: number;
  restart: NodeJS.Timeout | null;
}

export function createAuditThread(options: AuditThreadOptions): AuditThread {
  const state: State = {
    options,
    files: new Map(),
    worker: null,
    ended: Promise.resolve(),
    leads: false,
    failures: 0,
    restart: null,
  };
  const unlisten = options.objects.listen((change) => tell(state.worker, { kind: "data", change }));
  return {
    change: (files) => {
      for (const file of files.removed) state.files.delete(file);
      for (const file of files.changed) state.files.set(file.file, file);
      tell(state.worker, { kind: "change", files });
    },
    lead: (leads) => {
      state.leads = leads;
      if (leads && state.worker === null && state.restart === null) start(state);
      if (!leads) void stop(state);
    },
    close: async () => {
      state.leads = false;
      unlisten();
      if (state.restart !== null) clearTimeout(state.restart);
      await stop(state);
    },
  };
}

function tell(worker: Worker | null, message: ToAudit): void {
  worker?.postMessage(message);
}

function start(state: State): void {
  const { options, files } = state;
  const { audit } = options;
  const data: AuditThreadData = { audit };
  const worker = new Worker(new URL(import.meta.resolve("#worker")), { workerData: data });
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
  if (!state.leads || state.restart !== null) return;
  const afterMs = Math.min(restartMs[1], restartMs[0] * 2 ** state.failures++);
  state.restart = setTimeout(() => {
    state.restart = null;
    if (state.leads && state.worker === null) start(state);
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
  { fetch, metrics, logger, onError }: AuditThreadOptions,
  worker: Worker,
  message: FromAudit,
): Promise<void> {
  switch (message.kind) {
    case "fetch":
      tell(worker, { kind: "answers", id: message.id, answers: await fetch(message.needs) });
      break;
    case "log":
      logger.info(message.fields, message.text);
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
    case "closed":
      break;
    default:
      message satisfies never;
  }
}
