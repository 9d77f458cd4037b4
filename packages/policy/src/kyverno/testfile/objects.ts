// Objects as Kyverno's command line loads them: one per YAML document, in the namespace `default`
// when they have none and their kind is not known to be the cluster's, with null maps made empty and every number a
// double. A List, at which Kyverno panics, stands for its members.
// Kyverno: cmd/cli/kubectl-kyverno/resource/{resource,duplicate}.go, commands/test/test.go ProcessResources.

import {
  type Document,
  gvkOf,
  isObject,
  nameOf,
  namespaceOf,
  parseYaml,
  setOwn,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import { Decimal, Source, formatDiagnostic } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";

export interface LoadedObject {
  readonly object: Json;
  readonly document: Document;
}

/** The objects of a YAML or JSON text; throws an Error with the place when a document is broken or is no object. */
export function readObjects(file: string, text: string): readonly LoadedObject[] {
  return allDocuments(file, text).flatMap((document) => {
    if (document.value === null && isBlank(document)) return [];
    if (document.value !== null && !isObject(document.value)) throw new Error(`${file}: a document is not an object`);
    checkKind(document.value, file);
    const members = membersOf(document.value);
    if (members === null) return [{ object: asLoaded(document.value), document }];
    return members.map((member) => {
      checkKind(member, file);
      return { object: asLoaded(member), document };
    });
  });
}

function checkKind(object: Json, file: string): void {
  if (stringAt(object, "kind") === "") throw new Error(`${file}: Object 'Kind' is missing`);
  if (stringAt(object, "apiVersion") === "") throw new Error(`${file}: Object 'apiVersion' is missing`);
}

/** What a List of `kubectl get -o yaml` stands for; null for any other object. */
function membersOf(object: Json): readonly Json[] | null {
  const items = valueAt(object, "items");
  return Array.isArray(items) && stringAt(object, "kind").endsWith("List") ? (items as readonly Json[]) : null;
}

/** Nothing but comments; a line `---` before another is something. Kyverno: ext/yaml IsEmptyDocument. */
function isBlank({ span }: Document): boolean {
  const text = span.source.text.slice(span.start, span.end);
  return text.split("\n").every((line) => /^\s*(#|$)/.test(line));
}

/** The documents of a YAML or JSON text without the empty ones; throws an Error with the place. */
export function readDocuments(file: string, text: string): readonly Document[] {
  return allDocuments(file, text).filter((document) => document.value !== null);
}

function allDocuments(file: string, text: string): readonly Document[] {
  const { value, diagnostics } = parseYaml(new Source(file, text), { dialect: "go" });
  const first = diagnostics.find(({ severity }) => severity === "error");
  if (first !== undefined) throw new Error(formatDiagnostic(first));
  return value;
}

/** An object as the command line sees it. */
export function asLoaded(tree: Json): Json {
  const object = mapped(tree, "") as Readonly<Record<string, Json>>;
  if (namespaceOf(object) !== "" || isClusterScoped(object)) return object;
  const { metadata } = object;
  return { ...object, metadata: { ...(isObject(metadata) ? metadata : {}), namespace: "default" } };
}

/** Helm charts write `annotations:` with nothing below. */
const maps: ReadonlySet<string> = new Set([
  "annotations",
  "labels",
  "matchLabels",
  "nodeSelector",
  "data",
  "stringData",
]);

/** The tree itself where nothing in it is different, which is nearly always so: nothing is made to find that out. */
function mapped(tree: Json, key: string): Json {
  if (tree === null) return maps.has(key) ? {} : null;
  if (typeof tree !== "object") return tree;
  if (tree instanceof Decimal) return tree.double;
  if (Array.isArray(tree)) {
    let items: Json[] | null = null;
    for (let at = 0; at < tree.length; at++) {
      const item: Json = tree[at];
      const changed = mapped(item, "");
      if (changed === item) continue;
      items ??= [...(tree as readonly Json[])];
      items[at] = changed;
    }
    return items ?? tree;
  }
  if (!isObject(tree)) return tree;
  let members: Record<string, Json> | null = null;
  for (const name of Object.keys(tree)) {
    const changed = mapped(tree[name], name);
    if (changed === tree[name]) continue;
    members ??= { ...tree };
    setOwn(members, name, changed);
  }
  return members ?? tree;
}

/** Kinds of the cluster that the command line knows, by group; all others are namespaced to it. */
const clusterScoped: Readonly<Record<string, string>> = {
  "": "ComponentStatus Namespace Node PersistentVolume",
  "admissionregistration.k8s.io":
    "MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
  "apiextensions.k8s.io": "CustomResourceDefinition",
  "apiregistration.k8s.io": "APIService",
  "authentication.k8s.io": "SelfSubjectReview TokenReview",
  "authorization.k8s.io": "SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
  "certificates.k8s.io": "CertificateSigningRequest",
  "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
  "networking.k8s.io": "IngressClass IPAddress ServiceCIDR",
  "node.k8s.io": "RuntimeClass",
  "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
  "resource.k8s.io": "DeviceClass ResourceSlice",
  "scheduling.k8s.io": "PriorityClass",
  "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
};

function isClusterScoped(object: Json): boolean {
  const { group, kind } = gvkOf(object);
  return Object.hasOwn(clusterScoped, group) && (clusterScoped[group] ?? "").split(" ").includes(kind);
}

/** The first object of each kind, namespace and name; the others are duplicates. */
export function withoutDuplicates(objects: readonly Json[]): {
  readonly unique: readonly Json[];
  readonly duplicates: readonly Json[];
} {
  const unique = new Map<string, Json>();
  const duplicates = new Map<string, Json>();
  for (const object of objects) {
    const { group, kind } = gvkOf(object);
    const key = JSON.stringify([group, kind, namespaceOf(object), nameOf(object)]);
    if (unique.has(key)) duplicates.set(key, object);
    else unique.set(key, object);
  }
  return { unique: [...unique.values()], duplicates: [...duplicates.values()] };
}
