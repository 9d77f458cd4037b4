// Everything that runs the product on a cluster, as manifests: a namespace, who it is and what it may, a Service that the API
// server calls, and replicas that may be lost one at a time. The Pods run as nobody, write to no disk, and need no right
// that stands not in `rights.ts`.

import type { JsonRecord } from "@portcullis/kube";
import { managedBy } from "./crds/crd.ts";
import { roleManifests } from "./rights.ts";

export interface ManifestOptions {
  readonly namespace: string;
  readonly image: string;
  readonly replicas: number;
}

const name = "portcullis";
const port = 8443;

/** In the order in which they should be applied. */
export function manifests({ namespace, image, replicas }: ManifestOptions): readonly JsonRecord[] {
  const selector = { "app.kubernetes.io/name": name };
  const labels = { ...selector, ...managedBy };
  const metadata = { name, namespace, labels };
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels: { ...labels, ...restricted } } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    ...roleManifests({
      name,
      namespace,
      webhookConfigurations: [name],
      secretName: "portcullis-certificates",
      labels,
    }),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector, ports: [{ name: "webhook", port: 443, targetPort: "webhook", protocol: "TCP" }] },
    },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { maxUnavailable: 1, selector: { matchLabels: selector } },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas,
        selector: { matchLabels: selector },
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: { metadata: { labels }, spec: podSpec(image, selector) },
      },
    },
  ];
}

/** The strictest of the Pod security standards holds in our namespace. */
const restricted = { "pod-security.kubernetes.io/enforce": "restricted" };

function podSpec(image: string, selector: JsonRecord): JsonRecord {
  return {
    serviceAccountName: name,
    priorityClassName: "system-cluster-critical",
    // Requests go on being answered while the Service forgets a Pod.
    terminationGracePeriodSeconds: 30,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: selector },
      },
    ],
    containers: [
      {
        name,
        image,
        args: ["run", "--host=0.0.0.0", `--port=${port}`, `--service-name=${name}`, "--shutdown-delay=5"],
        env: ["POD_NAME", "POD_NAMESPACE"].map((variable) => ({
          name: variable,
          valueFrom: { fieldRef: { fieldPath: `metadata.${variable.slice(4).toLowerCase()}` } },
        })),
        ports: [{ name: "webhook", containerPort: port, protocol: "TCP" }],
        readinessProbe: { httpGet: { path: "/readyz", port: "webhook", scheme: "HTTPS" }, periodSeconds: 5 },
        livenessProbe: { httpGet: { path: "/livez", port: "webhook", scheme: "HTTPS" }, periodSeconds: 10 },
        resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "512Mi" } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          runAsUser: 65_532,
          capabilities: { drop: ["ALL"] },
        },
      },
    ],
  };
}
