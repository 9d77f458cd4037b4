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
  /** cert-manager makes the certificates. */
  readonly certManager?: boolean;
}

const name = "portcullis";
const port = 8443;

/** In the order in which they should be applied. */
export function manifests(options: ManifestOptions): readonly JsonRecord[] {
  const { namespace, replicas, certManager = false } = options;
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
      secretName: certManager ? null : "portcullis-certificates",
      labels,
    }),
    ...(certManager ? certificateManifests(namespace, labels) : []),
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
        template: { metadata: { labels }, spec: podSpec(options, selector) },
      },
    },
  ];
}

/** The strictest of the Pod security standards holds in our namespace. */
const restricted = { "pod-security.kubernetes.io/enforce": "restricted" };

const tlsSecret = `${name}-tls`;
const tlsFolder = "/certs";

/** An authority of its own for ten years, and what it signs for ninety days: the authority in the webhooks stays, whatever is renewed. */
function certificateManifests(namespace: string, labels: JsonRecord): readonly JsonRecord[] {
  const apiVersion = "cert-manager.io/v1";
  const named = (suffix: string): JsonRecord => ({ name: `${name}-${suffix}`, namespace, labels });
  const ca = `${name}-ca`;
  const service = `${name}.${namespace}.svc`;
  return [
    { apiVersion, kind: "Issuer", metadata: named("selfsigned"), spec: { selfSigned: {} } },
    {
      apiVersion,
      kind: "Certificate",
      metadata: named("ca"),
      spec: {
        isCA: true,
        commonName: ca,
        secretName: ca,
        duration: "87600h",
        privateKey: { algorithm: "ECDSA", size: 256 },
        issuerRef: { name: `${name}-selfsigned`, kind: "Issuer" },
      },
    },
    { apiVersion, kind: "Issuer", metadata: named("ca"), spec: { ca: { secretName: ca } } },
    {
      apiVersion,
      kind: "Certificate",
      metadata: named("tls"),
      spec: {
        secretName: tlsSecret,
        dnsNames: [service, `${service}.cluster.local`],
        duration: "2160h",
        privateKey: { algorithm: "ECDSA", size: 256, rotationPolicy: "Always" },
        issuerRef: { name: ca, kind: "Issuer" },
      },
    },
  ];
}

function certificateFlags(namespace: string): readonly string[] {
  const files = [`--tls-cert-file=${tlsFolder}/tls.crt`, `--tls-key-file=${tlsFolder}/tls.key`];
  return [...files, `--inject-ca-from=${namespace}/${name}-tls`];
}

function podSpec({ image, namespace, certManager = false }: ManifestOptions, selector: JsonRecord): JsonRecord {
  const args = ["run", "--host=0.0.0.0", `--port=${port}`, `--service-name=${name}`, "--shutdown-delay=5"];
  const mounted = { volumeMounts: [{ name: "tls", mountPath: tlsFolder, readOnly: true }] };
  return {
    ...(certManager && { volumes: [{ name: "tls", secret: { secretName: tlsSecret } }] }),
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
        args: certManager ? [...args, ...certificateFlags(namespace)] : args,
        ...(certManager && mounted),
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
