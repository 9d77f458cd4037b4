// What the product may do on a cluster: one table, of which its Roles are made. Policies of both dialects are read, their statuses
// and reports are written, definitions of constraints are made; the webhook configurations and the Secret are ours by name.
// The kinds of Kubernetes itself are read, except Secrets; custom kinds that policies match or read come by labelled
// ClusterRoles, which the API server adds to ours (aggregation).

import type { GroupVersionResource, JsonRecord } from "@portcullis/kube";
import { uncheckedName } from "../entries/unchecked.ts";
import { managedBy } from "./crds/crd.ts";

interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

const read = ["get", "list", "watch"];

/** The label of ClusterRoles that are added to ours. */
export const aggregationLabel = { "rbac.portcullis.dev/aggregate-to-portcullis": "true" };

const policyGroups = [
  "templates.gatekeeper.sh",
  "constraints.gatekeeper.sh",
  "mutations.gatekeeper.sh",
  "expansion.gatekeeper.sh",
  "config.gatekeeper.sh",
  "syncset.gatekeeper.sh",
  "externaldata.gatekeeper.sh",
  "connection.gatekeeper.sh",
  "kyverno.io",
  "policies.kyverno.io",
];

/** Of the cluster. `names` are those of the webhook configurations. */
function clusterRules(names: readonly string[]): readonly PolicyRule[] {
  return [
    { apiGroups: policyGroups, resources: ["*"], verbs: read },
    // A status is a resource of its own: nothing else of a policy is ours to change.
    { apiGroups: policyGroups, resources: ["*/status"], verbs: ["get", "update", "patch"] },
    {
      apiGroups: ["apiextensions.k8s.io"],
      resources: ["customresourcedefinitions"],
      verbs: [...read, "create", "update", "patch", "delete"],
    },
    {
      apiGroups: ["admissionregistration.k8s.io"],
      resources: ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
      verbs: [...read, "create"],
    },
    {
      apiGroups: ["admissionregistration.k8s.io"],
      resources: ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
      verbs: ["update", "patch", "delete"],
      resourceNames: names,
    },
    {
      apiGroups: ["wgpolicyk8s.io", "openreports.io"],
      resources: ["*"],
      verbs: [...read, "create", "update", "patch", "delete"],
    },
    { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] },
    { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: read },
    // What `authorizer` in a policy's expressions asks; it changes nothing.
    { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
    ...readRules,
  ];
}

/** What policies of the usual libraries match and read. Secrets are not among it. */
const readRules: readonly PolicyRule[] = [
  {
    apiGroups: [""],
    resources: [
      "configmaps",
      "endpoints",
      "limitranges",
      "namespaces",
      "nodes",
      "persistentvolumeclaims",
      "persistentvolumes",
      "pods",
      "podtemplates",
      "replicationcontrollers",
      "resourcequotas",
      "serviceaccounts",
      "services",
    ],
    verbs: read,
  },
  ...[
    "apps",
    "autoscaling",
    "batch",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "gateway.networking.k8s.io",
  ].map((group) => ({ apiGroups: [group], resources: ["*"], verbs: read })),
];

/** Whether everybody's policies may look at it, without a role of their own. */
function isReadAnyway({ group, resource }: Omit<GroupVersionResource, "version">): boolean {
  return clusterRules([]).some(
    ({ apiGroups, resources, verbs }) =>
      verbs.includes("list") && apiGroups.includes(group) && (resources.includes("*") || resources.includes(resource)),
  );
}

/** The role that is added to ours, for what policies look at; null when nothing is to be added. */
export function policyRole(needed: readonly Omit<GroupVersionResource, "version">[]): JsonRecord | null {
  const resources = new Map<string, string[]>();
  for (const one of needed.filter((each) => !isReadAnyway(each))) {
    resources.set(one.group, [...(resources.get(one.group) ?? []), one.resource]);
  }
  if (resources.size === 0) return null;
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "portcullis-policies", labels: { ...managedBy, ...aggregationLabel } },
    rules: [...resources].map(([group, names]) => ({ apiGroups: [group], resources: names, verbs: read })),
  };
}

/** Of the product's own namespace. */
function namespaceRules(secretName: string | null): readonly PolicyRule[] {
  return [
    {
      apiGroups: ["coordination.k8s.io"],
      resources: ["leases"],
      verbs: [...read, "create", "update", "patch", "delete"],
    },
    // What each replica's audit found (controllers/reports/audit-parts.ts).
    {
      apiGroups: ["portcullis.dev"],
      resources: ["auditparts"],
      verbs: [...read, "create", "patch", "delete"],
    },
    { apiGroups: [""], resources: ["configmaps"], verbs: ["create"] },
    { apiGroups: [""], resources: ["configmaps"], verbs: ["update", "delete"], resourceNames: [uncheckedName] },
    ...(secretName === null ? [] : secretRules(secretName)),
  ];
}

function secretRules(secretName: string): readonly PolicyRule[] {
  return [
    { apiGroups: [""], resources: ["secrets"], verbs: ["create"] },
    { apiGroups: [""], resources: ["secrets"], verbs: [...read, "update", "delete"], resourceNames: [secretName] },
  ];
}

export interface RoleNames {
  readonly name: string;
  readonly namespace: string;
  readonly webhookConfigurations: readonly string[];
  /** Of our own certificates; null: somebody else makes them, and Secrets are none of our business. */
  readonly secretName: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

/** The aggregated ClusterRole, what it is aggregated from, the Role of the namespace, and their bindings. */
export function roleManifests(names: RoleNames): readonly JsonRecord[] {
  const { name, namespace, labels } = names;
  const rbac = "rbac.authorization.k8s.io";
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const apiVersion = `${rbac}/v1`;
  return [
    {
      apiVersion,
      kind: "ClusterRole",
      metadata: { name, labels },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: aggregationLabel }] },
      rules: [],
    },
    {
      apiVersion,
      kind: "ClusterRole",
      metadata: { name: `${name}-core`, labels: { ...labels, ...aggregationLabel } },
      rules: clusterRules(names.webhookConfigurations),
    },
    {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata: { name, labels },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name },
      subjects,
    },
    {
      apiVersion,
      kind: "Role",
      metadata: { name, namespace, labels },
      rules: namespaceRules(names.secretName),
    },
    {
      apiVersion,
      kind: "RoleBinding",
      metadata: { name, namespace, labels },
      roleRef: { apiGroup: rbac, kind: "Role", name },
      subjects,
    },
  ];
}
