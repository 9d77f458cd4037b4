// `foreach`: the elements of a list, one by one, each with `element` and `elementIndex` in the context and the context put
// back in between. The first element that does not pass ends the rule; elements that are skipped count for nothing, and
// when none is left the rule says nothing. A list whose key is missing is an optional one.
//
// An error in an element's preconditions is the rule's error. Kyverno skips such an element, so that a typing mistake lets
// everything through; `peerAnswers` brings that back. Kyverno: validateForEach, validateElements.

import { GoInteger } from "@portcullis/jmespath/kyverno";
import { isObject } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { failureOf } from "../failure.ts";
import type { ForeachCheck } from "../policy/rule.ts";
import { type RuleResult, ruleError, ruleResult } from "../result.ts";
import type { Scope } from "../scope.ts";
import { type Checking, preconditionsFailed } from "./checking.ts";

/** `judge` performs the checks of one element. */
export function checkForeach(checking: Checking, loops: readonly ForeachCheck[], judge: Judge): RuleResult | null {
  const { id, scope } = checking.run;
  let applied = 0;
  let listError: string | null = null;
  for (const loop of loops) {
    let elements: readonly Json[];
    try {
      elements = elementsOf(scope, loop);
    } catch (error) {
      listError = failureOf(error).message;
      continue;
    }
    const found = checkElements({ checking, judge }, loop, elements);
    if (typeof found !== "number") return found;
    applied += found;
  }
  if (applied > 0) return ruleResult(id, "pass", "rule passed");
  return listError === null ? null : ruleError(id, "failed to evaluate list", listError);
}

export type Judge = (checking: Checking) => RuleResult | null;

/** None where the list's key is missing; a value that is no list counts as a list of it. Throws Failure. */
function elementsOf(scope: Scope, { list }: ForeachCheck): readonly Json[] {
  const found = scope.find(list);
  if (found === "missing") return [];
  const { value } = found;
  return Array.isArray(value) ? value : [value];
}

/** How many elements passed, or the result that ends the rule. */
interface Looping {
  readonly checking: Checking;
  readonly judge: Judge;
}

function checkElements(looping: Looping, loop: ForeachCheck, elements: readonly Json[]): number | RuleResult {
  const { checking } = looping;
  const { run } = checking;
  const { id, scope } = run;
  return scope.within(() => {
    let applied = 0;
    for (const [index, element] of elements.entries()) {
      if (element === null || element === undefined) continue;
      scope.evaluation.budget.step();
      scope.reset();
      scope.setElement(element, new GoInteger(index), checking.nesting);
      const target = targetOf(element, loop, checking);
      if ("error" in target) return ruleError(id, "failed to process foreach", target.error);
      const result = checkElement(looping, loop, target.element);
      if (result === null || result.status === "skip") continue;
      if (result.status === "pass") applied++;
      else if (!isForgiven(result, run.settings.peerAnswers)) {
        return ruleResult(id, result.status, `validation failure: ${result.message}`);
      }
    }
    return applied;
  });
}

function isForgiven({ status, message }: RuleResult, peerAnswers: boolean): boolean {
  return peerAnswers && status === "error" && message.includes(preconditionsFailed);
}

function checkElement({ checking, judge }: Looping, loop: ForeachCheck, element: Json): RuleResult | null {
  return judge({
    ...checking,
    check: loop.check,
    element,
    nesting: checking.nesting + 1,
    context: loop.context,
    preconditions: loop.preconditions,
  });
}

/** What patterns are matched against: the element, or what they were matched against outside. */
function targetOf(
  element: Json,
  { elementScope }: ForeachCheck,
  { element: outer }: Checking,
): { readonly element: Json } | { readonly error: string } {
  const isMap = isObject(element);
  if (elementScope === true && !isMap) {
    const why =
      "cannot use elementScope=true foreach rules for elements that are not maps, expected type=map got type=";
    return { error: `${why}${goType(element)}` };
  }
  return { element: (elementScope ?? isMap) ? element : outer };
}

function goType(value: Json): string {
  if (Array.isArray(value)) return "[]interface {}";
  if (typeof value === "string") return "string";
  return typeof value === "boolean" ? "bool" : "float64";
}
