// The numbers of the audit: Gatekeeper's under their names, and our own. The time of the last run is what tells that the
// audit is alive. Of several replicas each audits its share of the objects, and its numbers are about that; violations are
// those of all objects, and only the replica that leads gives them. Gatekeeper: pkg/audit/stats_reporter.go.

import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** One run. */
export interface AuditRecord {
  /** Seconds since 1970. */
  readonly startedSeconds: number;
  readonly endedSeconds: number;
  /** Of all objects, by enforcement action; null where another replica leads. */
  readonly violations: Readonly<Record<string, number>> | null;
  readonly objects: number;
  /** Results of policies on who asks, which no audit can decide. */
  readonly notAuditable: number;
  /** Since the audit began. */
  readonly evaluations: number;
  readonly eventsDropped: number;
}

const durationBuckets = [1, 3, 5, 10, 15, 20, 40, 80, 160, 320].map((minutes) => minutes * 60);

export function auditMetrics(register: Registry): { readonly audited: (record: AuditRecord) => void } {
  const all = instruments(register);
  return {
    audited: ({ startedSeconds, endedSeconds, violations, objects, notAuditable, evaluations, eventsDropped }) => {
      if (violations === null) all.violations.reset();
      for (const [action, count] of Object.entries(violations ?? {}))
        all.violations.set({ enforcement_action: action }, count);
      all.duration.observe(endedSeconds - startedSeconds);
      all.started.set(Math.floor(startedSeconds));
      all.ended.set(Math.floor(endedSeconds));
      all.objects.set(objects);
      all.notAuditable.set(notAuditable);
      all.evaluations.reset();
      all.evaluations.inc(evaluations);
      all.eventsDropped.reset();
      all.eventsDropped.inc(eventsDropped);
    },
  };
}

function instruments(register: Registry) {
  const registers = [register];
  return {
    violations: new Gauge({
      name: "gatekeeper_violations",
      help: "Total number of audited violations, given by the replica that leads",
      labelNames: ["enforcement_action"],
      registers,
    }),
    duration: new Histogram({
      name: "gatekeeper_audit_duration_seconds",
      help: "Latency of audit operation in seconds",
      buckets: durationBuckets,
      registers,
    }),
    started: new Gauge({
      name: "gatekeeper_audit_last_run_time",
      help: "Timestamp of last audit run starting time",
      registers,
    }),
    ended: new Gauge({
      name: "gatekeeper_audit_last_run_end_time",
      help: "Timestamp of last audit run ending time",
      registers,
    }),
    objects: new Gauge({
      name: "portcullis_audit_objects",
      help: "Objects that the audit of this replica looks at",
      registers,
    }),
    notAuditable: new Gauge({
      name: "portcullis_audit_not_auditable",
      help: "Results of policies that look at who asks, which no audit can decide",
      registers,
    }),
    evaluations: new Counter({
      name: "portcullis_audit_evaluations_total",
      help: "How many times an object was evaluated by the audit of this replica",
      registers,
    }),
    eventsDropped: new Counter({
      name: "portcullis_audit_events_dropped_total",
      help: "Events of the audit that could not be sent",
      registers,
    }),
  };
}
