// Kubernetes objects made from a seed: the kinds that policies look at, with the fields that they look at present,
// absent, empty or of an unexpected value. They need not be valid for an API server, only for a policy to meet them.

import { type Random, chance, pick, words } from "./schema.ts";

type Tree = Record<string, unknown>;

const namespaces = ["default", "kube-system", "team-a", "team-b", "prod-web"] as const;
const images = [
  "nginx",
  "nginx:latest",
  "docker.io/library/nginx:1.27",
  "gcr.io/my-project/a@sha256:0123456789abcdef0123456789abcdef",
  "busybox:1",
  "localhost:5000/a/b",
  "",
] as const;

/** One object; `index` makes its name unique. */
export function generateKubeObject(random: Random, index: number): Tree {
  const make = pick(random, [
    pod,
    pod,
    pod,
    workload,
    workload,
    service,
    ingress,
    namespace,
    clusterRole,
    autoscaler,
    budget,
    configMap,
  ]);
  return make(random, index);
}

/** An object of a kind: one that is known here, or one with nothing but a name. */
export function generateOfKind(
  random: Random,
  { apiVersion, kind, index }: { readonly apiVersion: string | null; readonly kind: string; readonly index: number },
): Tree {
  const make = makers[kind];
  const made: Tree = make === undefined ? { metadata: metadata(random, index, true) } : make(random, index);
  return { ...made, apiVersion: apiVersion ?? versions[kind] ?? made["apiVersion"] ?? "v1", kind };
}

const versions: Readonly<Record<string, string>> = {
  CronJob: "batch/v1",
  Job: "batch/v1",
  NetworkPolicy: "networking.k8s.io/v1",
  Role: "rbac.authorization.k8s.io/v1",
  RoleBinding: "rbac.authorization.k8s.io/v1",
  StorageClass: "storage.k8s.io/v1",
  VerticalPodAutoscaler: "autoscaling.k8s.io/v1",
};

const makers: Readonly<Record<string, (random: Random, index: number) => Tree>> = {
  Pod: pod,
  Deployment: workload,
  StatefulSet: workload,
  DaemonSet: workload,
  ReplicaSet: workload,
  Service: service,
  Ingress: ingress,
  Namespace: namespace,
  ClusterRole: clusterRole,
  ClusterRoleBinding: clusterRole,
  HorizontalPodAutoscaler: autoscaler,
  PodDisruptionBudget: budget,
  ConfigMap: configMap,
};

function metadata(random: Random, index: number, namespaced: boolean): Tree {
  return {
    name: `obj-${index}`,
    ...(namespaced && chance(random, 0.8) && { namespace: pick(random, namespaces) }),
    ...(chance(random, 0.6) && { labels: map(random) }),
    ...(chance(random, 0.4) && { annotations: map(random) }),
  };
}

function map(random: Random): Tree {
  const keys = [
    "app",
    "owner",
    "team",
    "env",
    "container.apparmor.security.beta.kubernetes.io/app",
    "seccomp.security.alpha.kubernetes.io/pod",
    "admission.gatekeeper.sh/x",
  ];
  return Object.fromEntries(keys.filter(() => chance(random, 0.3)).map((key) => [key, pick(random, words)]));
}

function pod(random: Random, index: number): Tree {
  return { apiVersion: "v1", kind: "Pod", metadata: metadata(random, index, true), spec: generatePodSpec(random) };
}

function workload(random: Random, index: number): Tree {
  const kind = pick(random, ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"]);
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: metadata(random, index, true),
    spec: {
      ...(chance(random, 0.8) && { replicas: Math.floor(random() * 8) }),
      selector: { matchLabels: { app: `app-${index}` } },
      template: { metadata: { labels: { app: `app-${index}` } }, spec: generatePodSpec(random) },
    },
  };
}

/** The spec of a Pod. */
export function generatePodSpec(random: Random): Tree {
  return {
    containers: Array.from({ length: 1 + Math.floor(random() * 3) }, (_, at) => container(random, `app-${at}`)),
    ...(chance(random, 0.3) && { initContainers: [container(random, "init")] }),
    ...(chance(random, 0.1) && { ephemeralContainers: [container(random, "debug")] }),
    ...flags(random, ["hostNetwork", "hostPID", "hostIPC", "automountServiceAccountToken"]),
    ...(chance(random, 0.4) && { securityContext: securityContext(random) }),
    ...(chance(random, 0.4) && {
      volumes: [
        pick<Tree>(random, [
          { name: "v", hostPath: { path: pick(random, ["/tmp", "/foo/bar", "/foo", "/"]) } },
          { name: "v", emptyDir: {} },
          { name: "v", configMap: { name: "c" } },
          { name: "v", flexVolume: { driver: "example/lvm" } },
        ]),
      ],
    }),
  };
}

function container(random: Random, name: string): Tree {
  return {
    name,
    ...(chance(random, 0.95) && { image: pick(random, images) }),
    ...(chance(random, 0.6) && { resources: resources(random) }),
    ...(chance(random, 0.5) && { securityContext: securityContext(random) }),
    ...(chance(random, 0.3) && {
      ports: [{ containerPort: 80, ...(chance(random, 0.6) && { hostPort: pick(random, [80, 8080, 9001, 0]) }) }],
    }),
    ...(chance(random, 0.3) && {
      livenessProbe: { httpGet: { port: 80, host: pick(random, ["", "127.0.0.1", "example.com"]) } },
    }),
    ...(chance(random, 0.2) && {
      lifecycle: { postStart: { httpGet: { port: 80, host: pick(random, ["", "localhost"]) } } },
    }),
    ...(chance(random, 0.2) && { volumeMounts: [{ name: "v", mountPath: "/v", ...flags(random, ["readOnly"]) }] }),
    ...flags(random, ["tty", "stdin"]),
  };
}

function resources(random: Random): Tree {
  const quantities = (): Tree => ({
    ...(chance(random, 0.8) && { cpu: pick<unknown>(random, ["100m", "1", 2, "0.5", "2000m", "bad", ""]) }),
    ...(chance(random, 0.8) && {
      memory: pick<unknown>(random, ["64Mi", "1Gi", 1073741824, "1G", "100M", "2Ti", "x"]),
    }),
    ...(chance(random, 0.2) && { "ephemeral-storage": pick<unknown>(random, ["1Gi", "500Mi", 5]) }),
  });
  return {
    ...(chance(random, 0.8) && { limits: quantities() }),
    ...(chance(random, 0.7) && { requests: quantities() }),
  };
}

function securityContext(random: Random): Tree {
  return {
    ...flags(random, ["privileged", "runAsNonRoot", "allowPrivilegeEscalation", "readOnlyRootFilesystem"]),
    ...(chance(random, 0.4) && { runAsUser: pick(random, [0, 1, 100, 1000, 65534]) }),
    ...(chance(random, 0.3) && { runAsGroup: pick(random, [0, 100, 1000]) }),
    ...(chance(random, 0.3) && { fsGroup: pick(random, [0, 1, 500, 2000]) }),
    ...(chance(random, 0.2) && { supplementalGroups: [pick(random, [0, 100, 1000])] }),
    ...(chance(random, 0.4) && {
      capabilities: {
        ...(chance(random, 0.6) && { drop: [pick(random, ["ALL", "NET_RAW", "KILL"])] }),
        ...(chance(random, 0.4) && { add: [pick(random, ["NET_ADMIN", "SYS_TIME", "something"])] }),
      },
    }),
    ...(chance(random, 0.3) && {
      seccompProfile: {
        type: pick(random, ["RuntimeDefault", "Localhost", "Unconfined"]),
        ...(chance(random, 0.3) && { localhostProfile: "profile.json" }),
      },
    }),
    ...(chance(random, 0.2) && { appArmorProfile: { type: pick(random, ["RuntimeDefault", "Unconfined"]) } }),
    ...(chance(random, 0.2) && { seLinuxOptions: { level: "s0:c1,c2", ...(chance(random, 0.5) && { type: "t" }) } }),
    ...(chance(random, 0.1) && {
      sysctls: [{ name: pick(random, ["kernel.shm_rmid_forced", "net.core.somaxconn"]), value: "1" }],
    }),
    ...(chance(random, 0.1) && { procMount: pick(random, ["Default", "Unmasked"]) }),
    ...(chance(random, 0.1) && { windowsOptions: { hostProcess: chance(random, 0.5) } }),
  };
}

function flags(random: Random, names: readonly string[]): Tree {
  return Object.fromEntries(names.filter(() => chance(random, 0.25)).map((name) => [name, chance(random, 0.5)]));
}

function service(random: Random, index: number): Tree {
  const spec = {
    type: pick(random, ["ClusterIP", "NodePort", "LoadBalancer"]),
    selector: { app: pick(random, words) },
    ports: [{ port: 80 }],
    ...(chance(random, 0.4) && { externalIPs: [pick(random, ["1.1.1.1", "203.0.113.0"])] }),
  };
  return { apiVersion: "v1", kind: "Service", metadata: metadata(random, index, true), spec };
}

function ingress(random: Random, index: number): Tree {
  const host = pick(random, ["example.com", "*.example.com", "", "a.b"]);
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: metadata(random, index, true),
    spec: { rules: [{ ...(host !== "" && { host }) }], ...(chance(random, 0.5) && { tls: [{ hosts: [host] }] }) },
  };
}

function namespace(random: Random, index: number): Tree {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      ...metadata(random, index, false),
      name: chance(random, 0.3) ? pick(random, namespaces) : `obj-${index}`,
    },
  };
}

function clusterRole(random: Random, index: number): Tree {
  const bind = chance(random, 0.5);
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: bind ? "ClusterRoleBinding" : "ClusterRole",
    metadata: metadata(random, index, false),
    ...(bind
      ? { subjects: [{ kind: "Group", name: pick(random, ["system:anonymous", "system:unauthenticated", "dev"]) }] }
      : { rules: [{ apiGroups: [""], resources: ["endpoints"], verbs: ["create", "patch", "update"] }] }),
  };
}

function autoscaler(random: Random, index: number): Tree {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: metadata(random, index, true),
    spec: {
      minReplicas: Math.floor(random() * 5),
      maxReplicas: Math.floor(random() * 9),
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: `obj-${Math.floor(random() * 50)}` },
    },
  };
}

function budget(random: Random, index: number): Tree {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadata(random, index, true),
    spec: {
      ...(chance(random, 0.5) && { minAvailable: Math.floor(random() * 4) }),
      ...(chance(random, 0.5) && { maxUnavailable: Math.floor(random() * 2) }),
      selector: { matchLabels: { app: `app-${Math.floor(random() * 50)}` } },
    },
  };
}

function configMap(random: Random, index: number): Tree {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: metadata(random, index, true), data: map(random) };
}
