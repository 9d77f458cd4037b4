// Mutating what exists: a rule names targets, each a kind, a namespace and name with wildcards, and a label selector. They
// are fetched as Needs, and each one that its own context and preconditions let through is patched with `target` in the
// context; it comes out as a `patch` effect with the whole object as it should be. A namespaced policy finds targets in its
// namespace only. One that cannot be found leaves the others.
// Kyverno: pkg/engine/handlers/mutation/{load_targets,mutate_existing}.go.

import { apiVersionOf, gvkOf, nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import type { Need } from "@portcullis/lang";
import { canonicalJson } from "../engine/digest.ts";
import type { Effect } from "../engine/outcome.ts";
import type { Json } from "../engine/request.ts";
import { type Conditions, checkConditions, compileConditions } from "./condition/conditions.ts";
import { type SourcedEntry, addEntries, ask, compileEntries } from "./context/entries.ts";
import { Failure, failureOf } from "./failure.ts";
import { ownerOf } from "./generate/generate.ts";
import { listOf } from "./match/filter.ts";
import { type KindSelector, parseKindSelector } from "./match/kinds.ts";
import { type RuleResult, ruleError, ruleResult } from "./result.ts";
import { type RuleRun, unmetText } from "./rulerun.ts";
import type { Scope } from "./scope.ts";
import { type Template, compileTemplate } from "./template.ts";

export interface CompiledTarget {
  /** `apiVersion`, `kind`, `namespace`, `name`, `selector`. */
  readonly selector: Template;
  readonly context: readonly SourcedEntry[];
  readonly preconditions: Conditions | null;
}

/** The call of a Need of kind `kyverno.targets`; its answer is a list of objects. */
export interface TargetCall extends KindSelector {
  /** Wildcards; "" is any. */
  readonly namespace: string;
  readonly name: string;
  /** A LabelSelector, or null. Names without wildcards are found whatever their labels. */
  readonly selector: Json;
}

const selectorFields = ["apiVersion", "kind", "namespace", "name", "uid", "selector"];

/** Compiles `mutate.targets`. */
export function compileTargets(mutate: Json, peerAnswers: boolean): readonly CompiledTarget[] {
  return listOf(mutate, "targets").map((target) => {
    const given = selectorFields.filter((field) => valueAt(target, field) !== undefined);
    return {
      selector: compileTemplate(Object.fromEntries(given.map((field) => [field, valueAt(target, field)]))),
      context: compileEntries(valueAt(target, "context")),
      preconditions: compileConditions(valueAt(target, "preconditions"), compileTemplate, { peerAnswers }),
    };
  });
}

/**
 * What a rule says of each of its targets; `mutate` patches the object of a run. Runs inside the rule's context. Throws
 * Suspend, LimitError.
 */
export function mutateTargets(
  run: RuleRun,
  targets: readonly CompiledTarget[],
  mutate: (run: RuleRun) => RuleResult,
): readonly RuleResult[] {
  const { found, problems } = loadTargets(run.scope, targets);
  const results: RuleResult[] = [];
  if (problems.length > 0) results.push(ruleError(run.id, "", problems.join("; ")));
  for (const [target, object] of found) {
    run.scope.evaluation.budget.step();
    results.push(mutateTarget(run, { target, object }, mutate));
  }
  return results;
}

interface Loaded {
  readonly found: readonly (readonly [CompiledTarget, Json])[];
  readonly problems: readonly string[];
}

function loadTargets(scope: Scope, targets: readonly CompiledTarget[]): Loaded {
  const found: (readonly [CompiledTarget, Json])[] = [];
  const problems: string[] = [];
  for (const [at, target] of targets.entries()) {
    try {
      for (const object of fetchTargets(scope, target, at)) found.push([target, object]);
    } catch (error) {
      problems.push(failureOf(error).message);
    }
  }
  return { found, problems };
}

function fetchTargets(scope: Scope, { selector }: CompiledTarget, at: number): readonly Json[] {
  const call = targetCall(scope, resolved(selector, scope, at));
  const need: Need = { kind: "kyverno.targets", key: canonicalJson(call), call };
  const objects = ask(scope, need);
  return Array.isArray(objects) ? objects : [];
}

function resolved(selector: Template, scope: Scope, at: number): Json {
  try {
    return selector.evaluate(scope);
  } catch (error) {
    throw new Failure(`failed to substitute variables in target[${at}]: ${failureOf(error).message}`);
  }
}

function targetCall({ policyNamespace }: Scope, tree: Json): TargetCall {
  const namespace = policyNamespace === "" ? stringAt(tree, "namespace") : policyNamespace;
  return {
    ...parseKindSelector(`${stringAt(tree, "apiVersion")}/${stringAt(tree, "kind")}`),
    namespace,
    name: stringAt(tree, "name"),
    selector: valueAt(tree, "selector") ?? null,
  };
}

function mutateTarget(
  run: RuleRun,
  { target, object }: { readonly target: CompiledTarget; readonly object: Json },
  mutate: (run: RuleRun) => RuleResult,
): RuleResult {
  const { id, scope, settings, subject } = run;
  scope.replace(["target"], object);
  try {
    addEntries(scope, target.context, settings.given?.leavesOut ?? new Set());
  } catch (error) {
    return ruleError(id, "failed to load context", failureOf(error).message);
  }
  try {
    const { met, message } = checkConditions(target.preconditions, scope);
    if (!met) return ruleResult(id, "skip", unmetText(message));
  } catch (error) {
    return ruleError(id, "failed to evaluate preconditions", failureOf(error).message);
  }
  const { patched, ...result } = mutate({ ...run, subject: { ...subject, object } });
  if (result.status !== "pass") return result;
  return { ...result, effects: [patchOf(run, object, patched)] };
}

function patchOf(run: RuleRun, target: Json, patch: Json): Effect {
  const ref = { ...gvkOf(target), namespace: namespaceOf(target), name: nameOf(target) };
  const trigger = run.subject.object ?? run.subject.oldObject;
  const owner = `${ownerOf(run, trigger)}/${apiVersionOf(ref)}/${ref.kind}/${ref.namespace}/${ref.name}`;
  return { kind: "patch", owner, target: ref, patch };
}
