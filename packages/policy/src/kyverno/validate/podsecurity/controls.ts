// The names that policies use for controls, and which checks each of them covers. Behaviour from Kyverno
// pkg/pss/utils/mapping.go and api/kyverno/v1 PodSecurityStandard.

import { type FieldError, forbidden, invalid, isObject } from "@portcullis/kube";
import type { Json } from "../../../engine/request.ts";
import { listOf, textOf } from "./pod.ts";

const checksOfControl: ReadonlyMap<string, readonly string[]> = new Map([
  ["Capabilities", ["capabilities_baseline", "capabilities_restricted"]],
  ["Seccomp", ["seccompProfile_baseline", "seccompProfile_restricted"]],
  ["Privileged Containers", ["privileged"]],
  ["Host Ports", ["hostPorts"]],
  ["/proc Mount Type", ["procMount"]],
  ["HostProcess", ["windowsHostProcess"]],
  ["SELinux", ["seLinuxOptions"]],
  ["Host Namespaces", ["hostNamespaces"]],
  ["HostPath Volumes", ["hostPathVolumes"]],
  ["Sysctls", ["sysctls"]],
  ["AppArmor", ["appArmorProfile"]],
  ["Privilege Escalation", ["allowPrivilegeEscalation"]],
  ["Running as Non-root", ["runAsNonRoot"]],
  ["Running as Non-root user", ["runAsUser"]],
  ["Volume Types", ["restrictedVolumes"]],
]);

const ofContainers = new Set([
  "Capabilities",
  "Privileged Containers",
  "Host Ports",
  "/proc Mount Type",
  "Privilege Escalation",
]);

const ofPods = new Set(["Host Namespaces", "HostPath Volumes", "Sysctls", "Volume Types"]);

/** The ids of the checks that a control covers; none for a name that does not exist. */
export function checkIdsOf(control: string): readonly string[] {
  return checksOfControl.get(control) ?? [];
}

/** The control of a check; "" for one that no control covers. */
export function controlOf(checkId: string): string {
  for (const [control, ids] of checksOfControl) if (ids.includes(checkId)) return control;
  return "";
}

/** Controls that only `restricted` has; Capabilities and Seccomp have a baseline too. */
const onlyRestricted = new Set([
  "Volume Types",
  "Privilege Escalation",
  "Running as Non-root",
  "Running as Non-root user",
]);

/** Mistakes in `validate.podSecurity`, `field` being its path. Kyverno: Rule.ValidatePSaControlNames. */
export function podSecurityErrors(tree: Json, field: string): readonly FieldError[] {
  const fields = isObject(tree) ? tree : {};
  return listOf(fields["exclude"]).flatMap((entry, at) => {
    const path = `${field}.exclude[${at}]`;
    const control = textOf(isObject(entry) ? entry["controlName"] : undefined);
    const misplaced = fields["level"] === "baseline" && onlyRestricted.has(control);
    const wrongLevel = invalid(`${path}.controlName`, control, "Invalid control name defined at the given level");
    return excludeErrors(entry, path).concat(misplaced ? [wrongLevel] : []);
  });
}

/** Mistakes in an entry of `exclude` (of a rule, or of an exception's `podSecurity`), `field` being its path. */
export function excludeErrors(exclude: Json, field: string): readonly FieldError[] {
  const entry = isObject(exclude) ? exclude : {};
  const control = textOf(entry["controlName"]);
  const hasImages = listOf(entry["images"]).length > 0;
  const hasField = textOf(entry["restrictedField"]) !== "";
  const hasValues = listOf(entry["values"]).length > 0;
  const errors: FieldError[] = [];
  const wrongName = (why: string): FieldError => invalid(`${field}.controlName`, control, why);
  if (ofContainers.has(control) && !hasImages) {
    errors.push(wrongName("exclude.images must be specified for the container level control"));
  } else if (ofPods.has(control) && hasImages) {
    errors.push(wrongName("exclude.images must not be specified for the pod level control"));
  }
  if (hasField && !hasValues) errors.push(forbidden(`${field}.values`, "values is required"));
  if (!hasField && hasValues) errors.push(forbidden(`${field}.restrictedField`, "restrictedField is required"));
  return errors;
}
