// What a run of the audit tells, in Gatekeeper's words: a log line when it begins, one for each violation, one for each
// constraint that has some, one when it ends; the numbers of its metrics; the violations as they are exported. Of several
// replicas each tells the violations of its own objects; what is counted over all objects is told by the one that leads.
// Gatekeeper: pkg/audit/manager.go log*, violationMsg; pkg/logging.

import { labelsOf, stringAt } from "@portcullis/kube";
import { durationText } from "@portcullis/lang/go";
import { isSecret, redacted } from "../../app/redaction.ts";
import { cutMessage, isViolation } from "../reports/constraint-status.ts";
import type { AuditRun } from "./options.ts";
import type { ObjectResults } from "./auditor.ts";
import { type PolicyObject, keyOfPolicy } from "./policies.ts";
import type { Result } from "./results.ts";

export interface Violation {
  readonly object: ObjectResults;
  readonly result: Result;
  readonly constraint: PolicyObject;
  /** Cut as in statuses: that is what is logged, told and exported, too. */
  readonly message: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the object. */
  readonly resourceVersion: string;
}

type Known = Pick<AuditRun, "policies" | "metadataOf">;

/** Null for what is no violation of a constraint that is known. */
export function violationOf(object: ObjectResults, result: Result, { policies, metadataOf }: Known): Violation | null {
  const constraint = isViolation(result) ? policies.objects.get(keyOfPolicy(result.policy)) : undefined;
  if (constraint === undefined) return null;
  const kept = metadataOf(object.key);
  const resourceVersion = stringAt(kept, "metadata", "resourceVersion");
  const message = cutMessage(result.message);
  return { object, result, constraint, message, labels: labelsOf(kept), resourceVersion };
}

/** The violations of a run, constraint errors included. */
export function* violationsOf(run: AuditRun): Generator<Violation> {
  for (const object of run.objects()) {
    if (!object.heads.some(isViolation)) continue;
    for (const result of object.results) {
      const violation = violationOf(object, result, run);
      if (violation !== null) yield violation;
    }
  }
}

export interface LogLine {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Resolves once the lines are written. */
export type Log = (lines: readonly LogLine[]) => Promise<void>;

export function detailsOf({ details }: Result): unknown {
  return details === "" ? null : (JSON.parse(details) as unknown);
}

/** So many lines are on their way at the same time: a run may have hundreds of thousands. */
const linesMax = 200;

export async function logRun(run: AuditRun, endedMs: number, log: Log): Promise<void> {
  let waiting: LogLine[] = [];
  for (const line of linesOf(run, endedMs)) {
    waiting.push(line);
    if (waiting.length < linesMax) continue;
    // oxlint-disable-next-line no-await-in-loop -- no more than can be written
    await log(waiting);
    waiting = [];
  }
  await log(waiting);
}

function* linesOf(run: AuditRun, endedMs: number): Generator<LogLine> {
  const base = { process: "audit", audit_id: run.id };
  yield {
    fields: { ...base, event_type: "audit_started", semantic: true },
    text: "auditing constraints and violations",
  };
  for (const violation of violationsOf(run)) {
    const text = isSecret(violation.object) ? redacted : violation.message;
    yield { fields: { ...base, ...violationFields(violation) }, text };
  }
  for (const [key, { total, actions: counts }] of run.constraints ?? []) {
    const constraint = run.policies.objects.get(key);
    if (constraint === undefined || total === 0) continue;
    const [action = ""] = Object.keys(counts);
    const fields = {
      event_type: "constraint_audited",
      semantic: true,
      ...constraintFields(constraint, action),
      constraint_status: "enforced",
      constraint_violations: String(total),
    };
    yield { fields: { ...base, ...fields }, text: "audit results for constraint" };
  }
  const duration = durationText(BigInt(Math.round((endedMs - run.startedMs) * 1e6)));
  yield { fields: { ...base, event_type: "audit_finished", semantic: true, duration }, text: "auditing is complete" };
}

function violationFields({ object, result, constraint, labels }: Violation): Readonly<Record<string, unknown>> {
  return {
    details: isSecret(object) ? redacted : detailsOf(result),
    event_type: "violation_audited",
    semantic: true,
    ...constraintFields(constraint, result.actionName),
    constraint_enforcement_actions: result.scoped,
    constraint_annotations: constraint.annotations,
    resource_group: object.group,
    resource_api_version: object.version,
    resource_kind: object.kind,
    resource_namespace: object.namespace,
    resource_name: object.name,
    resource_labels: labels,
  };
}

export function constraintFields(
  { id, group, version }: PolicyObject,
  action: string,
): Readonly<Record<string, string>> {
  return {
    constraint_group: group,
    constraint_api_version: version,
    constraint_kind: id.kind,
    constraint_name: id.name,
    constraint_namespace: "",
    constraint_action: action,
  };
}

/** What metrics show of a run. */
export interface RunRecord {
  /** Seconds since 1970. */
  readonly startedSeconds: number;
  readonly endedSeconds: number;
  /** Violations of all objects, by enforcement action; null where another replica leads. */
  readonly violations: Readonly<Record<string, number>> | null;
  /** That this replica audits. */
  readonly objects: number;
  /** Results of policies on who asks. */
  readonly notAuditable: number;
}

const actions = ["deny", "dryrun", "warn", "scoped", "unrecognized"];

export function recordOf(run: AuditRun, endedMs: number): RunRecord {
  let objects = 0;
  let notAuditable = 0;
  for (const { heads } of run.objects()) {
    objects++;
    for (const head of heads) if (head.notAuditable) notAuditable++;
  }
  const [startedSeconds, endedSeconds] = [run.startedMs / 1000, endedMs / 1000];
  return { startedSeconds, endedSeconds, violations: violationCounts(run), objects, notAuditable };
}

function violationCounts({ constraints }: AuditRun): RunRecord["violations"] {
  if (constraints === null) return null;
  const violations: Record<string, number> = Object.fromEntries(actions.map((action) => [action, 0]));
  for (const { actions: counts } of constraints.values()) {
    for (const [name, count] of Object.entries(counts)) {
      const action = actions.includes(name) ? name : "unrecognized";
      violations[action] = (violations[action] ?? 0) + count;
    }
  }
  return violations;
}
