// Logs: JSON lines on standard error, one per event, never with an object, a body or a key in them. Denials carry
// Gatekeeper's keys (pkg/logging), so that what reads its logs reads ours.

import { type Logger, destination, pino, stdTimeFunctions } from "pino";
import type { AdmissionRecord } from "../server/metrics.ts";
import { isSecret, redacted } from "./redaction.ts";

export type { Logger } from "pino";

/** Writes to standard error, or to nothing. */
export function createLogger(to: "stderr" | "nowhere"): Logger {
  const options = {
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return to === "nowhere" ? pino({ ...options, enabled: false }) : pino(options, destination({ dest: 2, sync: true }));
}

/** One line per violation, with the keys of Gatekeeper. Gatekeeper: pkg/logging, pkg/webhook/policy.go getValidationMessages. */
export function logViolations(logger: Logger, record: AdmissionRecord): void {
  if (record.violations === undefined) return;
  const { subject, violations } = record.violations;
  const isHidden = isSecret(subject);
  for (const { group, version, kind, name, action, actions, message, details } of violations) {
    logger.info(
      {
        hookType: "validation",
        semantic: true,
        process: "admission",
        details: isHidden ? redacted : details,
        event_type: "violation",
        constraint_name: name,
        constraint_group: group,
        constraint_api_version: version,
        constraint_kind: kind,
        constraint_action: action,
        constraint_enforcement_actions: actions,
        resource_group: subject.group,
        resource_api_version: subject.version,
        resource_kind: subject.kind,
        resource_namespace: subject.namespace,
        resource_name: subject.name,
        request_username: subject.username,
      },
      `denied admission: ${isHidden ? redacted : message}`,
    );
  }
}

/** One line per mutated object, with the keys of Gatekeeper. Gatekeeper: pkg/mutation/logging.go. */
export function logMutations(logger: Logger, record: AdmissionRecord): void {
  if (record.mutated === undefined) return;
  const { subject, events } = record.mutated;
  for (const { id, passes } of events) {
    const iterations = passes.map((pass, at) => [`iteration_${at}`, pass.join(", ")] as const);
    logger.info(
      {
        process: "mutation",
        semantic: true,
        "Mutation Id": id,
        event_type: "mutation_applied",
        resource_group: subject.group,
        resource_kind: subject.kind,
        resource_api_version: subject.version,
        resource_namespace: subject.namespace,
        resource_name: subject.name,
        resource_source_type: "Original",
        request_username: subject.username,
        ...Object.fromEntries(iterations),
      },
      "Mutation applied",
    );
  }
}

/** How long each template took about a request. Gatekeeper: pkg/webhook/policy.go, pkg/logging LogStatsEntries. */
export function logStats(logger: Logger, record: AdmissionRecord): void {
  if (record.stats === undefined) return;
  const { subject, entries } = record.stats;
  logger.info(
    {
      semantic: true,
      process: "admission",
      event_type: "review_response_stats",
      resource_group: subject.group,
      resource_api_version: subject.version,
      resource_kind: subject.kind,
      resource_namespace: subject.namespace,
      request_username: subject.username,
      execution_stats: entries,
    },
    "admission review request stats",
  );
}
