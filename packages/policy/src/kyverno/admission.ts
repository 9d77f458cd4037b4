// What Kyverno's webhooks say about its own objects before they are stored: a mistake refuses, with the text of the command
// line and of `status`; whoever applies a deprecated kind or field is warned, and so is who leaves open what the policy
// looks as if it closed. The warnings about permissions are left out: they are about Kyverno's own service accounts.
// Kyverno: pkg/webhooks/policy/handlers.go, pkg/deprecations, pkg/validation/policy/validate.go.

import { annotationsOf, byCodePoints, gvkOf, isObject, labelsOf, stringAt, valueAt } from "@portcullis/kube";
import type { Diagnostic } from "@portcullis/lang";
import { admissionProblems } from "../engine/engine.ts";
import type { Answered } from "../engine/outcome.ts";
import type { PolicySet } from "../engine/policyset.ts";
import type { EvaluationRequest, Json } from "../engine/request.ts";
import { unusedException } from "./exceptioncheck.ts";
import { listOf, strings } from "./match/filter.ts";
import { lintPolicies } from "./lint/lint.ts";

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
  const errors = problems.filter(({ severity }) => severity === "error");
  const advice = [...problems.filter(({ severity }) => severity !== "error"), ...lintPolicies([{ object, file: "" }])];
  const isFirst = ({ code }: Diagnostic): boolean => code === unusedException;
  const warnings = [
    ...policyWarnings(object),
    ...advice.filter(isFirst).map(adviceText),
    ...kindWarnings(object),
    ...fieldWarnings(object),
    ...advice.filter((one) => !isFirst(one)).map(adviceText),
  ];
  if (errors.length === 0) return { allowed: true, code: 200, reason: "", message: "", warnings };
  return { ...refused(errors.map(({ message }) => message).join("\n")), warnings };
}

/**
 * Refuses that anybody but the service accounts of a namespace, Kyverno's own, changes what Kyverno made; null: the
 * request may go on. The controller of namespaces may empty one. Kyverno: pkg/webhooks/handlers/protect.go.
 */
export function managedAdmission(request: EvaluationRequest, namespace: string): Answered | null {
  const { operation, object, oldObject, user } = request;
  if (storesKyvernos(request)) return null;
  const username = user?.username ?? "";
  if (operation === "DELETE" && username === "system:serviceaccount:kube-system:namespace-controller") return null;
  const isManaged = [object, oldObject].some((one) => labelsOf(one)["app.kubernetes.io/managed-by"] === "kyverno");
  if (!isManaged || username.startsWith(`system:serviceaccount:${namespace}:`)) return null;
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

/** Failure actions in lower case. */
function fieldWarnings(object: Json): readonly string[] {
  const spec = valueAt(object, "spec");
  const found: string[] = [];
  const look = (tree: Json, field: string, path: string): void => {
    const action = stringAt(tree, field);
    if (action === "enforce" || action === "audit") found.push(`${path}${field}`);
  };
  const overrides = (tree: Json, field: string, path: string): void => {
    for (const [at, override] of listOf(tree, field).entries()) look(override, "action", `${path}${field}[${at}].`);
  };
  look(spec, "validationFailureAction", "spec.");
  overrides(spec, "validationFailureActionOverrides", "spec.");
  for (const [at, rule] of listOf(spec, "rules").entries()) {
    const validate = valueAt(rule, "validate");
    look(validate, "failureAction", `spec.rules[${at}].validate.`);
    overrides(validate, "failureActionOverrides", `spec.rules[${at}].validate.`);
  }
  return found.map(
    (path) => `${path}: Validation failure actions enforce/audit are deprecated, use Enforce/Audit instead.`,
  );
}

// ── what Kyverno's validation warns of

function policyWarnings(object: Json): readonly string[] {
  const { group, kind } = gvkOf(object);
  if (group !== "kyverno.io" || (kind !== "ClusterPolicy" && kind !== "Policy")) return [];
  const rules = listOf(valueAt(object, "spec"), "rules");
  return [...fieldWarnings(object), ...rules.flatMap((rule) => ruleWarnings(object, rule))];
}

function ruleWarnings(policy: Json, rule: Json): readonly string[] {
  const warnings: string[] = [];
  const named = strings(valueAt(rule, "match", "resources"), "kinds");
  if (named.includes("Pod") && stringAt(rule, "mutate", "patchesJson6902") !== "") warnings.push(patchesPods);
  const kinds = kindsOf(valueAt(rule, "match"));
  if (kinds.size === 1 && kinds.has("Pod") && choosesControllers(policy)) warnings.push(leftOut);
  return warnings;
}

const patchesPods =
  "Pods managed by workload controllers should not be directly mutated using policies. " +
  "Use the autogen feature or write policies that match Pod controllers.";

const leftOut =
  "Policies that match Pods apply to all Pods including those created and managed by controllers " +
  "excluded from autogen. Use preconditions to exclude the Pods managed by controllers which are " +
  "excluded from autogen. Refer to https://kyverno.io/docs/policy-types/cluster-policy/autogen/ for details.";

/** Kinds without group, version and subresource. */
function kindsOf(match: Json): ReadonlySet<string> {
  const blocks = [match, ...listOf(match, "any"), ...listOf(match, "all")];
  const kinds = blocks.flatMap((block) => {
    const resources = valueAt(block, "resources");
    return isObject(resources) ? strings(resources, "kinds") : [];
  });
  return new Set(kinds.map((kind) => kind.split("/").findLast((part) => /^[A-Z*]/.test(part)) ?? kind));
}

/** Whether the annotation names other controllers than the five that all policies once had. */
function choosesControllers(policy: Json): boolean {
  const named = annotationsOf(policy)["pod-policies.kyverno.io/autogen-controllers"];
  if (named === undefined || named === "none") return false;
  return (
    named.toLowerCase().split(",").toSorted(byCodePoints).join() !== "cronjob,daemonset,deployment,job,statefulset"
  );
}
