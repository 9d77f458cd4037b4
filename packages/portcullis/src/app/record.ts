// What an answered request leaves for metrics and the log: for Gatekeeper what its policies said, for Kyverno the request
// (rulecounts.ts counts the rules); and what single policies said that is worth a line.

import { gvkOf, nameOf } from "@portcullis/kube";
import { type Answered, type Decision, type MutationEvent, type Outcome, excludedText } from "@portcullis/policy";
import type { AdmissionRecord, KyvernoRequest, PolicyResult, Violation } from "../server/metrics.ts";
import { foundRecord } from "./found.ts";
import { type Recorded, type Telling, isDenied, subjectOf } from "./recorded.ts";
import type { Served } from "./served.ts";
import { policyName } from "./slices.ts";

/** Null where nobody counts the request. */
export function recordOf(recorded: Recorded, telling: Telling): AdmissionRecord | null {
  const { served, request, decision, asked, webhook, mutations, traces, stats = [] } = recorded;
  const told = decision.outcomes.filter(({ result }) => result !== "pass" && result !== "skip");
  const isKyvernos = asked.includes("kyverno") && served.infos.size > 0;
  // Gatekeeper's count is of its validating webhook alone.
  const isGatekeepers = webhook === "ValidatingWebhookConfiguration" && asked.includes("gatekeeper");
  if (!isGatekeepers && !isKyvernos && mutations === undefined) return null;
  const record: AdmissionRecord = {
    status: isGatekeepers ? statusOf(decision) : null,
    kyverno: isKyvernos ? kyvernoRequest(recorded) : null,
    dryRun: request.dryRun ?? false,
    results: countedResults(told),
    ...(traces !== undefined && { traces }),
    ...(stats.length > 0 && { stats: { subject: subjectOf(request), entries: stats } }),
    ...(mutations !== undefined && mutationRecord(recorded, mutations, telling)),
    ...((telling.kyverno || telling.reports) && foundRecord(recorded, telling)),
  };
  if (!telling.violations || told.length === 0) return record;
  const violations = told
    .filter(({ policy, actions }) => policy.dialect === "gatekeeper" && actions.length > 0)
    .map((outcome) => violationOf(served, outcome));
  return violations.length === 0 ? record : { ...record, violations: { subject: subjectOf(request), violations } };
}

/** Gatekeeper counts requests about namespaces that its Config excludes, without asking a policy. */
export function withExcluded(
  record: AdmissionRecord | null,
  webhook: Recorded["webhook"],
  answers: readonly (Pick<Answered, "message"> | null)[],
): AdmissionRecord | null {
  if (!answers.some((answer) => answer?.message === excludedText)) return record;
  const counted = record ?? { status: null, kyverno: null, dryRun: false, results: [] };
  if (webhook === "ValidatingWebhookConfiguration") return { ...counted, status: "allow" };
  return { ...counted, mutation: { status: "skip", iterations: [] } };
}

function mutationRecord(
  { request, decision }: Recorded,
  mutations: readonly MutationEvent[],
  telling: Telling,
): Pick<AdmissionRecord, "mutation" | "mutated"> {
  const status = decision.code >= 500 ? "error" : "success";
  const iterations = mutations.map(({ passes }) => (passes.length === 0 ? 0 : passes.length + 1));
  const events = telling.mutations ? mutations.filter(({ passes }) => passes.length > 0) : [];
  return {
    mutation: { status, iterations },
    ...(events.length > 0 && { mutated: { subject: subjectOf(request), events: events.map(plainEvent) } }),
  };
}

/** Records travel between threads, which take what objects have themselves. */
function plainEvent({ id, passes }: MutationEvent): MutationEvent {
  return { id, passes };
}

/** Gatekeeper's own part of a joint answer. */
function statusOf(decision: Decision): "allow" | "deny" | "error" {
  if (decision.allowed) return "allow";
  if (decision.code >= 500) return "error";
  return decision.dialect === "kyverno" ? "allow" : "deny";
}

function kyvernoRequest({ request, decision, webhook }: Recorded): KyvernoRequest {
  return {
    kind: request.kind?.kind ?? "",
    namespace: request.namespace,
    operation: (request.operation ?? "").toLowerCase(),
    allowed: decision.allowed || !isDenied(decision, "kyverno"),
    webhook,
  };
}

/** Equal results of a policy as one: thirty violations of a Pod are not thirty records to post. */
function countedResults(outcomes: readonly Outcome[]): readonly PolicyResult[] {
  const results: PolicyResult[] = [];
  for (const outcome of outcomes) {
    const { result, actionName: action } = outcome;
    const policy = policyName(outcome.policy);
    const overran = outcome.properties["limit"] === "deadline";
    const last = results.at(-1);
    if (last?.policy === policy && last.result === result && last.action === action && last.overran === overran) {
      results[results.length - 1] = { ...last, count: last.count + 1 };
    } else {
      results.push({ policy, result, action, overran, count: 1 });
    }
  }
  return results;
}

function violationOf(served: Served, { policy, actionName, message, details, properties }: Outcome): Violation {
  const { kind, name } = policy;
  const scoped = properties["scopedActions"];
  return {
    ...groupVersionOf(served, kind, name),
    kind,
    name,
    action: actionName,
    actions: scoped === undefined ? [] : scoped.split(","),
    message,
    details,
  };
}

function groupVersionOf(
  served: Served,
  kind: string,
  name: string,
): { readonly group: string; readonly version: string } {
  served.versions ??= new Map(
    served.set.sources.map(({ object }) => {
      const { group, version, kind: of } = gvkOf(object);
      return [`${of}/${nameOf(object)}`, { group, version }] as const;
    }),
  );
  return served.versions.get(`${kind}/${name}`) ?? { group: "", version: "" };
}

/** Gatekeeper gives a Namespace no namespace, whatever the client did. */
