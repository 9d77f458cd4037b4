// Which lists merge, and by which keys, in the built-in kinds: those parts of the Kubernetes 1.21 API description (the one
// that kustomize, and so Kyverno's strategic merge, is built with) that lead to a list with the patch strategy "merge".
// Kinds and fields of newer versions and custom resources are not in it: there a patch replaces lists.
//
// A field is the name of a shape, or the keys of a list in brackets and the shape of its elements; a list without keys
// merges texts. Facts from Kubernetes api/openapi-spec/swagger.json, v1.21.2.

const shapes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  WithConditions: { metadata: "ObjectMeta", status: "Conditions" },
  Conditions: { conditions: "[type]" },
  CSINode: { metadata: "ObjectMeta", spec: "CSINodeSpec" },
  CSINodeSpec: { drivers: "[name]" },
  ComponentStatus: { conditions: "[type]", metadata: "ObjectMeta" },
  Container: {
    env: "[name]",
    ports: "[containerPort,protocol]",
    volumeDevices: "[devicePath]",
    volumeMounts: "[mountPath]",
  },
  CronJob: { metadata: "ObjectMeta", spec: "CronJobSpec" },
  CronJobSpec: { jobTemplate: "JobTemplateSpec" },
  OnlyMetadata: { metadata: "ObjectMeta" },
  Workload: { metadata: "ObjectMeta", spec: "WithPodTemplate", status: "Conditions" },
  WithPodTemplate: { template: "PodTemplateSpec" },
  EphemeralContainer: { env: "[name]", volumeDevices: "[devicePath]", volumeMounts: "[mountPath]" },
  EphemeralVolumeSource: { volumeClaimTemplate: "OnlyMetadata" },
  JobTemplateSpec: { metadata: "ObjectMeta", spec: "WithPodTemplate" },
  Webhooks: { metadata: "ObjectMeta", webhooks: "[name]" },
  Node: { metadata: "ObjectMeta", spec: "NodeSpec", status: "NodeStatus" },
  NodeSpec: { podCIDRs: "[]" },
  NodeStatus: { addresses: "[type]", conditions: "[type]" },
  ObjectMeta: { finalizers: "[]", ownerReferences: "[uid]" },
  Pod: { metadata: "ObjectMeta", spec: "PodSpec", status: "PodStatus" },
  PodSpec: {
    containers: "[name] Container",
    ephemeralContainers: "[name] EphemeralContainer",
    hostAliases: "[ip]",
    imagePullSecrets: "[name]",
    initContainers: "[name] Container",
    topologySpreadConstraints: "[topologyKey,whenUnsatisfiable]",
    volumes: "[name] Volume",
  },
  PodStatus: { conditions: "[type]", podIPs: "[ip]" },
  PodTemplate: { metadata: "ObjectMeta", template: "PodTemplateSpec" },
  PodTemplateSpec: { metadata: "ObjectMeta", spec: "PodSpec" },
  Service: { metadata: "ObjectMeta", spec: "ServiceSpec", status: "Conditions" },
  ServiceAccount: { metadata: "ObjectMeta", secrets: "[name]" },
  ServiceSpec: { ports: "[port,protocol]" },
  Volume: { ephemeral: "EphemeralVolumeSource" },
};

/** Kinds by shape; each text is an apiVersion and its kinds. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  WithConditions: [
    "apiregistration.k8s.io/v1 APIService",
    "apiregistration.k8s.io/v1beta1 APIService",
    "policy/v1 PodDisruptionBudget",
    "policy/v1beta1 PodDisruptionBudget",
    "v1 Namespace PersistentVolumeClaim",
  ],
  CSINode: ["storage.k8s.io/v1 CSINode", "storage.k8s.io/v1beta1 CSINode"],
  ComponentStatus: ["v1 ComponentStatus"],
  CronJob: ["batch/v1 CronJob", "batch/v1beta1 CronJob"],
  OnlyMetadata: [
    "apiextensions.k8s.io/v1 CustomResourceDefinition",
    "apiextensions.k8s.io/v1beta1 CustomResourceDefinition",
    "apps/v1 ControllerRevision",
    "authentication.k8s.io/v1 TokenRequest TokenReview",
    "authentication.k8s.io/v1beta1 TokenReview",
    "authorization.k8s.io/v1 LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    "authorization.k8s.io/v1beta1 LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    "autoscaling/v1 HorizontalPodAutoscaler Scale",
    "autoscaling/v2beta1 HorizontalPodAutoscaler",
    "autoscaling/v2beta2 HorizontalPodAutoscaler",
    "certificates.k8s.io/v1 CertificateSigningRequest",
    "certificates.k8s.io/v1beta1 CertificateSigningRequest",
    "coordination.k8s.io/v1 Lease",
    "coordination.k8s.io/v1beta1 Lease",
    "discovery.k8s.io/v1 EndpointSlice",
    "discovery.k8s.io/v1beta1 EndpointSlice",
    "events.k8s.io/v1 Event",
    "events.k8s.io/v1beta1 Event",
    "extensions/v1beta1 Ingress",
    "flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema PriorityLevelConfiguration",
    "networking.k8s.io/v1 Ingress IngressClass NetworkPolicy",
    "networking.k8s.io/v1beta1 Ingress IngressClass",
    "node.k8s.io/v1 RuntimeClass",
    "node.k8s.io/v1beta1 RuntimeClass",
    "policy/v1beta1 Eviction PodSecurityPolicy",
    "rbac.authorization.k8s.io/v1 ClusterRole ClusterRoleBinding Role RoleBinding",
    "rbac.authorization.k8s.io/v1beta1 ClusterRole ClusterRoleBinding Role RoleBinding",
    "scheduling.k8s.io/v1 PriorityClass",
    "scheduling.k8s.io/v1beta1 PriorityClass",
    "storage.k8s.io/v1 CSIDriver StorageClass VolumeAttachment",
    "storage.k8s.io/v1beta1 CSIDriver CSIStorageCapacity StorageClass VolumeAttachment",
    "v1 Binding ConfigMap Endpoints Event LimitRange PersistentVolume ResourceQuota Secret",
  ],
  Workload: ["apps/v1 DaemonSet Deployment ReplicaSet StatefulSet", "batch/v1 Job", "v1 ReplicationController"],
  Webhooks: [
    "admissionregistration.k8s.io/v1 MutatingWebhookConfiguration ValidatingWebhookConfiguration",
    "admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration ValidatingWebhookConfiguration",
  ],
  Node: ["v1 Node"],
  Pod: ["v1 Pod"],
  PodTemplate: ["v1 PodTemplate"],
  Service: ["v1 Service"],
  ServiceAccount: ["v1 ServiceAccount"],
};

/** What is known about the fields of an object. */
export type Shape = ReadonlyMap<string, FieldShape>;

interface FieldShape {
  /** Of the value, or of a list's elements; null where nothing below merges. */
  readonly shape: Shape | null;
  /** The keys by which a list merges, none for a list of texts; null for what is replaced. */
  readonly keys: readonly string[] | null;
}

const compiled = new Map<string, Shape>();

function shapeNamed(name: string): Shape {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const fields = new Map<string, FieldShape>();
  compiled.set(name, fields);
  for (const [field, text] of Object.entries(shapes[name] ?? {})) fields.set(field, fieldShape(text));
  return fields;
}

function fieldShape(text: string): FieldShape {
  const list = /^\[([^\]]*)\] ?(\w*)$/.exec(text);
  if (list === null) return { shape: shapeNamed(text), keys: null };
  const [, keys = "", shape = ""] = list;
  return { shape: shape === "" ? null : shapeNamed(shape), keys: keys === "" ? [] : keys.split(",") };
}

const shapeNames: ReadonlyMap<string, string> = new Map(
  Object.entries(kinds).flatMap(([shape, texts]) =>
    texts.flatMap((text) => {
      const [apiVersion = "", ...names] = text.split(" ");
      return names.map((kind): [string, string] => [`${apiVersion} ${kind}`, shape]);
    }),
  ),
);

/** The shape of a kind; null where it is not known. */
export function shapeOfKind(apiVersion: string, kind: string): Shape | null {
  const name = shapeNames.get(`${apiVersion} ${kind}`);
  return name === undefined ? null : shapeNamed(name);
}
