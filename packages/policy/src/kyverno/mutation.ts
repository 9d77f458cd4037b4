// Mutate rules of a policy: each on what the one before left, the context's `request.object` following. A rule resolves
// all variables of its text before it patches, and a foreach resolves its patch for every element, patching what the
// elements before left while variables still see the object as it was. Kyverno: pkg/engine/mutation.go,
// pkg/engine/handlers/mutation, pkg/engine/mutate/mutation.go.
//
// After a patch that fails Kyverno goes on with no object, so that later rules apply only where there is an old one, and
// fail for want of a kind. In a cluster the policy ends here, and the object stays as it was; on the command line, where
// tests name those rules, it is as in Kyverno.

import { GoInteger } from "@portcullis/jmespath/kyverno";
import { boundExtent } from "@portcullis/lang";
import { goJson, isObject, nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import type { Profile } from "../engine/frontend.ts";
import type { Outcome } from "../engine/outcome.ts";
import { jsonPatch } from "../engine/patch.ts";
import type { MutationStage } from "../engine/policy.ts";
import type { Evaluation, EvaluationRequest, Json } from "../engine/request.ts";
import { admissionRules } from "./admissionrules.ts";
import { checkConditions } from "./condition/conditions.ts";
import { addEntries } from "./context/entries.ts";
import { type LinkedPolicy, type Started, outcomeOf, runRule, skippedByException, start } from "./evaluate.ts";
import { failureOf } from "./failure.ts";
import { applyJsonPatch } from "./mutate/json6902.ts";
import { applyStrategicMerge } from "./mutate/strategic.ts";
import type { CompiledRule, ForeachMutation, Mutation, RuleAction } from "./policy/rule.ts";
import { type RuleResult, type RuleStatus, ruleResult } from "./result.ts";
import type { RuleRun } from "./rulerun.ts";
import type { Scope } from "./scope.ts";
import { mutateTargets } from "./targets.ts";
import type { Template } from "./template.ts";

/** The mutating side of a policy; null when it mutates nothing at admission. */
export function mutationStage(linked: LinkedPolicy): MutationStage | null {
  const { policy } = linked;
  if (!policy.rules.some(({ does }) => mutatesIn(linked.profile, does))) return null;
  return {
    id: { dialect: "kyverno", kind: policy.kind, namespace: policy.namespace, name: policy.name },
    scope: policy.scope,
    admission: admissionRules(policy, "mutate"),
    onError: policy.onError,
    failurePolicy: policy.onError === "deny" ? "Fail" : "Ignore",
    ...(policy.timeoutMs === null ? {} : { timeoutMs: policy.timeoutMs }),
    rank: 30,
    reinvoke: false,
    mutate: (request, evaluation) => mutateRequest(linked, request, evaluation),
  };
}

/** Objects that exist are mutated behind the request; the command line does it at once. */
function mutatesIn(profile: Profile, { what }: RuleAction): boolean {
  return what === "mutate" || (what === "mutateExisting" && profile === "kyverno-cli");
}

/** An API server takes an object of 3 MB: half again of what the smallest values in it make. */
const extentMax = 16 * 1024 * 1024;

interface Mutated {
  readonly object: Json;
  readonly outcomes: readonly Outcome[];
}

/** What the rules of a policy that mutate make of a request's object. Throws Suspend, LimitError. */
export function mutateRequest(linked: LinkedPolicy, request: EvaluationRequest, evaluation: Evaluation): Mutated {
  const started = start(linked, request, evaluation);
  if (started === null) return { object: request.object, outcomes: [] };
  const { scope } = started;
  const results: RuleResult[] = [];
  let { object } = started.subject;
  const isCli = linked.profile === "kyverno-cli";
  let isBroken = false;
  for (const rule of linked.policy.rules) {
    const { does } = rule;
    if (!mutatesIn(linked.profile, does)) continue;
    const now = { scope, subject: { ...started.subject, object } };
    results.push(...existingResults(linked, now, rule));
    if (does.what !== "mutate") continue;
    const result = runRule(linked, now, rule, {
      type: "Mutation",
      handle: (run) => skippedByException(run) ?? mutateObject(run, does.mutation),
    });
    if (result === null) continue;
    results.push(result);
    isBroken = result.patched === null;
    if (isBroken && !isCli) break;
    if (isBroken) object = null;
    else if (result.patched !== undefined && result.patched !== object) {
      object = result.patched;
      boundExtent(object, evaluation.budget, extentMax);
    }
    if (!isBroken) scope.replace(["request", "object"], object);
    if (linked.policy.appliesOne && (result.status === "pass" || result.status === "fail")) break;
  }
  return {
    object: isBroken && isCli ? null : object,
    outcomes: results.map((result) => outcomeOf(linked, started, result)),
  };
}

/** What a rule that mutates existing objects says of each of its targets; nothing for other rules. Throws Suspend, LimitError. */
export function existingResults(linked: LinkedPolicy, started: Started, rule: CompiledRule): readonly RuleResult[] {
  const { does } = rule;
  if (does.what !== "mutateExisting") return [];
  const results: RuleResult[] = [];
  const own = runRule(linked, started, rule, {
    type: "Mutation",
    handle: (run) => {
      const skipped = skippedByException(run);
      if (skipped !== null) return skipped;
      results.push(...mutateTargets(run, does.targets, (one) => mutateObject(one, does.mutation)));
      return null;
    },
  });
  return own === null ? results : [own];
}

/** What a patch or a loop came to. A null object is a failure. */
interface Response {
  readonly status: RuleStatus;
  readonly object: Json;
  readonly message: string;
}

function mutateObject(run: RuleRun, { rule, foreach }: Mutation): RuleResult {
  const { object } = run.subject;
  const response =
    rule === null ? mutateForeach(run, foreach ?? [], { object, nesting: 0 }) : mutateOnce(run, rule, object);
  const message = response.status === "pass" ? successText(response.object) : response.message;
  return { ...ruleResult(run.id, response.status, message), patched: response.object };
}

function successText(object: Json): string {
  const name = `${stringAt(object, "kind")}/${nameOf(object)}`;
  const namespace = namespaceOf(object);
  return namespace === "" ? `mutated ${name}` : `mutated ${name} in namespace ${namespace}`;
}

function failed(message: string): Response {
  return { status: "error", object: null, message };
}

/** A rule without foreach. Its patch is part of the whole rule, all of whose variables are resolved. */
function mutateOnce({ scope }: RuleRun, rule: Template, object: Json): Response {
  const resolved = resolve(rule, scope);
  if ("error" in resolved) return failed(`variable substitution failed: ${resolved.error}`);
  return patch(scope, object, valueAt(resolved.value, "mutate"));
}

function resolve(template: Template, scope: Scope): { readonly value: Json } | { readonly error: string } {
  try {
    return { value: template.evaluate(scope) };
  } catch (error) {
    return { error: failureOf(error).message };
  }
}

function patch({ evaluation }: Scope, object: Json, patches: Json): Response {
  const merge = isObject(patches) ? patches["patchStrategicMerge"] : undefined;
  const operations = stringAt(patches, "patchesJson6902");
  const hasMerge = merge !== undefined && merge !== null;
  if (!hasMerge && operations === "") return failed("empty mutate rule");
  const patched = hasMerge
    ? applyStrategicMerge(object, merge, evaluation.budget)
    : applyJsonPatch(object, operations, evaluation.budget);
  if ("error" in patched) return failed(`failed to patch resource: ${patched.error}`);
  if (!differ(object, patched.object)) return { status: "skip", object, message: "no patches applied" };
  const problem = unreadable(patched.object);
  if (problem !== null) return failed(`failed to unmarshal patched resource: ${problem}`);
  return { status: "pass", object: patched.object, message: "resource patched" };
}

/** What hinders a tree from being an object: it has a kind. Go: unstructured.UnmarshalJSON. */
function unreadable(tree: Json): string | null {
  if (Array.isArray(tree)) return "json: cannot unmarshal array into Go value of type map[string]interface {}";
  return stringAt(tree, "kind") === "" ? `Object 'Kind' is missing in '${goJson(tree)}'` : null;
}

function differ(a: Json, b: Json): boolean {
  return a !== b && jsonPatch(a, b).length > 0;
}

// ── foreach

interface Loop {
  readonly object: Json;
  /** How many foreach this is in. */
  readonly nesting: number;
}

function mutateForeach(run: RuleRun, loops: readonly ForeachMutation[], { object, nesting }: Loop): Response {
  const { scope } = run;
  let current = object;
  let applied = 0;
  for (const loop of loops) {
    let elements: readonly Json[];
    try {
      const value = scope.query(loop.list);
      elements = Array.isArray(value) ? value : [value];
    } catch (error) {
      const { message } = failureOf(error);
      return failed(`failed to evaluate list ${loop.list.text}: ${message}: ${message}`);
    }
    const response = mutateElements(run, loop, elements, { object: current, nesting });
    if (response.status === "error") return failed(`failed to mutate elements: ${response.message}`);
    if (response.status === "skip") continue;
    applied++;
    current = response.object;
    scope.replace(["request", "object"], current);
  }
  return { status: applied === 0 ? "skip" : "pass", object: current, message: `${applied} elements processed` };
}

function mutateElements(
  run: RuleRun,
  loop: ForeachMutation,
  elements: readonly Json[],
  { object, nesting }: Loop,
): Response {
  const { scope } = run;
  const ordered = loop.reversed ? elements.toReversed() : elements;
  return scope.within(() => {
    let current = object;
    for (const [at, element] of ordered.entries()) {
      if (element === null || element === undefined) continue;
      const index = loop.reversed ? elements.length - 1 - at : at;
      scope.evaluation.budget.step();
      scope.reset();
      scope.setElement(element, new GoInteger(index), nesting);
      const response = mutateElement(run, loop, index, { object: current, nesting });
      if (response === null) continue;
      if (response.status === "error") return response;
      if (response.status === "pass") current = response.object;
    }
    if (differ(object, current)) return { status: "pass", object: current, message: "" };
    return { status: "skip", object: current, message: "no patches applied" };
  });
}

/** Null when the element's preconditions are not met. */
function mutateElement(run: RuleRun, loop: ForeachMutation, index: number, place: Loop): Response | null {
  const { scope, settings } = run;
  const at = `mutate.foreach[${index}]`;
  try {
    addEntries(scope, loop.context, settings.given?.leavesOut ?? new Set());
  } catch (error) {
    return failed(`failed to load to ${at}.context: ${failureOf(error).message}`);
  }
  try {
    if (!checkConditions(loop.preconditions, scope).met) return null;
  } catch (error) {
    return failed(`failed to evaluate ${at}.preconditions: ${failureOf(error).message}`);
  }
  if (loop.foreach !== null) {
    return mutateForeach(run, loop.foreach, { object: place.object, nesting: place.nesting + 1 });
  }
  const resolved = resolve(loop.patches, scope);
  if ("error" in resolved) return failed(`variable substitution failed: ${resolved.error}`);
  return patch(scope, place.object, resolved.value);
}
