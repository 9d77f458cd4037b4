// What Kyverno's validation warns of, in its order: failure actions in lower case, sources of generate rules with variables,
// and then rule by rule, autogen's included, what probably is not what their author meant. Warnings about permissions are
// left out: they are about Kyverno's own service accounts.
// Kyverno: pkg/validation/policy/validate.go Validate, pkg/deprecations, api/kyverno/v1 GeneratePattern.Validate.

import { annotationsOf, byCodePoints, goJson, isObject, stringAt, valueAt } from "@portcullis/kube";
import { quote } from "@portcullis/lang/go";
import type { Json } from "../../engine/request.ts";
import type { RuleTree } from "../autogen/rules.ts";
import { listOf, strings } from "../match/filter.ts";
import { ruleTrees } from "./policy.ts";

/** Warnings of a ClusterPolicy or Policy. */
export function policyWarnings(policy: Json): readonly string[] {
  const { own, all } = ruleTrees(policy);
  return [
    ...actionWarnings(policy),
    ...own.flatMap((rule, at) => sourceWarnings(rule["generate"], `spec.rules[${at}]`)),
    ...all.flatMap((rule) => ruleWarnings(policy, rule)),
  ];
}

/** Failure actions in lower case. */
export function actionWarnings(object: Json): readonly string[] {
  const spec = valueAt(object, "spec");
  const found: string[] = [];
  const look = (tree: Json, field: string, path: string): void => {
    const action = stringAt(tree, field);
    if (action === "enforce" || action === "audit") found.push(`${path}${field}`);
  };
  const overrides = (tree: Json, field: string, path: string): void => {
    for (const [at, override] of listOf(tree, field).entries()) look(override, "action", `${path}${field}[${at}].`);
  };
  look(spec, "validationFailureAction", "spec.");
  overrides(spec, "validationFailureActionOverrides", "spec.");
  for (const [at, rule] of listOf(spec, "rules").entries()) {
    const validate = valueAt(rule, "validate");
    look(validate, "failureAction", `spec.rules[${at}].validate.`);
    overrides(validate, "failureActionOverrides", `spec.rules[${at}].validate.`);
  }
  return found.map(
    (path) => `${path}: Validation failure actions enforce/audit are deprecated, use Enforce/Audit instead.`,
  );
}

// ── generate

function sourceWarnings(generate: Json, field: string): readonly string[] {
  const loops = valueAt(generate, "foreach");
  const patterns = Array.isArray(loops)
    ? listOf(generate, "foreach").map((pattern, at) => ({ pattern, path: `${field}.foreach[${at}]` }))
    : [{ pattern: generate, path: field }];
  return patterns
    .filter(({ pattern }) => hasVariable(pattern, "kind", "apiVersion", "clone", "cloneList"))
    .map(({ path }) => `variables in ${path}.clone/cloneList would lead to incorrect synchronization behavior`);
}

function hasVariable(tree: Json, ...fields: readonly string[]): boolean {
  return fields.some((field) => /\{\{[^{}]*\}\}/.test(goJson(valueAt(tree, field) ?? null)));
}

// ── rules

function ruleWarnings(policy: Json, rule: RuleTree): readonly string[] {
  const { match, exclude, validate, mutate } = rule;
  const warnings: string[] = [];
  const flat = strings(valueAt(match, "resources"), "kinds");
  if (flat.includes("Pod") && stringAt(mutate, "patchesJson6902") !== "") warnings.push(patchesPods);
  const matched = kindsOf(match);
  const kinds = new Set(matched.map((kind) => kind.split("/").findLast((part) => /^[A-Z*]/.test(part)) ?? kind));
  if (kinds.size === 1 && kinds.has("Pod") && choosesControllers(policy)) warnings.push(leftOut);
  const named = [...matched, ...kindsOf(exclude)];
  if (isFilled(validate)) warnings.push(...subresourceWarnings(withoutConditions(validate), named));
  if (isFilled(mutate)) {
    const targets = listOf(mutate, "targets").map((target) => stringAt(target, "kind"));
    warnings.push(...subresourceWarnings(mutate, [...named, ...targets]));
  }
  for (const image of listOf(rule, "verifyImages")) {
    for (const attestation of listOf(image, "attestations")) {
      const type = stringAt(attestation, "predicateType");
      if (type === "") continue;
      warnings.push(`predicateType has been deprecated use 'type: ${type}' instead of 'predicateType: ${type}'`);
    }
  }
  return [...warnings, ...operatorWarnings(rule)];
}

const patchesPods =
  "Pods managed by workload controllers should not be directly mutated using policies. " +
  "Use the autogen feature or write policies that match Pod controllers.";

const leftOut =
  "Policies that match Pods apply to all Pods including those created and managed by controllers " +
  "excluded from autogen. Use preconditions to exclude the Pods managed by controllers which are " +
  "excluded from autogen. Refer to https://kyverno.io/docs/policy-types/cluster-policy/autogen/ for details.";

function isFilled(tree: Json): tree is RuleTree {
  return isObject(tree) && Object.keys(tree).length > 0;
}

function kindsOf(block: Json): readonly string[] {
  const blocks = [block, ...listOf(block, "all"), ...listOf(block, "any")];
  return blocks.flatMap((one) => {
    const resources = valueAt(one, "resources");
    return isObject(resources) ? strings(resources, "kinds") : [];
  });
}

/** Whether the annotation names other controllers than the five that all policies once had. */
function choosesControllers(policy: Json): boolean {
  const named = annotationsOf(policy)["pod-policies.kyverno.io/autogen-controllers"];
  if (named === undefined || named === "none") return false;
  return (
    named.toLowerCase().split(",").toSorted(byCodePoints).join() !== "cronjob,daemonset,deployment,job,statefulset"
  );
}

/** A deny's conditions are not looked at. */
function withoutConditions(validate: RuleTree): RuleTree {
  return isObject(validate["deny"]) ? { ...validate, deny: {} } : validate;
}

/** What is scaled or reported through a subresource passes by a policy that names only the kind. */
function subresourceWarnings(tree: RuleTree, kinds: readonly string[]): readonly string[] {
  const text = goJson(tree);
  const isNamed = (word: string): boolean => kinds.some((kind) => kind.toLowerCase().includes(word));
  const warnings: string[] = [];
  if (text.includes("replicas") && !isNamed("scale")) {
    warnings.push("You are matching on replicas but not including the scale subresource in the policy.");
  }
  if ((text.includes(".status") || text.includes('"status":')) && !isNamed("status")) {
    warnings.push("You are matching on status but not including the status subresource in the policy.");
  }
  return warnings;
}

// ── operators

const alternatives: ReadonlyMap<string, readonly string[]> = new Map([
  ["In", ["AllIn", "AnyIn"]],
  ["NotIn", ["AllNotIn", "AnyNotIn"]],
]);

/** Only the conditions that Kyverno looks at: of deny, of a foreach, of attestations. */
function operatorWarnings({ validate, verifyImages }: RuleTree): readonly string[] {
  const loops = listOf(validate, "foreach");
  const images = Array.isArray(verifyImages) ? (verifyImages as readonly Json[]) : [];
  const trees: readonly Json[] = [
    valueAt(validate, "deny", "conditions"),
    ...loops.flatMap((loop) => [valueAt(loop, "preconditions"), valueAt(loop, "deny", "conditions")]),
    ...images.flatMap((image) => listOf(image, "attestations").flatMap((one) => listOf(one, "conditions"))),
  ];
  return trees.flatMap(conditionsIn).flatMap((condition) => {
    const operator = stringAt(condition, "operator");
    const others = alternatives.get(operator);
    if (others === undefined) return [];
    const shown = `[${others.map((one) => quote(one)).join(" ")}]`;
    return [`Operator ${operator} has been deprecated and will be removed soon. Use these instead: ${shown}`];
  });
}

function conditionsIn(tree: Json): readonly Json[] {
  if (Array.isArray(tree)) return tree as readonly Json[];
  return [...listOf(tree, "any"), ...listOf(tree, "all")];
}
