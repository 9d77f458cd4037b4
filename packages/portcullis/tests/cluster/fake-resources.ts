// What a fake cluster serves: the resources that controllers meet, those of CustomResourceDefinitions that are created in
// it, and whether they have a status of their own.

import { type GroupVersionKind, isObject, stringAt, valueAt } from "@portcullis/kube";
import type { ApiResource, ClusterObject } from "../../src/cluster/api.ts";

/** `group/version kinds`, an asterisk marks kinds of the cluster, a plus those with a status of their own. */
const table = `
v1: *+Namespace *+Node ConfigMap Secret Event Service+ ServiceAccount Pod+ *PersistentVolume+ ReplicationController+
apps/v1: Deployment+ DaemonSet+ ReplicaSet+ StatefulSet+ ControllerRevision
batch/v1: Job+ CronJob+
networking.k8s.io/v1: Ingress+ NetworkPolicy
rbac.authorization.k8s.io/v1: *ClusterRole *ClusterRoleBinding Role RoleBinding
coordination.k8s.io/v1: Lease
events.k8s.io/v1: Event
policy/v1: PodDisruptionBudget+
apiextensions.k8s.io/v1: *+CustomResourceDefinition
admissionregistration.k8s.io/v1: *ValidatingWebhookConfiguration *MutatingWebhookConfiguration *+ValidatingAdmissionPolicy *ValidatingAdmissionPolicyBinding
apiregistration.k8s.io/v1: *+APIService
`;

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

export interface ServedKind extends GroupVersionKind {
  readonly resource?: string;
  readonly namespaced?: boolean;
  readonly status?: boolean;
}

export function served(kind: ServedKind): ApiResource {
  const { group, version, namespaced = true, status = true } = kind;
  const singular = kind.kind.toLowerCase();
  const plural = singular.endsWith("y")
    ? `${singular.slice(0, -1)}ies`
    : `${singular}${/(s|ss|x)$/.test(singular) ? "es" : "s"}`;
  return {
    gvr: { group, version, resource: kind.resource ?? plural },
    gvk: { group, version, kind: kind.kind },
    namespaced,
    verbs,
    subresources: status ? ["status"] : [],
    preferred: true,
    shortNames: [],
    categories: [],
  };
}

export function builtinResources(): readonly ApiResource[] {
  return table
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [apiVersion = "", kinds = ""] = line.split(": ");
      const [group = "", version = ""] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
      return kinds.split(" ").map((word) =>
        served({
          group,
          version,
          kind: word.replaceAll(/[*+]/g, ""),
          namespaced: !word.includes("*"),
          status: word.includes("+"),
        }),
      );
    });
}

/** The resources of a CustomResourceDefinition, the storage version preferred. */
export function crdResources(crd: ClusterObject): readonly ApiResource[] {
  const versions = valueAt(crd, "spec", "versions");
  return (Array.isArray(versions) ? (versions as readonly unknown[]) : [])
    .filter((version) => valueAt(version, "served") !== false)
    .map((version) => ({
      ...served({
        group: stringAt(crd, "spec", "group"),
        version: stringAt(version, "name"),
        kind: stringAt(crd, "spec", "names", "kind"),
        resource: stringAt(crd, "spec", "names", "plural"),
        namespaced: stringAt(crd, "spec", "scope") !== "Cluster",
        status: isObject(valueAt(version, "subresources", "status")),
      }),
      preferred: valueAt(version, "storage") === true,
    }));
}
