// What hinders a policy from being used, with the place of each mistake: what does not fit the schema, all at once, and
// then the first mistake that Kyverno's admission finds.

import { fieldErrorText, gvkOf } from "@portcullis/kube";
import { Budget, type Diagnostic, errorAt } from "@portcullis/lang";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { Json } from "../../engine/request.ts";
import type { RuleTree } from "../autogen/rules.ts";
import { ruleWithDefaults } from "./defaults.ts";
import { mistypedMetadata, nameErrors } from "./metadata.ts";
import { misfits } from "./misfits.ts";
import type { Mistake } from "./mistake.ts";
import { ruleTrees } from "./policy.ts";
import { policySchemaOf } from "./schema.ts";
import { policyMistake } from "./validate.ts";

/** Errors of a ClusterPolicy or Policy. */
export function checkPolicy(object: Json, from: ReadFrom): readonly Diagnostic[] {
  const mistyped = mistypedMetadata(object);
  if (mistyped !== null) return [errorAt("policy-schema", from.locate?.(mistyped.path) ?? null, mistyped.text)];
  const named = nameErrors(object).map((error) =>
    errorAt("policy-schema", from.locate?.(error.path ?? []) ?? null, fieldErrorText(error)),
  );
  const wrong = [...named, ...misfits(object, policySchemaOf(gvkOf(object).version), from)];
  if (wrong.length > 0) return wrong;
  const mistake = policyProblem(object, "cluster");
  return mistake === null ? [] : [errorAt("policy", from.locate?.(mistake.path) ?? null, mistake.message)];
}

/**
 * What Kyverno's admission refuses about a policy that fits its schema; null when it takes it. The command line (`cli`)
 * knows no kinds of a cluster, and fills in the defaults that an API server has
 * filled in elsewhere.
 */
export function policyProblem(object: Json, by: "cluster" | "cli"): Mistake | null {
  const { own, all } = ruleTrees(object);
  // Checking is linear in the policy; only a patch in YAML could grow, by its anchors.
  const version = gvkOf(object).version;
  const filled = (rules: readonly RuleTree[]): readonly RuleTree[] =>
    by === "cli" ? rules.map((rule) => ruleWithDefaults(rule, version)) : rules;
  return policyMistake(object, filled(own), filled(all), { by, budget: new Budget({ steps: 10_000_000 }, () => 0) });
}
