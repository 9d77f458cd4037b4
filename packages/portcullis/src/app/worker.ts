// An evaluator thread. It is told files and asked questions, in order, and answers each at once: whatever may take long
// has a budget. A flag in shared memory says which policy is running, for the watchdog that may have to end the thread.

import { setFlagsFromString } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import { assembleEvaluator } from "./assemble.ts";
import { type FromThread, type ThreadData, type ToThread, serveThread } from "./thread.ts";

// Reloads compile policies again and again; V8's compilation cache would keep every one until the heap is nearly full.
setFlagsFromString("--no-compilation-cache");

const { running, settings } = workerData as ThreadData;
const port = parentPort;
if (port === null) throw new Error("worker.ts runs only as a worker thread");

serveThread({
  evaluator: assembleEvaluator(settings, (number) => Atomics.store(running, 0, number)),
  running,
  receive: (listener) =>
    port.on("message", (message: ToThread) => {
      listener(message);
    }),
  send: (message: FromThread) => {
    port.postMessage(message);
  },
});
