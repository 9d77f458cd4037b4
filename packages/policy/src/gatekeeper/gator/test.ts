// `gator test`: every object, templates and constraints included, is reviewed by all constraints that are among the
// objects, and all objects are the inventory. What differs from a cluster is gator's: there is no operation and no user,
// cluster-scoped objects have an empty Namespace (so that `scope: Cluster` never matches them), `default` exists without
// being given, and only the enforcement point gator.gatekeeper.sh counts.
// Gatekeeper: pkg/gator/test/test.go, pkg/gator/expand/expand.go NamespaceForResource.

import { gvkOf, gvkText, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import type { Budget, World } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { Locate } from "../../engine/frontend.ts";
import type { Decision, Outcome, Suspended } from "../../engine/outcome.ts";
import type { EvaluateOptions, PolicySet } from "../../engine/policyset.ts";
import type { EvaluationRequest, Json } from "../../engine/request.ts";
import { type Constraint, joinConstraint } from "../constraint/read.ts";
import { type ResultKey, needsCodePoints, resultOrder } from "../respond.ts";
import { constraintGroup } from "../template/crd.ts";
import { templateGroup } from "../template/read.ts";
import { expanderOf } from "./expand.ts";
import { type Observer, type Observing, type StatsEntry, createObserver } from "./observe.ts";
import { type GatorOptions, type Policies, loadPolicies, noCatalog, plainRequest } from "./policies.ts";
import { gatorWorld } from "./world.ts";

export interface GatorObject {
  readonly object: Json;
  readonly file: string;
  readonly locate?: Locate;
}

/** One line of gator's answer, with the names of its JSON. */
export interface GatorRow {
  readonly target: string;
  readonly msg: string;
  /** Absent for an object that could not be matched. */
  readonly metadata?: { readonly details: Json };
  readonly constraint: Json;
  /** Absent when the constraint has an empty one. */
  readonly enforcementAction?: string;
  readonly scopedActions?: readonly string[];
  readonly violatingObject: Json;
  /** Of all evaluations of the run, as gator has it; null unless it was asked for. */
  readonly trace: string | null;
}

export interface GatorTestOptions extends GatorOptions {
  /** Run times, traces and printed lines; none when absent. */
  readonly observing?: Observing;
}

export type GatorTest =
  | {
      readonly rows: readonly GatorRow[];
      readonly set: PolicySet;
      readonly stats: readonly StatsEntry[];
      /** What policies printed, a line each. */
      readonly printed: string;
    }
  /** gator's error, as it stands after `auditing objects: `. */
  | { readonly error: string };

const targetName = "admission.k8s.gatekeeper.sh";

export function gatorTest(inputs: readonly GatorObject[], options: GatorTestOptions): GatorTest {
  const { observing } = options;
  const observer = observing === undefined ? null : createObserver(observing);
  const compiling = { print: observing?.print === true, trace: observing?.trace === true };
  const policies = loadPolicies(inputs.filter(isPolicy), { ...options, ...compiling });
  const error = templateError(inputs, policies) ?? constraintError(inputs, policies) ?? dataError(inputs);
  if (error !== null) return { error };
  const objects = inputs.map(({ object }) => withDefaults(object, policies));
  const constraints = constraintsByKey(policies);
  const expander = expanderOf(objects);
  if ("error" in expander) return { error: `error creating expander: ${expander.error}` };
  const rows: Row[] = [];
  const world = gatorWorld(objects, options.world);
  for (const object of objects) {
    const reviewing = { set: policies.set, world, budget: options.budget(), observer };
    const expanded = expander.expand(object, { ...reviewing, catalog: noCatalog, shared: new Map() });
    if ("error" in expanded) return { error: `expanding resource ${nameOf(object)}: ${expanded.error}` };
    const requests = [plainRequest(object), ...expanded.resultants.map(({ request }) => request)];
    for (const outcome of requests.flatMap((request) => review(request, reviewing))) {
      const { policy, actionName, message } = outcome;
      rows.push({ policy, actionName, message, row: rowOf(outcome, expanded.object, constraints) });
    }
  }
  const trace = observer?.trace() ?? null;
  return {
    rows: sortRows(rows).map(({ row }) => (trace === null ? row : { ...row, trace })),
    set: policies.set,
    stats: observer?.stats ?? [],
    printed: observer?.printed() ?? "",
  };
}

/** Whether gator exits with 1 for this row. */
export function isEnforced({ enforcementAction, scopedActions }: GatorRow): boolean {
  return enforcementAction === "deny" || (scopedActions?.includes("deny") ?? false);
}

// ── loading

function isPolicy({ object }: GatorObject): boolean {
  const { group, kind } = gvkOf(object);
  return group === constraintGroup || (group === templateGroup && kind === "ConstraintTemplate");
}

/** The first template, in the order of the input, that cannot be used. */
function templateError(inputs: readonly GatorObject[], { templates }: Policies): string | null {
  for (const { object } of inputs) {
    const template = isTemplate(object) ? templates.get(nameOf(object)) : undefined;
    if (template?.problem == null) continue;
    if (template.undecodable) {
      return `converting unstructured ${quote(template.name)} to template: adding template: ${template.problem}`;
    }
    return `adding template ${quote(template.name)}: ${template.problem}`;
  }
  return null;
}

function isTemplate(object: Json): boolean {
  const { group, kind } = gvkOf(object);
  return group === templateGroup && kind === "ConstraintTemplate";
}

function constraintError(inputs: readonly GatorObject[], { constraints, templateOf }: Policies): string | null {
  for (const { object } of inputs) {
    const source = gvkOf(object).group === constraintGroup ? constraints.get(keyOf(object)) : undefined;
    if (source === undefined) continue;
    const { problem } = joinConstraint(source, templateOf(source));
    if (problem !== null) return `adding constraint ${quote(source.name)}: ${problem.text}`;
  }
  return null;
}

/** Objects that have no place in the inventory. */
export function dataError(inputs: readonly GatorObject[]): string | null {
  for (const { object } of inputs) {
    const gvk = gvkOf(object);
    const missing = gvk.version === "" ? "version" : gvk.kind === "" ? "kind" : null;
    if (missing === null) continue;
    const text = `${targetName}: invalid request object: resource ${nameOf(object)} has no ${missing}\n`;
    return `adding data of GVK ${quote(gvkText(gvk))}: ${text}`;
  }
  return null;
}

/** gator fills defaults into the constraint that was read, so that its reviews and rows show them. */
function withDefaults(object: Json, { templateOf, constraints }: Policies): Json {
  if (gvkOf(object).group !== constraintGroup) return object;
  const source = constraints.get(keyOf(object));
  const schema = source === undefined ? undefined : templateOf(source)?.ready?.schema;
  return schema === undefined ? object : schema.withDefaults(object);
}

function constraintsByKey({ constraints, templateOf }: Policies): ReadonlyMap<string, Constraint> {
  const joined = new Map<string, Constraint>();
  for (const [key, source] of constraints) {
    const { constraint } = joinConstraint(source, templateOf(source));
    if (constraint !== null) joined.set(key, constraint);
  }
  return joined;
}

/** `Kind/name`. */
function keyOf(constraint: Json): string {
  return `${gvkOf(constraint).kind}/${nameOf(constraint)}`;
}

// ── reviewing

interface Reviewing {
  readonly set: PolicySet;
  readonly world: World;
  readonly budget: Budget;
  readonly observer: Observer | null;
}

function review(request: EvaluationRequest, { set, world, budget, observer }: Reviewing): readonly Outcome[] {
  const evaluate = (trace: EvaluateOptions["trace"]): Decision | Suspended =>
    set.evaluate(request, world, budget, { phases: ["validate"], ...(trace === undefined ? {} : { trace }) });
  const decision = observer === null ? evaluate(undefined) : observer.review(request.implied?.by ?? null, evaluate);
  if ("needs" in decision) throw new Error("a need stayed open although every need was answered");
  return decision.outcomes;
}

// ── rows

/** Of an outcome only what is printed is kept, because there may be a row for each of some hundred thousand objects. */
interface Row extends ResultKey {
  readonly row: GatorRow;
}

/** By enforcement action and message over all objects; equal ones in the order of objects, kinds and names. */
function sortRows(rows: readonly Row[]): readonly Row[] {
  return rows.toSorted(resultOrder(rows.some(({ message }) => needsCodePoints(message))));
}

function rowOf(outcome: Outcome, object: Json, constraints: ReadonlyMap<string, Constraint>): GatorRow {
  const { policy, message, details, actionName, properties } = outcome;
  const scoped = properties["scopedActions"];
  return {
    target: targetName,
    msg: message,
    ...(details === undefined ? {} : { metadata: { details } }),
    constraint: constraints.get(`${policy.kind}/${policy.name}`)?.object ?? null,
    ...(actionName === "" ? {} : { enforcementAction: actionName }),
    ...(scoped === undefined ? {} : { scopedActions: scoped.split(",") }),
    violatingObject: object,
    trace: null,
  };
}

/** `apps/v1/Deployment ns/name: ["constraint"] Message: "text"`. */
export function rowText({ violatingObject, constraint, msg }: GatorRow): string {
  const namespace = namespaceOf(violatingObject);
  const name = `${namespace === "" ? "" : `${namespace}/`}${nameOf(violatingObject)}`;
  const kind = `${stringAt(violatingObject, "apiVersion")}/${stringAt(violatingObject, "kind")}`;
  return `${kind} ${name}: [${quote(nameOf(constraint))}] Message: ${quote(msg)}`;
}
