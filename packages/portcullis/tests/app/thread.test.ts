// What an evaluator thread does with its messages.

import assert from "node:assert/strict";
import { test } from "node:test";
import { clockMs } from "../../src/app/clock.ts";
import { type FromThread, type ToThread, noteWithdrawn, serveThread } from "../../src/app/thread.ts";
import { admitEndpoint } from "../../src/server/endpoints.ts";
import { reviewText } from "../server/client.ts";
import { miniatureEvaluator } from "./miniature.ts";

test("of questions that were withdrawn, only the one that may have been begun is answered", () => {
  const withdrawn = new BigInt64Array(2).fill(-1n);
  const answered: number[] = [];
  let tell: (message: ToThread) => void = () => {};
  serveThread({
    evaluator: miniatureEvaluator(),
    running: new Int32Array(2),
    withdrawn,
    receive: (listener) => {
      tell = listener;
    },
    send: (message: FromThread) => {
      if (message.kind === "answered") answered.push(message.id);
    },
  });
  const ask = (id: number): void => {
    const body = reviewText({ uid: String(id) });
    const question = {
      version: 0,
      body,
      deadlineMs: clockMs() + 10_000,
      lane: "fast",
      endpoint: admitEndpoint,
    } as const;
    tell({ kind: "ask", id, question });
  };
  ask(0);
  noteWithdrawn(withdrawn, 4, 2);
  for (const id of [1, 2, 3, 4, 5]) ask(id);
  assert.deepEqual(answered, [0, 2, 5]);
});
