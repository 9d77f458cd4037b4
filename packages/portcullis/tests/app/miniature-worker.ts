// The evaluator thread of the tests: worker.ts with the miniature dialect.

import { parentPort, workerData } from "node:worker_threads";
import { type ThreadData, type ToThread, noteRunning, serveThread } from "../../src/app/thread.ts";
import { miniatureEvaluator } from "./miniature.ts";

const { running, withdrawn } = workerData as ThreadData;
serveThread({
  evaluator: miniatureEvaluator((policy, deadlineMs) => noteRunning(running, policy, deadlineMs)),
  running,
  withdrawn,
  receive: (listener) =>
    parentPort?.on("message", (message: ToThread) => {
      listener(message);
    }),
  send: (message) => parentPort?.postMessage(message),
});
