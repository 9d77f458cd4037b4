// Kyverno decodes the object into Go's Pod before it checks it, so a value of a wrong type makes the whole rule an error
// that names the Go struct and field. Here the fields that the checks read are described as shapes, and an object is
// compared with them: members are visited in the order of their keys, since the first mistake is the one reported, but
// only after a quick walk in any order has found that there is one. Null stands for an absent value everywhere. Names of
// fields may differ in the case of letters: what an API server has stored has the proper ones, a file may not.
// Behaviour from Go encoding/json decode.go (UnmarshalTypeError), Kyverno pkg/engine/handlers/validation/validate_pss.go.

import { byCodePoints, goJson, isObject, parseQuantity } from "@portcullis/kube";
import { Decimal, integerOf, numberText } from "@portcullis/lang";
import type { Json } from "../../../engine/request.ts";
import { foldedName } from "../../gofields.ts";

type Shape =
  | { readonly kind: "bool" }
  | { readonly kind: "string"; readonly type: string }
  | { readonly kind: "quantity"; readonly type: string }
  | { readonly kind: "integer"; readonly type: string; readonly bits: bigint }
  | { readonly kind: "list"; readonly type: string; readonly of: Shape }
  | { readonly kind: "map"; readonly type: string; readonly of: Shape }
  | Struct;

interface Struct {
  readonly kind: "struct";
  readonly name: string;
  readonly type: string;
  readonly fields: ReadonlyMap<string, Shape>;
  /** Proper names by folded ones. */
  readonly folded: ReadonlyMap<string, string>;
}

const text: Shape = { kind: "string", type: "string" };
const bool: Shape = { kind: "bool" };
const int32: Shape = { kind: "integer", type: "int32", bits: 31n };
const int64: Shape = { kind: "integer", type: "int64", bits: 63n };

function named(type: string): Shape {
  return { kind: "string", type: `v1.${type}` };
}

function list(type: string, of: Shape): Shape {
  return { kind: "list", type: `[]${type}`, of };
}

function struct(name: string, fields: Readonly<Record<string, Shape>>): Struct {
  const folded = new Map(Object.keys(fields).map((field) => [foldedName(field), field]));
  return { kind: "struct", name, type: `v1.${name}`, fields: new Map(Object.entries(fields)), folded };
}

const seLinuxOptions = struct("SELinuxOptions", { user: text, role: text, type: text, level: text });
const windowsOptions = struct("WindowsSecurityContextOptions", { hostProcess: bool });
const seccompProfile = struct("SeccompProfile", { type: named("SeccompProfileType") });
const appArmorProfile = struct("AppArmorProfile", { type: named("AppArmorProfileType") });

/** Of both security contexts, the container's and the Pod's. */
const shared = {
  seLinuxOptions,
  windowsOptions,
  seccompProfile,
  appArmorProfile,
  runAsNonRoot: bool,
  runAsUser: int64,
};

const capabilities = struct("Capabilities", {
  add: list("v1.Capability", named("Capability")),
  drop: list("v1.Capability", named("Capability")),
});

const httpGet = struct("HTTPGetAction", { host: text });
const tcpSocket = struct("TCPSocketAction", { host: text });
const probe = struct("Probe", { httpGet, tcpSocket });
const handler = struct("LifecycleHandler", { httpGet, tcpSocket });

/** Quantities read themselves, so that an error is theirs and names no field. */
const quantities: Shape = { kind: "map", type: "v1.ResourceList", of: { kind: "quantity", type: "resource.Quantity" } };

const requirements = struct("ResourceRequirements", { limits: quantities, requests: quantities });

function containerShape(name: string): Struct {
  return struct(name, {
    name: text,
    image: text,
    resources: requirements,
    ports: list("v1.ContainerPort", struct("ContainerPort", { hostPort: int32, containerPort: int32 })),
    livenessProbe: probe,
    readinessProbe: probe,
    startupProbe: probe,
    lifecycle: struct("Lifecycle", { postStart: handler, preStop: handler }),
    securityContext: struct("SecurityContext", {
      ...shared,
      capabilities,
      privileged: bool,
      allowPrivilegeEscalation: bool,
      procMount: named("ProcMountType"),
    }),
  });
}

const volumeSources: readonly (readonly [string, string])[] = [
  ["configMap", "ConfigMapVolumeSource"],
  ["csi", "CSIVolumeSource"],
  ["downwardAPI", "DownwardAPIVolumeSource"],
  ["emptyDir", "EmptyDirVolumeSource"],
  ["ephemeral", "EphemeralVolumeSource"],
  ["image", "ImageVolumeSource"],
  ["persistentVolumeClaim", "PersistentVolumeClaimVolumeSource"],
  ["projected", "ProjectedVolumeSource"],
  ["secret", "SecretVolumeSource"],
  ["gcePersistentDisk", "GCEPersistentDiskVolumeSource"],
  ["awsElasticBlockStore", "AWSElasticBlockStoreVolumeSource"],
  ["gitRepo", "GitRepoVolumeSource"],
  ["nfs", "NFSVolumeSource"],
  ["iscsi", "ISCSIVolumeSource"],
  ["glusterfs", "GlusterfsVolumeSource"],
  ["rbd", "RBDVolumeSource"],
  ["flexVolume", "FlexVolumeSource"],
  ["cinder", "CinderVolumeSource"],
  ["cephfs", "CephFSVolumeSource"],
  ["flocker", "FlockerVolumeSource"],
  ["fc", "FCVolumeSource"],
  ["azureFile", "AzureFileVolumeSource"],
  ["vsphereVolume", "VsphereVirtualDiskVolumeSource"],
  ["quobyte", "QuobyteVolumeSource"],
  ["azureDisk", "AzureDiskVolumeSource"],
  ["photonPersistentDisk", "PhotonPersistentDiskVolumeSource"],
  ["portworxVolume", "PortworxVolumeSource"],
  ["scaleIO", "ScaleIOVolumeSource"],
  ["storageos", "StorageOSVolumeSource"],
];

const volume = struct("Volume", {
  name: text,
  hostPath: struct("HostPathVolumeSource", { path: text }),
  ...Object.fromEntries(volumeSources.map(([field, type]) => [field, struct(type, {})])),
});

const podSpec = struct("PodSpec", {
  hostNetwork: bool,
  hostPID: bool,
  hostIPC: bool,
  overhead: quantities,
  resources: requirements,
  os: struct("PodOS", { name: named("OSName") }),
  volumes: list("v1.Volume", volume),
  initContainers: list("v1.Container", containerShape("Container")),
  containers: list("v1.Container", containerShape("Container")),
  ephemeralContainers: list("v1.EphemeralContainer", containerShape("EphemeralContainer")),
  securityContext: struct("PodSecurityContext", {
    ...shared,
    sysctls: list("v1.Sysctl", struct("Sysctl", { name: text, value: text })),
  }),
});

const metadata = struct("ObjectMeta", {
  annotations: { kind: "map", type: "map[string]string", of: text },
});

const template = struct("PodTemplateSpec", { metadata, spec: podSpec });

const pod = struct("Pod", { metadata, spec: podSpec });
const deployment = struct("Deployment", { metadata, spec: struct("DeploymentSpec", { template }) });
const jobTemplate = struct("JobTemplateSpec", { metadata, spec: struct("JobSpec", { template }) });
const cronJob = struct("CronJob", { metadata, spec: struct("CronJobSpec", { jobTemplate }) });

export type PodHolder = "Pod" | "Deployment" | "CronJob";

const holders: Readonly<Record<PodHolder, Struct>> = { Pod: pod, Deployment: deployment, CronJob: cronJob };

/** An object with its fields under their proper names, or what Go says when it decodes it. */
export function decodeHolder(object: Json, as: PodHolder): { readonly object: Json } | { readonly mistake: string } {
  const shape = holders[as];
  const walk: Walk = { renames: false };
  if (fits(object, shape, walk)) return { object: walk.renames ? properlyNamed(object, shape) : object };
  return { mistake: firstMistake(object, shape, { within: "", path: "" }) ?? "" };
}

interface Walk {
  /** Whether some field has a name that is not quite its own. */
  renames: boolean;
}

function fits(value: Json, shape: Shape, walk: Walk): boolean {
  if (value === null || value === undefined) return true;
  if (shape.kind === "bool") return typeof value === "boolean";
  if (shape.kind === "string") return typeof value === "string";
  if (shape.kind === "quantity") return quantityError(value) === null;
  if (shape.kind === "integer") return fitsInteger(value, shape.bits);
  if (shape.kind === "list") return Array.isArray(value) && value.every((item) => fits(item, shape.of, walk));
  if (!isObject(value)) return false;
  if (shape.kind === "map") return Object.keys(value).every((key) => fits(value[key], shape.of, walk));
  // Objects have far fewer members than Go's structs, of which most are not looked at.
  return Object.keys(value).every((key) => {
    const field = fieldOf(shape, key);
    if (field === undefined) return true;
    if (field !== key) walk.renames = true;
    return fits(value[key], fieldShape(shape, field), walk);
  });
}

function fieldOf({ fields, folded }: Struct, key: string): string | undefined {
  return fields.has(key) ? key : folded.get(foldedName(key));
}

function fieldShape({ fields }: Struct, field: string): Shape {
  return fields.get(field) ?? text;
}

/** Of a value that fits. What stands twice is read over what was there, as Go does it: `over`. */
function properlyNamed(value: Json, shape: Shape, over?: Json): Json {
  if (Array.isArray(value) && shape.kind === "list") {
    const known = Array.isArray(over) ? (over as readonly Json[]) : [];
    return value.map((item: Json, at) => properlyNamed(item, shape.of, known[at]));
  }
  if (!isObject(value) || (shape.kind !== "map" && shape.kind !== "struct")) return value;
  const found: Record<string, Json> = isObject(over) ? { ...over } : {};
  for (const key of Object.keys(value).toSorted(byCodePoints)) {
    const field = shape.kind === "struct" ? fieldOf(shape, key) : undefined;
    if (shape.kind === "map" || field === undefined) found[key] = value[key];
    else found[field] = properlyNamed(value[key], fieldShape(shape, field), found[field]);
  }
  return found;
}

/** How many quantities are remembered, and how long they may be: requests say the same ones again and again. */
const remembered = 1024;
const rememberedLength = 32;

const quantityErrors = new Map<string, string | null>();

function quantityError(value: Json): string | null {
  if (typeof value === "number") return null;
  const written = typeof value === "string" ? value : goJson(value);
  const known = quantityErrors.get(written);
  if (known !== undefined) return known;
  const quantity = parseQuantity(written);
  const error = "error" in quantity ? quantity.error : null;
  if (written.length > rememberedLength) return error;
  if (quantityErrors.size >= remembered) quantityErrors.clear();
  quantityErrors.set(written, error);
  return error;
}

function fitsInteger(value: Json, bits: bigint): boolean {
  if (typeof value !== "number" && !(value instanceof Decimal)) return false;
  if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 0x7fff_ffff) return true;
  const integer = integerOf(value);
  const limit = 1n << bits;
  return integer !== null && integer >= -limit && integer < limit;
}

interface Place {
  /** The Go struct that has the field; "" outside of any. */
  readonly within: string;
  readonly path: string;
}

function firstMistake(value: Json, shape: Shape, place: Place): string | null {
  if (fits(value, shape, { renames: false })) return null;
  if (Array.isArray(value) && shape.kind === "list") {
    return first(value, (item) => firstMistake(item, shape.of, place));
  }
  if (shape.kind === "quantity") return quantityError(value);
  if (!isObject(value) || (shape.kind !== "map" && shape.kind !== "struct")) return mistakeText(value, shape, place);
  return first(Object.keys(value).toSorted(byCodePoints), (key) => {
    if (shape.kind === "map") return firstMistake(value[key], shape.of, place);
    const field = fieldOf(shape, key);
    if (field === undefined) return null;
    const path = place.path === "" ? field : `${place.path}.${field}`;
    return firstMistake(value[key], fieldShape(shape, field), { within: shape.name, path });
  });
}

function first<Item>(items: readonly Item[], find: (item: Item) => string | null): string | null {
  for (const item of items) {
    const found = find(item);
    if (found !== null) return found;
  }
  return null;
}

function mistakeText(value: Json, shape: Shape, { within, path }: Place): string {
  const type = shape.kind === "bool" ? "bool" : shape.type;
  const where = within === "" ? "value" : `struct field ${within}.${path}`;
  return `json: cannot unmarshal ${jsonKind(value, shape)} into Go ${where} of type ${type}`;
}

function jsonKind(value: Json, shape: Shape): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (Array.isArray(value)) return "array";
  if (typeof value !== "number" && !(value instanceof Decimal)) return "object";
  return shape.kind === "integer" ? `number ${numberText(value)}` : "number";
}
