// What hinders a policy from being used, with the place of each mistake: what does not fit the schema, all at once, and
// then the first mistake that Kyverno's admission finds.

import { type FieldError, fieldErrorText, gvkOf } from "@portcullis/kube";
import { Budget, type Diagnostic, errorAt } from "@portcullis/lang";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { Json } from "../../engine/request.ts";
import type { Mistake } from "./mistake.ts";
import { ruleTrees } from "./policy.ts";
import { schemaErrors } from "./schema.ts";
import { policyMistake } from "./validate.ts";

/** Errors of a ClusterPolicy or Policy. */
export function checkPolicy(object: Json, from: ReadFrom): readonly Diagnostic[] {
  const place = (path: readonly (string | number)[]) => from.locate?.(path) ?? null;
  const { wrong, unknown } = schemaErrors(object, gvkOf(object).version);
  const misfits = [
    ...wrong.map((error) => errorAt("policy-schema", place(stepsOf(error)), fieldErrorText(error))),
    ...unknown.map(({ text, path }) => errorAt("unknown-field", place(path), `unknown field "${text}"`)),
  ];
  if (misfits.length > 0) return misfits;
  const mistake = policyProblem(object, "cluster");
  return mistake === null ? [] : [errorAt("policy", place(mistake.path), mistake.message)];
}

/**
 * What Kyverno's admission refuses about a policy that fits its schema; null when it takes it. The command line (`cli`)
 * knows no kinds of a cluster and leaves out some checks of validate rules.
 */
export function policyProblem(object: Json, by: "cluster" | "cli"): Mistake | null {
  const { own, all } = ruleTrees(object);
  // Checking is linear in the policy; only a patch in YAML could grow, by its anchors.
  return policyMistake(object, own, all, { by, budget: new Budget({ steps: 10_000_000 }, () => 0) });
}

function stepsOf({ path, field }: FieldError): readonly (string | number)[] {
  return path ?? [...field.matchAll(/[^.[\]]+/g)].map(([step]) => (/^\d+$/.test(step) ? Number(step) : step));
}
