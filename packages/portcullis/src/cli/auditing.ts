// What the audit can be told on the command line: the peers' flags under their names. Those that say how Gatekeeper's audit
// reads the cluster are taken and mean nothing here: what policies match is watched.

import { type Command, InvalidArgumentError, Option } from "commander";
import type { AdmissionEventFlags } from "../app/admission-events.ts";
import type { AuditFlags } from "../app/auditing.ts";
import type { ReportApi } from "../controllers/reports/policy-report.ts";
import { wholeNumber } from "./arguments.ts";

export interface AuditingFlags {
  readonly auditInterval: number;
  readonly constraintViolationsLimit: number;
  readonly emitAdmissionEvents?: boolean;
  readonly admissionEventsInvolvedNamespace?: boolean;
  readonly emitAuditEvents?: boolean;
  readonly auditEventsInvolvedNamespace?: boolean;
  readonly enableViolationExport?: boolean;
  readonly auditConnection: string;
  readonly auditChannel: string;
  readonly openreportsEnabled?: boolean;
  readonly policyReports: boolean;
  readonly allowedResults: AuditFlags["reported"];
  readonly omitEvents: readonly string[];
}

export function withAuditing(command: Command): Command {
  const ignored = ["--audit-from-cache", "--audit-match-kind-only", "--log-stats-audit"];
  const ignoredValues = ["--audit-chunk-size <number>", "--api-cache-dir <folder>"];
  for (const flag of [...ignored, ...ignoredValues]) command.addOption(new Option(flag, "Gatekeeper's").hideHelp());
  return command
    .option("--audit-interval <seconds>", "how often the audit tells what it knows; 0: no audit", wholeNumber, 60)
    .option("--constraint-violations-limit <number>", "violations in a constraint's status", wholeNumber, 20)
    .option("--emit-admission-events", "an Event for each violation of a request")
    .option("--admission-events-involved-namespace", "those Events are in the namespace of their object")
    .option("--emit-audit-events", "an Event for each violation that the audit finds")
    .option("--audit-events-involved-namespace", "those Events are in the namespace of their object")
    .option("--enable-violation-export", "write the violations of each audit run through a Connection")
    .option("--audit-connection <name>", "the name of that Connection", "audit-connection")
    .option("--audit-channel <name>", "the folder below its path", "audit-channel")
    .option("--openreportsEnabled", "reports of openreports.io instead of wgpolicyk8s.io")
    .option("--no-policyReports", "write no reports")
    .option("--allowedResults <list>", "which results stand in reports", results, [...resultNames])
    .option("--omitEvents <list>", "reasons of Kyverno's Events that are not sent", list, [
      "PolicyApplied",
      "PolicySkipped",
    ]);
}

const resultNames = ["pass", "fail", "error", "warn", "skip"] as const;

function results(value: string): AuditFlags["reported"] {
  return list(value).map((name) => {
    const known = resultNames.find((one) => one === name);
    if (known === undefined) throw new InvalidArgumentError(`expected some of ${resultNames.join(",")}`);
    return known;
  });
}

function list(value: string): readonly string[] {
  return value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

export function eventFlags(flags: AuditingFlags): AdmissionEventFlags {
  return {
    gatekeeper: flags.emitAdmissionEvents === true,
    involvedNamespace: flags.admissionEventsInvolvedNamespace === true,
    omit: flags.omitEvents,
    reports: flags.policyReports ? { api: reportApi(flags), allowed: new Set(flags.allowedResults) } : null,
  };
}

function reportApi({ openreportsEnabled }: AuditingFlags): ReportApi {
  return openreportsEnabled === true ? "openreports.io" : "wgpolicyk8s.io";
}

/** Null: no audit. */
export function auditFlags(flags: AuditingFlags): AuditFlags | null {
  if (flags.auditInterval === 0) return null;
  const { auditConnection: connection, auditChannel: channel } = flags;
  return {
    intervalSeconds: flags.auditInterval,
    violationsLimit: flags.constraintViolationsLimit,
    reports: flags.policyReports ? reportApi(flags) : null,
    reported: flags.allowedResults,
    events: flags.emitAuditEvents === true,
    eventsInvolvedNamespace: flags.auditEventsInvolvedNamespace === true,
    omitEvents: flags.omitEvents,
    export: flags.enableViolationExport === true ? { connection, channel } : null,
  };
}
