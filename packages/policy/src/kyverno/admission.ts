// What Kyverno's webhooks say about its own objects before they are stored: a mistake refuses, with the text of the command
// line and of `status`; whoever applies a deprecated kind or field is warned, and so is who leaves open what the policy
// looks as if it closed. The warnings about permissions are left out: they are about Kyverno's own service accounts.
// Kyverno: pkg/webhooks/policy/handlers.go, pkg/deprecations, pkg/validation/policy/validate.go.

import { gvkOf, labelsOf } from "@portcullis/kube";
import type { Diagnostic } from "@portcullis/lang";
import { admissionProblems } from "../engine/engine.ts";
import type { Answered } from "../engine/outcome.ts";
import type { PolicySet } from "../engine/policyset.ts";
import type { EvaluationRequest, Json } from "../engine/request.ts";
import { unusedException } from "./exceptioncheck.ts";
import { lintPolicies } from "./lint/lint.ts";
import { updateProblem } from "./policy/update.ts";
import { actionWarnings, policyWarnings } from "./policy/warnings.ts";

/** Whether a request stores a policy or a setting of Kyverno. */
export function storesKyvernos({ kind, operation, subResource }: EvaluationRequest): boolean {
  const isOwn = kind !== null && (kind.group === "kyverno.io" || kind.group === "policies.kyverno.io");
  return isOwn && subResource === "" && (operation === "CREATE" || operation === "UPDATE") && !isBookkeeping(kind.kind);
}

/** Kyverno's own records, which no policy of its sees. Kyverno: pkg/webhooks/utils/exclude.go. */
export function isBookkeeping(kind: string): boolean {
  return bookkeeping.has(kind);
}

const bookkeeping: ReadonlySet<string> = new Set([
  "AdmissionReport",
  "ClusterAdmissionReport",
  "BackgroundScanReport",
  "ClusterBackgroundScanReport",
  "UpdateRequest",
]);

/** The answer to a request that stores an object of Kyverno's; null for any other. */
export function kyvernoAdmission(request: EvaluationRequest, set: PolicySet): Answered | null {
  if (!storesKyvernos(request)) return null;
  const { object } = request;
  if (object === null) return refused("unexpected end of JSON input");
  const problems = admissionProblems(set, { object, file: "" });
  const found = problems.filter(({ severity }) => severity === "error").map(({ message }) => message);
  const changed = request.operation === "UPDATE" ? updateProblem(object, request.oldObject) : null;
  const errors = found.length > 0 || changed === null || changed.error === null ? found : [changed.error];
  const advice = [...problems.filter(({ severity }) => severity !== "error"), ...lintPolicies([{ object, file: "" }])];
  const isFirst = ({ code }: Diagnostic): boolean => code === unusedException;
  const { group, kind } = gvkOf(object);
  const isPolicy = group === "kyverno.io" && (kind === "ClusterPolicy" || kind === "Policy");
  const warnings = [
    // A refusal comes in the midst of what Kyverno looks at.
    ...(isPolicy ? (errors.length > 0 ? actionWarnings(object) : policyWarnings(object)) : []),
    ...(changed === null || found.length > 0 ? [] : [changed.warning]),
    ...advice.filter(isFirst).map(adviceText),
    ...kindWarnings(object),
    ...(isPolicy ? actionWarnings(object) : []),
    ...advice.filter((one) => !isFirst(one)).map(adviceText),
  ];
  if (errors.length === 0) return { allowed: true, code: 200, reason: "", message: "", warnings };
  return { ...refused(errors.join("\n")), warnings };
}

/**
 * Refuses that anybody but the service accounts of these namespaces, Kyverno's and ours, changes what Kyverno made; null:
 * the request may go on. The controller of namespaces may empty one. Kyverno: pkg/webhooks/handlers/protect.go.
 */
export function managedAdmission(request: EvaluationRequest, namespaces: readonly string[]): Answered | null {
  const { operation, object, oldObject, user } = request;
  if (storesKyvernos(request)) return null;
  const username = user?.username ?? "";
  if (operation === "DELETE" && username === "system:serviceaccount:kube-system:namespace-controller") return null;
  const isManaged = [object, oldObject].some((one) => labelsOf(one)["app.kubernetes.io/managed-by"] === "kyverno");
  const isOurs = namespaces.some((namespace) => username.startsWith(`system:serviceaccount:${namespace}:`));
  if (!isManaged || isOurs) return null;
  return refused("A kyverno managed resource can only be modified by kyverno");
}

function adviceText({ message, hint }: Diagnostic): string {
  return hint === undefined ? message : `${message}; ${hint}`;
}

function refused(message: string): Answered {
  return { allowed: false, code: 400, reason: "", message, warnings: [] };
}

// ── deprecations

const replacements: ReadonlyMap<string, string> = new Map([
  ["ClusterPolicy", "ValidatingPolicy, MutatingPolicy, GeneratingPolicy or ImageValidatingPolicy"],
  ["Policy", "NamespacedValidatingPolicy and the other namespaced policy types"],
  ["ClusterCleanupPolicy", "DeletingPolicy"],
  ["CleanupPolicy", "NamespacedDeletingPolicy"],
  ["PolicyException", "PolicyException"],
]);

function kindWarnings(object: Json): readonly string[] {
  const { group, version, kind } = gvkOf(object);
  const replacement = group === "kyverno.io" ? replacements.get(kind) : undefined;
  if (replacement === undefined) return [];
  const guide = "https://kyverno.io/docs/guides/migration-to-cel/";
  return [
    `${group}/${version} ${kind} is deprecated and will be removed in a future release; migrate to ${replacement} (policies.kyverno.io), see ${guide}`,
  ];
}
