// The labels by which what a rule has made is found again: the policy and rule, the trigger, and for copies their source.
// Kyverno finds its generated objects by the same ones. Kyverno: pkg/background/common/{labels,constants}.go.

import { gvkOf, isObject, labelsOf, namespaceOf, setOwn, stringAt } from "@portcullis/kube";
import type { CopyTarget } from "../../engine/outcome.ts";
import type { Json } from "../../engine/request.ts";

const prefix = "generate.kyverno.io/";

/** The policy that something is made for. */
export interface PolicyOwner {
  readonly kind: string;
  /** "" for a ClusterPolicy. */
  readonly namespace: string;
  readonly name: string;
}

/** Labels of everything that a rule makes for a trigger. */
export function ownerLabels(policy: PolicyOwner, rule: string, trigger: Json): Readonly<Record<string, string>> {
  const { group, version, kind } = gvkOf(trigger);
  return {
    "app.kubernetes.io/managed-by": "kyverno",
    [`${prefix}policy-name`]: policy.name,
    [`${prefix}policy-namespace`]: policy.namespace,
    [`${prefix}rule-name`]: rule,
    [`${prefix}trigger-version`]: version,
    [`${prefix}trigger-group`]: group,
    [`${prefix}trigger-kind`]: kind,
    [`${prefix}trigger-namespace`]: namespaceOf(trigger),
    [`${prefix}trigger-uid`]: stringAt(trigger, "metadata", "uid"),
  };
}

/** Labels that say of which object something is a copy. */
function sourceLabels(source: Json): Readonly<Record<string, string>> {
  const { group, version, kind } = gvkOf(source);
  return {
    [`${prefix}clone-source`]: "",
    [`${prefix}source-group`]: group,
    [`${prefix}source-version`]: version,
    [`${prefix}source-kind`]: kind,
    [`${prefix}source-namespace`]: namespaceOf(source),
    [`${prefix}source-uid`]: stringAt(source, "metadata", "uid"),
  };
}

const leftBehind = new Set(["uid", "selfLink", "creationTimestamp", "managedFields", "resourceVersion"]);

/**
 * The copy of an object: without what only its server knows, in another place, with labels. Owners are left behind where
 * the namespace changes, since they cannot be in another one.
 */
export function copyOf(source: Json, target: CopyTarget): Json {
  const fields = isObject(source) ? source : {};
  const metadata: Record<string, Json> = {};
  const old = isObject(fields["metadata"]) ? fields["metadata"] : {};
  for (const key of Object.keys(old)) {
    const moves = key === "ownerReferences" && namespaceOf(source) !== target.namespace;
    if (!leftBehind.has(key) && !moves) setOwn(metadata, key, old[key]);
  }
  if (target.name !== "") metadata["name"] = target.name;
  if (target.namespace === "") delete metadata["namespace"];
  else metadata["namespace"] = target.namespace;
  metadata["labels"] = { ...labelsOf(source), ...sourceLabels(source), ...target.labels };
  return { ...fields, metadata };
}

export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** An object from a rule's data: its identity is what the rule says, but for a kind of its own. */
export function objectFrom(data: Json, identity: Identity, labels: Readonly<Record<string, string>>): Json {
  const fields = isObject(data) ? data : {};
  const {
    resourceVersion: _version,
    namespace: _namespace,
    ...kept
  } = isObject(fields["metadata"]) ? fields["metadata"] : {};
  const { apiVersion, kind, namespace, name } = identity;
  const metadata: Record<string, Json> = { ...kept, labels: { ...labelsOf(data), ...labels } };
  if (name !== "") metadata["name"] = name;
  if (namespace !== "") metadata["namespace"] = namespace;
  return { ...fields, apiVersion, kind: stringAt(data, "kind") || kind, metadata };
}
