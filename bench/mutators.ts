// Fifty mutators as a platform team has them: defaults for containers, labels and annotations, tolerations and pull
// secrets as sets, images from a mirror. All match the Pods of pods.ts, some find nothing to change, none conflict.

import type { PolicyFile } from "./library.ts";

interface Mutator {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

const pods = { applyTo: [{ groups: [""], versions: ["v1"], kinds: ["Pod"] }] };
const inTeams = {
  match: { scope: "Namespaced", kinds: [{ apiGroups: ["*"], kinds: ["Pod"] }], namespaces: ["team-*"] },
};

export function fiftyMutators(): readonly PolicyFile[] {
  const mutators = [...assigns(), ...metadata(), ...sets(), ...images()];
  if (mutators.length !== 50) throw new Error(`${mutators.length} mutators, expected 50`);
  return mutators.map((one) => ({ name: `${one.metadata.name}.yaml`, text: JSON.stringify(one) }));
}

function mutator(kind: string, name: string, spec: Readonly<Record<string, unknown>>): Mutator {
  const version = kind === "AssignImage" ? "v1alpha1" : "v1";
  const scoped = kind === "AssignMetadata" ? inTeams : { ...pods, ...inTeams };
  return {
    apiVersion: `mutations.gatekeeper.sh/${version}`,
    kind,
    metadata: { name },
    spec: { ...scoped, ...spec },
  };
}

/** Twenty: of the Pod, of every container, of those with a name, and some that only fill in what is missing. */
function assigns(): readonly Mutator[] {
  const ofContainers: readonly (readonly [string, unknown])[] = [
    ["imagePullPolicy", "Always"],
    ["terminationMessagePolicy", "FallbackToLogsOnError"],
    ["securityContext.allowPrivilegeEscalation", false],
    ["securityContext.readOnlyRootFilesystem", true],
    ["securityContext.capabilities.drop", ["ALL"]],
    ["resources.limits.ephemeral-storage", "1Gi"],
    ["resources.requests.ephemeral-storage", "256Mi"],
    ["livenessProbe.timeoutSeconds", 5],
  ];
  const ofPods: readonly (readonly [string, unknown])[] = [
    ["automountServiceAccountToken", false],
    ["enableServiceLinks", false],
    ["securityContext.runAsNonRoot", true],
    ["securityContext.seccompProfile.type", "RuntimeDefault"],
    ["securityContext.fsGroup", 2000],
    ["terminationGracePeriodSeconds", 45],
    ["priorityClassName", "standard"],
    ["dnsConfig.options", [{ name: "ndots", value: "2" }]],
    ["hostUsers", false],
  ];
  const missing = [{ subPath: "spec.nodeSelector", condition: "MustNotExist" }];
  return [
    ...ofContainers.map(([path, value], index) =>
      mutator("Assign", `container-${index}`, {
        location: `spec.containers[name: *].${path}`,
        parameters: { assign: { value } },
      }),
    ),
    ...ofPods.map(([path, value], index) =>
      mutator("Assign", `pod-${index}`, { location: `spec.${path}`, parameters: { assign: { value } } }),
    ),
    mutator("Assign", "init-policy", {
      location: "spec.initContainers[name: *].imagePullPolicy",
      parameters: { assign: { value: "IfNotPresent" } },
    }),
    mutator("Assign", "node-selector", {
      location: "spec.nodeSelector.pool",
      parameters: { assign: { value: "general" }, pathTests: missing },
    }),
    mutator("Assign", "proxy", {
      location: "spec.containers[name: istio-proxy].args",
      parameters: {
        assign: { value: ["proxy"] },
        pathTests: [{ subPath: "spec.containers[name: istio-proxy]", condition: "MustExist" }],
      },
    }),
  ];
}

/** Fifteen labels and annotations; some are there already. */
function metadata(): readonly Mutator[] {
  const labels = ["owner", "tier", "cost-centre", "stage", "region", "part-of", "managed-by", "zone"];
  const annotations = ["contact", "runbook", "oncall", "docs", "data-class", "backup", "review"];
  return [
    ...labels.map((name) =>
      mutator("AssignMetadata", `label-${name}`, {
        location: `metadata.labels.${name}`,
        parameters: { assign: { value: `the-${name}` } },
      }),
    ),
    ...annotations.map((name) =>
      mutator("AssignMetadata", `annotation-${name}`, {
        location: `metadata.annotations."example.com/${name}"`,
        parameters: { assign: { value: `https://example.com/${name}` } },
      }),
    ),
  ];
}

/** Ten sets: tolerations, pull secrets, arguments and finalizers merged and pruned. */
function sets(): readonly Mutator[] {
  const merged: readonly (readonly [string, readonly unknown[]])[] = [
    ["spec.tolerations", [{ key: "spot", operator: "Exists", effect: "NoSchedule" }]],
    ["spec.tolerations", [{ key: "batch", operator: "Equal", value: "yes", effect: "NoExecute" }]],
    ["spec.imagePullSecrets", [{ name: "mirror" }]],
    ["spec.imagePullSecrets", [{ name: "vendor" }]],
    ["spec.containers[name: *].args", ["--log-format=json"]],
    ["spec.containers[name: *].securityContext.capabilities.add", ["NET_BIND_SERVICE"]],
    ["spec.hostAliases", [{ ip: "10.0.0.1", hostnames: ["registry.local"] }]],
  ];
  const pruned: readonly (readonly [string, readonly unknown[]])[] = [
    ["spec.containers[name: *].args", ["--insecure", "--debug"]],
    ["spec.containers[name: *].securityContext.capabilities.add", ["SYS_ADMIN"]],
    ["spec.topologySpreadConstraints", []],
  ];
  const set =
    (operation: string) =>
    (entry: readonly [string, readonly unknown[]], index: number): Mutator =>
      mutator("ModifySet", `${operation}-${index}`, {
        location: entry[0],
        parameters: { operation, values: { fromList: entry[1] } },
      });
  return [...merged.map(set("merge")), ...pruned.map(set("prune"))];
}

/** Five images from a mirror: domains of all, paths and tags of some. */
function images(): readonly Mutator[] {
  const image = (name: string, location: string, parameters: object): Mutator =>
    mutator("AssignImage", `image-${name}`, { location, parameters });
  return [
    image("mirror", "spec.containers[name: *].image", { assignDomain: "mirror.example.com" }),
    image("init", "spec.initContainers[name: *].image", { assignDomain: "mirror.example.com" }),
    image("sidecar-path", "spec.containers[name: sidecar].image", { assignPath: "platform/sidecar" }),
    image("sidecar-tag", "spec.containers[name: sidecar].image", { assignTag: ":v2" }),
    image("ephemeral", "spec.ephemeralContainers[name: *].image", { assignDomain: "mirror.example.com" }),
  ];
}
