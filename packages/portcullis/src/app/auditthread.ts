// The audit in a thread of its own: a policy that runs away there holds up no request. The thread has its own connection to
// the API server, watches what it audits and writes what it finds; it is told of policies as the evaluators are, and asks
// the main thread for what its policies want fetched.

import { type MessagePort } from "node:worker_threads";
import type { Answer, Need } from "@portcullis/lang";
import { createClient } from "../cluster/client.ts";
import { createInformers } from "../cluster/informer.ts";
import { type ConfigOptions, readClusterConfig } from "../cluster/kubeconfig.ts";
import { sharedAuditData } from "../controllers/audit/data.ts";
import type { AuditShare } from "../controllers/audit/share.ts";
import type { Log, LogLine } from "../controllers/audit/runs.ts";
import { watchNeighbours, yieldingClient } from "../controllers/neighbours/neighbours.ts";
import type { Tally } from "../server/tally.ts";
import { type AuditFlags, type AuditingOptions, startAuditing } from "./auditing.ts";
import type { EvaluatorSettings } from "./config.ts";
import type { Change } from "./evaluator.ts";
import type { DataChange } from "./objectshare.ts";

/** What the thread is given when it starts. */
export interface AuditThreadData {
  readonly audit: {
    readonly cluster: ConfigOptions;
    readonly namespace: string;
    readonly userAgent: string;
    readonly flags: AuditFlags;
    readonly settings: EvaluatorSettings;
    /** Our own webhook configurations' name, by which others are known; null: nobody is looked for. */
    readonly yieldsAs: string | null;
    /** Which objects are this replica's when it starts. */
    readonly share: AuditShare;
  };
}

export type ToAudit =
  | { readonly kind: "change"; readonly files: Pick<Change, "changed" | "removed"> }
  /** Objects of the cluster that policies look up. */
  | { readonly kind: "data"; readonly change: DataChange }
  | { readonly kind: "answers"; readonly id: number; readonly answers: readonly Answer[] }
  | { readonly kind: "share"; readonly share: AuditShare }
  /** The lines that were sent are written. */
  | { readonly kind: "logged" }
  | { readonly kind: "close" };

export type FromAudit =
  | { readonly kind: "fetch"; readonly id: number; readonly needs: readonly Need[] }
  | { readonly kind: "log"; readonly lines: readonly LogLine[] }
  | { readonly kind: "run"; readonly record: Parameters<AuditingOptions["onRun"]>[0] }
  | { readonly kind: "tallies"; readonly tallies: readonly Tally[] }
  | { readonly kind: "error"; readonly message: string }
  /** For the first time, all that is this replica's has been evaluated and told. */
  | { readonly kind: "settled" }
  | { readonly kind: "closed" };

export function serveAudit(
  { cluster, namespace, userAgent, flags, settings, yieldsAs, share }: AuditThreadData["audit"],
  port: MessagePort,
): void {
  const send = (message: FromAudit): void => {
    port.postMessage(message);
  };
  const onError = (error: Error): void => send({ kind: "error", message: error.message });
  const direct = createClient(readClusterConfig(cluster), { userAgent });
  const informers = createInformers(direct);
  const neighbours = yieldsAs === null ? null : watchNeighbours({ informers, configurationName: yieldsAs, onError });
  const client = neighbours === null ? direct : yieldingClient(direct, neighbours);
  const asking = createAsking(send);
  const shared = sharedAuditData();
  let hasSettled = false;
  const auditing = startAuditing({
    client,
    informers,
    fetch: asking.fetch,
    createData: shared.create,
    flags,
    namespace,
    settings,
    log: asking.log,
    onRun: (record) => send({ kind: "run", record }),
    onTallies: (tallies) => send({ kind: "tallies", tallies }),
    onSettled: () => {
      if (!hasSettled) send({ kind: "settled" });
      hasSettled = true;
    },
    share,
    onError,
  });
  port.on("message", (message: ToAudit) => {
    switch (message.kind) {
      case "change":
        auditing.change(message.files);
        break;
      case "share":
        auditing.share(message.share);
        break;
      case "logged":
        asking.logged();
        break;
      case "data":
        shared.take(message.change);
        break;
      case "answers":
        asking.take(message.id, message.answers);
        break;
      case "close":
        void end();
        break;
      default:
        message satisfies never;
    }
  });
  const end = async (): Promise<void> => {
    await auditing.close();
    neighbours?.close();
    informers.close();
    client.close();
    send({ kind: "closed" });
    port.close();
  };
}

/** What the main thread is asked to fetch or to write, until it answers. */
function createAsking(send: (message: FromAudit) => void): {
  readonly fetch: AuditingOptions["fetch"];
  readonly take: (id: number, answers: readonly Answer[]) => void;
  readonly log: Log;
  readonly logged: () => void;
} {
  let onLogged: (() => void) | null = null;
  const asked = new Map<number, (answers: readonly Answer[]) => void>();
  let nextId = 0;
  return {
    fetch: (needs) =>
      new Promise((resolve) => {
        const id = nextId++;
        asked.set(id, resolve);
        send({ kind: "fetch", id, needs });
      }),
    take: (id, answers) => {
      asked.get(id)?.(answers);
      asked.delete(id);
    },
    log: (lines) =>
      new Promise((resolve) => {
        onLogged = resolve;
        send({ kind: "log", lines });
      }),
    logged: () => onLogged?.(),
  };
}
