// An evaluator thread. It is told files and asked questions, in order, and answers each at once: whatever may take long
// has a budget. A flag in shared memory says which policy is running, for the watchdog that may have to end the thread.
// The audit's thread begins here too, because a bundle has one file for threads.

import { setFlagsFromString } from "node:v8";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { assembleEvaluator } from "./assemble.ts";
import type { AuditThreadData } from "./auditthread.ts";
import { type FromThread, type ThreadData, type ToThread, noteRunning, serveThread } from "./thread.ts";

// Reloads compile policies again and again; V8's compilation cache would keep every one until the heap is nearly full.
setFlagsFromString("--no-compilation-cache");

const data = workerData as ThreadData | AuditThreadData;
const port = parentPort;
if (port === null) throw new Error("worker.ts runs only as a worker thread");

if ("audit" in data) {
  const { serveAudit } = await import("./auditthread.ts");
  serveAudit(data.audit, port);
} else serveEvaluator(data, port);

function serveEvaluator({ running, withdrawn, settings }: ThreadData, messages: MessagePort): void {
  serveThread({
    evaluator: assembleEvaluator(settings, {
      onPolicy: (policy, deadlineMs) => noteRunning(running, policy, deadlineMs),
    }),
    running,
    withdrawn,
    receive: (listener) =>
      messages.on("message", (message: ToThread) => {
        listener(message);
      }),
    send: (message: FromThread) => {
      messages.postMessage(message);
    },
  });
}
