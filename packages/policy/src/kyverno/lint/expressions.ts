// Expressions of rules in CEL that do not compile, with their places. Kyverno takes such a policy, and the rule fails wherever
// it applies. Whoever serves is asked about them when the policy is read, so that no request waits for a compilation.

import { stringAt, valueAt } from "@portcullis/kube";
import { type Diagnostic, warningAt } from "@portcullis/lang";
import type { ReadFrom } from "../../engine/frontend.ts";
import { listOf } from "../match/filter.ts";
import type { CompiledPolicy } from "../policy/policy.ts";

/** Compiles the expressions of all rules; warnings of those that the policy has written itself. */
export function expressionWarnings({ object, rules }: CompiledPolicy, { locate }: ReadFrom): readonly Diagnostic[] {
  const own = listOf(valueAt(object, "spec"), "rules").map((rule) => stringAt(rule, "name"));
  return rules.flatMap(({ name, does }) => {
    if (does.what !== "cel") return [];
    const { problems } = does.cel.expressions();
    const at = own.indexOf(name);
    if (at === -1) return [];
    return problems.map(({ path: [list = "", ...rest], message }) => {
      const place = ["spec", "rules", at, ...(places[list] ?? []), ...rest];
      const text = `rule ${name}: the rule fails wherever it applies: ${message}`;
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
