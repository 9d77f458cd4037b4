// Evaluation on threads, so that whoever answers connections never waits for a policy.
//
// There are two lanes. The fast lane has a thread per core but one and gives each policy a slice of time (slices.ts). A request in
// which a policy overran its slice moves to the slow lane, where it has until its deadline; there a policy may occupy one
// thread only, so that one runaway policy leaves the other slow thread to everybody else's slow requests.
//
// Budgets are cooperative, and a watchdog stands behind them. A thread whose policy has not ended long after its
// deadline is ended and replaced; the request is asked again without that policy, whose failure counts as its failure
// policy says, and requests that waited behind it are asked again elsewhere. (Asking twice is harmless: deciding changes
// nothing.) Only when no time is left is it answered with an error that names the policy. A body is kept here until it is
// answered, so that it can be asked again.
//
// The slow lane is started when something needs it, because each thread holds the policies in its own memory. Only large
// bodies do not wait for that: until there is a slow lane they are read on the fast one.
//
// A request whose policies need something that has to be fetched leaves its thread to others until that is there, and goes on
// where it stopped. When it cannot (the thread has ended, is busy, or keeps too many already) it is asked again from the
// start, with what was fetched.
//
// A change of the policies is prepared on one thread after the other while the rest serve, and all change over at once.

import { findReview } from "../server/review.ts";
import { type Endpoint, admitEndpoint } from "../server/endpoints.ts";
import { type Reply, errorReply } from "../server/routes.ts";
import { evaluatorSettings } from "./config.ts";
import { clockMs } from "./clock.ts";
import type { Need } from "@portcullis/lang";
import type { Change, Report } from "./evaluator.ts";
import { createFetching, fetchDeadlineMs } from "./fetch.ts";
import { needKey } from "./host.ts";
import type { PoolOptions, Slot, State, Task } from "./poolstate.ts";
import type { Failure, Lane } from "./slices.ts";
import type { Sent } from "./thread.ts";
import { setTimeout as setTimeoutAsync } from "node:timers/promises";
import { outOfMemory, spawnWorker, startThread } from "./threads.ts";

export interface Pool {
  /** Answers by `deadlineMs` on the clock of `clockMs`, and 50 ms later at most when a thread hangs. */
  decide(body: string, deadlineMs: number, endpoint?: Endpoint): Promise<Reply>;
  /** Serves these files from the moment it resolves. Rejects, and serves what it served, when that cannot be prepared. */
  change(files: Pick<Change, "changed" | "removed">): Promise<Report>;
  /** Gives what changed among the shared objects to all threads. */
  publish(): void;
  /** Takes the counts of all threads; what a busy thread has comes later. */
  tally(): Promise<void>;
  close(): Promise<void>;
}

/** How late a thread may be before it is ended. */
const graceMs = 50;
/** A request that stands longer at the head of a fast thread than this no longer keeps others waiting. */
const stallMs = 40;
const watchMs = 10;
/** How long whoever reads the metrics waits for the threads. */
const tallyMs = 250;
/**
 * Requests that a fast thread is given at once. Waking a thread costs about as much as handing it a request: one that has
 * more to do does not sleep, and its answers come several at a time. With 2, mutation answers a tenth fewer requests.
 */
const depth = 8;
const slowThreads = 2;
/** Requests that a thread keeps while something is fetched for them; the trees of more would fill its memory. */
const keptMax = 64;
/** With less time left a request is not asked once more. */
const againMs = 20;
/** Larger bodies go to the slow lane at once: reading them alone takes longer than a slice. */
const largeBodyLength = 1024 * 1024;

export function createPool(options: PoolOptions): Pool {
  const state: State = {
    options,
    slots: [],
    queues: { fast: [], slow: [] },
    files: new Map(),
    version: 0,
    nextId: 0,
    watchdog: null,
    isClosed: false,
    fetching: options.fetching ?? createFetching(),
  };
  let changes: Promise<unknown> = Promise.resolve();
  for (let count = 0; count < options.threads; count++) addSlot(state, "fast");
  return {
    decide: (body, deadlineMs, endpoint = admitEndpoint) =>
      new Promise((resolve) => {
        const isLarge = body.length > largeBodyLength && hasSlowLane(state);
        const lane = isLarge ? "slow" : "fast";
        const key = isLarge ? sizeKey : "";
        enqueue(state, { id: -1, body, deadlineMs, endpoint, resolve, lane, key, ...untouched() });
      }),
    change: (files) => {
      const result = changes.then(() => changeOver(state, files));
      changes = result.catch(() => {});
      return result;
    },
    publish: () => {
      const change = options.objects?.take() ?? null;
      if (change !== null) for (const { thread } of state.slots) thread.data(change);
    },
    tally: async () => {
      const taken = Promise.all(state.slots.map(({ thread }) => thread.tally()));
      await Promise.race([taken, setTimeoutAsync(tallyMs, undefined, { ref: false })]);
    },
    close: async () => {
      state.isClosed = true;
      if (state.watchdog !== null) clearInterval(state.watchdog);
      await Promise.all(state.slots.map(({ thread }) => thread.terminate()));
    },
  };
}

const sizeKey = "its size";

function untouched(): Pick<Task, "earlier" | "fetched" | "failed"> {
  return { earlier: new Set(), fetched: new Map(), failed: new Map() };
}

// ── threads

function addSlot(state: State, lane: Lane): Slot {
  const slot = {
    lane,
    tasks: [],
    kept: new Set(),
    headSinceMs: 0,
    isStalled: false,
    failures: 0,
  } as Partial<Slot> as Slot;
  launch(state, slot);
  state.slots.push(slot);
  return slot;
}

function launch(state: State, slot: Slot): void {
  slot.thread = startThread({
    spawn: state.options.spawn ?? spawnWorker,
    memoryMb: (state.options.memoryMb ?? 96) * (slot.lane === "slow" ? 2 : 1),
    settings: state.options.settings ?? evaluatorSettings(),
    onTallies: (tallies) => {
      state.options.onTallies?.(tallies);
    },
    onResult: (id, result) => {
      take(state, slot, id, result);
    },
    onEnd: (reason) => {
      if (state.isClosed) return;
      // A thread that ends again and again at its start must not take the machine.
      const delayMs = Math.min(2000, 20 * 2 ** slot.failures++);
      slot.base = relaunch(state, slot, delayMs);
      ended(state, slot, reason);
    },
  });
  const { objects } = state.options;
  if (objects !== undefined && objects !== null) slot.thread.data(objects.all());
  slot.isStalled = false;
  slot.kept.clear();
  slot.base = bringUp(state, slot);
}

async function relaunch(state: State, slot: Slot, delayMs: number): Promise<void> {
  await setTimeoutAsync(delayMs, undefined, { ref: false });
  if (state.isClosed) return;
  launch(state, slot);
  await slot.base;
}

/** Brings a thread that has just started to what is served. */
async function bringUp(state: State, slot: Slot): Promise<void> {
  const { version } = state;
  if (version === 0) return;
  try {
    await slot.thread.prepare({ version, changed: [...state.files.values()], removed: [] });
    slot.failures = 0;
    dispatch(state);
  } catch {
    // The thread has ended, and its replacement is brought up.
  }
}

/** Requests of a thread that ended by itself: the first was being answered, the others have only waited. */
function ended(state: State, slot: Slot, reason: string | null): void {
  const tasks = slot.tasks.splice(0);
  if (reason !== null) {
    const policy = slot.thread.runningPolicy();
    state.options.onRestart(reason === outOfMemory ? "memory" : "crash", policy, reason);
    const first = tasks.shift();
    if (first !== undefined) askAgain(state, first, policy, reason === outOfMemory ? "memory" : "crash");
  }
  requeue(state, tasks);
}

// ── changes

async function changeOver(state: State, files: Pick<Change, "changed" | "removed">): Promise<Report> {
  const change: Change = { ...files, version: state.version + 1 };
  const [report] = await prepareAll(state, change);
  if (report === undefined) throw new Error("there is no evaluator thread");
  for (const file of change.removed) state.files.delete(file);
  for (const file of change.changed) state.files.set(file.file, file);
  state.version = change.version;
  for (const slot of state.slots) void follow(state, slot, change);
  dispatch(state);
  return report;
}

/** On the fast threads, one after the other, so that the others go on serving; at first, when none serves, all at once. */
async function prepareAll(state: State, change: Change): Promise<readonly Report[]> {
  const fast = state.slots.filter(({ lane }) => lane === "fast");
  try {
    if (state.version === 0) return await Promise.all(fast.map((slot) => prepareOn(slot, change)));
    const reports: Report[] = [];
    // oxlint-disable-next-line no-await-in-loop -- see above
    for (const slot of fast) reports.push(await prepareOn(slot, change));
    return reports;
  } catch (error) {
    // Threads that have gone ahead start again from what is served.
    for (const slot of fast) if (slot.thread.held.has(change.version)) void slot.thread.terminate();
    throw error;
  }
}

/** A thread may end under a runaway policy while it is asked; its replacement is asked once more. */
async function prepareOn(slot: Slot, change: Change): Promise<Report> {
  await slot.base;
  const { thread } = slot;
  try {
    return await thread.prepare(change);
  } catch (error) {
    await slot.base;
    if (slot.thread === thread) throw error;
    return slot.thread.prepare(change);
  }
}

/** What prepared the change forgets the set before; what did not (a slow thread in a long evaluation) prepares it now. */
async function follow(state: State, slot: Slot, change: Change): Promise<void> {
  try {
    await slot.base;
    if (!slot.thread.held.has(change.version)) await slot.thread.prepare(change);
    slot.thread.release(change.version);
    dispatch(state);
  } catch {
    // The thread has ended, and its replacement is brought up.
  }
}

// ── requests

function enqueue(state: State, task: Task): void {
  state.queues[task.lane].push(task);
  startWatching(state);
  dispatch(state);
}

function startWatching(state: State): void {
  state.watchdog ??= setInterval(() => {
    watch(state);
  }, watchMs).unref();
}

function requeue(state: State, tasks: readonly Task[]): void {
  for (const task of tasks.toReversed()) state.queues[task.lane].unshift(task);
  if (tasks.length > 0) dispatch(state);
}

function dispatch(state: State): void {
  const { fast, slow } = state.queues;
  while (fast.length > 0) {
    const slot = leastBusy(state);
    if (slot === null) break;
    ask(state, slot, fast.shift() as Task);
  }
  for (let at = 0; at < slow.length; at++) {
    const task = slow[at] as Task;
    const slot = freeSlowSlot(state, task.key);
    if (slot === null) continue;
    slow.splice(at--, 1);
    ask(state, slot, task);
  }
}

function leastBusy(state: State): Slot | null {
  let best: Slot | null = null;
  for (const slot of state.slots) {
    const isOpen = slot.lane === "fast" && !slot.isStalled && slot.tasks.length < depth;
    if (!isOpen || !slot.thread.held.has(state.version)) continue;
    if (best === null || rank(slot) < rank(best)) best = slot;
  }
  return best;
}

/** A thread that prepares a change answers later, so it is taken only when there is no other. */
function rank(slot: Slot): number {
  return slot.tasks.length + (slot.thread.preparing ? depth : 0);
}

/** Whether a slow thread is ready; if there is none at all, one is started. */
function hasSlowLane(state: State): boolean {
  const slots = state.slots.filter(({ lane }) => lane === "slow");
  if (slots.length === 0 && state.version > 0) addSlot(state, "slow");
  return slots.some(({ thread }) => thread.held.has(state.version));
}

function freeSlowSlot(state: State, key: string): Slot | null {
  const slots = state.slots.filter(({ lane }) => lane === "slow");
  if (slots.some((slot) => slot.tasks.some((task) => task.key === key))) return null;
  const free = slots.find((slot) => slot.tasks.length === 0 && slot.thread.held.has(state.version));
  if (free !== undefined) return free;
  const areBusy = slots.every((slot) => slot.tasks.length > 0);
  if (areBusy && slots.length < slowThreads) addSlot(state, "slow");
  return null;
}

function ask(state: State, slot: Slot, task: Task): void {
  if (task.id !== -1) task.earlier.add(task.id);
  task.id = state.nextId++;
  if (slot.tasks.length === 0) slot.headSinceMs = clockMs();
  slot.tasks.push(task);
  const { body, deadlineMs, lane, endpoint, fetched, failed } = task;
  const question = { version: state.version, body, deadlineMs, lane, endpoint };
  const isNew = fetched.size === 0 && failed.size === 0;
  slot.thread.ask(task.id, isNew ? question : { ...question, fetched, failed });
}

function take(state: State, slot: Slot, id: number, result: Sent): void {
  // What was asked once more may have its answer from before; where that only needs something, the later one is waited for.
  const isOf = (task: Task): boolean => task.id === id || (result.kind !== "needs" && task.earlier.has(id));
  const at = slot.tasks.findIndex(isOf);
  slot.headSinceMs = clockMs();
  slot.isStalled = false;
  // An answer to a request that was given to another thread meanwhile.
  if (at === -1) {
    if (result.kind === "needs") slot.thread.forget(id);
    dispatch(state);
    return;
  }
  const task = slot.tasks.splice(at, 1)[0] as Task;
  if (result.kind === "reply") {
    if (result.fault !== undefined) state.options.onFault?.(result.fault);
    finish(task, result.reply);
  } else if (result.kind === "needs") {
    void putAside(state, slot, task, result.needs);
  } else {
    if (result.kind === "overrun") state.options.onOverrun(result.policy, "slice");
    task.lane = "slow";
    task.key = result.kind === "overrun" ? `policy ${result.policy}, which ran out of time` : result.key;
    state.queues.slow.push(task);
  }
  dispatch(state);
}

/** Fetches what a request needs while its thread does other things, and then goes on with it. */
async function putAside(state: State, slot: Slot, task: Task, needs: readonly Need[]): Promise<void> {
  const { thread } = slot;
  const isKept = slot.kept.size < keptMax;
  if (isKept) slot.kept.add(task);
  else thread.forget(task.id);
  const answers = await state.fetching.fetch(needs, fetchDeadlineMs(task.deadlineMs));
  if (state.isClosed) return;
  needs.forEach((need, at) => task.fetched.set(needKey(need), answers[at] ?? { error: "nothing was fetched" }));
  const isThere = slot.thread === thread && slot.kept.delete(task);
  const room = slot.lane === "slow" ? 1 : depth + 1;
  if (isThere && !slot.isStalled && slot.tasks.length < room) {
    if (slot.tasks.length === 0) slot.headSinceMs = clockMs();
    slot.tasks.push(task);
    thread.resume(task.id, answers);
    startWatching(state);
  } else {
    if (isThere) thread.forget(task.id);
    startWatching(state);
    requeue(state, [task]);
  }
}

function finish(task: Task, reply: Reply): void {
  task.resolve(reply);
}

const failureTexts: Readonly<Record<Failure, string>> = {
  deadline: "did not end before its deadline",
  memory: "used up its memory",
  crash: "could not be evaluated",
};

/**
 * A policy took the thread down over this request. Where there is time, it is asked once more without that policy, whose
 * failure then counts as its failure policy says; otherwise the request cannot be answered.
 */
function askAgain(state: State, task: Task, policy: string | null, failure: Failure): void {
  if (policy === null || task.failed.has(policy) || task.deadlineMs - clockMs() < againMs) {
    finish(task, failureReply(task, `${policy === null ? "the policy" : `policy ${policy}`} ${failureTexts[failure]}`));
    return;
  }
  task.failed.set(policy, failure);
  task.lane = hasSlowLane(state) ? "slow" : "fast";
  task.key = `request ${task.id}`;
  requeue(state, [task]);
}

function failureReply(task: Task, message: string): Reply {
  return errorReply(findReview(task.body), 500, message);
}

// ── watchdog

function watch(state: State): void {
  const nowMs = clockMs();
  for (const slot of state.slots) watchSlot(state, slot, nowMs);
  for (const lane of ["fast", "slow"] as const) {
    const queue = state.queues[lane];
    const late = queue.filter((task) => task.deadlineMs <= nowMs);
    if (late.length === 0) continue;
    queue.splice(0, queue.length, ...queue.filter((task) => task.deadlineMs > nowMs));
    for (const task of late) finish(task, failureReply(task, lateMessage(task)));
  }
  const isIdle = state.slots.every((slot) => slot.tasks.length === 0);
  if (isIdle && state.queues.fast.length + state.queues.slow.length === 0 && state.watchdog !== null) {
    clearInterval(state.watchdog);
    state.watchdog = null;
  }
}

function lateMessage(task: Task): string {
  const [failed] = task.failed;
  if (failed !== undefined) return `policy ${failed[0]} ${failureTexts[failed[1]]}`;
  // Gatekeeper's words for a request that no thread came free for.
  if (task.lane === "fast") return "serving context canceled, aborting request";
  return `the request was not evaluated before its deadline: it waited because of ${task.key}`;
}

/**
 * Whether the policy that runs is not going to end. It may only have had no processor for a while, so it has half of the
 * time that is left to the others.
 */
function isStuck({ thread }: Slot, head: Task, nowMs: number): boolean {
  const lateMs = thread.lateMs(nowMs);
  return lateMs > graceMs && lateMs > head.deadlineMs - nowMs;
}

function watchSlot(state: State, slot: Slot, nowMs: number): void {
  const [head, ...waiting] = slot.tasks;
  if (head === undefined) return;
  if (nowMs > head.deadlineMs + graceMs || isStuck(slot, head, nowMs)) {
    const policy = slot.thread.runningPolicy();
    slot.tasks.length = 0;
    state.options.onRestart("deadline", policy, "a policy did not end at its deadline");
    if (policy !== null) state.options.onOverrun(policy, "deadline");
    void slot.thread.terminate();
    slot.isStalled = true;
    askAgain(state, head, policy ?? "(unknown)", "deadline");
    requeue(state, waiting);
  } else if (slot.lane === "fast" && !slot.isStalled && nowMs > slot.headSinceMs + stallMs && state.version > 0) {
    slot.isStalled = !slot.thread.preparing;
    if (!slot.isStalled) return;
    slot.tasks.length = 1;
    // They are asked anew, and not twice.
    slot.thread.withdraw(state.nextId - 1, head.id);
    requeue(state, waiting);
  }
}
