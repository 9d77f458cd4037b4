// What Kyverno's rules found in an answered request, for those who tell of it: what they said against the object and which
// exceptions were used (Events), which policies had nothing against it where successes are wished for (Events), and what no
// scan of stored objects finds again, because the policy is not for the background or mutates (reports).
// Kyverno: pkg/webhooks/utils/event.go GenerateEvents, pkg/webhooks/resource/validation/utils.go needsReports.

import { annotationsOf, gvkOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import type { Json, KyvernoDetails, Outcome, PolicyId } from "@portcullis/policy";
import type { AdmissionRecord, AppliedPolicy, KyvernoRule, PolicyReference, ReportedRule } from "../server/metrics.ts";
import { type Recorded, type Telling, isDenied, subjectOf } from "./recorded.ts";
import type { Served } from "./served.ts";
import { shortName } from "./slices.ts";

/** A dry run leaves nothing, and neither does an object without a name. */
export function foundRecord(recorded: Recorded, telling: Telling): Pick<AdmissionRecord, "found"> {
  const { served, request, decision, webhook } = recorded;
  const uid = stringAt(request.object ?? request.oldObject, "metadata", "uid");
  const subject = { ...subjectOf(request), uid, resource: request.resource?.resource ?? "" };
  if (request.dryRun === true || subject.name === "") return {};
  // What is generated, and what of other objects is mutated, is done and told of later.
  const isMutating = webhook === "MutatingWebhookConfiguration";
  const outcomes = decision.outcomes.filter((outcome) => {
    const { type } = detailsOf(outcome);
    return outcome.policy.dialect === "kyverno" && (isMutating ? type === "Mutation" : isJudgement(type));
  });
  const rules = telling.kyverno ? outcomes.flatMap((outcome) => foundRule(served, outcome) ?? []) : [];
  const blocked = isDenied(decision, "kyverno");
  const applied = telling.kyverno && served.successActions !== null ? appliedPolicies(served, outcomes) : [];
  const isReported = telling.reports && !blocked && mayBeReported(recorded);
  const reported = isReported ? outcomes.flatMap((outcome) => reportedRule(served, outcome) ?? []) : [];
  if (rules.length === 0 && applied.length === 0 && reported.length === 0) return {};
  return { found: { subject, blocked, rules, applied, reported } };
}

/** Null for what passed. */
function foundRule(served: Served, outcome: Outcome): KyvernoRule | null {
  const { type, exceptions = [] } = detailsOf(outcome);
  const isFound = isFailed(outcome) || exceptions.length > 0;
  if (!isFound || !isJudgement(type)) return null;
  return ruleOf(policyReference(outcome.policy, sourceOf(served, outcome.policy)), outcome);
}

function ruleOf(policy: PolicyReference, outcome: Outcome): KyvernoRule {
  const { rule, result, message } = outcome;
  return { policy, rule, result, message, exceptions: detailsOf(outcome).exceptions ?? [] };
}

function detailsOf({ details }: Outcome): Partial<KyvernoDetails> {
  return details === null ? {} : (details as KyvernoDetails);
}

function isJudgement(type: string | undefined): boolean {
  return type === "Validation" || type === "ImageVerify";
}

function isFailed({ result }: Outcome): boolean {
  return result === "fail" || result === "error";
}

function sourceOf({ set }: Served, { kind, namespace, name }: PolicyId): Json {
  const source = set.sources.find(
    ({ object }) =>
      gvkOf(object).kind === kind &&
      nameOf(object) === name &&
      (namespace === "" || (namespaceOf(object) || "default") === namespace),
  );
  return source?.object ?? null;
}

function policyReference({ kind, namespace, name }: PolicyId, object: Json): PolicyReference {
  const { group, version } = gvkOf(object);
  return { group, version, kind, namespace, name, uid: stringAt(object, "metadata", "uid") };
}

// ── successes

function appliedPolicies(served: Served, outcomes: readonly Outcome[]): readonly AppliedPolicy[] {
  const byPolicy = Map.groupBy(outcomes, ({ policy }) => shortName(policy));
  return [...byPolicy].flatMap(([key, own]) => {
    const [{ policy } = { policy: null }] = own;
    const info = served.infos.get(key);
    if (policy === null || info === undefined) return [];
    if (own.some((outcome) => isFailed(outcome) || outcome.result === "skip")) return [];
    const mutates = !info.rules.some(({ type }) => type === "validate" || type === "imageVerify");
    const { successActions } = served;
    const action = mutates ? "Resource Mutated" : "Resource Passed";
    if (successActions?.length !== 0 && successActions?.includes(action) !== true) return [];
    return [{ policy: policyReference(policy, sourceOf(served, policy)), mutates }];
  });
}

// ── reports

/** Reports about reports would never end; Events come and go. */
const unreportedGroups: ReadonlySet<string> = new Set([
  "coordination.k8s.io",
  "events.k8s.io",
  "openreports.io",
  "reports.kyverno.io",
  "wgpolicyk8s.io",
]);

function mayBeReported({ request }: Recorded): boolean {
  const { operation, subResource, kind } = request;
  if (kind === null || operation === "DELETE" || operation === "CONNECT" || subResource !== "") return false;
  return !unreportedGroups.has(kind.group) && kind.kind !== "Event";
}

function reportedRule(served: Served, outcome: Outcome): ReportedRule | null {
  const isJudged = isJudgement(detailsOf(outcome).type);
  if (isJudged && served.infos.get(shortName(outcome.policy))?.background !== false) return null;
  const source = sourceOf(served, outcome.policy);
  const annotations = Object.entries(annotationsOf(source)).filter(([key]) => key.startsWith("policies.kyverno.io/"));
  return {
    ...ruleOf(policyReference(outcome.policy, source), outcome),
    annotations: Object.fromEntries(annotations),
    properties: outcome.properties,
  };
}
