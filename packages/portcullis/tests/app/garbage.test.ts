// What a request leaves behind must go with the short collections of the young space. What V8 moves to the old space is freed
// only by a full collection, which takes ten times as long and holds up whoever is asked meanwhile.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { Response } from "./asker.ts";
import type { Leavings } from "./garbage-worker.ts";

test("neither a validation nor a mutation leaves what only a full collection frees", async () => {
  const worker = new Worker(new URL("garbage-worker.ts", import.meta.url));
  const [leavings] = (await once(worker, "message")) as [readonly Leavings[]];
  const [validation, mutation] = leavings.map(({ response }) => response as Response);
  assert.match(String(validation?.status?.["message"]), /multiple outputs[^]*team is missing/);
  assert.notEqual(mutation?.patch, undefined);
  for (const { path, bytes } of leavings) assert.ok(bytes < 60, `${bytes.toFixed(0)} bytes a request to ${path}`);
});
