// Checks of what containers set for themselves. Behaviour from pod-security-admission policy/check_*.go.

import { Decimal, integerOf } from "@portcullis/lang";
import type { Json } from "../../../../engine/request.ts";
import { type Container, type Fields, type Pod, fieldsOf, listOf, optionalFields, textOf } from "../pod.ts";
import {
  type FieldError,
  type Violation,
  containersText,
  forbiddenAt,
  joinQuoted,
  plural,
  requiredAt,
  sortedSet,
} from "../violation.ts";

export function allowPrivilegeEscalation(pod: Pod): Violation | null {
  const errors: FieldError[] = [];
  const names: string[] = [];
  const field = "securityContext.allowPrivilegeEscalation";
  for (const container of pod.containers) {
    const value = container.securityContext?.["allowPrivilegeEscalation"] ?? null;
    if (value === false) continue;
    names.push(container.name);
    const isMissing = container.securityContext === null;
    errors.push(
      isMissing ? requiredAt(container, field) : forbiddenAt(container, field, value === null ? "nil" : true),
    );
  }
  if (names.length === 0) return null;
  const detail = `${containersText(names)} must set securityContext.allowPrivilegeEscalation=false`;
  return { reason: "allowPrivilegeEscalation != false", detail, errors };
}

export function allowPrivilegeEscalationButWindows(pod: Pod): Violation | null {
  return isWindows(pod) ? null : allowPrivilegeEscalation(pod);
}

export function isWindows(pod: Pod): boolean {
  return fieldsOf(pod.spec["os"])["name"] === "windows";
}

// ── capabilities

const defaultCapabilities = new Set([
  "AUDIT_WRITE",
  "CHOWN",
  "DAC_OVERRIDE",
  "FOWNER",
  "FSETID",
  "KILL",
  "MKNOD",
  "NET_BIND_SERVICE",
  "SETFCAP",
  "SETGID",
  "SETPCAP",
  "SETUID",
  "SYS_CHROOT",
]);

function capabilitiesOf(container: Container): Fields | null {
  return optionalFields(container.securityContext?.["capabilities"]);
}

interface Added {
  readonly names: string[];
  readonly values: string[];
  readonly errors: FieldError[];
}

/** Which containers add capabilities beyond the allowed ones. */
function addedBeyond(pod: Pod, allowed: (capability: string) => boolean): Added {
  const added: Added = { names: [], values: [], errors: [] };
  for (const container of pod.containers) {
    const bad = listOf(capabilitiesOf(container)?.["add"])
      .map(textOf)
      .filter((capability) => !allowed(capability));
    if (bad.length === 0) continue;
    added.names.push(container.name);
    added.values.push(...bad);
    added.errors.push(forbiddenAt(container, "securityContext.capabilities.add", sortedSet(bad)));
  }
  return added;
}

function addedText({ names, values }: Added): string {
  return `${containersText(names)} must not include ${joinQuoted(sortedSet(values))} in securityContext.capabilities.add`;
}

export function capabilitiesBaseline(pod: Pod): Violation | null {
  const added = addedBeyond(pod, (capability) => defaultCapabilities.has(capability));
  if (added.names.length === 0) return null;
  return { reason: "non-default capabilities", detail: addedText(added), errors: added.errors };
}

export function capabilitiesRestricted(pod: Pod): Violation | null {
  const undropped: string[] = [];
  const errors: FieldError[] = [];
  const field = "securityContext.capabilities.drop";
  for (const container of pod.containers) {
    const dropped = listOf(capabilitiesOf(container)?.["drop"]).map(textOf);
    if (dropped.includes("ALL")) continue;
    undropped.push(container.name);
    errors.push(
      dropped.length === 0 ? requiredAt(container, field) : forbiddenAt(container, field, sortedSet(dropped)),
    );
  }
  const added = addedBeyond(pod, (capability) => capability === "NET_BIND_SERVICE");
  const details: string[] = [];
  if (undropped.length > 0) {
    details.push(`${containersText(undropped)} must set securityContext.capabilities.drop=["ALL"]`);
  }
  if (added.names.length > 0) details.push(addedText(added));
  if (details.length === 0) return null;
  return { reason: "unrestricted capabilities", detail: details.join("; "), errors: [...errors, ...added.errors] };
}

export function capabilitiesRestrictedButWindows(pod: Pod): Violation | null {
  return isWindows(pod) ? null : capabilitiesRestricted(pod);
}

// ── single fields

export function privileged(pod: Pod): Violation | null {
  const bad = pod.containers.filter((container) => container.securityContext?.["privileged"] === true);
  if (bad.length === 0) return null;
  const names = bad.map((container) => container.name);
  const errors = bad.map((container) => forbiddenAt(container, "securityContext.privileged", true));
  return {
    reason: "privileged",
    detail: `${containersText(names)} must not set securityContext.privileged=true`,
    errors,
  };
}

export function procMount(pod: Pod): Violation | null {
  const names: string[] = [];
  const values: string[] = [];
  const errors: FieldError[] = [];
  for (const container of pod.containers) {
    const value = container.securityContext?.["procMount"];
    if (typeof value !== "string" || value === "Default") continue;
    names.push(container.name);
    values.push(value);
    errors.push(forbiddenAt(container, "securityContext.procMount", value));
  }
  if (names.length === 0) return null;
  const shown = joinQuoted(sortedSet(values));
  const detail = `${containersText(names)} must not set securityContext.procMount to ${shown}`;
  return { reason: "procMount", detail, errors };
}

export function hostPorts(pod: Pod): Violation | null {
  const names: string[] = [];
  const ports: string[] = [];
  const errors: FieldError[] = [];
  for (const container of pod.containers) {
    let isBad = false;
    listOf(container.fields["ports"]).forEach((port, at) => {
      const hostPort = portOf(fieldsOf(port)["hostPort"]);
      if (hostPort === 0) return;
      isBad = true;
      ports.push(String(hostPort));
      errors.push(forbiddenAt(container, `ports[${at}].hostPort`, hostPort));
    });
    if (isBad) names.push(container.name);
  }
  if (names.length === 0) return null;
  const shown = sortedSet(ports);
  const use = plural("uses", "use", names.length);
  const noun = plural("hostPort", "hostPorts", shown.length);
  return { reason: "hostPort", detail: `${containersText(names)} ${use} ${noun} ${shown.join(", ")}`, errors };
}

/** A number that fits 32 bits, as was checked. */
function portOf(value: Json): number {
  if (typeof value === "number") return value;
  return value instanceof Decimal ? Number(integerOf(value)) : 0;
}

// ── hosts of probes and lifecycle handlers

export function hostProbesAndHostLifecycle(pod: Pod): Violation | null {
  const names: string[] = [];
  const hosts: string[] = [];
  for (const { name, fields } of pod.containers) {
    const lifecycle = fieldsOf(fields["lifecycle"]);
    const actions = [
      fields["livenessProbe"],
      fields["readinessProbe"],
      fields["startupProbe"],
      lifecycle["postStart"],
      lifecycle["preStop"],
    ];
    const bad = actions.flatMap(hostsOf);
    if (bad.length === 0) continue;
    names.push(name);
    hosts.push(...bad);
  }
  if (names.length === 0) return null;
  const containers = sortedSet(names);
  const shown = sortedSet(hosts);
  const use = plural("uses", "use", containers.length);
  const noun = plural("probe or lifecycle host", "probe or lifecycle hosts", shown.length);
  const detail = `${containersText(containers)} ${use} ${noun} ${joinQuoted(shown)}`;
  return { reason: "probe or lifecycle host", detail, errors: null };
}

function hostsOf(action: Json): readonly string[] {
  const fields = fieldsOf(action);
  const hosts = [fieldsOf(fields["httpGet"])["host"], fieldsOf(fields["tcpSocket"])["host"]];
  return hosts.map(textOf).filter((host) => host !== "");
}
