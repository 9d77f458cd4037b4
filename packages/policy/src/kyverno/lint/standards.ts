// The fields that the levels of the Pod Security Standards look at, as far as other policies look at them too.

const baseline = [
  "spec.hostNetwork",
  "spec.hostPID",
  "spec.hostIPC",
  "spec.volumes[].hostPath",
  "spec.securityContext.sysctls",
  ...ofContainers(["ports[].hostPort", "securityContext.privileged", "securityContext.procMount"]),
  ...ofContainers(["securityContext.capabilities.add"]),
  ...ofBoth(["seLinuxOptions.type", "seccompProfile.type", "appArmorProfile.type", "windowsOptions.hostProcess"]),
];

const restricted = [
  ...baseline,
  ...ofContainers(["securityContext.allowPrivilegeEscalation", "securityContext.capabilities.drop"]),
  ...ofBoth(["runAsNonRoot", "runAsUser"]),
];

/** None for `privileged` and for what is no level. */
export function standardFields(level: string): readonly string[] {
  if (level === "restricted") return restricted;
  return level === "baseline" ? baseline : [];
}

function ofContainers(fields: readonly string[]): readonly string[] {
  return ["containers", "initContainers", "ephemeralContainers"].flatMap((list) =>
    fields.map((field) => `spec.${list}[].${field}`),
  );
}

/** Of the Pod's security context and the containers'. */
function ofBoth(fields: readonly string[]): readonly string[] {
  const inContext = fields.map((field) => `securityContext.${field}`);
  return [...inContext.map((field) => `spec.${field}`), ...ofContainers(inContext)];
}
