// Whether a webhook configuration that is stored means what is wanted. An API server fills in defaults and keeps lists as they
// were given; some clouds add requirements of their own to selectors and put them back whenever they are taken away. So
// both sides are brought to one form first (defaults, order of what is a set), and requirements in a selector that nobody of
// us wrote are let stand, as long as what we wrote last is what we want now: a digest of it stands in an annotation.

import { createHash } from "node:crypto";
import { type JsonRecord, annotationsOf, isObject, labelsOf, valueAt } from "@portcullis/kube";
import type { ClusterObject } from "../../cluster/api.ts";
import type { WantedConfiguration, Webhook } from "./wanted.ts";

const digestAnnotation = "portcullis.dev/written";

/** The object to write. What others put into its labels and annotations stays. */
export function objectOf(wanted: WantedConfiguration, stored: ClusterObject | null): ClusterObject {
  const metadata = {
    name: wanted.name,
    labels: { ...labelsOf(stored), ...wanted.labels },
    annotations: { ...annotationsOf(stored), ...wanted.annotations, [digestAnnotation]: digestOf(wanted) },
  };
  const version = valueAt(stored, "metadata", "resourceVersion");
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: wanted.kind,
    metadata: { ...metadata, ...(typeof version === "string" && { resourceVersion: version }) },
    webhooks: wanted.webhooks.map((webhook) => withStoredBundle(webhook, stored)),
  };
}

/** Where somebody else puts the bundle in, it stays; a webhook that joins the others has theirs, and need not wait for its own. */
function withStoredBundle(webhook: Webhook, stored: ClusterObject | null): Webhook {
  if ("caBundle" in webhook.clientConfig) return webhook;
  const others = listOf(valueAt(stored, "webhooks")).filter(isObject);
  const withBundle = others.filter((one) => typeof valueAt(one, "clientConfig", "caBundle") === "string");
  const like = withBundle.find((one) => nameOf(one) === webhook.name) ?? withBundle[0];
  const caBundle = like === undefined ? undefined : valueAt(like, "clientConfig", "caBundle");
  return typeof caBundle === "string" ? { ...webhook, clientConfig: { ...webhook.clientConfig, caBundle } } : webhook;
}

/** What differs, for the log; null when nothing has to be written. */
export function difference(wanted: WantedConfiguration, stored: ClusterObject): string | null {
  if (!includes(labelsOf(stored), wanted.labels)) return "labels";
  const { [digestAnnotation]: digest, ...annotations } = annotationsOf(stored);
  if (!includes(annotations, wanted.annotations)) return "annotations";
  const mayAdd = digest === digestOf(wanted);
  const own = wanted.webhooks.map((webhook) => normalized(webhook));
  const theirs = listOf(valueAt(stored, "webhooks")).map((webhook) => normalized(webhook));
  if (own.map(nameOf).join(" ") !== theirs.map(nameOf).join(" ")) return "webhooks";
  for (const [at, webhook] of own.entries()) {
    const other = theirs[at] ?? {};
    const field = Object.keys({ ...webhook, ...other }).find(
      (key) => !sameField(key, webhook[key], other[key], mayAdd),
    );
    if (field !== undefined) return `${nameOf(webhook)}: ${field}`;
  }
  return null;
}

function digestOf(wanted: WantedConfiguration): string {
  const webhooks = wanted.webhooks.map((webhook) => normalized(webhook));
  return createHash("sha256").update(JSON.stringify(webhooks)).digest("hex").slice(0, 16);
}

function sameField(field: string, own: unknown, other: unknown, mayAdd: boolean): boolean {
  if (mayAdd && (field === "namespaceSelector" || field === "objectSelector") && isObject(other) && isObject(own)) {
    return (["matchLabels", "matchExpressions"] as const).every((part) => {
      const there = new Set(listOf(other[part]).map((item) => JSON.stringify(item)));
      return listOf(own[part]).every((item) => there.has(JSON.stringify(item)));
    });
  }
  if (field === "clientConfig" && isObject(own) && !Object.hasOwn(own, "caBundle") && isObject(other)) {
    const { caBundle: _injected, ...rest } = other;
    return JSON.stringify(own) === JSON.stringify(rest);
  }
  return JSON.stringify(own) === JSON.stringify(other);
}

/** A webhook with every default said, and with sorted sets. Go: k8s.io/kubernetes pkg/apis/admissionregistration/v1/defaults.go. */
function normalized(webhook: unknown): JsonRecord {
  const given: JsonRecord = isObject(webhook) ? webhook : {};
  const { namespaceSelector, objectSelector, rules, clientConfig, matchConditions } = given;
  return sortedKeys({
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    timeoutSeconds: 10,
    reinvocationPolicy: "Never",
    ...given,
    matchConditions: listOf(matchConditions),
    namespaceSelector: selector(namespaceSelector),
    objectSelector: selector(objectSelector),
    rules: listOf(rules)
      .map((rule) => ruleOf(rule))
      .toSorted(),
    clientConfig: clientOf(clientConfig),
  });
}

function ruleOf(rule: unknown): string {
  const given: JsonRecord = isObject(rule) ? rule : {};
  const set = (field: string): string =>
    listOf(given[field])
      .map((item) => String(item))
      .toSorted()
      .join(",");
  const { scope = "*" } = given;
  return [set("apiGroups"), set("apiVersions"), set("resources"), set("operations"), String(scope)].join(" ");
}

function clientOf(config: unknown): JsonRecord {
  const given: JsonRecord = isObject(config) ? config : {};
  const { service } = given;
  return sortedKeys({ ...given, ...(isObject(service) && { service: sortedKeys({ port: 443, ...service }) }) });
}

function selector(tree: unknown): JsonRecord {
  const { matchLabels, matchExpressions } = isObject(tree) ? tree : {};
  return {
    matchLabels: isObject(matchLabels) ? texts(Object.entries(matchLabels)) : [],
    matchExpressions: listOf(matchExpressions)
      .map((one) => {
        const { key, operator, values } = isObject(one) ? one : {};
        return { key, operator, values: texts(listOf(values)) };
      })
      .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  };
}

function texts(items: readonly unknown[]): readonly string[] {
  return items.map((item) => JSON.stringify(item)).toSorted();
}

function sortedKeys(record: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function nameOf(webhook: JsonRecord): string {
  return String(webhook["name"]);
}

function includes(all: Readonly<Record<string, unknown>>, some: Readonly<Record<string, string>>): boolean {
  return Object.entries(some).every(([key, value]) => all[key] === value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
