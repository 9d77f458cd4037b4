// The pool of evaluator threads: two lanes, the watchdog behind them, threads that end, and changes of what is served.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { FileText } from "../../src/app/compose.ts";
import { clockMs } from "../../src/app/clock.ts";
import { type Fetching, createFetching } from "../../src/app/fetch.ts";
import { type Pool, createPool } from "../../src/app/pool.ts";
import { type Rule, ruleText } from "./miniature.ts";
import { reviewText } from "../server/client.ts";

interface Running extends AsyncDisposable {
  readonly pool: Pool;
  readonly overruns: string[];
  readonly restarts: string[];
}

async function startPool(rules: readonly Rule[], threads = 2, fetching?: Fetching): Promise<Running> {
  const overruns: string[] = [];
  const restarts: string[] = [];
  const pool = createPool({
    threads,
    memoryMb: 64,
    ...(fetching !== undefined && { fetching }),
    spawn: (options) => new Worker(new URL("miniature-worker.ts", import.meta.url), options),
    onOverrun: (policy, kind) => overruns.push(`${policy} ${kind}`),
    onRestart: (reason, policy) => restarts.push(`${reason} ${policy ?? "-"}`),
  });
  await pool.change({ changed: rules.map(fileOf), removed: [] });
  return { pool, overruns, restarts, [Symbol.asyncDispose]: () => pool.close() };
}

function fileOf(rule: Rule): FileText {
  return { file: `${rule.name}.yaml`, role: "policies", text: ruleText(rule), lastGood: null };
}

interface Answer {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status: { readonly code: number; readonly message?: string };
}

async function ask({ pool }: Running, name: string, options: { timeoutMs?: number; padding?: number } = {}) {
  const startMs = clockMs();
  const { timeoutMs = 10_000, padding = 0 } = options;
  const text = reviewText({ uid: name, object: { padding: "x".repeat(padding) } }).replace('"web"', `"${name}"`);
  const reply = await pool.decide(text, startMs + timeoutMs);
  const { response } = JSON.parse(reply.body) as { readonly response: Answer };
  assert.equal(response.uid, name);
  return { ...response.status, allowed: response.allowed, tookMs: clockMs() - startMs };
}

/**
 * The median of the milliseconds that requests took, one after the other. The slowest one would say more about what else
 * the machine was doing.
 */
async function usualMs(running: Running, count: number): Promise<number> {
  const took: number[] = [];
  for (let at = 0; at < count; at++) took.push((await ask(running, "good")).tookMs);
  return took.toSorted((a, b) => a - b)[count >> 1] ?? 0;
}

/** What is fetched is there when those who wait are resolved. */
function heldFetching(): { readonly waiting: (() => void)[]; readonly fetching: Fetching } {
  const waiting: (() => void)[] = [];
  const fetching = createFetching({
    fetchers: {
      mini: async (needs) => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return needs.map(({ key }) => ({ value: `fetched ${key}` }));
      },
    },
  });
  return { waiting, fetching };
}

const denies: Rule = { name: "no", when: "bad", act: "deny", message: "not this" };

test("requests are decided on several threads", async () => {
  await using running = await startPool([denies]);
  const names = Array.from({ length: 60 }, (_, at) => (at % 3 === 0 ? "bad" : "good"));
  const answers = await Promise.all(names.map((name) => ask(running, name)));
  assert.deepEqual(
    answers.map(({ allowed }) => allowed),
    names.map((name) => name === "good"),
  );
  assert.equal(answers[0]?.message, "not this");
});

test("a policy that overruns its slice is decided in the slow lane, by its own verdict", async () => {
  await using running = await startPool([denies, { name: "slow", when: "busy", act: "work", message: "after work" }]);
  const { allowed, message } = await ask(running, "busy");
  assert.deepEqual({ allowed, message }, { allowed: false, message: "after work" });
  assert.deepEqual(running.overruns, ["Rule/slow slice"]);
});

test("a runaway policy ends at its deadline, and says so by its onError", async () => {
  await using running = await startPool([
    { name: "closed", when: "spin1", act: "spin" },
    { name: "open", when: "spin2", act: "spin", onError: "allow" },
    { name: "slow", when: "busy", act: "work" },
  ]);
  await ask(running, "busy", { timeoutMs: 20_000 });
  const [closed, open] = await Promise.all(["spin1", "spin2"].map((name) => ask(running, name, { timeoutMs: 500 })));
  assert.equal(closed?.allowed, false);
  assert.match(closed.message ?? "", /did not end before its deadline/);
  assert.equal(open?.allowed, true);
  for (const { tookMs } of [closed, open]) assert.ok(tookMs < 600, `${tookMs} ms`);
  assert.deepEqual(running.restarts, []);
});

test("while policies run away, other requests do not wait, and slow ones have the other slow thread", async () => {
  await using running = await startPool([
    denies,
    { name: "loop", when: "spin", act: "spin" },
    { name: "slow", when: "busy", act: "work" },
  ]);
  await ask(running, "busy", { timeoutMs: 20_000 });
  const calmMs = await usualMs(running, 40);
  const runaways = Array.from({ length: 10 }, () => ask(running, "spin", { timeoutMs: 1500 }));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const busyMs = await usualMs(running, 40);
  const busy = await ask(running, "busy", { timeoutMs: 10_000 });
  assert.equal(busy.message, "denied");
  assert.ok(busyMs < calmMs + 50, `other requests took ${busyMs} ms, and ${calmMs} ms before`);
  for (const { allowed, tookMs } of await Promise.all(runaways)) {
    assert.equal(allowed, false);
    assert.ok(tookMs < 1600, `${tookMs} ms`);
  }
});

test("a policy that never looks at its budget is ended by the watchdog and named; what waited behind it is answered", async () => {
  await using running = await startPool([denies, { name: "stuck", when: "hang", act: "hang" }]);
  const hanging = ask(running, "hang", { timeoutMs: 500 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const others = await Promise.all(Array.from({ length: 12 }, () => ask(running, "good")));
  for (const { allowed, tookMs } of others) assert.ok(allowed && tookMs < 300, `${tookMs} ms`);
  const { allowed, message, tookMs } = await hanging;
  assert.equal(allowed, false);
  assert.match(message ?? "", /^(?:policy \S+|the policy) did not end before its deadline$/);
  assert.ok(tookMs < 650, `${tookMs} ms`);
  assert.deepEqual(running.restarts, ["deadline Rule/stuck"]);
  const after = await Promise.all(Array.from({ length: 10 }, () => ask(running, "bad")));
  assert.ok(after.every((answer) => answer.message === "not this"));
});

test("a policy that took its thread down fails as its failure policy says, and the others still decide", async () => {
  const hang = { act: "hang", onError: "allow" } as const;
  await using running = await startPool([
    { name: "open", when: "one", ...hang },
    { name: "other", when: "two", ...hang },
    { name: "says", when: "two", act: "deny", message: "the other says no" },
  ]);
  const open = await ask(running, "one", { timeoutMs: 4000 });
  assert.equal(open.allowed, true);
  const { allowed, message } = await ask(running, "two", { timeoutMs: 4000 });
  assert.deepEqual({ allowed, message }, { allowed: false, message: "the other says no" });
  assert.deepEqual(running.restarts, ["deadline Rule/open", "deadline Rule/other"]);
});

test("with one thread, a hanging policy delays the others only until it is replaced", async () => {
  await using running = await startPool([{ name: "stuck", when: "hang", act: "hang" }], 1);
  const hanging = ask(running, "hang", { timeoutMs: 300 });
  const other = await ask(running, "good", { timeoutMs: 5000 });
  assert.equal(other.allowed, true);
  assert.equal((await hanging).allowed, false);
});

test("a policy that fills the memory, or ends the thread, is named, and the thread is replaced", async () => {
  await using running = await startPool([
    denies,
    { name: "hog", when: "fill", act: "fill" },
    { name: "exit", when: "crash", act: "crash" },
  ]);
  const full = await ask(running, "fill", { timeoutMs: 10_000 });
  assert.deepEqual([full.code, full.message], [403, "the policy used up its memory"]);
  const crashed = await ask(running, "crash", { timeoutMs: 10_000 });
  assert.deepEqual([crashed.code, crashed.message], [403, "the policy could not be evaluated"]);
  assert.deepEqual(running.restarts, ["memory Rule/hog", "crash Rule/exit"]);
  const late = await ask(running, "crash", { timeoutMs: 10 });
  assert.equal(late.code, 500);
  assert.equal((await ask(running, "bad", { timeoutMs: 10_000 })).message, "not this");
});

const asks: Rule = { name: "asks", when: "fetch*", act: "fetch" };

test("requests that wait for something hold up no others, and end with what was fetched", async () => {
  const waiting: (() => void)[] = [];
  const fetching = createFetching({
    callsMax: 1000,
    fetchers: {
      mini: async (needs) => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return needs.map(({ key }) => ({ value: `fetched ${key}` }));
      },
    },
  });
  await using running = await startPool([denies, asks], 1, fetching);
  // More than a thread keeps.
  const names = Array.from({ length: 100 }, (_, at) => `fetch${at}`);
  const asked = names.map((name) => ask(running, name, { timeoutMs: 20_000 }));
  while (waiting.length < names.length) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal((await ask(running, "bad")).message, "not this");
  for (const resolve of waiting) resolve();
  const answers = await Promise.all(asked);
  assert.deepEqual(
    answers.map(({ message }) => message),
    names.map((name) => `fetched ${name}`),
  );
  assert.equal(waiting.length, names.length);
});

test("a request that waits outlives its thread, and nothing is fetched twice", async () => {
  const { waiting, fetching } = heldFetching();
  await using running = await startPool([asks, { name: "exit", when: "crash", act: "crash" }], 1, fetching);
  const asked = ask(running, "fetch", { timeoutMs: 20_000 });
  while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await ask(running, "crash", { timeoutMs: 10_000 });
  waiting[0]?.();
  assert.equal((await asked).message, "fetched fetch");
  assert.equal(waiting.length, 1);
});

test("a request that was asked again because its thread stalled ends with what was fetched", async () => {
  const { waiting, fetching } = heldFetching();
  await using running = await startPool([asks, { name: "stall", when: "busy", act: "stall" }], 1, fetching);
  const busy = ask(running, "busy", { timeoutMs: 20_000 });
  // Waits behind it, is asked again, and both times needs something.
  const asked = ask(running, "fetch", { timeoutMs: 20_000 });
  await busy;
  while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await ask(running, "good");
  waiting[0]?.();
  assert.equal((await asked).message, "fetched fetch");
  assert.deepEqual(running.restarts, []);
});

test("large bodies are decided apart from the others", async () => {
  await using running = await startPool([denies]);
  assert.equal((await ask(running, "bad", { padding: 4_000_000 })).message, "not this");
});

test("a body of very many small values is refused before it fills the memory of a thread", async () => {
  // JSON.parse does not stop where a heap is full: V8 ends the whole process.
  await using running = await startPool([denies]);
  const whole = reviewText({ uid: "many", object: { padding: "?" } });
  for (const values of [
    `[${"{},".repeat(3_000_000)}{}]`,
    "[".repeat(9_000_000),
    `{"a":[${"1.0,".repeat(2_000_000)}1]}`,
  ]) {
    const { body } = await running.pool.decide(whole.replace('"?"', values), clockMs() + 10_000);
    const { response } = JSON.parse(body) as { readonly response: Answer };
    assert.equal(response.status.message, "the body holds more than 1000000 values");
    assert.equal(response.status.code, 400);
  }
  assert.deepEqual(running.restarts, []);
  assert.equal((await ask(running, "good")).allowed, true);
});

test("a change is served by every thread from one moment on", async () => {
  await using running = await startPool([denies]);
  const messageOf = async () => (await ask(running, "bad")).message ?? "";
  for (let version = 1; version <= 5; version++) {
    const known = new Set([version === 1 ? "not this" : `v${version - 1}`, `v${version}`]);
    const changed = running.pool.change({ changed: [fileOf({ ...denies, message: `v${version}` })], removed: [] });
    // While it is prepared, requests get one of the two answers.
    const meanwhile = await Promise.all(Array.from({ length: 6 }, messageOf));
    assert.ok(
      meanwhile.every((message) => known.has(message)),
      meanwhile.join(),
    );
    const report = await changed;
    assert.match(report.digest, /^[0-9a-f]{64}$/);
    const messages = await Promise.all(Array.from({ length: 12 }, messageOf));
    assert.deepEqual([...new Set(messages)], [`v${version}`]);
  }
  await running.pool.change({ changed: [], removed: ["no.yaml"] });
  assert.equal((await ask(running, "bad")).allowed, true);
});

test("a thread that is replaced serves what is served now", async () => {
  await using running = await startPool([denies, { name: "exit", when: "crash", act: "crash" }]);
  await running.pool.change({ changed: [fileOf({ ...denies, message: "second" })], removed: [] });
  await ask(running, "crash", { timeoutMs: 5000 });
  await ask(running, "crash", { timeoutMs: 5000 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(running, "bad", { timeoutMs: 5000 })));
  assert.ok(answers.every(({ message }) => message === "second"));
});

test("before there are policies, requests wait for them", async () => {
  const pool = createPool({
    threads: 1,
    spawn: (options) => new Worker(new URL("miniature-worker.ts", import.meta.url), options),
    onOverrun: () => {},
    onRestart: () => {},
  });
  await using running: Running = { pool, overruns: [], restarts: [], [Symbol.asyncDispose]: () => pool.close() };
  const early = ask(running, "bad", { timeoutMs: 5000 });
  await pool.change({ changed: [fileOf(denies)], removed: [] });
  assert.equal((await early).message, "not this");
});
