// Gatekeeper's answer to an admission request. Violations are sorted by enforcement action and message, not by
// constraint; each that denies is a line `[constraint] message`, each that warns a warning of the same form. Code 403
// when something denies, 299 when something only warns, 200 otherwise; 500 when the request could not be judged at all.
// Gatekeeper: pkg/webhook/policy.go Handle, getValidationMessages.

import { byCodePoints } from "@portcullis/kube";
import type { Answered, Outcome } from "../engine/outcome.ts";
import type { EvaluationRequest } from "../engine/request.ts";
import { mutationKind } from "./mutation/stage.ts";
import { missingOldObject } from "./review.ts";

export function respond(outcomes: readonly Outcome[], request: EvaluationRequest): Answered {
  if (request.operation === "DELETE" && request.oldObject === null) return failed(unreviewed(request));
  const sorted = sortedResults(outcomes.filter(isViolation));
  const warnings = sorted.filter((outcome) => outcome.actions.includes("warn")).map(line);
  const denials = sorted.filter((outcome) => outcome.actions.includes("deny"));
  if (denials.length === 0) {
    return { allowed: true, code: warnings.length > 0 ? 299 : 200, reason: "", message: "", warnings };
  }
  const unasked = denials.find(({ policy }) => policy.kind === "" || policy.kind === mutationKind);
  if (unasked !== undefined) return { ...failed(unasked.message), warnings: [] };
  // A template that broke down is no violation of one of its constraints.
  if (denials.every((outcome) => outcome.policy.name === "")) {
    return { ...failed(denials.map((outcome) => outcome.message).join("\n")), warnings };
  }
  return { allowed: false, code: 403, reason: "Forbidden", message: denials.map(line).join("\n"), warnings };
}

/** DELETE without the old object, in the words of all who hand the error on; the line break is theirs. */
function unreviewed({ name }: EvaluationRequest): string {
  const target = "admission.k8s.gatekeeper.sh";
  const text = `${target}: target.HandleReview failed for target "${target}": ${missingOldObject}`;
  return `error reviewing resource ${name}: ${text}\n`;
}

/** Results as Gatekeeper lists them: by enforcement action and message; equal ones by constraint kind and name. */
export function sortedResults(outcomes: readonly Outcome[]): readonly Outcome[] {
  if (outcomes.length < 2) return outcomes;
  return outcomes.toSorted(resultOrder(outcomes.some(({ message }) => needsCodePoints(message))));
}

/** What results are sorted by. */
export type ResultKey = Pick<Outcome, "actionName" | "message" | "policy">;

/** The comparison that sorts results, among whose messages there are some that need code points or none. */
export function resultOrder(hasCodePoints: boolean): (a: ResultKey, b: ResultKey) => number {
  const byText = hasCodePoints ? byCodePoints : byUnits;
  return (a, b) =>
    byCodePoints(a.actionName, b.actionName) ||
    byText(a.message, b.message) ||
    byCodePoints(a.policy.kind, b.policy.kind) ||
    byCodePoints(a.policy.name, b.policy.name);
}

/** Whether UTF-16 units and code points of a text may be in another order. */
export function needsCodePoints(message: string): boolean {
  return beyondUnits.test(message);
}

const beyondUnits = /[\uD800-\uFFFF]/;

/** JavaScript's own comparison, which is several times faster. */
function byUnits(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function isViolation(outcome: Outcome): boolean {
  return outcome.result !== "pass" && outcome.result !== "skip";
}

function line({ policy, message }: Outcome): string {
  return `[${policy.name === "" ? policy.kind : policy.name}] ${message}`;
}

function failed(message: string): Answered {
  return { allowed: false, code: 500, reason: "", message, warnings: [] };
}
