// Queues of keys: once each, one worker per key, failures later and later.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../src/cluster/api.ts";
import { createWorkQueue } from "../../src/cluster/workqueue.ts";

test("work queue: a key waits once, and comes again when it was added while it was worked on", async () => {
  const done: string[] = [];
  const gate = Promise.withResolvers<void>();
  const queue = createWorkQueue({
    work: async (key) => {
      done.push(key);
      if (done.length === 1) await gate.promise;
    },
  });
  for (const key of ["a", "b", "a", "b"]) queue.add(key);
  assert.equal(queue.size, 2);
  await Promise.resolve();
  queue.add("a");
  queue.add("a");
  gate.resolve();
  await queue.idle();
  assert.deepEqual(done, ["a", "b", "a"]);
  assert.equal(queue.size, 0);
});

test("work queue: never two workers on one key, and as many as allowed on others", async () => {
  let most = 0;
  let overlaps = 0;
  const running = new Set<string>();
  const queue = createWorkQueue({
    workers: 3,
    work: async (key) => {
      if (running.has(key)) overlaps++;
      running.add(key);
      most = Math.max(most, running.size);
      await new Promise((resolve) => setImmediate(resolve));
      running.delete(key);
    },
  });
  for (let round = 0; round < 5; round++) {
    for (const key of ["a", "b", "c", "d"]) queue.add(key);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await queue.idle();
  assert.deepEqual([most, overlaps], [3, 0]);
});

test("work queue: a failure comes back until it succeeds, and is told each time", async () => {
  const failures: string[] = [];
  let attempts = 0;
  const queue = createWorkQueue({
    work: () => (++attempts < 4 ? Promise.reject(new Error(`attempt ${attempts}`)) : Promise.resolve()),
    retryMs: [1, 2],
    onError: (key, { message }) => failures.push(`${key}: ${message}`),
  });
  queue.add("a");
  await queue.idle();
  assert.deepEqual(failures, ["a: attempt 1", "a: attempt 2", "a: attempt 3"]);
  assert.equal(attempts, 4);
});

test("work queue: nobody waits much longer than an API server is away", async () => {
  let attempts = 0;
  const away = new ApiError("cannot reach it", { status: 0, reason: "Unreachable" });
  const queue = createWorkQueue({
    work: () => (++attempts < 4 ? Promise.reject(away) : Promise.resolve()),
    retryMs: [3_600_000, 3_600_000],
    awayMs: 1,
  });
  queue.add("a");
  await queue.idle();
  assert.equal(attempts, 4);
});

test("work queue: of two times the earlier counts", async () => {
  const done: string[] = [];
  const queue = createWorkQueue({
    work: (key) => {
      done.push(key);
      return Promise.resolve();
    },
  });
  queue.add("late", 3_600_000);
  queue.add("late", 1);
  queue.add("late", 7_200_000);
  queue.add("later", 3_600_000);
  queue.add("later");
  await queue.idle();
  assert.deepEqual(done, ["later", "late"]);
});

test("work queue: closing waits for what runs and begins nothing", async () => {
  const gate = Promise.withResolvers<void>();
  const done: string[] = [];
  const queue = createWorkQueue({
    work: async (key) => {
      await gate.promise;
      done.push(key);
      throw new Error("again");
    },
  });
  queue.add("a");
  queue.add("b");
  queue.add("c", 3_600_000);
  const closed = queue.close();
  queue.add("d");
  gate.resolve();
  await closed;
  await queue.idle();
  assert.deepEqual([done, queue.size], [["a"], 0]);
});
