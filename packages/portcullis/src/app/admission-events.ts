// Events about what requests were denied, warned or recorded for, in the words of both peers: Gatekeeper's where they are
// wished for, Kyverno's unless they are not; and reports of what Kyverno's policies find in requests alone. A dry run leaves
// none.
// Gatekeeper: pkg/webhook/policy.go; Kyverno: pkg/webhooks/utils/event.go.

import { type ClusterClient, isConflict } from "../cluster/api.ts";
import { createWorkQueue } from "../cluster/workqueue.ts";
import { admissionEvents } from "../controllers/events/gatekeeper.ts";
import { admissionTold, kyvernoEvent } from "../controllers/events/kyverno.ts";
import { createRecorder } from "../controllers/events/recorder.ts";
import { type AdmissionReports, createAdmissionReports } from "../controllers/reports/admission-reports.ts";
import type { ReportApi, ReportedResults } from "../controllers/reports/policy-report.ts";
import type { AdmissionRecord } from "../server/metrics.ts";
import type { ServeOptions } from "./config.ts";

export interface AdmissionEventFlags {
  /** Gatekeeper: --emit-admission-events, --admission-events-involved-namespace. */
  readonly gatekeeper: boolean;
  readonly involvedNamespace: boolean;
  /** Kyverno: --omitEvents. */
  readonly omit: readonly string[];
  /** Kyverno: --admissionReports, --allowedResults; null: no reports. */
  readonly reports: { readonly api: ReportApi; readonly allowed: ReportedResults } | null;
}

export interface AdmissionEvents {
  readonly told: NonNullable<ServeOptions["told"]>;
  /** Events that nobody will see. */
  readonly dropped: number;
  close(): void;
}

export function createAdmissionEvents(
  { gatekeeper, involvedNamespace, omit, reports: reported }: AdmissionEventFlags,
  { client, namespace, onError }: Sending,
): AdmissionEvents {
  const recorder = createRecorder({ client, nowMs: () => performance.now(), onError });
  const reports = reported === null ? null : admissionReports(reported, { client, onError });
  const settings = { namespace, involvedNamespace };
  const omitted = new Set(omit);
  const tell = (record: AdmissionRecord): void => {
    const epochMs = Date.now();
    if (gatekeeper && !record.dryRun) {
      for (const event of gatekeepers(record, settings, epochMs)) recorder.send(event);
    }
    if (record.found === undefined) return;
    reports?.add(record.found);
    for (const told of admissionTold(record.found)) {
      if (!omitted.has(told.reason)) recorder.send(kyvernoEvent(told, "kyverno-admission", epochMs));
    }
  };
  return {
    told: {
      violations: gatekeeper,
      kyverno: ["PolicyViolation", "PolicySkipped", "PolicyApplied"].some((reason) => !omitted.has(reason)),
      reports: reports !== null,
      tell,
    },
    get dropped() {
      return recorder.dropped;
    },
    close: () => {
      recorder.close();
      void reports?.close();
    },
  };
}

function admissionReports(
  reported: NonNullable<AdmissionEventFlags["reports"]>,
  { client, onError }: Pick<Sending, "client" | "onError">,
): AdmissionReports {
  // Another replica was asked about the same request: the queue tries again.
  const tell = (error: Error): void => (isConflict(error) ? undefined : onError(error));
  return createAdmissionReports({
    ...reported,
    client,
    createQueue: (work) => createWorkQueue({ work, workers: 4, onError: (_key, error) => tell(error) }),
    epochMs: () => Date.now(),
  });
}

interface Sending {
  readonly client: Pick<ClusterClient, "get" | "create" | "patch">;
  /** The product's own. */
  readonly namespace: string;
  readonly onError: (error: Error) => void;
}

function gatekeepers(
  { violations }: AdmissionRecord,
  settings: Parameters<typeof admissionEvents>[1],
  epochMs: number,
): ReturnType<typeof admissionEvents> {
  if (violations === undefined) return [];
  const { subject } = violations;
  const { kind, namespace, name, group, version, username } = subject;
  const involved = { kind, namespace, name, uid: "", resourceVersion: "" };
  return violations.violations.flatMap((violation) => {
    const { message, ...constraint } = violation;
    return admissionEvents({ involved, group, version, constraint, message, username }, settings, epochMs);
  });
}
