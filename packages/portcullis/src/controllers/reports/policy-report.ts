// One report per object, as Kyverno lays it out: named after the object's uid, owned by the object, so that it goes with
// it, and scoped to it; a summary, and a result for each rule. Both dialects stand in it, each under its own source. A
// Gatekeeper result is a violation: Gatekeeper does not tell which constraints were satisfied. Written for wgpolicyk8s.io
// (PolicyReport, ClusterPolicyReport) or openreports.io (Report, ClusterReport).
// Kyverno: pkg/utils/report/{new,results}.go, pkg/openreports/adapters.go.

import { hash } from "node:crypto";
import { type GroupVersionResource, apiVersionOf, byCodePoints } from "@portcullis/kube";
import type { ClusterObject } from "../../cluster/api.ts";
import type { ObjectResults } from "../audit/auditor.ts";
import { type PolicyObject, keyOfPolicy } from "../audit/policies.ts";
import type { Result } from "../audit/results.ts";

export type ReportApi = "wgpolicyk8s.io" | "openreports.io";

/** Results that are kept out of reports are those that are not in here. Kyverno: --allowedResults. */
export type ReportedResults = ReadonlySet<Result["result"]>;

interface ReportKind {
  readonly kind: string;
  readonly resource: GroupVersionResource;
}

/** The kind of report for objects of a namespace, or of the cluster. */
export function reportKind(api: ReportApi, isNamespaced: boolean): ReportKind {
  const of = (kind: string): ReportKind => {
    const resource = { group: api, version: "v1alpha1", resource: `${kind.toLowerCase()}s` };
    return { kind, resource: api === "openreports.io" ? resource : { ...resource, version: "v1alpha2" } };
  };
  if (api === "openreports.io") return of(isNamespaced ? "Report" : "ClusterReport");
  return of(isNamespaced ? "PolicyReport" : "ClusterPolicyReport");
}

export interface ReportOptions {
  readonly api: ReportApi;
  readonly policies: ReadonlyMap<string, PolicyObject>;
  readonly allowed: ReportedResults;
  /** What requests found and no scan finds again, in a report of its own beside the scan's. */
  readonly isAdmission?: true;
}

/** Reports have this label, with Kyverno's value, so that what selects them by it finds ours. */
const managedBy = "app.kubernetes.io/managed-by";
/** And this one tells which were made here. */
export const ours = "portcullis.dev/report";

/** Null when there is nothing to report. */
export function policyReport(object: ObjectResults, options: ReportOptions): ClusterObject | null {
  const results = object.results
    .map((result) => reportResult(result, object.sinceSeconds, options))
    .filter((result) => result !== null)
    .toSorted(compareResults);
  if (results.length === 0) return null;
  const { kind, resource } = reportKind(options.api, object.namespace !== "");
  const apiVersion = apiVersionOf({ group: object.group, version: object.version });
  const owner = { apiVersion, kind: object.kind, name: object.name, uid: object.uid };
  const namespaced = object.namespace === "" ? {} : { namespace: object.namespace };
  return {
    apiVersion: apiVersionOf(resource),
    kind,
    metadata: {
      name: options.isAdmission ? admissionReportName(object.uid) : object.uid,
      ...namespaced,
      labels: { [managedBy]: "kyverno", [ours]: options.isAdmission ? "admission" : "true" },
      ownerReferences: [owner],
    },
    ...(options.api === "openreports.io" ? { source: "" } : {}),
    scope: { apiVersion, kind: object.kind, name: object.name, ...namespaced, uid: object.uid },
    summary: summaryOf(results),
    results,
  };
}

function admissionReportName(uid: string): string {
  return `${uid}-admission`;
}

/** What two reports that say the same have in common: all but the times. */
export function reportDigest(report: ClusterObject): string {
  const { scope, summary, results, metadata } = report;
  const { ownerReferences } = metadata as { readonly ownerReferences?: unknown };
  const untimed = (Array.isArray(results) ? results : []).map((result) => {
    const { timestamp: _timestamp, ...rest } = result as Readonly<Record<string, unknown>>;
    return sorted(rest);
  });
  return hash("sha1", JSON.stringify([sorted(scope), sorted(summary), untimed, sorted(ownerReferences)]), "base64");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => byCodePoints(a, b));
  return entries.map(([key, inner]) => [key, sorted(inner)]);
}

// ── results

interface ReportResult extends Readonly<Record<string, unknown>> {
  readonly source: string;
  readonly policy: string;
  readonly rule?: string;
  readonly result: Result["result"];
}

const severityName = "policies.kyverno.io/severity";
const categoryName = "policies.kyverno.io/category";
const scoredName = "policies.kyverno.io/scored";

/** The annotations of a policy that its reports depend on. */
export const reportedAnnotations: readonly string[] = [severityName, categoryName, scoredName];

function reportResult(result: Result, seconds: number, options: ReportOptions): ReportResult | null {
  const policy = options.policies.get(keyOfPolicy(result.policy));
  if (policy?.reported === false) return null;
  const said = result.policy.dialect === "kyverno" ? kyvernos(result, policy, options) : gatekeepers(result);
  if (!options.allowed.has(said.result)) return null;
  const annotations = policy?.annotations ?? {};
  const severity = annotations[severityName] ?? "";
  const category = annotations[categoryName] ?? "";
  return {
    source: said.source,
    policy: said.policy,
    ...(result.rule === "" ? {} : { rule: result.rule }),
    result: said.result,
    ...(said.message === "" ? {} : { message: said.message }),
    ...(said.scored ? { scored: true } : {}),
    ...(severities.has(severity) ? { severity } : {}),
    ...(category === "" ? {} : { category }),
    properties: Object.fromEntries(Object.entries(said.properties).toSorted(([a], [b]) => byCodePoints(a, b))),
    timestamp: { seconds, nanos: 0 },
  };
}

interface Said {
  readonly source: string;
  readonly policy: string;
  readonly result: Result["result"];
  readonly message: string;
  readonly scored: boolean;
  readonly properties: Readonly<Record<string, string>>;
}

const severities: ReadonlySet<string> = new Set(["critical", "high", "medium", "low", "info"]);

function kyvernos(result: Result, policy: PolicyObject | undefined, { isAdmission }: ReportOptions): Said {
  const { policy: id, properties, exceptions } = result;
  const scored = policy?.annotations[scoredName] !== "false";
  const names = exceptions.map((key) => key.slice(key.indexOf("/") + 1));
  return {
    source: "kyverno",
    policy: id.namespace === "" ? id.name : `${id.namespace}/${id.name}`,
    result: result.result === "fail" && !scored ? "warn" : result.result,
    message: properties["message"] || properties[`${result.result}Message`] || result.message,
    scored,
    properties: {
      ...properties,
      process: isAdmission ? "admission review" : "background scan",
      ...(names.length === 0 ? {} : { exceptions: names.join(",") }),
    },
  };
}

function gatekeepers(result: Result): Said {
  const { policy: id, actionName, scoped, message, properties } = result;
  return {
    source: "gatekeeper",
    policy: id.name === "" ? id.kind : `${id.kind}/${id.name}`,
    result: result.result,
    message,
    scored: true,
    properties: {
      ...properties,
      process: "audit",
      ...(actionName === "" ? {} : { enforcementAction: actionName }),
      ...(scoped.length === 0 ? {} : { enforcementActions: scoped.join(",") }),
    },
  };
}

export function summaryOf(
  results: readonly Pick<ReportResult, "result">[],
): Readonly<Record<Result["result"], number>> {
  const summary = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 };
  for (const { result } of results) summary[result] += 1;
  return summary;
}

/** Kyverno: SortReportResults. */
function compareResults(a: ReportResult, b: ReportResult): number {
  return (
    byCodePoints(a.policy, b.policy) || byCodePoints(a.rule ?? "", b.rule ?? "") || byCodePoints(a.source, b.source)
  );
}
