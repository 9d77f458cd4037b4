// What an audit is given, and what it gives (audit.ts).

import type { Answer, Need, World } from "@portcullis/lang";
import type { PolicySet } from "@portcullis/policy";
import type { ClusterClient, ClusterObject, Informers, WorkQueue } from "../../cluster/api.ts";
import type { ConstraintResults } from "../reports/constraint-status.ts";
import type { ReportApi, ReportedResults } from "../reports/policy-report.ts";
import type { JudgedObject, ObjectResults } from "./auditor.ts";
import type { AuditData, AuditDataOptions } from "./data.ts";
import type { AuditedPolicies } from "./policies.ts";
import type { Result } from "./results.ts";
import type { AuditShare } from "./share.ts";

export interface AuditOptions {
  readonly client: ClusterClient;
  readonly informers: Informers;
  readonly createQueue: (work: (key: string) => Promise<void>) => WorkQueue;
  readonly settings: AuditSettings;
  /** The product's own: what is told to other replicas stands there. */
  readonly namespace: string;
  /** The whole audit when absent. */
  readonly share?: AuditShare;
  /** What policies look up; watched here when absent. */
  readonly createData?: (options: AuditDataOptions) => AuditData;
  /** The world of one decision. */
  readonly world: (answer: (need: Need) => Answer) => World;
  /** What is not known of the cluster: anything but Namespaces and the inventory. Never rejects. */
  readonly fetch: (needs: readonly Need[]) => Promise<readonly Answer[]>;
  /** The policy that runs at this moment. */
  readonly running?: () => string | null;
  readonly clock: AuditClock;
  /** What an object's results became, and what they were; whether its report, by whomever it was written, says so already. */
  readonly onResults?: (object: ObjectResults, before: readonly Result[], isTold: boolean) => void;
  /** All that is ours has been evaluated and told. */
  readonly onSettled?: () => void;
  /** After each run. */
  readonly onRun?: (run: AuditRun) => Promise<void> | void;
  readonly onError: (error: Error) => void;
}

interface AuditClock {
  /** Milliseconds since 1970. */
  readonly epochMs: () => number;
  /** On a monotonic clock. */
  readonly nowMs: () => number;
  /** Lets others run. */
  readonly pause: () => Promise<void>;
}

export interface AuditSettings {
  /** Between two runs; 0: no runs. */
  readonly intervalMs: number;
  /** Between two looks at whether the watches know all there is; 0: none. */
  readonly rescanMs: number;
  /** Violations in a constraint's status. Gatekeeper: --constraint-violations-limit. */
  readonly violationsLimit: number;
  /** Null: no reports. */
  readonly reports: ReportApi | null;
  /** Which results stand in reports. Kyverno: --allowedResults. */
  readonly reported: ReportedResults;
  /** Milliseconds that all policies together have for one object. */
  readonly objectMs: number;
  /** Milliseconds of work between two pauses. */
  readonly turnMs: number;
  /** How long changes are gathered before work on them begins. */
  readonly gatherMs: number;
}

export const defaultAuditSettings: AuditSettings = {
  intervalMs: 60_000,
  rescanMs: 3_600_000,
  violationsLimit: 20,
  reports: "wgpolicyk8s.io",
  reported: new Set(["pass", "fail", "warn", "error", "skip"] as const),
  objectMs: 10_000,
  turnMs: 5,
  gatherMs: 300,
};

/** What is known at the moment of a run. */
export interface AuditRun {
  /** RFC 3339, to the second. */
  readonly id: string;
  readonly startedMs: number;
  readonly policies: AuditedPolicies;
  readonly objects: () => Iterable<JudgedObject>;
  /** What all replicas found, by constraint (`keyOfPolicy`); null where another replica leads. */
  readonly constraints: ReadonlyMap<string, ConstraintResults> | null;
  /** Labels and version of an object. */
  readonly metadataOf: (key: string) => ClusterObject | null;
}

export interface Audit {
  setPolicies(set: PolicySet): void;
  /** Which objects are ours, and whether we write what is one over all. */
  setShare(share: AuditShare): void;
  /** Resolves when all that is known has been evaluated and written. */
  settled(): Promise<void>;
  readonly policies: AuditedPolicies | null;
  objects(): Iterable<JudgedObject>;
  metadataOf(key: string): ClusterObject | null;
  /** How many times an object was evaluated since the start. */
  readonly evaluations: number;
  /** Looks now whether the watches know all there is. */
  rescan(): Promise<void>;
  close(): Promise<void>;
}
