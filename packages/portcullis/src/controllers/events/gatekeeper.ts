// Gatekeeper's Events about violations: in the product's own namespace, about a reference that names the object and the
// constraint, or, where it is wished, in the namespace of the object and about the object itself.
// Gatekeeper: pkg/audit/manager.go emitEvent, pkg/webhook/policy.go getValidationMessages.

import { timestamp } from "../audit/audit.ts";
import { type Violation, constraintFields } from "../audit/runs.ts";
import type { OutgoingEvent } from "./recorder.ts";

export interface GatekeeperEventSettings {
  /** Where Events go that are not in the namespace of their object. */
  readonly namespace: string;
  /** Gatekeeper: --audit-events-involved-namespace, --admission-events-involved-namespace. */
  readonly involvedNamespace: boolean;
}

interface Involved {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

interface Told {
  readonly involved: Involved;
  readonly constraint: { readonly kind: string; readonly name: string };
  readonly component: string;
  readonly reason: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** What stands before the constraint in the message; "" for nothing. */
  readonly head: string;
  readonly message: string;
}

/** A violation that an audit found. */
export function auditEvent(violation: Violation, settings: GatekeeperEventSettings, epochMs: number): OutgoingEvent {
  const { object, result, constraint, message, resourceVersion } = violation;
  const { kind, namespace, name, uid } = object;
  const annotations = {
    process: "audit",
    auditTimestamp: timestamp(epochMs),
    event_type: "violation_audited",
    ...constraintFields(constraint, result.actionName),
    constraint_enforcement_actions: result.scoped.join(","),
    resource_group: object.group,
    resource_api_version: object.version,
    resource_kind: kind,
    resource_namespace: namespace,
    resource_name: name,
  };
  const told: Told = {
    involved: { kind, namespace, name, uid, resourceVersion },
    constraint: constraint.id,
    component: "gatekeeper-audit",
    reason: "AuditViolation",
    annotations,
    head: "",
    message,
  };
  return eventOf(told, settings, epochMs);
}

/** What an admission request violated. */
export interface AdmissionViolation {
  readonly involved: Involved;
  readonly group: string;
  readonly version: string;
  readonly constraint: {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
    readonly name: string;
    readonly action: string;
    readonly actions: readonly string[];
  };
  readonly message: string;
  readonly username: string;
}

/** One for each action that held. */
export function admissionEvents(
  { involved, group, version, constraint, message, username }: AdmissionViolation,
  settings: GatekeeperEventSettings,
  epochMs: number,
): readonly OutgoingEvent[] {
  const annotations = {
    process: "admission",
    event_type: "violation",
    constraint_name: constraint.name,
    constraint_group: constraint.group,
    constraint_api_version: constraint.version,
    constraint_kind: constraint.kind,
    constraint_action: constraint.action,
    constraint_enforcement_actions: constraint.actions.join(","),
    resource_group: group,
    resource_api_version: version,
    resource_kind: involved.kind,
    resource_namespace: involved.namespace,
    resource_name: involved.name,
    request_username: username,
  };
  const actions = constraint.actions.length === 0 ? [constraint.action] : constraint.actions;
  return actions.map((action) => {
    const { reason, head } = admissionReasons.get(action) ?? denied;
    const component = "gatekeeper-webhook";
    return eventOf({ involved, constraint, component, reason, annotations, head, message }, settings, epochMs);
  });
}

const denied = { reason: "FailedAdmission", head: 'Admission webhook "validation.gatekeeper.sh" denied request' };

const admissionReasons: ReadonlyMap<string, { readonly reason: string; readonly head: string }> = new Map([
  ["dryrun", { reason: "DryrunViolation", head: "Dryrun violation" }],
  [
    "warn",
    {
      reason: "WarningAdmission",
      head: 'Admission webhook "validation.gatekeeper.sh" raised a warning for this request',
    },
  ],
]);

function eventOf(
  told: Told,
  { namespace, involvedNamespace }: GatekeeperEventSettings,
  epochMs: number,
): OutgoingEvent {
  const { involved, constraint, component, reason, annotations, head, message } = told;
  const isInvolved = involvedNamespace && involved.namespace !== "";
  const where = isInvolved ? involved.namespace : namespace;
  const parts = [
    ...(head === "" ? [] : [head]),
    ...(involvedNamespace ? [] : [`Resource Namespace: ${involved.namespace}`]),
    `Constraint: ${constraint.name}`,
    `Message: ${message}`,
  ];
  const made = `${involved.kind}/${involved.namespace}/${involved.name}/${constraint.kind}//${constraint.name}`;
  const hasIdentity = involvedNamespace && involved.uid !== "" && involved.resourceVersion !== "";
  const time = timestamp(epochMs);
  const event = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: eventName(involved.name, epochMs), namespace: where, annotations },
    involvedObject: {
      kind: involved.kind,
      namespace: where,
      name: involved.name,
      ...(hasIdentity ? { uid: involved.uid, resourceVersion: involved.resourceVersion } : {}),
      ...(involvedNamespace ? {} : { uid: made }),
    },
    reason,
    message: parts.join(", "),
    source: { component },
    reportingComponent: component,
    reportingInstance: "",
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    type: "Warning",
  };
  const resource = { group: "", version: "v1", resource: "events" };
  return { resource, event, key: `${component} ${reason} ${where} ${made} ${message}` };
}

let counted = 0;

/** A name that no other Event has: in each process the numbers go up. */
export function eventName(name: string, epochMs: number): string {
  const safe = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, "-")
    .replace(/^[^a-z0-9]/, "a$&")
    .replace(/[^a-z0-9]$/, "$&z");
  const nanoseconds = BigInt(Math.round(epochMs)) * 1_000_000n + BigInt(counted++ % 1_000_000);
  return `${safe}.${nanoseconds.toString(16)}`;
}
