// What `gator bench` measures: templates, constraints and data are loaded step by step, each step timed, and then one
// object after the other is reviewed as often as the caller likes. Objects are reviewed alone: no Namespace is attached
// and nothing is expanded. A template without Rego is passed over with its constraints, as gator passes over what an
// engine cannot run. Gatekeeper: pkg/gator/bench/bench.go runBenchmark.

import { gvkOf, nameOf } from "@portcullis/kube";
import type { World } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { Json } from "../../engine/request.ts";
import { joinConstraint } from "../constraint/read.ts";
import { snapshotOf } from "../inventory.ts";
import { constraintGroup } from "../template/crd.ts";
import { templateGroup } from "../template/read.ts";
import { type Observer, type StatsEntry, createObserver } from "./observe.ts";
import { type GatorOptions, type Policies, loadPolicies, plainRequest } from "./policies.ts";
import { type GatorObject, dataError } from "./test.ts";

export interface BenchOptions extends GatorOptions {
  /** Milliseconds of any clock, with fractions. */
  readonly nowMs: () => number;
}

export interface BenchSession {
  readonly templateCount: number;
  readonly constraintCount: number;
  readonly skippedTemplates: readonly string[];
  readonly skippedConstraints: readonly string[];
  readonly objects: readonly Json[];
  readonly setup: BenchSetup;
  /** How many violations an object has. */
  review(object: Json): number;
  /** The same, with what gator calls stats. */
  reviewWithStats(object: Json): { readonly violations: number; readonly stats: readonly StatsEntry[] };
}

/** In milliseconds. */
interface BenchSetup {
  readonly clientCreation: number;
  readonly templateCompilation: number;
  readonly constraintLoading: number;
  readonly dataLoading: number;
}

type Failed = { readonly error: string };

/** A session, or gator's error as it stands behind `benchmark failed: `. */
export function openBench(inputs: readonly GatorObject[], options: BenchOptions): BenchSession | Failed {
  const templates = inputs.filter(({ object }) => isTemplate(object));
  const constraints = inputs.filter(({ object }) => gvkOf(object).group === constraintGroup);
  const objects = inputs.filter((one) => !templates.includes(one) && !constraints.includes(one));
  if (templates.length === 0) return { error: "no ConstraintTemplates found in input" };
  if (constraints.length === 0) return { error: "no Constraints found in input" };
  if (objects.length === 0) return { error: "no objects to review found in input" };
  const opened = setUp({ templates, constraints, objects }, options);
  return "error" in opened ? { error: `benchmarking rego: ${opened.error}` } : opened;
}

interface Inputs {
  readonly templates: readonly GatorObject[];
  readonly constraints: readonly GatorObject[];
  readonly objects: readonly GatorObject[];
}

function setUp({ templates, constraints, objects }: Inputs, options: BenchOptions): BenchSession | Failed {
  const { nowMs } = options;
  const began = nowMs();
  const empty = loadPolicies([], options);
  const created = nowMs();
  let policies = templates.reduce((loaded, template) => loaded.with(template), empty);
  const usable = usableTemplates(templates, policies);
  if ("error" in usable) return usable;
  const compiled = nowMs();
  const taken = constraints.filter(({ object }) => usable.kinds.has(gvkOf(object).kind));
  policies = taken.reduce((loaded, constraint) => loaded.with(constraint), policies);
  const problem = constraintProblem(taken, policies);
  if (problem !== null) return { error: problem };
  if (taken.length === 0) {
    return { error: `no constraints loaded (all ${constraints.length} constraints skipped due to missing templates)` };
  }
  const loaded = nowMs();
  const data = dataError(objects);
  if (data !== null) return { error: data };
  const trees = objects.map(({ object }) => object);
  const world = benchWorld(trees, options.world);
  return {
    templateCount: templates.length - usable.skipped.length,
    constraintCount: taken.length,
    skippedTemplates: usable.skipped,
    skippedConstraints: constraints.filter((one) => !taken.includes(one)).map(({ object }) => nameOf(object)),
    objects: trees,
    setup: {
      clientCreation: created - began,
      templateCompilation: compiled - created,
      constraintLoading: loaded - compiled,
      dataLoading: nowMs() - loaded,
    },
    ...reviews(policies, world, options),
  };
}

function reviews(
  { set }: Policies,
  world: World,
  options: BenchOptions,
): Pick<BenchSession, "review" | "reviewWithStats"> {
  const review = (object: Json, observer: Observer | null): number => {
    const request = plainRequest(object);
    const phases = { phases: ["validate"] as const };
    const decision =
      observer === null
        ? set.evaluate(request, world, options.budget(), phases)
        : observer.review(null, (trace) =>
            set.evaluate(request, world, options.budget(), trace === undefined ? phases : { ...phases, trace }),
          );
    if ("needs" in decision) throw new Error("a need stayed open although every need was answered");
    return decision.outcomes.length;
  };
  return {
    review: (object) => review(object, null),
    reviewWithStats: (object) => {
      const observer = createObserver({ stats: true, trace: false, print: false, nowMs: options.nowMs });
      return { violations: review(object, observer), stats: observer.stats };
    },
  };
}

function isTemplate(object: Json): boolean {
  const { group, kind } = gvkOf(object);
  return group === templateGroup && kind === "ConstraintTemplate";
}

const noDriver = "no language driver is installed";

function usableTemplates(
  inputs: readonly GatorObject[],
  { templates }: Policies,
): { readonly kinds: ReadonlySet<string>; readonly skipped: readonly string[] } | Failed {
  const kinds = new Set<string>();
  const skipped: string[] = [];
  for (const { object } of inputs) {
    const name = nameOf(object);
    const template = templates.get(name);
    if (template === undefined) continue;
    if (template.problem === null) kinds.add(template.kind);
    else if (template.undecodable)
      return { error: `converting template ${quote(name)}: adding template: ${template.problem}` };
    else if (template.problem.includes(noDriver)) skipped.push(name);
    else return { error: `adding template ${quote(name)}: ${template.problem}` };
  }
  if (skipped.length < inputs.length) return { kinds, skipped };
  return { error: `no templates compatible with rego engine (all ${inputs.length} templates skipped)` };
}

function constraintProblem(taken: readonly GatorObject[], { constraints, templateOf }: Policies): string | null {
  for (const { object } of taken) {
    const source = constraints.get(`${gvkOf(object).kind}/${nameOf(object)}`);
    if (source === undefined) continue;
    const { problem } = joinConstraint(source, templateOf(source));
    if (problem !== null) return `adding constraint ${quote(source.name)}: ${problem.text}`;
  }
  return null;
}

/** The objects as data, and no Namespace for anything. */
function benchWorld(objects: readonly Json[], base: Omit<World, "ask">): World {
  const snapshot = snapshotOf(objects);
  return {
    ...base,
    ask: (needs) =>
      needs.map((need) => {
        const known = need.kind === "object" ? null : snapshot.answer(need);
        return known ?? { error: `${need.kind} ${need.key} is not among the objects` };
      }),
  };
}
