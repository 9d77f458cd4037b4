// Kinds, their resources and scopes: the built-in kinds of Kubernetes 1.36 as a compact table, and whatever
// CustomResourceDefinitions add. A kind that is not known has no resource here; guessing a plural is what a caller may
// do knowingly with `guessResource`.
// From k8s.io/api 0.36 (the `+genclient` marks of its types) and the API groups of kube-apiserver 1.36.

import { type GroupVersionKind, type GroupVersionResource, groupKindKey } from "./gvk.ts";
import { isObject, stringAt, valueAt } from "./object.ts";

export interface ResourceInfo {
  readonly resource: GroupVersionResource;
  readonly namespaced: boolean;
}

/** Structurally the Catalog of the policy engine, with a way to add CRDs. */
export interface KindCatalog {
  /** The resource and scope of a kind; null when it is not known. */
  resourceOf(kind: GroupVersionKind): ResourceInfo | null;
  /** The `openAPIV3Schema` of a kind in this version; null when there is none (built-in kinds have none here). */
  schemaOf(kind: GroupVersionKind): unknown;
  /** The kind that a resource holds; null when it is not known. */
  kindOf(resource: GroupVersionResource): GroupVersionKind | null;
  /** The versions of a group's kind, in the order in which they are preferred; empty when it is not known. */
  versionsOf(kind: { readonly group: string; readonly kind: string }): readonly string[];
  /** A catalog that also knows what a CustomResourceDefinition (v1, v1beta1) defines. */
  withCrd(crd: unknown): KindCatalog;
}

interface Entry {
  readonly group: string;
  readonly kind: string;
  readonly resource: string;
  readonly namespaced: boolean;
  readonly versions: readonly string[];
  readonly schemas: ReadonlyMap<string, unknown>;
}

/**
 * A line per group and list of versions: `group versions: kinds`; `-` is the core group. An asterisk marks kinds of
 * the cluster, a plural stands after a slash where it is not regular.
 */
const builtinTable = `
- v1: *ComponentStatus ConfigMap Endpoints/endpoints Event LimitRange *Namespace *Node *PersistentVolume PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service ServiceAccount Binding
admissionregistration.k8s.io v1: *ValidatingWebhookConfiguration *MutatingWebhookConfiguration
admissionregistration.k8s.io v1,v1beta1,v1alpha1: *ValidatingAdmissionPolicy *ValidatingAdmissionPolicyBinding *MutatingAdmissionPolicy *MutatingAdmissionPolicyBinding
apiextensions.k8s.io v1: *CustomResourceDefinition
apiregistration.k8s.io v1: *APIService
apps v1: ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet
authentication.k8s.io v1: *TokenReview *SelfSubjectReview
authorization.k8s.io v1: LocalSubjectAccessReview *SelfSubjectAccessReview *SelfSubjectRulesReview *SubjectAccessReview
autoscaling v2,v1: HorizontalPodAutoscaler
batch v1: CronJob Job
certificates.k8s.io v1: *CertificateSigningRequest
certificates.k8s.io v1beta1,v1alpha1: *ClusterTrustBundle
certificates.k8s.io v1beta1: PodCertificateRequest
coordination.k8s.io v1: Lease
coordination.k8s.io v1beta1,v1alpha2: LeaseCandidate
discovery.k8s.io v1: EndpointSlice
events.k8s.io v1: Event
flowcontrol.apiserver.k8s.io v1: *FlowSchema *PriorityLevelConfiguration
internal.apiserver.k8s.io v1alpha1: *StorageVersion
networking.k8s.io v1: Ingress *IngressClass NetworkPolicy
networking.k8s.io v1,v1beta1: *IPAddress *ServiceCIDR
node.k8s.io v1: *RuntimeClass
policy v1: PodDisruptionBudget Eviction
rbac.authorization.k8s.io v1: *ClusterRole *ClusterRoleBinding Role RoleBinding
resource.k8s.io v1,v1beta2,v1beta1: *DeviceClass ResourceClaim ResourceClaimTemplate *ResourceSlice
resource.k8s.io v1beta2,v1alpha3: *DeviceTaintRule
resource.k8s.io v1alpha3: *ResourcePoolStatusRequest
scheduling.k8s.io v1: *PriorityClass
scheduling.k8s.io v1alpha2: Workload PodGroup
storage.k8s.io v1: *CSIDriver *CSINode CSIStorageCapacity *StorageClass *VolumeAttachment *VolumeAttributesClass
storagemigration.k8s.io v1beta1: *StorageVersionMigration
`;

/** Served by older clusters only; manifests for them are still checked on the command line. */
const formerTable = `
admissionregistration.k8s.io v1beta1: *ValidatingWebhookConfiguration *MutatingWebhookConfiguration
apiextensions.k8s.io v1beta1: *CustomResourceDefinition
apps v1beta2,v1beta1: ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet
autoscaling v2beta2,v2beta1: HorizontalPodAutoscaler
batch v1beta1: CronJob
certificates.k8s.io v1beta1: *CertificateSigningRequest
coordination.k8s.io v1beta1: Lease
discovery.k8s.io v1beta1: EndpointSlice
events.k8s.io v1beta1: Event
extensions v1beta1: DaemonSet Deployment Ingress NetworkPolicy *PodSecurityPolicy ReplicaSet
flowcontrol.apiserver.k8s.io v1beta3,v1beta2,v1beta1: *FlowSchema *PriorityLevelConfiguration
networking.k8s.io v1beta1: Ingress *IngressClass
node.k8s.io v1beta1: *RuntimeClass
policy v1beta1: PodDisruptionBudget *PodSecurityPolicy
rbac.authorization.k8s.io v1beta1: *ClusterRole *ClusterRoleBinding Role RoleBinding
scheduling.k8s.io v1beta1: *PriorityClass
storage.k8s.io v1beta1: *CSIDriver *CSINode CSIStorageCapacity *StorageClass *VolumeAttachment
`;

/** The built-in kinds of Kubernetes 1.36 and the versions of them that older clusters served. */
export function builtinCatalog(): KindCatalog {
  return catalogOf(builtins());
}

const builtins = once(() => {
  const entries = new Map<string, Entry>();
  for (const entry of [...entriesOf(builtinTable), ...entriesOf(formerTable)]) {
    const key = groupKindKey(entry);
    const earlier = entries.get(key);
    const versions = [...new Set([...(earlier?.versions ?? []), ...entry.versions])];
    entries.set(key, { ...entry, versions });
  }
  return entries;
});

/**
 * The built-in kind that is meant by a resource's name or by other letters, `Pods`, `deployment`; null for a kind as it is
 * written and for names that mean none.
 */
export function meantKind(name: string): string | null {
  const meant = kindsByName().get(name.toLowerCase());
  return meant === undefined || meant.has(name) ? null : ([...meant][0] ?? null);
}

/** By kinds and resources in lower case. */
const kindsByName = once(() => {
  const names = new Map<string, Set<string>>();
  for (const { kind, resource } of builtins().values()) {
    for (const name of [kind.toLowerCase(), resource]) names.set(name, (names.get(name) ?? new Set()).add(kind));
  }
  return names;
});

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | null = null;
  return () => (made ??= { value: make() }).value;
}

function* entriesOf(table: string): Generator<Entry> {
  for (const line of table.trim().split("\n")) {
    const [head = "", kinds = ""] = line.split(": ");
    const [group = "", versions = ""] = head.split(" ");
    for (const word of kinds.split(" ")) {
      const [kind = "", plural] = word.replace("*", "").split("/");
      yield {
        group: group === "-" ? "" : group,
        kind,
        resource: plural ?? guessResource(kind),
        namespaced: !word.startsWith("*"),
        versions: versions.split(","),
        schemas: new Map(),
      };
    }
  }
}

function catalogOf(entries: ReadonlyMap<string, Entry>): KindCatalog {
  const byResource = once(
    () => new Map([...entries.values()].map((entry) => [`${entry.group}/${entry.resource}`, entry])),
  );
  return {
    resourceOf({ group, version, kind }) {
      const entry = entries.get(groupKindKey({ group, kind }));
      if (entry === undefined) return null;
      return { resource: { group, version, resource: entry.resource }, namespaced: entry.namespaced };
    },
    schemaOf: (kind) => entries.get(groupKindKey(kind))?.schemas.get(kind.version) ?? null,
    kindOf({ group, version, resource }) {
      const entry = byResource().get(`${group}/${resource}`);
      return entry === undefined ? null : { group, version, kind: entry.kind };
    },
    versionsOf: (kind) => entries.get(groupKindKey(kind))?.versions ?? [],
    withCrd(crd) {
      const entry = entryOfCrd(crd);
      return entry === null ? this : catalogOf(new Map([...entries, [groupKindKey(entry), entry]]));
    },
  };
}

/** What a CustomResourceDefinition defines; null when its names are missing. */
function entryOfCrd(crd: unknown): Entry | null {
  const kind = stringAt(crd, "spec", "names", "kind");
  const group = stringAt(crd, "spec", "group");
  if (kind === "" || group === "") return null;
  const listed = valueAt(crd, "spec", "versions");
  const versions: readonly unknown[] = Array.isArray(listed) ? listed : [];
  const common = valueAt(crd, "spec", "validation", "openAPIV3Schema");
  const single = stringAt(crd, "spec", "version");
  const schemas = new Map<string, unknown>();
  const names: string[] = [];
  for (const version of versions.length === 0 && single !== "" ? [{ name: single, served: true }] : versions) {
    if (!isObject(version) || typeof version["name"] !== "string" || version["served"] === false) continue;
    names.push(version["name"]);
    const schema = valueAt(version, "schema", "openAPIV3Schema") ?? common;
    if (schema !== undefined) schemas.set(version["name"], schema);
  }
  const plural = stringAt(crd, "spec", "names", "plural");
  const namespaced = stringAt(crd, "spec", "scope") !== "Cluster";
  return {
    group,
    kind,
    resource: plural === "" ? guessResource(kind) : plural,
    namespaced,
    versions: names.toSorted(compareVersions),
    schemas,
  };
}

/** The plural that Go guesses: `networkpolicies`, `ingresses`, also `gatewaies`. Go: `meta.UnsafeGuessKindToResource`. */
export function guessResource(kind: string): string {
  const singular = kind.toLowerCase();
  if (singular === "endpoints") return singular;
  if (singular.endsWith("s")) return `${singular}es`;
  return singular.endsWith("y") ? `${singular.slice(0, -1)}ies` : `${singular}s`;
}

/**
 * The order in which versions are preferred: stable before beta before alpha, higher before lower, other names last.
 * Go: k8s.io/apimachinery pkg/version CompareKubeAwareVersionStrings, reversed.
 */
export function compareVersions(a: string, b: string): number {
  const left = versionRank(a);
  const right = versionRank(b);
  if (left === null || right === null) return left !== null ? -1 : right !== null ? 1 : a < b ? -1 : a > b ? 1 : 0;
  return right.stage - left.stage || right.major - left.major || right.minor - left.minor;
}

function versionRank(
  version: string,
): { readonly stage: number; readonly major: number; readonly minor: number } | null {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return null;
  const [, major = "", stage, minor = "0"] = match;
  return { stage: stage === undefined ? 2 : stage === "beta" ? 1 : 0, major: Number(major), minor: Number(minor) };
}
