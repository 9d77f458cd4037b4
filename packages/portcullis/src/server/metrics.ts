// What operators see. Gatekeeper's names, labels and buckets are kept to the letter, so that its dashboards and alerts go
// on working; what is ours is called portcullis_*. Labels that come from policies are capped: after `maxPolicies` names,
// further ones are counted under "other", so that nobody fills the monitoring by creating policies.

import { type AuditRecord, auditMetrics } from "./audit-metrics.ts";
import { type DecisionMetrics, type EntryMetrics, decisionMetrics, entryMetrics } from "./entry-metrics.ts";
import { type Exposure, exposed } from "./exposure.ts";
import { type MutationRequest, type ObjectCount, objectMetrics } from "./object-metrics.ts";
import {
  type KyvernoMetrics,
  type KyvernoPolicy,
  type KyvernoRequest,
  capped,
  kyvernoMetrics,
} from "./kyverno-metrics.ts";
import { type KyvernoTraffic, kyvernoTraffic } from "./kyverno-traffic.ts";
import { type SyncMetrics, syncMetrics } from "./sync-metrics.ts";
import type { Tally } from "./tally.ts";
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";

export type { KyvernoRequest } from "./kyverno-metrics.ts";

type AdmissionStatus = "allow" | "deny" | "error" | "unknown";

/** One answered request. */
export interface AdmissionRecord {
  /** Null: Gatekeeper's policies were not asked. */
  readonly status: AdmissionStatus | null;
  /** Absent: Gatekeeper's mutators were not asked. */
  readonly mutation?: MutationRequest;
  /** How policies came to their answers, for the log, where somebody asked for it. */
  readonly traces?: readonly string[];
  /** How long each of Gatekeeper's templates took, for the log. */
  readonly stats?: { readonly subject: Subject; readonly entries: readonly unknown[] };
  /** What mutated the object, for the log. */
  readonly mutated?: { readonly subject: Subject; readonly events: readonly Mutated[] };
  /** Null: Kyverno's policies were not asked. */
  readonly kyverno: KyvernoRequest | null;
  readonly dryRun: boolean;
  /** Only of policies that had something to say. */
  readonly results: readonly PolicyResult[];
  /** For the log, when each violation is wanted there. */
  readonly violations?: { readonly subject: Subject; readonly violations: readonly Violation[] };
  /** What Kyverno's rules said against it, for Events, when they are wanted. */
  readonly found?: KyvernoFound;
}

export interface KyvernoFound {
  readonly subject: Subject & {
    /** "" while an object is mutated that is about to be created. */
    readonly uid: string;
    /** `pods`. */
    readonly resource: string;
  };
  /** The request was denied. */
  readonly blocked: boolean;
  readonly rules: readonly KyvernoRule[];
  /** Policies that had nothing against it, where successes are wished for. */
  readonly applied: readonly AppliedPolicy[];
  /** What only a request can tell and no scan finds again, where reports are wanted. */
  readonly reported: readonly ReportedRule[];
}

export interface AppliedPolicy {
  readonly policy: PolicyReference;
  /** The policy only mutates. */
  readonly mutates: boolean;
}

export interface ReportedRule extends KyvernoRule {
  readonly annotations: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, string>>;
}

export interface KyvernoRule {
  readonly policy: PolicyReference;
  readonly rule: string;
  readonly result: PolicyResult["result"];
  readonly message: string;
  /** `namespace/name` of those that made it skip. */
  readonly exceptions: readonly string[];
}

export interface PolicyReference {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** "" for policies of the cluster. */
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface PolicyResult {
  /** `Kind/name`. */
  readonly policy: string;
  readonly result: "pass" | "fail" | "warn" | "error" | "skip";
  /** The users' word: deny, warn, dryrun. */
  readonly action: string;
  /** It did not end before its deadline. */
  readonly overran: boolean;
  readonly count: number;
}

interface Mutated {
  readonly id: string;
  readonly passes: readonly (readonly string[])[];
}

/** What a request was about. */
export interface Subject {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly username: string;
}

export interface Violation {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
  readonly action: string;
  /** Of a scoped action: those that hold here. */
  readonly actions: readonly string[];
  readonly message: string;
  readonly details: unknown;
}

/** What a policy set consists of, for the gauges. */
export interface SetRecord {
  readonly digest: string;
  /** Keys are `enforcement_action` and status. */
  readonly constraints: readonly {
    readonly action: string;
    readonly status: "active" | "error";
    readonly count: number;
  }[];
  readonly templates: readonly { readonly status: "active" | "error"; readonly count: number }[];
  /** Templates that carry CEL, beside Rego or alone. */
  readonly celTemplates: number;
  /** Gatekeeper's other kinds. */
  readonly objects: readonly ObjectCount[];
  /** Mutators that are not used because they contradict each other. */
  readonly conflicting: number;
  /** Kyverno's policies. */
  readonly kyverno: readonly KyvernoPolicy[];
  /** Objects that could not be taken and are served in their last good form, or not at all. */
  readonly broken: number;
}

export interface Metrics {
  admission(record: AdmissionRecord, seconds: number): void;
  /** A policy was read: Gatekeeper's ingestion count and duration. */
  ingested(kind: string, status: "active" | "error", seconds: number): void;
  policySet(record: SetRecord): void;
  reloaded(ok: boolean): void;
  /** The audit has run. */
  audited(record: AuditRecord): void;
  /** An external data provider was asked. */
  externalData(provider: string, ended: "answer" | "error"): void;
  /** Counts of Kyverno's rules. */
  rules(tallies: readonly Tally[]): void;
  /** What to wait for before the metrics are read. */
  beforeReading(collect: () => Promise<void>): void;
  /** A policy ran into its time slice, or into the deadline. */
  overrun(policy: string, kind: "slice" | "deadline"): void;
  evaluatorRestarted(reason: string): void;
  /** A decision in shadow of a neighbour. */
  shadow(allowed: boolean): void;
  /** From now on only this is to be seen of Kyverno's metrics; null: all of them. */
  expose(exposure: Exposure | null): void;
  readonly sync: SyncMetrics;
  readonly traffic: KyvernoTraffic;
  readonly entries: EntryMetrics;
  readonly decisions: DecisionMetrics;
  readonly contentType: string;
  text(): Promise<string>;
}

/** Gatekeeper: pkg/webhook/stats_reporter.go. */
const requestBuckets = [
  0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008, 0.009, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09,
  0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9, 9.5,
  10,
];

/** Gatekeeper: pkg/controller/constrainttemplate/stats_reporter.go. */
const ingestionBuckets = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.2, 0.3, 0.4, 0.5, 1, 2, 3, 4, 5];

const maxPolicies = 500;
/** Gatekeeper takes any text when it is told not to look at it. */
const maxActions = 20;

export function createMetrics(options: { readonly process: boolean }): Metrics {
  const register = new Registry();
  if (options.process) collectDefaultMetrics({ register });
  const gatekeeper = gatekeeperMetrics(register);
  const objects = objectMetrics(register, requestBuckets);
  const own = ownMetrics(register);
  const kyverno = kyvernoMetrics(register);
  const policyLabel = capped(maxPolicies);
  const actionLabel = capped(maxActions);
  let audit: ReturnType<typeof auditMetrics> | null = null;
  return {
    admission: (record, seconds) => {
      if (record.status !== null) {
        gatekeeper.requests.inc({ admission_status: record.status, admission_dryrun: String(record.dryRun) });
        gatekeeper.duration.observe({ admission_status: record.status }, seconds);
      }
      if (record.mutation !== undefined) objects.mutation(record.mutation, seconds);
      if (record.kyverno !== null) kyverno.request(record.kyverno, seconds);
      for (const { policy, result, action, overran, count } of record.results) {
        own.results.inc({ policy: policyLabel(policy), result, action: actionLabel(action) }, count);
        if (overran) own.overruns.inc({ policy: policyLabel(policy), kind: "deadline" });
      }
    },
    ingested: (kind, status, seconds) => {
      objects.ingested(kind, status, seconds);
      if (kind !== "ConstraintTemplate") return;
      gatekeeper.ingestions.inc({ status });
      gatekeeper.ingestionDuration.observe({ status }, seconds);
    },
    policySet: (record) => {
      countPolicies(gatekeeper, record);
      objects.objects(record.objects, record.conflicting);
      own.set.reset();
      own.set.set({ digest: record.digest }, 1);
      own.broken.set(record.broken);
      kyverno.policies(record.kyverno);
    },
    audited: (record) => {
      // Only where there is an audit: zeros would say that all is well.
      audit ??= auditMetrics(register);
      audit.audited(record);
    },
    rules: (tallies) => {
      kyverno.rules(tallies);
    },
    reloaded: (ok) => {
      own.reloads.inc({ status: ok ? "success" : "error" });
      if (ok) own.reloadTime.setToCurrentTime();
    },
    externalData: (provider, ended) => {
      own.externalData.inc({ provider: policyLabel(`Provider/${provider}`), ended });
    },
    overrun: (policy, kind) => {
      own.overruns.inc({ policy: policyLabel(policy), kind });
    },
    evaluatorRestarted: (reason) => own.restarts.inc({ reason }),
    ...groupsOf(register),
    ...readerOf(register, kyverno),
    shadow: (allowed) => own.shadows.inc({ decision: allowed ? "allow" : "deny" }),
    contentType: register.contentType,
  };
}

function readerOf(
  register: Registry,
  kyverno: Pick<KyvernoMetrics, "text">,
): Pick<Metrics, "expose" | "beforeReading" | "text"> {
  let collect = (): Promise<void> => Promise.resolve();
  let exposure: Exposure | null = null;
  return {
    expose: (given) => {
      exposure = given;
    },
    beforeReading: (given) => {
      collect = given;
    },
    text: async () => {
      await collect();
      const text = `${await register.metrics()}\n${kyverno.text()}`;
      return exposure === null ? text : exposed(text, exposure);
    },
  };
}

function groupsOf(register: Registry): Pick<Metrics, "sync" | "traffic" | "entries" | "decisions"> {
  return {
    sync: syncMetrics(register),
    traffic: kyvernoTraffic(register, capped),
    entries: entryMetrics(register),
    decisions: decisionMetrics(register),
  };
}

function countPolicies(gatekeeper: ReturnType<typeof gatekeeperMetrics>, record: SetRecord): void {
  gatekeeper.constraints.reset();
  for (const { action, status, count } of record.constraints) {
    gatekeeper.constraints.set({ enforcement_action: action, status }, count);
  }
  gatekeeper.templates.reset();
  for (const { status, count } of record.templates) gatekeeper.templates.set({ status }, count);
  gatekeeper.celTemplates.set(record.celTemplates);
}

function gatekeeperMetrics(register: Registry) {
  const registers = [register];
  return {
    requests: new Counter({
      name: "gatekeeper_validation_request_count_total",
      help: "The number of requests that are routed to validation webhook",
      labelNames: ["admission_status", "admission_dryrun"],
      registers,
    }),
    duration: new Histogram({
      name: "gatekeeper_validation_request_duration_seconds",
      help: "The response time in seconds",
      labelNames: ["admission_status"],
      buckets: requestBuckets,
      registers,
    }),
    constraints: new Gauge({
      name: "gatekeeper_constraints",
      help: "Current number of known constraints",
      labelNames: ["enforcement_action", "status"],
      registers,
    }),
    templates: new Gauge({
      name: "gatekeeper_constraint_templates",
      help: "Number of observed constraint templates",
      labelNames: ["status"],
      registers,
    }),
    celTemplates: new Gauge({
      name: "gatekeeper_constraint_templates_with_cel",
      help: "Number of constraint templates with CEL engine",
      registers,
    }),
    ingestions: new Counter({
      name: "gatekeeper_constraint_template_ingestion_count_total",
      help: "Total number of constraint template ingestion actions",
      labelNames: ["status"],
      registers,
    }),
    ingestionDuration: new Histogram({
      name: "gatekeeper_constraint_template_ingestion_duration_seconds",
      help: "Distribution of how long it took to ingest a constraint template in seconds",
      labelNames: ["status"],
      buckets: ingestionBuckets,
      registers,
    }),
  };
}

function ownMetrics(register: Registry) {
  const registers = [register];
  return {
    results: new Counter({
      name: "portcullis_policy_results_total",
      help: "What policies said about admission requests, by policy",
      labelNames: ["policy", "result", "action"],
      registers,
    }),
    overruns: new Counter({
      name: "portcullis_policy_overruns_total",
      help: "Evaluations that did not end within the time slice or before the deadline, by policy",
      labelNames: ["policy", "kind"],
      registers,
    }),
    set: new Gauge({
      name: "portcullis_policy_set_info",
      help: "The digest of the policy set that is being served",
      labelNames: ["digest"],
      registers,
    }),
    broken: new Gauge({
      name: "portcullis_policy_objects_broken",
      help: "Policy objects and files that cannot be read and are served in their last good form, or not at all",
      registers,
    }),
    reloads: new Counter({
      name: "portcullis_policy_reloads_total",
      help: "Reloads of the policy files",
      labelNames: ["status"],
      registers,
    }),
    reloadTime: new Gauge({
      name: "portcullis_policy_reload_timestamp_seconds",
      help: "When the policies were last loaded, in seconds since 1970",
      registers,
    }),
    externalData: new Counter({
      name: "portcullis_external_data_requests_total",
      help: "Requests to external data providers, by how they ended",
      labelNames: ["provider", "ended"],
      registers,
    }),
    shadows: new Counter({
      name: "portcullis_shadow_decisions_total",
      help: "Decisions about requests that a neighbour answers, and that were allowed by us whatever was decided",
      labelNames: ["decision"],
      registers,
    }),
    restarts: new Counter({
      name: "portcullis_evaluator_restarts_total",
      help: "Evaluator threads that were replaced, by reason",
      labelNames: ["reason"],
      registers,
    }),
  };
}
