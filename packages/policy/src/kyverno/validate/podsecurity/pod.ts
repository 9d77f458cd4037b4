// The Pod that is checked, wherever it is: the object itself, or the template of a controller. Kyverno takes the metadata
// of a CronJob from its job template and not from the Pod's own, which decides where AppArmor annotations count.
// Behaviour from Kyverno pkg/engine/handlers/validation/validate_pss.go getSpec.

import { isObject } from "@portcullis/kube";
import type { Json } from "../../../engine/request.ts";
import { createLatest } from "../../latest.ts";
import { type PodHolder, decodeHolder } from "./shape.ts";

export type Fields = Readonly<Record<string, Json>>;

export const none: Fields = Object.freeze({});

export interface Pod {
  readonly annotations: Fields;
  readonly spec: Fields;
  /** Null when there is none: required fields are then reported differently. */
  readonly securityContext: Fields | null;
  /** Init containers, containers, ephemeral containers: the order in which they are named. */
  readonly containers: readonly Container[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  /** `spec.containers[0]`. */
  readonly path: string;
  readonly fields: Fields;
  readonly securityContext: Fields | null;
}

const containerLists = ["initContainers", "containers", "ephemeralContainers"] as const;

const asDeployment = new Set(["DaemonSet", "Deployment", "Job", "StatefulSet", "ReplicaSet", "ReplicationController"]);

/** Which kind has its Pod where; null for kinds without one. */
function holderOf(kind: Json): PodHolder | null {
  if (kind === "Pod" || kind === "CronJob") return kind;
  return typeof kind === "string" && asDeployment.has(kind) ? "Deployment" : null;
}

const pods = createLatest<object, Pod | string>();

/** The Pod of an object, or why there is none; made once for each object, for all the rules that look at it. */
export function readPod(object: Json): Pod | string {
  if (!isObject(object)) return newPod(object);
  return pods.get(object) ?? pods.set(object, newPod(object));
}

function newPod(object: Json): Pod | string {
  const holder = holderOf(fieldsOf(object)["kind"]);
  if (holder === null) return "could not find correct resource type";
  const decoded = decodeHolder(object, holder);
  if ("mistake" in decoded) return decoded.mistake;
  const root = fieldsOf(decoded.object);
  if (holder === "Pod") return podOf(root["metadata"], root["spec"]);
  const spec = fieldsOf(root["spec"]);
  if (holder === "Deployment") {
    const template = fieldsOf(spec["template"]);
    return podOf(template["metadata"], template["spec"]);
  }
  const job = fieldsOf(spec["jobTemplate"]);
  return podOf(job["metadata"], fieldsOf(fieldsOf(job["spec"])["template"])["spec"]);
}

function podOf(metadata: Json, specification: Json): Pod {
  const spec = fieldsOf(specification);
  return {
    annotations: fieldsOf(fieldsOf(metadata)["annotations"]),
    spec,
    securityContext: optionalFields(spec["securityContext"]),
    containers: containerLists.flatMap((list) =>
      listOf(spec[list]).map((container, at) => containerAt(`spec.${list}[${at}]`, fieldsOf(container))),
    ),
  };
}

export function containerAt(path: string, fields: Fields): Container {
  const name = textOf(fields["name"]);
  const securityContext = optionalFields(fields["securityContext"]);
  return { name, image: textOf(fields["image"]), path, fields, securityContext };
}

// ── values whose types were checked: absent ones are what Go's zero values are

export function fieldsOf(value: Json): Fields {
  return isObject(value) ? value : none;
}

export function optionalFields(value: Json): Fields | null {
  return isObject(value) ? value : null;
}

export function listOf(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: Json): string {
  return typeof value === "string" ? value : "";
}
