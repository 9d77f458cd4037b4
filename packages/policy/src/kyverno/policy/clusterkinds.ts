// Kinds that belong to no namespace, by the names under which Kyverno looks for them: `Kind` alone, or `group/version/Kind`.
// Only built-in kinds are known when a policy is read; whatever else there is counts as namespaced.

import { builtinCatalog } from "@portcullis/kube";

/** The core group, and the others that have such kinds. */
const groups = (
  " rbac.authorization.k8s.io apiextensions.k8s.io admissionregistration.k8s.io storage.k8s.io scheduling.k8s.io " +
  "certificates.k8s.io networking.k8s.io node.k8s.io apiregistration.k8s.io flowcontrol.apiserver.k8s.io " +
  "authentication.k8s.io authorization.k8s.io resource.k8s.io"
).split(" ");

/** Whether a name stands for a kind of the cluster. */
export function isClusterKind(name: string): boolean {
  const parts = name.split("/");
  const kind = parts.at(-1) ?? "";
  const catalog = builtinCatalog();
  const isCluster = (group: string, version: string): boolean =>
    catalog.resourceOf({ group, version, kind })?.namespaced === false;
  if (parts.length === 1)
    return groups.some((group) => catalog.versionsOf({ group, kind }).some((version) => isCluster(group, version)));
  const [group = "", version = ""] = parts.length === 2 ? ["", parts[0]] : parts;
  return catalog.versionsOf({ group, kind }).includes(version) && isCluster(group, version);
}
