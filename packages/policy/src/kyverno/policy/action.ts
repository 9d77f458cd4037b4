// What a failed rule means for the request. A rule's overrides come first, then its own action, then the policy's
// overrides, then the policy's action. Old spellings are in lower case. Kyverno: pkg/engine/api/engineresponse.go.

import { type Labels, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { listOf, strings } from "../match/filter.ts";
import { type LabelPredicate, compileSelector } from "../match/selector.ts";
import { matchesWildcard } from "../pattern/wildcard.ts";

export type ActionName = "Enforce" | "Audit";

/** Failure actions of a rule or of a policy. */
export interface FailureAction {
  /** Null when it is not said. */
  readonly own: ActionName | null;
  readonly overrides: readonly Override[];
}

interface Override {
  readonly action: ActionName;
  /** Null: every namespace. */
  readonly namespaces: readonly string[] | null;
  readonly selector: LabelPredicate | null;
}

/** Where the object is. */
export interface Place {
  readonly namespace: string;
  /** Throws Suspend when the namespace has to be fetched. */
  namespaceLabels(): Labels;
}

/** Reads `failureAction` and `failureActionOverrides` of a rule's validate. */
export function compileFailureAction(validate: Json): FailureAction {
  return { own: actionAt(validate, "failureAction"), overrides: overridesAt(validate, "failureActionOverrides") };
}

/** The action of an image rule: that of the first image whose entry says one. */
export function compileImageAction(verifyImages: Json): FailureAction {
  const images = Array.isArray(verifyImages) ? (verifyImages as readonly Json[]) : [];
  const said = images.find((image) => actionAt(image, "failureAction") !== null);
  return { own: said === undefined ? null : actionAt(said, "failureAction"), overrides: [] };
}

/** Reads the old fields of a policy's spec. */
export function compilePolicyAction(spec: Json): FailureAction {
  return {
    own: actionAt(spec, "validationFailureAction"),
    overrides: overridesAt(spec, "validationFailureActionOverrides"),
  };
}

/** The action that counts for an object. */
export function actionFor(rule: FailureAction, policy: FailureAction, place: Place): ActionName {
  return overridden(rule, place) ?? rule.own ?? overridden(policy, place) ?? policy.own ?? "Audit";
}

/** Without overrides: what decides whether violations of the old object are looked at. */
export function plainAction(rule: FailureAction, policy: FailureAction): ActionName {
  return rule.own ?? policy.own ?? "Audit";
}

/** Whether some object may be denied. */
export function mayEnforce({ own, overrides }: FailureAction): boolean {
  return own === "Enforce" || overrides.some(({ action }) => action === "Enforce");
}

function actionAt(tree: Json, field: string): ActionName | null {
  const text = stringAt(tree, field);
  if (text === "Enforce" || text === "enforce") return "Enforce";
  return text === "Audit" || text === "audit" ? "Audit" : null;
}

function overridesAt(tree: Json, field: string): readonly Override[] {
  return listOf(tree, field).flatMap((override) => {
    const action = actionAt(override, "action");
    if (action === null) return [];
    const selector = valueAt(override, "namespaceSelector");
    return {
      action,
      namespaces: Array.isArray(valueAt(override, "namespaces")) ? strings(override, "namespaces") : null,
      selector: selector === undefined || selector === null ? null : compileSelector(selector),
    };
  });
}

function overridden({ overrides }: FailureAction, place: Place): ActionName | null {
  if (overrides.length === 0) return null;
  const found = overrides.find(
    ({ namespaces, selector }) =>
      (namespaces === null || namespaces.some((pattern) => matchesWildcard(pattern, place.namespace))) &&
      (selector === null || selector(place.namespaceLabels())),
  );
  return found?.action ?? null;
}
