// Realistic Pods of about 6 KB in JSON, made from a seed: several containers with probes, env, mounts and limits, a few
// init containers, labels and managedFields as an API server would store them. Some break common policies, most do not.

import { seededRandom } from "./random.ts";

export interface PodOptions {
  readonly count: number;
  readonly seed: number;
}

/** Pods with unique names over five namespaces; equal options give equal Pods. */
export function generatePods({ count, seed }: PodOptions): readonly Record<string, unknown>[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => pod(index, random));
}

type Random = () => number;

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T;
}

function pod(index: number, random: Random): Record<string, unknown> {
  const namespace = `team-${index % 5}`;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `app-${index}`,
      namespace,
      uid: `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
      resourceVersion: String(1000 + index),
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: {
        app: `app-${index % 50}`,
        "app.kubernetes.io/name": `app-${index % 50}`,
        tier: pick(random, ["web", "api", "db"]),
        owner: pick(random, ["me.agilebank.demo", "nobody"]),
      },
      annotations: {
        "a8r.io/owner": "dev-team-alfa@contoso.com",
        "a8r.io/runbook": "https://confluence.contoso.com/dev-team-alfa/runbooks",
      },
      managedFields: managedFields(),
    },
    spec: {
      serviceAccountName: "default",
      automountServiceAccountToken: random() < 0.1,
      hostNetwork: random() < 0.05,
      hostPID: random() < 0.02,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        fsGroup: 2000,
        seccompProfile: { type: "RuntimeDefault" },
      },
      initContainers: [container("init", index, random)],
      containers: Array.from({ length: 2 + Math.floor(random() * 2) }, (_, at) => container(`c${at}`, index, random)),
      volumes: [
        { name: "config", configMap: { name: `config-${index % 7}`, defaultMode: 420 } },
        { name: "cache", emptyDir: {} },
        ...(random() < 0.1 ? [{ name: "host", hostPath: { path: "/var/log", type: "Directory" } }] : []),
      ],
      tolerations: [
        { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
        { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
      ],
      restartPolicy: "Always",
      dnsPolicy: "ClusterFirst",
      schedulerName: "default-scheduler",
      terminationGracePeriodSeconds: 30,
    },
  };
}

function container(name: string, index: number, random: Random): Record<string, unknown> {
  const probe = (path: string): unknown => ({
    httpGet: { path, port: 8080, scheme: "HTTP" },
    initialDelaySeconds: 5,
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  });
  return {
    name: `${name}-${index % 9}`,
    image: pick(random, [
      "docker.io/bitnami/nginx:1.27",
      "openpolicyagent/opa:0.9.2",
      "registry.company.com/team/app@sha256:".concat("0123456789abcdef".repeat(4)),
      "nginx:latest",
      "k8s.gcr.io/pause",
    ]),
    imagePullPolicy: "IfNotPresent",
    args: ["--listen=:8080", "--log-level=info", `--shard=${index}`],
    ports: [
      { name: "http", containerPort: 8080, protocol: "TCP" },
      ...(random() < 0.05 ? [{ containerPort: 9001, hostPort: 9001, protocol: "TCP" }] : []),
    ],
    env: Array.from({ length: 6 }, (_, at) => ({ name: `SETTING_${at}`, value: `value-${index}-${at}` })),
    resources: {
      requests: { cpu: pick(random, ["100m", "250m", "1"]), memory: pick(random, ["128Mi", "512Mi", "1Gi"]) },
      ...(random() < 0.9 && {
        limits: { cpu: pick(random, ["200m", "500m", "2"]), memory: pick(random, ["256Mi", "1Gi", "4Gi"]) },
      }),
    },
    readinessProbe: probe("/ready"),
    livenessProbe: probe("/live"),
    volumeMounts: [
      { name: "config", mountPath: "/etc/app", readOnly: true },
      { name: "cache", mountPath: "/var/cache/app" },
    ],
    securityContext: {
      allowPrivilegeEscalation: random() < 0.1,
      privileged: random() < 0.05,
      readOnlyRootFilesystem: random() < 0.8,
      capabilities: { drop: ["ALL"], ...(random() < 0.1 && { add: ["NET_ADMIN"] }) },
    },
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  };
}

function managedFields(): unknown {
  return [
    {
      manager: "kubectl-create",
      operation: "Update",
      apiVersion: "v1",
      time: "2026-01-01T00:00:00Z",
      fieldsType: "FieldsV1",
      fieldsV1: {
        "f:metadata": { "f:labels": { ".": {}, "f:app": {}, "f:tier": {} } },
        "f:spec": {
          "f:containers": { 'k:{"name":"c0"}': { ".": {}, "f:image": {}, "f:name": {}, "f:resources": {} } },
          "f:dnsPolicy": {},
          "f:restartPolicy": {},
        },
      },
    },
  ];
}
