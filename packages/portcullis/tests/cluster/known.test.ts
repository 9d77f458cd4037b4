// A watch that somebody waits for ends their waiting when the API server will not show what is there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, type InformerOptions, type Informers } from "../../src/cluster/api.ts";
import { type KnownWatch, knownByNow, watchKnown } from "../../src/cluster/known.ts";

interface Trial {
  readonly watch: KnownWatch;
  readonly synced: PromiseWithResolvers<void>;
  readonly fails: (status: number) => void;
  readonly told: number[];
}

function trial(): Trial {
  const synced = Promise.withResolvers<void>();
  const told: number[] = [];
  let report: InformerOptions["onError"];
  const informers = {
    watch: (_resource: unknown, options: InformerOptions = {}) => {
      report = options.onError;
      return { synced: synced.promise };
    },
    close: () => {},
  } as unknown as Informers;
  const onError = (error: Error): void => void told.push((error as ApiError).status);
  const watch = watchKnown(informers, { group: "", version: "v1", resource: "widgets" }, { onError });
  return { watch, synced, told, fails: (status) => report?.(new ApiError("no", { status, reason: "No" })) };
}

test("what is there is known", async () => {
  const { watch, synced, fails, told } = trial();
  fails(0);
  fails(429);
  fails(503);
  synced.resolve();
  assert.equal(await watch.known, null);
  assert.deepEqual(told, [0, 429, 503]);
});

test("what may not be read keeps nobody waiting", async () => {
  const { watch, fails } = trial();
  fails(403);
  assert.equal((await watch.known)?.status, 403);
});

test("what fails again and again keeps nobody waiting", async () => {
  const { watch, fails } = trial();
  for (let time = 0; time < 5; time++) fails(500);
  assert.equal((await watch.known)?.status, 500);
});

test("a close ends the waiting as well", async () => {
  const { watch, synced } = trial();
  synced.reject(new Error("closed"));
  await assert.rejects(watch.known, /closed/);
});

test("what failed with the whole API server is waited for when that is back, for a while", async () => {
  const { watch, synced, fails } = trial();
  for (let time = 0; time < 5; time++) fails(503);
  let isKnown = false;
  const waiting = knownByNow(watch, 60_000).then(() => (isKnown = true));
  await watch.known;
  await new Promise(setImmediate);
  assert.equal(isKnown, false);
  synced.resolve();
  await waiting;
  const gone = trial();
  for (let time = 0; time < 5; time++) gone.fails(500);
  // What holds a test's process up for so long is a server; here a timer does.
  const holding = setInterval(() => {}, 1000);
  await knownByNow(gone.watch, 1);
  clearInterval(holding);
});
