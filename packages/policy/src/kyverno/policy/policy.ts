// A ClusterPolicy or Policy, compiled: what its spec says for all rules, its own rules, and those that autogen adds.
// Mutation and generation see all of them; validation sees the added ones only for the kind that they were made for,
// because a rule for several kinds would otherwise apply twice. Kyverno: pkg/autogen/v1/autogen.go ComputeRules.

import { isObject, nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import type { Scope } from "../../engine/policy.ts";
import { controllersOf, podControllers } from "../autogen/controllers.ts";
import { type GeneratedRule, type RuleTree, generateRules, isGeneratedName } from "../autogen/rules.ts";
import { listOf } from "../match/filter.ts";
import { scopeKinds } from "../match/kinds.ts";
import { type FailureAction, compilePolicyAction, mayEnforce } from "./action.ts";
import { type CompiledRule, type RuleOptions, compileRule } from "./rule.ts";
import { Unreadable, typedRule } from "./typedrule.ts";

export interface CompiledPolicy {
  readonly unit: "policy";
  readonly kind: "ClusterPolicy" | "Policy";
  /** "" for a ClusterPolicy; a Policy without one belongs to `default`. */
  readonly namespace: string;
  readonly name: string;
  readonly object: Json;
  /** Stop after the first rule that passes or fails. */
  readonly appliesOne: boolean;
  readonly admission: boolean;
  readonly background: boolean;
  readonly emitsWarnings: boolean;
  readonly onError: "deny" | "allow";
  /** In milliseconds; null when it is not said. */
  readonly timeoutMs: number | null;
  readonly failureAction: FailureAction;
  /** Whether some rule may deny: such a policy is asked before the answer, with what all its rules say. */
  readonly enforces: boolean;
  /** Whether some text looks at the roles of the requester. */
  readonly readsRoles: boolean;
  /** Every rule, autogen's included. */
  readonly rules: readonly CompiledRule[];
  /** The rules that validate an object of a kind. */
  rulesFor(kind: string): readonly CompiledRule[];
  readonly scope: Scope;
}

export function compilePolicy(object: Json, options: RuleOptions): CompiledPolicy {
  const spec = valueAt(object, "spec");
  const kind = stringAt(object, "kind") === "Policy" ? "Policy" : "ClusterPolicy";
  const { own, all, rulesFor } = compileRules(object, { ...options, spec });
  const webhook = valueAt(spec, "webhookConfiguration");
  const failurePolicy = stringAt(webhook, "failurePolicy") || stringAt(spec, "failurePolicy");
  const timeout = valueAt(webhook, "timeoutSeconds") ?? valueAt(spec, "webhookTimeoutSeconds");
  const failureAction = compilePolicyAction(spec);
  return {
    unit: "policy",
    kind,
    namespace: kind === "Policy" ? namespaceOf(object) || "default" : "",
    name: nameOf(object),
    object,
    appliesOne: stringAt(spec, "applyRules") === "One",
    admission: valueAt(spec, "admission") !== false,
    background: valueAt(spec, "background") !== false,
    emitsWarnings: valueAt(spec, "emitWarning") === true,
    onError: failurePolicy === "Ignore" ? "allow" : "deny",
    timeoutMs: typeof timeout === "number" ? timeout * 1000 : null,
    failureAction,
    enforces: mayEnforce(failureAction) || own.some((rule) => mayEnforce(rule.failureAction)),
    readsRoles: mentionsRoles(spec),
    rules: all,
    rulesFor,
    scope: scopeOf(all),
  };
}

interface RuleTrees {
  readonly own: readonly RuleTree[];
  readonly controllers: ReadonlySet<string>;
  readonly generated: readonly GeneratedRule[];
  readonly all: readonly RuleTree[];
}

const treesOf = new WeakMap<object, RuleTrees>();

/** The rules as Kyverno reads them, those that autogen makes, and all as they are compiled; made once for each policy. */
export function ruleTrees(object: Json): RuleTrees {
  const known = isObject(object) ? treesOf.get(object) : undefined;
  if (known !== undefined) return known;
  const own = listOf(valueAt(object, "spec"), "rules")
    .filter((rule): rule is RuleTree => isObject(rule))
    .map(asTyped);
  const controllers = controllersOf(object, own);
  const generated = generateRules(own, controllers);
  // What is named like a generated rule gives way to what is generated.
  const kept = own.filter((rule) => !isGeneratedName(stringAt(rule, "name")));
  const all = generated.length === 0 ? own : [...kept, ...generated.map(({ rule }) => rule)];
  const trees = { own, controllers, generated, all };
  if (isObject(object)) treesOf.set(object, trees);
  return trees;
}

/** A rule that cannot be read stays as it is: what is wrong with it is told where the policy is checked. */
function asTyped(rule: RuleTree): RuleTree {
  try {
    return typedRule(rule, []);
  } catch (error) {
    if (error instanceof Unreadable) return rule;
    throw error;
  }
}

interface Rules {
  readonly own: readonly CompiledRule[];
  readonly all: readonly CompiledRule[];
  readonly rulesFor: (kind: string) => readonly CompiledRule[];
}

function compileRules(object: Json, options: RuleOptions): Rules {
  const { own: trees, controllers, generated } = ruleTrees(object);
  const compile = (tree: RuleTree): CompiledRule => compileRule(tree, options);
  const own = trees.map(compile);
  if (generated.length === 0) {
    const byOddKind = forOddKinds(controllers, trees, compile, own);
    return { own, all: own, rulesFor: (kind) => byOddKind.get(kind) ?? own };
  }
  const kept = own.filter((rule) => !isGeneratedName(rule.name));
  const made = generated.map(({ rule, of }) => ({ of, compiled: compile(rule) }));
  const withKind = (what: GeneratedRule["of"]): readonly CompiledRule[] => {
    const some = made.filter(({ of }) => of === what).map(({ compiled }) => compiled);
    return some.length === 0 ? own : [...kept, ...some];
  };
  const templates = withKind("template");
  const cronJobs = withKind("cronjob");
  const byOddKind = forOddKinds(controllers, trees, compile, own);
  const rulesFor = (kind: string): readonly CompiledRule[] => {
    if (!controllers.has(kind)) return own;
    if (podControllers.includes(kind)) return kind === "CronJob" ? cronJobs : templates;
    return byOddKind.get(kind) ?? own;
  };
  return { own, all: [...kept, ...made.map((one) => one.compiled)], rulesFor };
}

/** Kinds that the annotation names though they make no Pods get rules of their own all the same. */
function forOddKinds(
  controllers: ReadonlySet<string>,
  trees: readonly RuleTree[],
  compile: (tree: RuleTree) => CompiledRule,
  own: readonly CompiledRule[],
): ReadonlyMap<string, readonly CompiledRule[]> {
  const odd = [...controllers].filter((kind) => kind !== "" && !podControllers.includes(kind));
  return new Map(
    odd.map((kind) => {
      const made = generateRules(trees, new Set([kind])).map(({ rule }) => compile(rule));
      return [kind, made.length === 0 ? own : [...own.filter((rule) => !isGeneratedName(rule.name)), ...made]];
    }),
  );
}

function mentionsRoles(tree: Json): boolean {
  if (typeof tree === "string") return /roles/i.test(tree);
  if (Array.isArray(tree)) return tree.some((item: Json) => mentionsRoles(item));
  return isObject(tree) && Object.values(tree).some((value) => mentionsRoles(value));
}

/** All kinds that a rule may match; everything, when one of them cannot be said. */
function scopeOf(rules: readonly CompiledRule[]): Scope {
  const kinds = new Set<string>();
  for (const { match } of rules) {
    for (const filter of match.filters) {
      const own = filter.kinds.length === 0 ? null : scopeKinds(filter.kinds);
      if (own === null) return {};
      for (const kind of own) kinds.add(kind);
    }
  }
  return { kinds: [...kinds].toSorted() };
}
