// One decision. Mutation stages run first, by rank, each on what the one before left; a stage that asks for it runs
// once more when a later one changed the object. Then every policy in scope judges the result. Nothing waits: a stage
// or policy whose needs are missing suspends, and the whole hands the needs to the driver together with a `resume` that
// runs only what suspended, in a world that has the answers. All state is in values that are never written again, so
// that a Suspended may be resumed twice.
//
// A policy that fails (an error, a limit, a need that never comes) fails alone: it leaves one outcome `error`, which
// denies or lets pass as its `onError` says, and names it.

import { type Budget, type Need, Suspend, type World, limitOf } from "@portcullis/lang";
import type { PolicyFrontend } from "./frontend.ts";
import { joinAnswers } from "./join.ts";
import type { Decision, Effect, Outcome, PolicyId, Suspended } from "./outcome.ts";
import { jsonPatch } from "./patch.ts";
import type { MutationStage, Policy } from "./policy.ts";
import type { EvaluateOptions } from "./policyset.ts";
import type { Catalog, Evaluation, EvaluationRequest, Json } from "./request.ts";
import type { ScopeIndex } from "./scope.ts";

/** What one dialect brings to a decision. */
export interface DialectPart {
  readonly frontend: Pick<PolicyFrontend, "dialect" | "respond">;
  readonly policies: ScopeIndex<Policy>;
  readonly derive: ((request: EvaluationRequest, evaluation: Evaluation) => readonly EvaluationRequest[]) | null;
}

export interface Deciding {
  readonly parts: readonly DialectPart[];
  readonly stages: ScopeIndex<MutationStage>;
  readonly catalog: Catalog;
  /** How often a decision may suspend before what still waits fails. */
  readonly rounds: number;
  /** The part of the remaining time that one policy may use, 0 to 1: a runaway leaves the others theirs. */
  readonly share: number;
}

export function evaluate(
  deciding: Deciding,
  request: EvaluationRequest,
  world: World,
  budget: Budget,
  options: EvaluateOptions = {},
): Decision | Suspended {
  const run: Run = { deciding, request, budget, options, shared: new Map() };
  const mutates = options.phases === undefined || options.phases.includes("mutate");
  const stages = mutates && changesObjects(request) ? stagesFor(run) : [];
  return mutate(run, world, {
    stages,
    at: 0,
    object: request.object,
    version: 0,
    versions: stages.map(() => 0),
    again: false,
    outcomes: [],
    round: 0,
  });
}

interface Run {
  readonly deciding: Deciding;
  readonly request: EvaluationRequest;
  readonly budget: Budget;
  readonly options: EvaluateOptions;
  readonly shared: Map<unknown, unknown>;
}

/** The audit and a schedule look at what is stored: nobody sends the object anywhere, so there is nothing to change. */
function changesObjects(request: EvaluationRequest): boolean {
  return request.object !== null && request.point !== "audit" && request.point !== "schedule";
}

function wanted(run: Run, dialect: string): boolean {
  return run.options.dialects === undefined || run.options.dialects.includes(dialect);
}

function stagesFor(run: Run): readonly MutationStage[] {
  const { only } = run.options;
  const inScope = run.deciding.stages
    .find(run.request)
    .filter((stage) => wanted(run, stage.id.dialect) && (only === undefined || only(stage)));
  return inScope.toSorted((a, b) => a.rank - b.rank);
}

function evaluationFor(run: Run, world: World, budget: Budget): Evaluation {
  const { trace } = run.options;
  const base = { world, budget, catalog: run.deciding.catalog, shared: run.shared };
  return trace === undefined ? base : { ...base, trace };
}

// ── mutation

interface Mutating {
  readonly stages: readonly MutationStage[];
  readonly at: number;
  readonly object: Json;
  /** How often the object has changed, and what that was after each stage's own run. */
  readonly version: number;
  readonly versions: readonly number[];
  /** The second pass, over stages that asked for it. */
  readonly again: boolean;
  readonly outcomes: readonly Outcome[];
  readonly round: number;
}

function mutate(run: Run, world: World, from: Mutating): Decision | Suspended {
  let state = nextDue(from);
  for (let stage = state.stages[state.at]; stage !== undefined; stage = state.stages[state.at]) {
    const step = runStage(run, world, stage, state);
    if (step instanceof Suspend) return suspendedStage(run, state, step);
    state = nextDue(step);
  }
  const request = state.object === run.request.object ? run.request : { ...run.request, object: state.object };
  const validates = run.options.phases === undefined || run.options.phases.includes("validate");
  const tasks = validates ? tasksFor(run, request) : [];
  return validate({ ...run, request }, world, {
    original: run.request.object,
    tasks,
    done: [{ order: [-1], outcomes: state.outcomes }],
    round: state.round,
  });
}

function suspendedStage(run: Run, state: Mutating, { needs }: Suspend): Suspended {
  const waiting = { ...state, round: state.round + 1 };
  return { needs: uniqueNeeds(needs), resume: (world) => mutate(run, world, waiting) };
}

/** The state at the next stage that has to run; `at` behind the last stage means the end of both passes. */
function nextDue(state: Mutating): Mutating {
  const { stages, versions, version } = state;
  if (!state.again && state.at < stages.length) return state;
  const from = state.again ? state.at : 0;
  const due = stages.findIndex((stage, at) => at >= from && stage.reinvoke && (versions[at] ?? 0) < version);
  return { ...state, again: true, at: due === -1 ? stages.length : due };
}

function runStage(run: Run, world: World, stage: MutationStage, state: Mutating): Mutating | Suspend {
  const request = { ...run.request, object: state.object };
  // A stage sees a changed object, so that nothing shared about the request holds any more.
  const evaluation = { ...evaluationFor(run, world, childBudget(run, undefined)), shared: new Map() };
  const failed = (error: unknown): Mutating => ({
    ...state,
    at: state.at + 1,
    outcomes: [...state.outcomes, errorOutcome(stage.id, stage.onError, error)],
  });
  if (state.round > run.deciding.rounds) return failed(new Error(tooManyRounds));
  try {
    const { object, outcomes } = stage.mutate(request, evaluation);
    const version = object === state.object ? state.version : state.version + 1;
    const versions = state.versions.with(state.at, version);
    return { ...state, at: state.at + 1, object, version, versions, outcomes: [...state.outcomes, ...outcomes] };
  } catch (error) {
    return error instanceof Suspend ? error : failed(error);
  }
}

// ── validation

/** A policy to ask, or a dialect's derivation whose requests become tasks. */
type Task = PolicyTask | DeriveTask;

interface PolicyTask {
  readonly what: "policy";
  readonly order: Order;
  readonly policy: Policy;
  readonly request: EvaluationRequest;
  readonly shared: Map<unknown, unknown>;
}

interface DeriveTask {
  readonly what: "derive";
  readonly order: Order;
  readonly part: DialectPart;
}

/** Where a task's outcomes stand among the others, whenever it ends: its number, then its number below that. */
type Order = readonly number[];

interface Validating {
  /** The request's object as it was sent. */
  readonly original: Json;
  readonly tasks: readonly Task[];
  readonly done: readonly Done[];
  readonly round: number;
}

interface Done {
  readonly order: Order;
  readonly outcomes: readonly Outcome[];
}

function tasksFor(run: Run, request: EvaluationRequest): readonly Task[] {
  const tasks: Task[] = [];
  const shared = new Map<unknown, unknown>();
  const { only } = run.options;
  for (const part of run.deciding.parts) {
    if (!wanted(run, part.frontend.dialect)) continue;
    if (part.derive !== null) tasks.push({ what: "derive", order: [tasks.length], part });
    for (const policy of part.policies.find(request)) {
      if (policy.schedule !== undefined && request.point !== "schedule") continue;
      if (only !== undefined && !only(policy)) continue;
      tasks.push({ what: "policy", order: [tasks.length], policy, request, shared });
    }
  }
  return tasks;
}

function validate(run: Run, world: World, state: Validating): Decision | Suspended {
  const done: Done[] = [...state.done];
  const waiting: Task[] = [];
  const needs: Need[] = [];
  const queue = [...state.tasks];
  for (let at = 0; at < queue.length; at++) {
    const task = queue[at] as Task;
    try {
      if (task.what === "derive") queue.push(...derived(run, world, task));
      else done.push({ order: task.order, outcomes: askPolicy(run, world, task) });
    } catch (error) {
      if (error instanceof Suspend && state.round < run.deciding.rounds) {
        waiting.push(task);
        needs.push(...error.needs);
      } else {
        done.push(failure(task, error instanceof Suspend ? new Error(tooManyRounds) : error));
      }
    }
  }
  if (waiting.length === 0) return decide(run, state.original, done);
  const next: Validating = { ...state, tasks: waiting, done, round: state.round + 1 };
  return { needs: uniqueNeeds(needs), resume: (answered) => validate(run, answered, next) };
}

function askPolicy(run: Run, world: World, { policy, request, shared }: PolicyTask): readonly Outcome[] {
  const budget = childBudget(run, policy.timeoutMs);
  return policy.evaluate(request, { ...evaluationFor(run, world, budget), shared });
}

/** Derived requests are asked of their own dialect's policies only. */
function derived(run: Run, world: World, { part, order }: DeriveTask): readonly Task[] {
  if (part.derive === null) return [];
  const requests = part.derive(run.request, evaluationFor(run, world, childBudget(run, undefined)));
  const tasks: Task[] = [];
  for (const request of requests) {
    const shared = new Map<unknown, unknown>();
    for (const policy of part.policies.find(request)) {
      tasks.push({ what: "policy", order: [...order, tasks.length], policy, request, shared });
    }
  }
  return tasks;
}

function failure(task: Task, error: unknown): Done {
  if (task.what === "policy") {
    return { order: task.order, outcomes: [errorOutcome(task.policy.id, task.policy.onError, error)] };
  }
  const id = { dialect: task.part.frontend.dialect, kind: "", namespace: "", name: "" };
  return { order: task.order, outcomes: [errorOutcome(id, "deny", error)] };
}

const tooManyRounds = "the policy keeps asking for more data";

// ── the decision

function decide(run: Run, original: Json, done: readonly Done[]): Decision {
  const isOrdered = done.every((part, at) => at === 0 || byOrder((done[at - 1] as Done).order, part.order) <= 0);
  const ordered = isOrdered ? done : done.toSorted((a, b) => byOrder(a.order, b.order));
  const outcomes = ordered.length === 1 ? (ordered[0] as Done).outcomes : ordered.flatMap((part) => part.outcomes);
  const answers = run.deciding.parts
    .filter((part) => wanted(run, part.frontend.dialect))
    .map((part) => {
      const own = outcomesOf(outcomes, part.frontend.dialect);
      return { ...part.frontend.respond(own, run.request), dialect: part.frontend.dialect };
    });
  return {
    ...joinAnswers(answers),
    object: run.request.object,
    patch: run.request.object === original ? [] : jsonPatch(original, run.request.object),
    outcomes,
    effects: effectsOf(outcomes),
    unchecked: uncheckedIn(outcomes),
  };
}

/** Mostly there is one dialect that says something. */
function outcomesOf(outcomes: readonly Outcome[], dialect: string): readonly Outcome[] {
  const isAll = outcomes.every(({ policy }) => policy.dialect === dialect);
  return isAll ? outcomes : outcomes.filter(({ policy }) => policy.dialect === dialect);
}

/** Most outcomes have none. */
function effectsOf(outcomes: readonly Outcome[]): readonly Effect[] {
  const effects: Effect[] = [];
  for (const outcome of outcomes) if (outcome.effects.length > 0) effects.push(...outcome.effects);
  return effects;
}

function byOrder(a: Order, b: Order): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return (a[at] ?? 0) - (b[at] ?? 0);
  return a.length - b.length;
}

function uncheckedIn(outcomes: readonly Outcome[]): readonly PolicyId[] {
  return outcomes
    .filter((outcome) => outcome.result === "error" && !outcome.actions.includes("deny"))
    .map((outcome) => outcome.policy);
}

/** The outcome of a policy that could not decide. */
function errorOutcome(policy: PolicyId, onError: "deny" | "allow", error: unknown): Outcome {
  const limit = limitOf(error);
  return {
    policy,
    rule: "",
    result: "error",
    actions: onError === "deny" ? ["deny"] : ["record"],
    actionName: "",
    message: errorText(limit ?? error),
    details: null,
    properties: limit === null ? {} : { limit: limit.limit },
    effects: [],
  };
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A policy may use its own time limit, and never more than its share of what is left for all. */
function childBudget(run: Run, timeoutMs: number | undefined): Budget {
  const { budget } = run;
  const now = budget.nowMs();
  const left = budget.deadlineMs - now;
  const share = left === Infinity ? Infinity : now + left * run.deciding.share;
  const own = timeoutMs === undefined ? Infinity : now + timeoutMs;
  return budget.child({ deadlineMs: Math.min(share, own) });
}

function uniqueNeeds(needs: readonly Need[]): readonly Need[] {
  const known = new Map<string, Need>();
  for (const need of needs) {
    const key = `${need.kind} ${need.key}`;
    if (!known.has(key)) known.set(key, need);
  }
  return [...known.values()];
}
