// Fetching what policies ask for: batches by kind, one call for equal needs, late and failing fetchers, turns.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, Need } from "@portcullis/lang";
import { clockMs } from "../../src/app/clock.ts";
import { createFetching, fetchDeadlineMs } from "../../src/app/fetch.ts";

function need(kind: string, key: string): Need {
  return { kind, key, call: null };
}

function echo(needs: readonly Need[]): readonly Answer[] {
  return needs.map(({ key }) => ({ value: key }));
}

const soon = (): number => clockMs() + 5000;

test("needs are fetched by kind, in one call each, and answered in their order", async () => {
  const calls: string[] = [];
  const fetcher = async (needs: readonly Need[]): Promise<readonly Answer[]> => {
    calls.push(needs.map(({ kind, key }) => `${kind}${key}`).join(" "));
    await sleep(1);
    return echo(needs);
  };
  const fetching = createFetching({ fetchers: { a: fetcher, b: fetcher } });
  const needs = [need("a", "1"), need("b", "1"), need("a", "2"), need("c", "1")];
  const answers = await fetching.fetch(needs, soon());
  assert.deepEqual(answers, [{ value: "1" }, { value: "1" }, { value: "2" }, { error: "c 1: nothing fetches this" }]);
  assert.deepEqual(calls.toSorted(), ["a1 a2", "b1"]);
});

test("equal needs at the same time are fetched once, and again later", async () => {
  let calls = 0;
  const fetching = createFetching({
    fetchers: {
      a: async (needs) => {
        calls++;
        await sleep(5);
        return echo(needs);
      },
    },
  });
  const both = await Promise.all([1, 2].map(() => fetching.fetch([need("a", "x")], soon())));
  assert.deepEqual([both, calls], [[[{ value: "x" }], [{ value: "x" }]], 1]);
  await fetching.fetch([need("a", "x")], soon());
  assert.equal(calls, 2);
});

test("whoever is late is an error for those whose time is up, and is ended when nobody waits any more", async () => {
  let isAborted = false;
  const fetching = createFetching({
    fetchers: {
      a: async (needs, signal) => {
        signal.addEventListener("abort", () => {
          isAborted = true;
        });
        await sleep(150, undefined, { signal });
        return echo(needs);
      },
    },
  });
  const short = fetching.fetch([need("a", "x")], clockMs() + 20);
  const long = fetching.fetch([need("a", "x")], soon());
  assert.deepEqual(await short, [{ error: "a: context deadline exceeded" }]);
  assert.deepEqual([await long, isAborted], [[{ value: "x" }], false]);
  const alone = await fetching.fetch([need("a", "y")], clockMs() + 20);
  assert.ok(alone[0] !== undefined && "error" in alone[0]);
  assert.equal(isAborted, true);
});

test("a fetcher that rejects, or forgets an answer, is an error for its needs", async () => {
  const fetching = createFetching({
    fetchers: { bad: () => Promise.reject(new Error("no")), few: () => Promise.resolve([]) },
  });
  const [bad, few] = await fetching.fetch([need("bad", "1"), need("few", "1")], soon());
  assert.deepEqual(bad, { error: "no" });
  assert.ok(few !== undefined && "error" in few);
});

test("a kind has so many calls at once, and the others take turns", async () => {
  let running = 0;
  let most = 0;
  const fetching = createFetching({
    callsMax: 2,
    fetchers: {
      a: async (needs) => {
        running++;
        most = Math.max(most, running);
        await sleep(2);
        running--;
        return echo(needs);
      },
    },
  });
  const keys = Array.from({ length: 9 }, (_, at) => String(at));
  const answers = await Promise.all(keys.map((key) => fetching.fetch([need("a", key)], soon())));
  assert.deepEqual(answers.flat(), echo(keys.map((key) => need("a", key))));
  assert.equal(most, 2);
});

test("a request stops waiting early enough to say what that means", () => {
  assert.equal(fetchDeadlineMs(1000, 0), 900);
  assert.equal(fetchDeadlineMs(10_000, 0), 9500);
  assert.equal(fetchDeadlineMs(100, 0), 75);
  assert.equal(fetchDeadlineMs(20, 0), 10);
  assert.equal(fetchDeadlineMs(0, 50), 0);
});
