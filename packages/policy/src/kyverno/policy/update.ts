// What of a policy's generate rules must not change while the policy is there, because what they made would be left behind:
// what a rule matches once something keeps in step, and the rest of the rule always. Another target is taken with a warning.
// Kyverno: pkg/validation/policy/generate.go immutableGenerateFields.

import { isObject, valueAt } from "@portcullis/kube";
import { canonicalJson } from "../../engine/digest.ts";
import type { Json } from "../../engine/request.ts";
import type { RuleTree } from "../autogen/rules.ts";
import { listOf } from "../match/filter.ts";

export interface UpdateProblem {
  /** Null: the update is taken, with the warning. */
  readonly error: string | null;
  readonly warning: string;
}

/** Null when nothing is wrong. */
export function updateProblem(policy: Json, old: Json): UpdateProblem | null {
  const before = generateRules(old);
  const after = generateRules(policy);
  const keepsInStep = before.some(({ generate }) => valueAt(generate, "synchronize") === true);
  const lead = "no synchronization will be performed to the old target resource upon policy updates: ";
  if (!includes(after.map(targetOf), before.map(targetOf))) {
    return { error: null, warning: `${lead}changes in the generate rule pattern could result in stale targets` };
  }
  const fixed = (rule: RuleTree): string => fixedPart(rule, keepsInStep);
  if (includes(after.map(fixed), before.map(fixed))) return null;
  const error = "changes of immutable fields of a rule spec in a generate rule is disallowed";
  return { error, warning: lead };
}

function generateRules(policy: Json): readonly RuleTree[] {
  return listOf(valueAt(policy, "spec"), "rules").filter((rule): rule is RuleTree => {
    const generate = valueAt(rule, "generate");
    return isObject(rule) && isObject(generate) && Object.keys(generate).length > 0;
  });
}

function includes(all: readonly string[], some: readonly string[]): boolean {
  const known = new Set(all);
  return some.every((one) => known.has(one));
}

const targetFields = ["apiVersion", "kind", "name", "namespace", "uid", "clone", "cloneList"];

function targetOf({ generate }: RuleTree): string {
  return canonicalJson(targetFields.map((field) => valueAt(generate, field) ?? null));
}

function fixedPart(rule: RuleTree, withMatch: boolean): string {
  const { generate: _target, match, ...rest } = rule;
  return canonicalJson(withMatch ? { ...rest, match } : rest);
}
