// The evaluator thread of the tests: worker.ts with the miniature dialect.

import { parentPort, workerData } from "node:worker_threads";
import { type ThreadData, type ToThread, serveThread } from "../../src/app/thread.ts";
import { miniatureEvaluator } from "./miniature.ts";

const { running } = workerData as ThreadData;
serveThread({
  evaluator: miniatureEvaluator((number) => Atomics.store(running, 0, number)),
  running,
  receive: (listener) =>
    parentPort?.on("message", (message: ToThread) => {
      listener(message);
    }),
  send: (message) => parentPort?.postMessage(message),
});
