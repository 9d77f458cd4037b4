// One rule, compiled when its policy is read: what it matches, the context it loads, its preconditions and what it does.
// The tree that is compiled is the rule as written or as autogen made it; nothing of it is looked at again later.

import { isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { type Conditions, compileConditions } from "../condition/conditions.ts";
import { type SourcedEntry, compileEntries } from "../context/entries.ts";
import { type CompiledGenerate, compileGenerate } from "../generate/compile.ts";
import { listOf } from "../match/filter.ts";
import { type Match, compileMatch } from "../match/match.ts";
import type { RuleType } from "../result.ts";
import { type Query, compileQuery } from "../query.ts";
import { type CompiledTarget, compileTargets } from "../targets.ts";
import { type Template, compileTemplate } from "../template.ts";
import type { RuleTree } from "../autogen/rules.ts";
import { type CelRule, compileCel } from "../validate/cel.ts";
import { type PodSecurityRule, compilePodSecurity } from "../validate/podsecurity/check.ts";
import { type FailureAction, compileFailureAction, compileImageAction } from "./action.ts";

export interface CompiledRule {
  readonly name: string;
  readonly match: Match;
  readonly context: readonly SourcedEntry[];
  readonly preconditions: Conditions | null;
  /** Null when the rule has none. */
  readonly properties: Template | null;
  readonly does: RuleAction;
  /** The rule's own failure action and its overrides; null when it says nothing. */
  readonly failureAction: FailureAction;
  /** The rule as it was compiled. */
  readonly tree: RuleTree;
}

/** What a rule does. */
export type RuleAction =
  | { readonly what: "validate"; readonly check: Check; readonly allowExistingViolations: boolean }
  | { readonly what: "podSecurity"; readonly standards: PodSecurityRule; readonly allowExistingViolations: boolean }
  | { readonly what: "cel"; readonly cel: CelRule }
  | { readonly what: "mutate"; readonly mutation: Mutation }
  | { readonly what: "mutateExisting"; readonly targets: readonly CompiledTarget[]; readonly mutation: Mutation }
  | { readonly what: "generate"; readonly generate: CompiledGenerate }
  /** What is not built yet: it gives an error that names it. */
  | { readonly what: "unsupported"; readonly type: RuleType; readonly field: string }
  | { readonly what: "nothing" };

/** Checks of a rule, or of one foreach in it. The first that is there counts. */
export interface Check {
  readonly message: string;
  readonly deny: { readonly conditions: Conditions | null } | null;
  readonly pattern: Template | null;
  readonly anyPattern: Template | null;
  /** Null when there is none; an empty one gives no result. */
  readonly foreach: readonly ForeachCheck[] | null;
}

export interface ForeachCheck {
  readonly list: Query;
  /** Null: only elements that are objects are the scope of patterns. */
  readonly elementScope: boolean | null;
  readonly context: readonly SourcedEntry[];
  readonly preconditions: Conditions | null;
  readonly check: Check;
}

export interface Mutation {
  /** The whole rule, since Kyverno resolves all its variables before it patches; null for a foreach. */
  readonly rule: Template | null;
  readonly foreach: readonly ForeachMutation[] | null;
}

export interface ForeachMutation {
  /** As written, for messages. */
  readonly list: Query;
  readonly reversed: boolean;
  readonly context: readonly SourcedEntry[];
  readonly preconditions: Conditions | null;
  /** `patchStrategicMerge` and `patchesJson6902`, which Kyverno resolves together. */
  readonly patches: Template;
  /** Null when there is none. */
  readonly foreach: readonly ForeachMutation[] | null;
}

export interface RuleOptions {
  /** The `spec` of the policy, for what rules inherit. */
  readonly spec?: Json;
  /** Wildcards that requesters write count, as in Kyverno. */
  readonly peerAnswers: boolean;
}

export function compileRule(tree: RuleTree, options: RuleOptions): CompiledRule {
  const properties = tree["reportProperties"];
  return {
    name: stringAt(tree, "name"),
    match: compileMatch(tree["match"], tree["exclude"]),
    context: compileEntries(tree["context"]),
    preconditions: conditionsOf(tree["preconditions"], options),
    properties: isObject(properties) && Object.keys(properties).length > 0 ? compileTemplate(properties) : null,
    does: actionOf(tree, options),
    failureAction: Array.isArray(tree["verifyImages"])
      ? compileImageAction(tree["verifyImages"])
      : compileFailureAction(tree["validate"]),
    tree,
  };
}

function conditionsOf(tree: Json, options: RuleOptions): Conditions | null {
  return compileConditions(tree, compileTemplate, { peerAnswers: options.peerAnswers });
}

function actionOf(tree: RuleTree, options: RuleOptions): RuleAction {
  const { validate, mutate, generate, verifyImages } = tree;
  if (listOf(valueAt(options.spec, "webhookConfiguration"), "matchConditions").length > 0) {
    return { what: "unsupported", type: typeOf(tree), field: "webhookConfiguration.matchConditions" };
  }
  if (isFilled(validate)) return validateAction(tree, validate, options);
  if (isFilled(mutate)) return mutateAction(tree, mutate, options);
  if (isFilled(generate)) {
    const { spec, peerAnswers } = options;
    return { what: "generate", generate: compileGenerate(generate, { spec, peerAnswers }) };
  }
  if (Array.isArray(verifyImages) && verifyImages.length > 0) {
    return { what: "unsupported", type: "ImageVerify", field: "verifyImages" };
  }
  return { what: "nothing" };
}

function typeOf({ validate, mutate, generate }: RuleTree): RuleType {
  if (isFilled(validate)) return "Validation";
  if (isFilled(mutate)) return "Mutation";
  return isFilled(generate) ? "Generation" : "ImageVerify";
}

function isFilled(tree: Json): tree is RuleTree {
  return isObject(tree) && Object.keys(tree).length > 0;
}

// ── validate

function validateAction(tree: RuleTree, validate: RuleTree, options: RuleOptions): RuleAction {
  const allowExistingViolations = validate["allowExistingViolations"] !== false;
  if (listOf(validate["manifests"], "attestors").length > 0) {
    return { what: "unsupported", type: "Validation", field: "validate.manifests" };
  }
  const { podSecurity, cel } = validate;
  if (isFilled(podSecurity)) {
    return { what: "podSecurity", standards: compilePodSecurity(podSecurity), allowExistingViolations };
  }
  if (isFilled(cel)) return { what: "cel", cel: compileCel(tree) };
  return {
    what: "validate",
    check: compileCheck(validate, stringAt(validate, "message"), options),
    allowExistingViolations,
  };
}

function compileCheck(tree: RuleTree, message: string, options: RuleOptions): Check {
  const { deny, pattern, anyPattern, foreach } = tree;
  return {
    message,
    deny: isObject(deny) ? { conditions: conditionsOf(valueAt(deny, "conditions"), options) } : null,
    pattern: pattern === undefined || pattern === null ? null : compileTemplate(pattern),
    anyPattern: anyPattern === undefined || anyPattern === null ? null : compileTemplate(anyPattern),
    foreach: Array.isArray(foreach) ? foreach.map((each: Json) => compileForeach(each, message, options)) : null,
  };
}

function compileForeach(tree: Json, message: string, options: RuleOptions): ForeachCheck {
  const each = isObject(tree) ? tree : {};
  const scope = each["elementScope"];
  return {
    list: compileQuery(stringAt(each, "list")),
    elementScope: typeof scope === "boolean" ? scope : null,
    context: compileEntries(each["context"]),
    preconditions: conditionsOf(each["preconditions"], options),
    // A foreach without one of its own is an empty one: it gives no result.
    check: compileCheck({ foreach: [], ...each }, message, options),
  };
}

// ── mutate

function mutateAction(tree: RuleTree, mutate: RuleTree, options: RuleOptions): RuleAction {
  const { targets, foreach } = mutate;
  const mutation: Mutation = Array.isArray(foreach)
    ? { rule: null, foreach: compileForeachMutations(foreach, options) }
    : { rule: compileTemplate(tree), foreach: null };
  if (!Array.isArray(targets)) return { what: "mutate", mutation };
  return { what: "mutateExisting", targets: compileTargets(mutate, options.peerAnswers), mutation };
}

function compileForeachMutations(list: readonly Json[], options: RuleOptions): readonly ForeachMutation[] {
  return list.map((tree) => {
    const patch = valueAt(tree, "patchStrategicMerge") ?? null;
    const order = stringAt(tree, "order");
    const nested = listOf(tree, "foreach");
    return {
      list: compileQuery(stringAt(tree, "list")),
      reversed: order === "" ? patch !== null : order === "Descending",
      context: compileEntries(valueAt(tree, "context")),
      preconditions: conditionsOf(valueAt(tree, "preconditions"), options),
      patches: compileTemplate({ patchStrategicMerge: patch, patchesJson6902: stringAt(tree, "patchesJson6902") }),
      foreach: nested.length > 0 ? compileForeachMutations(nested, options) : null,
    };
  });
}
