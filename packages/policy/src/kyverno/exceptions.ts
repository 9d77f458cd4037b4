// PolicyExceptions: objects that named rules do not apply to. An exception counts for a rule when it names the policy and
// a pattern of the rule's name, when it matches the object and its conditions hold; conditions that cannot be evaluated
// do not hold. Kyverno: pkg/engine/utils/exceptions.go, api/kyverno/v2/policy_exception_types.go.

import { nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../engine/request.ts";
import { type Conditions, checkConditions, compileConditions } from "./condition/conditions.ts";
import { failureOf } from "./failure.ts";
import { type Filter, compileFilter, listOf, strings } from "./match/filter.ts";
import { matchesWildcard } from "./pattern/wildcard.ts";
import type { Scope } from "./scope.ts";
import { type Subject, candidateOf } from "./subject.ts";
import { compileTemplate } from "./template.ts";

export interface PolicyException {
  readonly unit: "exception";
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly exempted: readonly { readonly policy: string; readonly rules: readonly string[] }[];
  readonly any: readonly Filter[];
  readonly all: readonly Filter[];
  readonly conditions: Conditions | null;
  /** Controls of the Pod Security Standards; with some, the rule still runs. */
  readonly podSecurity: readonly Json[];
  readonly background: boolean;
}

export function readException(object: Json): PolicyException {
  const spec = valueAt(object, "spec");
  const match = valueAt(spec, "match");
  const namespace = namespaceOf(object);
  return {
    unit: "exception",
    key: namespace === "" ? nameOf(object) : `${namespace}/${nameOf(object)}`,
    namespace,
    exempted: listOf(spec, "exceptions").map((one) => ({
      policy: stringAt(one, "policyName"),
      rules: strings(one, "ruleNames"),
    })),
    any: listOf(match, "any").map((filter) => compileFilter(filter, "exception")),
    all: listOf(match, "all").map((filter) => compileFilter(filter, "exception")),
    conditions: compileConditions(valueAt(spec, "conditions"), compileTemplate),
    podSecurity: listOf(spec, "podSecurity"),
    background: valueAt(spec, "background") !== false,
  };
}

/** Whether an exception names a rule. `policy` is `name` or `namespace/name`. */
export function exempts({ exempted }: PolicyException, policy: string, rule: string): boolean {
  return exempted.some((one) => one.policy === policy && one.rules.some((pattern) => matchesWildcard(pattern, rule)));
}

/** Those that apply to the subject. Throws Suspend. */
export function appliedExceptions(
  exceptions: readonly PolicyException[],
  subject: Subject,
  scope: Scope,
): readonly PolicyException[] {
  return exceptions.filter((exception) => matchesSubject(exception, subject) && holds(exception, scope));
}

function matchesSubject({ any, all }: PolicyException, subject: Subject): boolean {
  const object = subject.object ?? subject.oldObject;
  const candidate = candidateOf(object, subject);
  const test = (filter: Filter): boolean =>
    (filter.describes || filter.namesUsers) &&
    filter.matchesObject(candidate, subject.asking) &&
    filter.matchesUser(subject.asking.user);
  if (any.length > 0) return any.some(test);
  return all.length > 0 && all.every(test);
}

function holds({ conditions }: PolicyException, scope: Scope): boolean {
  try {
    return checkConditions(conditions, scope).met;
  } catch (error) {
    failureOf(error);
    return false;
  }
}
