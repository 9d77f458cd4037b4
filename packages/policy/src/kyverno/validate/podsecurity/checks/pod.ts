// Checks of what the Pod shares with its host: namespaces, volumes, kernel parameters. Behaviour from
// pod-security-admission policy/check_{hostNamespaces,hostPathVolumes,restrictedVolumes,sysctls}.go.

import { type Fields, type Pod, fieldsOf, listOf, textOf } from "../pod.ts";
import { type FieldError, type Violation, forbiddenIn, joinQuoted, plural, sortedSet } from "../violation.ts";

export function hostNamespaces(pod: Pod): Violation | null {
  const shared = ["hostNetwork", "hostPID", "hostIPC"].filter((field) => pod.spec[field] === true);
  if (shared.length === 0) return null;
  return {
    reason: "host namespaces",
    detail: shared.map((field) => `${field}=true`).join(", "),
    errors: shared.map((field) => forbiddenIn(`spec.${field}`, true)),
  };
}

export function hostPathVolumes(pod: Pod): Violation | null {
  const names: string[] = [];
  const errors: FieldError[] = [];
  listOf(pod.spec["volumes"]).forEach((volume, at) => {
    const fields = fieldsOf(volume);
    if (!isSet(fields, "hostPath")) return;
    names.push(textOf(fields["name"]));
    errors.push(forbiddenIn(`spec.volumes[${at}].hostPath`, textOf(fieldsOf(fields["hostPath"])["path"])));
  });
  if (names.length === 0) return null;
  return { reason: "hostPath volumes", detail: volumesText(names), errors };
}

function volumesText(names: readonly string[]): string {
  return `${plural("volume", "volumes", names.length)} ${joinQuoted(names)}`;
}

function isSet(fields: Fields, key: string): boolean {
  return fields[key] !== undefined && fields[key] !== null;
}

const allowedSources = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "image",
  "persistentVolumeClaim",
  "projected",
  "secret",
];

/** In the order in which a volume that has several of them is named. */
const forbiddenSources = [
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "gitRepo",
  "nfs",
  "iscsi",
  "glusterfs",
  "rbd",
  "flexVolume",
  "cinder",
  "cephfs",
  "flocker",
  "fc",
  "azureFile",
  "vsphereVolume",
  "quobyte",
  "azureDisk",
  "photonPersistentDisk",
  "portworxVolume",
  "scaleIO",
  "storageos",
];

export function restrictedVolumes(pod: Pod): Violation | null {
  const names: string[] = [];
  const sources: string[] = [];
  const errors: FieldError[] = [];
  listOf(pod.spec["volumes"]).forEach((volume, at) => {
    const fields = fieldsOf(volume);
    if (allowedSources.some((source) => isSet(fields, source))) return;
    const source = forbiddenSources.find((one) => isSet(fields, one)) ?? "unknown";
    names.push(textOf(fields["name"]));
    sources.push(source);
    errors.push(forbiddenIn(`spec.volumes[${at}].${source}`));
  });
  if (names.length === 0) return null;
  const shown = sortedSet(sources);
  const use = plural("uses", "use", names.length);
  const noun = plural("restricted volume type", "restricted volume types", shown.length);
  const detail = `${volumesText(names)} ${use} ${noun} ${joinQuoted(shown)}`;
  return { reason: "restricted volume types", detail, errors };
}

const allowedSince0 = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
];
const allowedSince27 = [...allowedSince0, "net.ipv4.ip_local_reserved_ports"];
const allowedSince29 = [
  ...allowedSince27,
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
];
const allowedSince32 = [...allowedSince29, "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"];

export const sysctls = sysctlsBut(allowedSince0);
export const sysctlsSince27 = sysctlsBut(allowedSince27);
export const sysctlsSince29 = sysctlsBut(allowedSince29);
export const sysctlsSince32 = sysctlsBut(allowedSince32);

function sysctlsBut(allowed: readonly string[]): (pod: Pod) => Violation | null {
  const safe = new Set(allowed);
  return (pod) => {
    const names: string[] = [];
    const errors: FieldError[] = [];
    listOf(pod.securityContext?.["sysctls"]).forEach((sysctl, at) => {
      const name = textOf(fieldsOf(sysctl)["name"]);
      if (safe.has(name)) return;
      names.push(name);
      errors.push(forbiddenIn(`spec.securityContext.sysctls[${at}].name`, name));
    });
    return names.length === 0 ? null : { reason: "forbidden sysctls", detail: names.join(", "), errors };
  };
}
