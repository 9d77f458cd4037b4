// The Pod Security Standards as a table: each check with its level and, per version of Kubernetes, what it looks at. A
// check counts for a version when its entry is the newest that is not newer; for older versions its first entry counts
// all the same, which is Kyverno's reading. The order is that in which Kyverno runs them and shows what they found.
// Behaviour from pod-security-admission policy/{checks,check_*}.go and Kyverno pkg/pss/evaluate.go evaluatePSS.

import type { Pod } from "./pod.ts";
import type { Violation } from "./violation.ts";
import {
  allowPrivilegeEscalation,
  allowPrivilegeEscalationButWindows,
  capabilitiesBaseline,
  capabilitiesRestricted,
  capabilitiesRestrictedButWindows,
  hostPorts,
  hostProbesAndHostLifecycle,
  privileged,
  procMount,
} from "./checks/containers.ts";
import {
  appArmorProfile,
  runAsNonRoot,
  runAsUser,
  seLinuxOptions,
  seLinuxOptionsSince31,
  seccompAnnotations,
  seccompBaseline,
  seccompRestricted,
  seccompRestrictedButWindows,
  windowsHostProcess,
} from "./checks/contexts.ts";
import {
  hostNamespaces,
  hostPathVolumes,
  restrictedVolumes,
  sysctls,
  sysctlsSince27,
  sysctlsSince29,
  sysctlsSince32,
} from "./checks/pod.ts";

type CheckPod = (pod: Pod) => Violation | null;

/** A check as one level and version has it. */
export interface Check {
  readonly id: string;
  readonly checkPod: CheckPod;
}

interface Standard {
  readonly id: string;
  readonly level: "baseline" | "restricted";
  /** By minor version of Kubernetes 1, ascending. */
  readonly versions: readonly (readonly [number, CheckPod])[];
}

const standards: readonly Standard[] = [
  restricted("allowPrivilegeEscalation", [8, allowPrivilegeEscalation], [25, allowPrivilegeEscalationButWindows]),
  baseline("appArmorProfile", [0, appArmorProfile]),
  baseline("capabilities_baseline", [0, capabilitiesBaseline]),
  restricted("capabilities_restricted", [22, capabilitiesRestricted], [25, capabilitiesRestrictedButWindows]),
  baseline("hostNamespaces", [0, hostNamespaces]),
  baseline("hostPathVolumes", [0, hostPathVolumes]),
  baseline("hostPorts", [0, hostPorts]),
  baseline("hostProbesAndHostLifecycle", [34, hostProbesAndHostLifecycle]),
  baseline("privileged", [0, privileged]),
  baseline("procMount", [0, procMount]),
  restricted("restrictedVolumes", [0, restrictedVolumes]),
  restricted("runAsNonRoot", [0, runAsNonRoot]),
  restricted("runAsUser", [23, runAsUser]),
  baseline("seLinuxOptions", [0, seLinuxOptions], [31, seLinuxOptionsSince31]),
  baseline("seccompProfile_baseline", [0, seccompAnnotations], [19, seccompBaseline]),
  restricted("seccompProfile_restricted", [19, seccompRestricted], [25, seccompRestrictedButWindows]),
  baseline("sysctls", [0, sysctls], [27, sysctlsSince27], [29, sysctlsSince29], [32, sysctlsSince32]),
  baseline("windowsHostProcess", [0, windowsHostProcess]),
];

function baseline(id: string, ...versions: readonly (readonly [number, CheckPod])[]): Standard {
  return { id, level: "baseline", versions };
}

function restricted(id: string, ...versions: readonly (readonly [number, CheckPod])[]): Standard {
  return { id, level: "restricted", versions };
}

/**
 * The checks of a level at a minor version of Kubernetes 1 (Infinity for the latest). Every level but `baseline` means
 * all checks: Kyverno runs them for `privileged` too.
 */
export function checksOf(level: string, minor: number): readonly Check[] {
  return standards
    .filter((standard) => level !== "baseline" || standard.level === "baseline")
    .map(({ id, versions }) => {
      const newest = versions.findLast(([since]) => since <= minor) ?? versions[0];
      return { id, checkPod: newest?.[1] ?? (() => null) };
    });
}

/** The minor version that `latest`, `v1.24` or nothing stands for; null when the text is none of these. */
export function minorOf(version: string): number | null {
  if (version === "" || version === "latest") return Infinity;
  const minor = /^v1\.(\d|[1-9]\d*)$/.exec(version)?.[1];
  return minor === undefined || Number(minor) > Number.MAX_SAFE_INTEGER ? null : Number(minor);
}
