// Violations as they are exported: a message when the audit begins, one per violation, one when it is complete; fields
// without a value are left out. Gatekeeper: pkg/export/util/util.go, pkg/audit/manager.go violationMsg.

import type { AuditRun } from "../audit/options.ts";
import { type Violation, detailsOf, violationsOf } from "../audit/runs.ts";

export type ExportMessage = Readonly<Record<string, unknown>>;

export function* exportMessages(run: AuditRun): Generator<ExportMessage> {
  yield { id: run.id, message: "audit is started" };
  for (const violation of violationsOf(run)) yield violationMessage(run.id, violation);
  yield { id: run.id, message: "audit is completed" };
}

/** In the order of Gatekeeper's struct. */
function violationMessage(id: string, { object, result, constraint, message, labels }: Violation): ExportMessage {
  return present({
    id,
    details: detailsOf(result),
    eventType: "violation_audited",
    group: constraint.group,
    version: constraint.version,
    kind: constraint.id.kind,
    name: constraint.id.name,
    message,
    enforcementAction: result.actionName,
    enforcementActions: result.scoped,
    constraintAnnotations: orNull(constraint.annotations),
    resourceGroup: object.group,
    resourceAPIVersion: object.version,
    resourceKind: object.kind,
    resourceNamespace: object.namespace,
    resourceName: object.name,
    resourceLabels: orNull(labels),
  });
}

function orNull(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> | null {
  return Object.keys(map).length === 0 ? null : map;
}

function present(fields: ExportMessage): ExportMessage {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}

/** Go's omitempty; `details` is an interface, of which only nil counts. */
function isEmpty(value: unknown): boolean {
  if (value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return false;
}
