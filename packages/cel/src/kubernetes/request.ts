// The types of what an admission policy is told beside the object: its request, and the namespace it is in.
// k8s.io/apiserver: pkg/admission/plugin/cel/compile.go BuildRequestType, BuildNamespaceType.

import { readType } from "../library/declare.ts";
import type { Library, StructType } from "../library.ts";
import { type Type, listOf, struct } from "../types.ts";

function structType(name: string, fields: Readonly<Record<string, string | Type>>): StructType {
  const read = Object.entries(fields).map(([field, type]) => [field, typeof type === "string" ? readType(type) : type]);
  return { name: `kubernetes.${name}`, fields: Object.fromEntries(read) as Record<string, Type> };
}

const kindType = struct("kubernetes.GroupVersionKind");
const resourceType = struct("kubernetes.GroupVersionResource");

const request: readonly StructType[] = [
  structType("GroupVersionKind", { group: "string", version: "string", kind: "string" }),
  structType("GroupVersionResource", { group: "string", version: "string", resource: "string" }),
  structType("UserInfo", {
    username: "string",
    uid: "string",
    groups: "list(string)",
    extra: "map(string, list(string))",
  }),
  structType("AdmissionRequest", {
    kind: kindType,
    resource: resourceType,
    subResource: "string",
    requestKind: kindType,
    requestResource: resourceType,
    requestSubResource: "string",
    name: "string",
    namespace: "string",
    operation: "string",
    userInfo: struct("kubernetes.UserInfo"),
    dryRun: "bool",
    options: "dyn",
  }),
];

const namespace: readonly StructType[] = [
  structType("NamespaceSpec", { finalizers: "list(string)" }),
  structType("NamespaceCondition", {
    status: "string",
    type: "string",
    lastTransitionTime: "google.protobuf.Timestamp",
    message: "string",
    reason: "string",
  }),
  structType("NamespaceStatus", { conditions: listOf(struct("kubernetes.NamespaceCondition")), phase: "string" }),
  structType("NamespaceMetadata", {
    name: "string",
    generateName: "string",
    namespace: "string",
    labels: "map(string, string)",
    annotations: "map(string, string)",
    // It is declared like this, so that nobody reaches the field's real name.
    UID: "string",
    creationTimestamp: "google.protobuf.Timestamp",
    deletionGracePeriodSeconds: "int",
    deletionTimestamp: "google.protobuf.Timestamp",
    generation: "int",
    resourceVersion: "string",
    finalizers: "list(string)",
  }),
  structType("Namespace", {
    metadata: struct("kubernetes.NamespaceMetadata"),
    spec: struct("kubernetes.NamespaceSpec"),
    status: struct("kubernetes.NamespaceStatus"),
  }),
];

export const requestLibrary: Library = {
  name: "kubernetes.admission",
  overloads: [],
  structs: [...request, ...namespace],
};
