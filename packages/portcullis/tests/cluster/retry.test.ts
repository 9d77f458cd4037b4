import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ApiError } from "../../src/cluster/api.ts";
import { createRefusals, retryOnConflict } from "../../src/cluster/retry.ts";

const conflict = new ApiError("the object has been modified", { status: 409, reason: "Conflict" });

/** Fails so many times before it succeeds. */
function failing(times: number, error: Error): { readonly work: () => Promise<string>; readonly calls: () => number } {
  let calls = 0;
  const work = (): Promise<string> => (calls++ < times ? Promise.reject(error) : Promise.resolve("done"));
  return { work, calls: () => calls };
}

suite("retryOnConflict", () => {
  test("tries again what met a write of somebody else", async () => {
    const { work, calls } = failing(3, conflict);
    assert.equal(await retryOnConflict(work), "done");
    assert.equal(calls(), 4);
  });

  test("any other error is the caller's", async () => {
    const exists = new ApiError("it is there already", { status: 409, reason: "AlreadyExists" });
    const { work, calls } = failing(1, exists);
    await assert.rejects(retryOnConflict(work), exists);
    assert.equal(calls(), 1);
  });
});

suite("refusals", () => {
  test("many wait longer than few, so that they do not ask more often together", () => {
    const refusals = createRefusals(10_000, 1000);
    const all = Array.from({ length: 25 }, () => ({}));
    const waits = all.map((who) => refusals.waitMs(who));
    for (const [at, waitMs] of waits.entries()) {
      const mostMs = Math.max(10_000, (at + 1) * 1000);
      assert.ok(waitMs > mostMs * 0.7 && waitMs <= mostMs, `${at + 1} refused: ${waitMs} ms`);
    }
    // Whoever is refused again is no other one.
    const [first = {}, ...rest] = all;
    assert.ok(refusals.waitMs(first) <= 25_000);
    for (const who of rest) refusals.over(who);
    assert.ok(refusals.waitMs(first) <= 10_000);
  });
});
