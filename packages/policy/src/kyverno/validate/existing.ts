// Existing violations: on an update, a rule that enforces forgives what the old object violated as well. The old object is
// judged as if somebody created it, by a user that no rule can know, since who updates is not who created. A rule that has
// preconditions forgives nothing: Kyverno cannot read them a second time, and takes the old object for one that the rule
// does not match.
// Kyverno: validateOldObject, matchResource.

import { type RuleResult, ruleResult } from "../result.ts";
import type { RuleRun } from "../rulerun.ts";
import { type Subject, isMatched } from "../subject.ts";
import { gvkOf } from "@portcullis/kube";
import type { Requester } from "../match/filter.ts";

/** The rule's result, or a skip when the old object fails too. */
export function existingViolation(
  run: RuleRun,
  result: RuleResult | null,
  judge: (old: Subject) => RuleResult | null,
): RuleResult | null {
  const { rule, policy, scope, subject, id } = run;
  if (subject.operation !== "UPDATE") return ruleResult(id, "skip", "failed to validate old object");
  const old: Subject = {
    ...subject,
    object: subject.oldObject,
    oldObject: null,
    operation: "CREATE",
    gvk: gvkOf(subject.oldObject),
    subresource: "",
    asking: { ...subject.asking, operation: "CREATE", user: stranger },
  };
  scope.replace(["request", "object"], subject.oldObject);
  scope.replace(["request", "oldObject"], {});
  scope.replace(["request", "operation"], "CREATE");
  try {
    const prior =
      rule.preconditions === null && isMatched(rule.match, old, policy.namespace)
        ? judge({ ...old, gvk: subject.gvk, subresource: subject.subresource })
        : null;
    if (result?.status !== "fail" || prior?.status !== "fail") return result;
    return ruleResult(id, "skip", "skipping the rule evaluation as pre-existing violations are allowed");
  } finally {
    scope.replace(["request", "object"], subject.object);
    scope.replace(["request", "oldObject"], subject.oldObject);
    scope.replace(["request", "operation"], subject.operation);
  }
}

const stranger: Requester = {
  user: {
    username: "kyverno:kyverno-invalid-controller",
    uid: "kyverno:invaliduid",
    groups: ["kyverno:invalidgroup"],
    extra: {},
  },
  roles: () => ["kyverno:invalidrole"],
  clusterRoles: () => ["kyverno:invalidrole"],
};
