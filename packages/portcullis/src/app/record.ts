// What an answered request leaves for metrics and the log: for Gatekeeper what its policies said, for Kyverno the request
// (rulecounts.ts counts the rules); and what single policies said that is worth a line.

import { gvkOf, nameOf, namespaceOf, stringAt } from "@portcullis/kube";
import type { Decision, EvaluationRequest, KyvernoDetails, MutationEvent, Outcome } from "@portcullis/policy";
import type {
  AdmissionRecord,
  KyvernoRequest,
  KyvernoRule,
  PolicyResult,
  Subject,
  Violation,
} from "../server/metrics.ts";
import type { Served } from "./served.ts";
import { policyName } from "./slices.ts";

export interface Recorded {
  readonly served: Served;
  readonly request: EvaluationRequest;
  readonly decision: Decision;
  /** Dialects whose policies were asked. */
  readonly asked: readonly string[];
  readonly webhook: KyvernoRequest["webhook"];
  readonly traces?: readonly string[];
  /** What Gatekeeper's mutators told, where they were asked. */
  readonly mutations?: readonly MutationEvent[];
}

/** Null where nobody counts the request. */
export function recordOf(recorded: Recorded, telling: Telling): AdmissionRecord | null {
  const { served, request, decision, asked, webhook, mutations, traces } = recorded;
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
    ...(mutations !== undefined && mutationRecord(recorded, mutations, telling)),
    ...(telling.kyverno && webhook === "ValidatingWebhookConfiguration" && foundRecord(recorded)),
  };
  if (!telling.violations || told.length === 0) return record;
  const violations = told
    .filter(({ policy, actions }) => policy.dialect === "gatekeeper" && actions.length > 0)
    .map((outcome) => violationOf(served, outcome));
  return violations.length === 0 ? record : { ...record, violations: { subject: subjectOf(request), violations } };
}

/** What a record tells beside what it counts. */
export interface Telling {
  readonly violations: boolean;
  readonly mutations: boolean;
  /** What Kyverno's rules found, for Events. */
  readonly kyverno: boolean;
}

/** A dry run leaves no Event, and neither does an object without a name. */
function foundRecord({ served, request, decision }: Recorded): Pick<AdmissionRecord, "found"> {
  const subject = subjectOf(request);
  if (request.dryRun === true || subject.name === "") return {};
  const rules = decision.outcomes.flatMap((outcome) => foundRule(served, outcome) ?? []);
  if (rules.length === 0) return {};
  const uid = stringAt(request.object ?? request.oldObject, "metadata", "uid");
  return { found: { subject: { ...subject, uid }, blocked: isDenied(decision, "kyverno"), rules } };
}

/** Null for what passed. */
function foundRule(served: Served, { policy, rule, result, message, details }: Outcome): KyvernoRule | null {
  const { type, exceptions = [] } = (details ?? {}) as Partial<KyvernoDetails>;
  const isFound = result === "fail" || result === "error" || exceptions.length > 0;
  if (policy.dialect !== "kyverno" || !isFound || (type !== "Validation" && type !== "ImageVerify")) return null;
  const { kind, namespace, name } = policy;
  const source = served.set.sources.find(
    ({ object }) =>
      gvkOf(object).kind === kind &&
      nameOf(object) === name &&
      (namespace === "" || (namespaceOf(object) || "default") === namespace),
  );
  const { group, version } = gvkOf(source?.object);
  const uid = stringAt(source?.object, "metadata", "uid");
  return { policy: { group, version, kind, namespace, name, uid }, rule, result, message, exceptions };
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
    ...(events.length > 0 && { mutated: { subject: subjectOf(request), events } }),
  };
}

function isDenied({ outcomes }: Decision, dialect: string): boolean {
  return outcomes.some(({ policy, actions }) => policy.dialect === dialect && actions.includes("deny"));
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
function subjectOf({ kind, namespace, name, object, oldObject, user }: EvaluationRequest): Subject {
  const isNamespace = kind?.kind === "Namespace" && kind.group === "";
  return {
    group: kind?.group ?? "",
    version: kind?.version ?? "",
    kind: kind?.kind ?? "",
    namespace: isNamespace ? "" : namespace,
    name: name === "" ? nameOf(object ?? oldObject) : name,
    username: user?.username ?? "",
  };
}
