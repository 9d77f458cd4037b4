// One runaway policy must not make others wait. Evaluation is synchronous, so whoever evaluates is busy until it ends;
// therefore an evaluator of the fast lane gives every policy a slice of a few milliseconds. A policy that needs more ends
// this evaluation early, and the whole request moves to the slow lane, where it has until its deadline (see pool.ts).
// A policy that overran gets a shorter slice for a while, half of it each time, so that even a stream of requests which
// all run into it costs the fast lane next to nothing; after a minute without overrun it is trusted again.
//
// A slice counts the time that this thread computed: on a busy machine a thread may be kept waiting longer than a slice,
// which is no fault of the policy. The deadline counts time as clients do.
//
// Policies are wrapped where they come from, in the frontend, so that the engine and the dialects know nothing of this.

import { gvkOf } from "@portcullis/kube";
import { Budget, LimitError, errorAt } from "@portcullis/lang";
import type {
  Evaluation,
  EvaluationRequest,
  MutationStage,
  Policy,
  PolicyFrontend,
  PolicyId,
  ReadFrom,
} from "@portcullis/policy";
import { clockMs } from "./clock.ts";

export interface Slices {
  /** The same frontend, whose policies run in slices and whose readings are timed. */
  wrap(frontend: PolicyFrontend): PolicyFrontend;
  /** Begins one evaluation in this lane. Policies that have `failed` before are not run: their failure is their answer. */
  begin(lane: Lane, failed?: Failed): void;
  /** The policy that ended the evaluation because its slice was over. */
  readonly overrun: string | null;
  /** Milliseconds that a policy of Kyverno's took, by its `shortName`, since `begin`. */
  spentMs(policy: string): number;
  /** Takes the durations of the readings since the last call. */
  takeReadings(): readonly Reading[];
  /** Names of policies by the number that `onPolicy` was given. */
  readonly names: readonly string[];
}

export type Lane = "fast" | "slow";

/** Policies that took a thread down, by `policyName`, with how they did. */
export type Failed = ReadonlyMap<string, Failure>;

export interface Reading {
  readonly kind: string;
  readonly ok: boolean;
  readonly seconds: number;
}

export interface SlicesOptions {
  /** Milliseconds that a policy may compute in the fast lane; 20 when absent. */
  readonly sliceMs?: number;
  /** Told before each policy runs, with the end of its time, so that a watchdog can name the one that never came back. */
  readonly onPolicy?: (number: number, deadlineMs: number) => void;
}

export function createSlices(options: SlicesOptions = {}): Slices {
  const { sliceMs = 20, onPolicy = () => {} } = options;
  const names: string[] = [];
  const strikes = createStrikes(sliceMs);
  const readings: Reading[] = [];
  const times = createTimes();
  let lane: Lane = "slow";
  let overrun: string | null = null;
  let failed: Failed = none;

  const run = <Said>(number: number, evaluation: Evaluation, nothing: Said, ask: (of: Evaluation) => Said): Said => {
    if (overrun !== null) return nothing;
    const name = names[number] ?? "";
    onPolicy(number, evaluation.budget.deadlineMs);
    if (lane === "slow") return ask(evaluation);
    const slice = openSlice(strikes.sliceOf(name), evaluation.budget.deadlineMs);
    const said = attempt(() => ask({ ...evaluation, budget: slice.budget }));
    if (!slice.isOver()) return said();
    overrun = name;
    strikes.add(name);
    return nothing;
  };

  const runner: Runner = {
    run,
    times,
    number: (id) => numberOf(names, policyName(id)),
    failureOf: (id) => (failed.size === 0 ? undefined : failed.get(policyName(id))),
  };

  return {
    wrap: (frontend) => ({
      ...frontend,
      read: (object, at) => {
        const startMs = performance.now();
        const read = attemptRead(() => frontend.read(object, at), at);
        const { kind } = gvkOf(object);
        readings.push({ kind, ok: read.unit !== null, seconds: (performance.now() - startMs) / 1000 });
        return read;
      },
      link: (units, catalog, profile) => {
        const linked = frontend.link(units, catalog, profile);
        return {
          ...linked,
          policies: linked.policies.map((policy) => wrapPolicy(runner, policy)),
          mutations: linked.mutations.map((stage) => wrapStage(runner, stage)),
        };
      },
    }),
    begin: (of, before = none) => {
      lane = of;
      failed = before;
      overrun = null;
      times.clear();
    },
    spentMs: (policy) => times.spentMs(policy),
    get overrun() {
      return overrun;
    },
    takeReadings: () => readings.splice(0),
    names,
  };
}

/** How policies and stages are run. */
interface Runner {
  run<Said>(number: number, evaluation: Evaluation, nothing: Said, ask: (of: Evaluation) => Said): Said;
  readonly times: Times;
  number(id: PolicyId): number;
  failureOf(id: PolicyId): Failure | undefined;
}

function wrapPolicy({ run, times, number: numberFor, failureOf }: Runner, policy: Policy): Policy {
  const { id } = policy;
  const number = numberFor(id);
  const ask = (request: EvaluationRequest, given: Evaluation): ReturnType<Policy["evaluate"]> => {
    const failure = failureOf(id);
    if (failure === undefined) return run(number, given, [], (evaluation) => policy.evaluate(request, evaluation));
    // A template's constraints fail each by its own enforcement action.
    if (id.dialect !== "gatekeeper") throw errorOf(failure);
    return policy.evaluate(request, { ...given, budget: failedBudget(failure) });
  };
  // Gatekeeper's metrics have no durations of single constraints.
  if (id.dialect !== "kyverno") return { ...policy, evaluate: ask };
  const name = shortName(id);
  return { ...policy, evaluate: (request, evaluation) => times.of(name, () => ask(request, evaluation)) };
}

function wrapStage({ run, times, number: numberFor, failureOf }: Runner, stage: MutationStage): MutationStage {
  const { id } = stage;
  const number = numberFor(id);
  const ask = (request: EvaluationRequest, given: Evaluation): ReturnType<MutationStage["mutate"]> => {
    const failure = failureOf(id);
    if (failure !== undefined) throw errorOf(failure);
    const nothing = { object: request.object, outcomes: [] };
    return run(number, given, nothing, (evaluation) => stage.mutate(request, evaluation));
  };
  const name = shortName(id);
  return { ...stage, mutate: (request, evaluation) => times.of(name, () => ask(request, evaluation)) };
}

const none: Failed = new Map();

export type Failure = "deadline" | "memory" | "crash";

/** Whoever looks at the clock learns that the policy has failed; Gatekeeper's constraints look before they run. */
function failedBudget(failure: Failure): Budget {
  return new Budget({}, () => {
    throw errorOf(failure);
  });
}

function errorOf(failure: Failure): Error {
  if (failure === "deadline") return new LimitError("deadline");
  return new Error(failure === "memory" ? "the policy used up its memory" : "the policy could not be evaluated");
}

interface Times {
  /** Runs something on account of a policy. */
  of<Said>(policy: string, run: () => Said): Said;
  spentMs(policy: string): number;
  clear(): void;
}

function createTimes(): Times {
  let spent = new Map<string, number>();
  return {
    of: (policy, run) => {
      const startMs = performance.now();
      try {
        return run();
      } finally {
        spent.set(policy, (spent.get(policy) ?? 0) + performance.now() - startMs);
      }
    },
    spentMs: (policy) => spent.get(policy) ?? 0,
    // A map that is cleared points from its old table to its new one: a chain that stays alive once its head is old.
    clear: () => {
      if (spent.size > 0) spent = new Map();
    },
  };
}

/** `Kind/name`, with the namespace between them where there is one. */
export function policyName({ kind, namespace, name }: PolicyId): string {
  if (name === "") return kind;
  return namespace === "" ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

/** `name`, or `namespace/name`: what Kyverno calls its policies, among which it is unique. */
export function shortName({ kind, namespace, name }: PolicyId): string {
  return kind === "Policy" ? `${namespace}/${name}` : name;
}

function numberOf(names: string[], name: string): number {
  const known = names.indexOf(name);
  return known === -1 ? names.push(name) - 1 : known;
}

/** A policy that cannot be compiled for a fault of ours is broken, and no other is. */
function attemptRead(read: () => ReturnType<PolicyFrontend["read"]>, at: ReadFrom): ReturnType<PolicyFrontend["read"]> {
  try {
    return read();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { unit: null, diagnostics: [errorAt("internal-error", at.locate?.([]) ?? null, message)] };
  }
}

/** An error of a policy whose slice is over is only the sign of that; any other is the policy's own. */
function attempt<Said>(run: () => Said): () => Said {
  try {
    const said = run();
    return () => said;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

// ── slices

interface Slice {
  /** A budget that ends with the slice, or at the deadline. */
  readonly budget: Budget;
  /** Whether the slice, and not yet the deadline, was passed. */
  isOver(): boolean;
}

/** What the thread had computed at a moment, read anew when that is a while ago: reading it costs as much as a policy. */
let base = { clockMs: 0, cpuMs: 0 };
const baseAgeMs = 2;

function openSlice(sliceMs: number, deadlineMs: number): Slice {
  const startMs = clockMs();
  if (startMs - base.clockMs > baseAgeMs) base = { clockMs: startMs, cpuMs: cpuMs() };
  const fromCpuMs = base.cpuMs;
  // Within the slice by the clock is within the slice; only beyond it the computed time is read.
  const used = (): number => {
    const nowMs = clockMs();
    if (nowMs <= startMs + sliceMs) return 0;
    return nowMs > deadlineMs ? Infinity : cpuMs() - fromCpuMs;
  };
  return {
    budget: new Budget({ deadlineMs: sliceMs }, used),
    isOver: () => {
      const usedMs = used();
      return usedMs > sliceMs && usedMs !== Infinity;
    },
  };
}

/** Milliseconds that this thread has computed. Node 22 cannot tell; the clock stands in. */
function cpuMs(): number {
  if (threadCpuUsage === undefined) return clockMs();
  const { user, system } = threadCpuUsage();
  return (user + system) / 1000;
}

const { threadCpuUsage } = process as { readonly threadCpuUsage?: () => NodeJS.CpuUsage };

// ── strikes

interface Strikes {
  sliceOf(policy: string): number;
  add(policy: string): void;
}

const forgiveAfterMs = 60_000;
const shortestSliceMs = 1;

function createStrikes(sliceMs: number): Strikes {
  const known = new Map<string, { count: number; lastMs: number }>();
  return {
    sliceOf: (policy) => {
      const strike = known.size === 0 ? undefined : known.get(policy);
      if (strike === undefined) return sliceMs;
      if (clockMs() - strike.lastMs <= forgiveAfterMs) return Math.max(shortestSliceMs, sliceMs / 2 ** strike.count);
      known.delete(policy);
      return sliceMs;
    },
    add: (policy) => {
      known.set(policy, { count: (known.get(policy)?.count ?? 0) + 1, lastMs: clockMs() });
    },
  };
}
