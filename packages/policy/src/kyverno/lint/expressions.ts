// Expressions of rules in CEL that do not compile, with their places. Kyverno takes such a policy, and the rule fails wherever
// it applies.

import { isObject, stringAt, valueAt } from "@portcullis/kube";
import { type Diagnostic, warningAt } from "@portcullis/lang";
import type { ReadFrom } from "../../engine/frontend.ts";
import type { Json } from "../../engine/request.ts";
import { listOf } from "../match/filter.ts";
import { compileCel } from "../validate/cel.ts";

/** Warnings of a ClusterPolicy or Policy. */
export function expressionWarnings(policy: Json, { locate }: ReadFrom): readonly Diagnostic[] {
  return listOf(valueAt(policy, "spec"), "rules").flatMap((rule, at) => {
    if (!isObject(rule) || !isObject(valueAt(rule, "validate", "cel"))) return [];
    return compileCel(rule).expressions.problems.map(({ path: [list = "", ...rest], message }) => {
      const place = ["spec", "rules", at, ...(places[list] ?? []), ...rest];
      const text = `rule ${stringAt(rule, "name")}: the rule fails wherever it applies: ${message}`;
      return warningAt("cel-compile", locate?.(place) ?? null, text);
    });
  });
}

/** Where a rule has what the expressions of an admission policy are made of. */
const places: Readonly<Record<string, readonly string[]>> = {
  matchConditions: ["celPreconditions"],
  variables: ["validate", "cel", "variables"],
  validations: ["validate", "cel", "expressions"],
  auditAnnotations: ["validate", "cel", "auditAnnotations"],
};
