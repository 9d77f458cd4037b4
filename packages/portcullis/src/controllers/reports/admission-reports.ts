// Reports of what requests found and no scan finds again: the results of Kyverno's policies that are not for the background,
// and what was mutated. Whichever replica was asked writes them, a moment later and together, because several webhooks are
// asked about one request; a result that is older than the request was of an earlier state of the object and goes. They
// stand in a report of their own beside the scan's (`UID-admission`), so that replicas that scan and replicas that are asked
// never write the same object. When a policy goes, whoever leads takes its results out.
// Kyverno: pkg/webhooks/resource/validation/utils.go, pkg/controllers/report/aggregate (one report for both there).

import { type GroupVersionResource, nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import { ApiError, type ClusterClient, type ClusterObject, type WorkQueue, isNotFound } from "../../cluster/api.ts";
import type { KyvernoFound, ReportedRule } from "../../server/metrics.ts";
import { type PolicyObject, keyOfPolicy } from "../audit/policies.ts";
import type { Result } from "../audit/results.ts";
import {
  type ReportApi,
  type ReportedResults,
  ours,
  policyReport,
  reportDigest,
  reportKind,
  summaryOf,
} from "./policy-report.ts";
import { isEnding } from "./report-writer.ts";

type ReportClient = Pick<ClusterClient, "get" | "create" | "patch" | "remove" | "list">;

export interface AdmissionReportOptions {
  readonly client: Pick<ReportClient, "get" | "create" | "patch">;
  readonly api: ReportApi;
  readonly allowed: ReportedResults;
  readonly createQueue: (work: (key: string) => Promise<void>) => WorkQueue;
  readonly epochMs: () => number;
  /** How long results are gathered; 300 ms when absent. */
  readonly settleMs?: number;
  /** Objects that wait; 10,000 when absent, more are not reported. Kyverno: --maxAdmissionReports. */
  readonly waitingMax?: number;
}

export interface AdmissionReports {
  add(found: KyvernoFound): void;
  close(): Promise<void>;
}

interface Waiting {
  subject: KyvernoFound["subject"];
  readonly rules: Map<string, ReportedRule>;
}

/** Webhooks of one request are asked within this time. */
const requestSeconds = 10;

export function createAdmissionReports(options: AdmissionReportOptions): AdmissionReports {
  const { settleMs = 300, waitingMax = 10_000 } = options;
  const waiting = new Map<string, Waiting>();
  const queue = options.createQueue(async (key) => {
    const taken = waiting.get(key);
    waiting.delete(key);
    if (taken === undefined) return;
    try {
      await write(options, taken);
    } catch (error) {
      if (!waiting.has(key)) waiting.set(key, taken);
      throw error;
    }
  });
  return {
    add: ({ subject, reported }) => {
      if (reported.length === 0) return;
      const { group, resource, namespace, name } = subject;
      const key = `${group}/${resource}/${namespace}/${name}`;
      let entry = waiting.get(key);
      if (entry === undefined) {
        if (waiting.size >= waitingMax) return;
        entry = { subject, rules: new Map() };
        waiting.set(key, entry);
      } else if (subject.uid !== "") {
        entry.subject = subject;
      }
      for (const rule of reported) entry.rules.set(`${keyOfPolicy(idOf(rule))}/${rule.rule}`, rule);
      queue.add(key, settleMs);
    },
    close: () => queue.close(),
  };
}

function idOf({ policy: { kind, namespace, name } }: ReportedRule): PolicyObject["id"] {
  return { dialect: "kyverno", kind, namespace, name };
}

async function write(options: AdmissionReportOptions, { subject, rules }: Waiting): Promise<void> {
  const { client, api } = options;
  const taken = { subject: subject.uid === "" ? await created(client, subject) : subject, rules };
  // It was refused after all.
  if (taken.subject.uid === "") return;
  const report = reportOf(options, taken);
  if (report === null) return;
  const { resource } = reportKind(api, taken.subject.namespace !== "");
  const name = { namespace: taken.subject.namespace, name: nameOf(report) };
  const known = await client.get(resource, name).catch(orNull);
  if (known === null) {
    await client.create(resource, report).catch((error: unknown) => {
      // The Namespace went meanwhile, and the object with it.
      if (!(error instanceof ApiError && isEnding(error))) orNull(error);
    });
    return;
  }
  const next = joined(known, report, Math.floor(options.epochMs() / 1000));
  if (reportDigest(next) === reportDigest(known)) return;
  const { scope, summary, results } = next;
  await client.patch(resource, name, { scope, summary, results }, { type: "merge" });
}

/** The object of a mutation as it was stored then. */
async function created(
  client: Pick<ReportClient, "get">,
  subject: KyvernoFound["subject"],
): Promise<KyvernoFound["subject"]> {
  const { group, version, resource, namespace, name } = subject;
  const object = await client.get({ group, version, resource }, { namespace, name }).catch(orNull);
  return { ...subject, uid: stringAt(object, "metadata", "uid") };
}

function orNull(error: unknown): null {
  if (isNotFound(error)) return null;
  throw error;
}

function reportOf(
  { api, allowed, epochMs }: AdmissionReportOptions,
  { subject, rules }: Waiting,
): ClusterObject | null {
  const all = [...rules.values()];
  const policies = new Map(all.map((rule) => [keyOfPolicy(idOf(rule)), policyOf(rule)]));
  const object = {
    ...subject,
    key: subject.uid,
    results: all.map(resultOf),
    sinceSeconds: Math.floor(epochMs() / 1000),
  };
  return policyReport(object, { api, allowed, policies, isAdmission: true });
}

function policyOf(rule: ReportedRule): PolicyObject {
  const { group, version, uid } = rule.policy;
  return {
    id: idOf(rule),
    group,
    version,
    uid,
    generation: 0,
    annotations: rule.annotations,
    reported: true,
    mode: "audit",
  };
}

function resultOf(rule: ReportedRule): Result {
  const { result, message, properties, exceptions } = rule;
  const id = idOf(rule);
  return {
    policy: id,
    unit: keyOfPolicy(id),
    rule: rule.rule,
    result,
    actionName: "",
    scoped: [],
    message,
    details: "",
    properties,
    exceptions,
    notAuditable: false,
  };
}

type ReportResult = Readonly<Record<string, unknown>> & Pick<Result, "result">;

function resultsOf(report: ClusterObject): readonly ReportResult[] {
  const { results } = report;
  return Array.isArray(results) ? (results as readonly ReportResult[]) : [];
}

/** The report with the results of other webhooks that were asked about the same request. */
function joined(known: ClusterObject, report: ClusterObject, nowSeconds: number): ClusterObject {
  const ruleKey = (result: ReportResult): string => JSON.stringify([result["policy"], result["rule"]]);
  const fresh = resultsOf(report);
  const mentioned = new Set(fresh.map(ruleKey));
  const kept = resultsOf(known).filter(
    (result) =>
      !mentioned.has(ruleKey(result)) && Number(valueAt(result, "timestamp", "seconds")) > nowSeconds - requestSeconds,
  );
  const results = [...kept, ...fresh];
  return { ...known, scope: report["scope"], summary: summaryOf(results), results };
}

// ── policies that are gone

export interface SweepOptions {
  readonly client: Pick<ReportClient, "list" | "patch" | "remove">;
  readonly api: ReportApi;
  /** Whether a policy of this name (`name`, `namespace/name`) is served. */
  readonly isServed: (policy: string) => boolean;
}

/** Takes the results of policies that are not served any more out of every report. */
export async function sweepAdmissionReports(options: SweepOptions): Promise<void> {
  await Promise.all(
    [true, false].map((isNamespaced) => sweep(options, reportKind(options.api, isNamespaced).resource)),
  );
}

async function sweep({ client, isServed }: SweepOptions, resource: GroupVersionResource): Promise<void> {
  for await (const page of client.list(resource, { labelSelector: `${ours}=admission` })) {
    for (const report of page) {
      const all = resultsOf(report);
      const results = all.filter((result) => isServed(stringAt(result, "policy")));
      if (results.length === all.length) continue;
      const name = { namespace: namespaceOf(report), name: nameOf(report) };
      const patch = { results, summary: summaryOf(results) };
      // oxlint-disable-next-line no-await-in-loop -- one after the other is fast enough
      await (
        results.length === 0 ? client.remove(resource, name) : client.patch(resource, name, patch, { type: "merge" })
      ).catch(orNull);
    }
  }
}
