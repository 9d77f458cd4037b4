// Events about what requests were denied, warned or recorded for, in the words of both peers: Gatekeeper's where they are
// wished for, Kyverno's unless they are not. A dry run leaves none.
// Gatekeeper: pkg/webhook/policy.go; Kyverno: pkg/webhooks/utils/event.go.

import type { ClusterClient } from "../cluster/api.ts";
import { admissionEvents } from "../controllers/events/gatekeeper.ts";
import { admissionTold, kyvernoEvent } from "../controllers/events/kyverno.ts";
import { createRecorder } from "../controllers/events/recorder.ts";
import type { AdmissionRecord } from "../server/metrics.ts";
import type { ServeOptions } from "./config.ts";

export interface AdmissionEventFlags {
  /** Gatekeeper: --emit-admission-events, --admission-events-involved-namespace. */
  readonly gatekeeper: boolean;
  readonly involvedNamespace: boolean;
  /** Kyverno: --omitEvents. */
  readonly omit: readonly string[];
}

export interface AdmissionEvents {
  readonly told: NonNullable<ServeOptions["told"]>;
  close(): void;
}

export function createAdmissionEvents(
  { gatekeeper, involvedNamespace, omit }: AdmissionEventFlags,
  { client, namespace, onError }: Pick<Sending, "client" | "namespace" | "onError">,
): AdmissionEvents {
  const recorder = createRecorder({ client, nowMs: () => performance.now(), onError });
  const settings = { namespace, involvedNamespace };
  const omitted = new Set(omit);
  const tell = (record: AdmissionRecord): void => {
    const epochMs = Date.now();
    if (gatekeeper && !record.dryRun) {
      for (const event of gatekeepers(record, settings, epochMs)) recorder.send(event);
    }
    if (record.found === undefined) return;
    for (const told of admissionTold(record.found)) {
      if (!omitted.has(told.reason)) recorder.send(kyvernoEvent(told, "kyverno-admission", epochMs));
    }
  };
  return {
    told: { violations: gatekeeper, kyverno: !omitted.has("PolicyViolation") || !omitted.has("PolicySkipped"), tell },
    close: () => recorder.close(),
  };
}

interface Sending {
  readonly client: Pick<ClusterClient, "create">;
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
