// What an API server should have asked us about, read from our validating webhook configuration as it is stored: rules, selectors
// and the version that a writer used. Webhooks that look at policies themselves are not among it, because nothing enters
// when they fail. What cannot be told from a stored object is left out: webhooks with conditions in CEL on the request.
// Behaviour: k8s.io/apiserver pkg/admission/plugin/webhook (predicates/rules, namespace, object).

import {
  type Labels,
  type SelectorPredicate,
  compileLabelSelector,
  isObject,
  labelsOf,
  nameOf,
  readLabelSelector,
  stringAt,
  valueAt,
} from "@portcullis/kube";
import type { ApiResource, ClusterObject } from "../../cluster/api.ts";
import type { Dialect } from "../webhooks/wanted.ts";
import { lastWrite } from "./note.ts";

/** A webhook of ours that is asked about objects before they are stored. */
interface AskingWebhook {
  readonly name: string;
  readonly dialect: Dialect;
  /** Whether it may be asked about a resource at all. */
  readonly covers: (resource: ApiResource) => boolean;
  /** Whether it was to be asked about the last write of an object, as far as its namespace allows. */
  readonly wants: (resource: ApiResource, object: ClusterObject) => boolean;
  /** Whether objects in a namespace with these labels concern it. */
  readonly inNamespace: SelectorPredicate;
}

export interface Scope {
  /** At most 31. */
  readonly webhooks: readonly AskingWebhook[];
  /** Names of webhooks about which nothing can be told. */
  readonly untold: readonly string[];
  /** Since when an API server knows of this configuration, in milliseconds since 1970 on its clock. */
  readonly sinceMs: number;
}

/** An API server takes this long to hear of a configuration. */
const hearingMs = 5000;
const webhooksMax = 31;

/** `shadow`: those that allow whatever is decided; the others else. */
export function scopeOf(configuration: ClusterObject, which: "enforcing" | "shadow"): Scope {
  const listed = configuration["webhooks"];
  const all = (Array.isArray(listed) ? (listed as readonly unknown[]) : []).filter(
    (webhook) => dialectOf(webhook) !== null && isShadow(webhook) === (which === "shadow"),
  );
  const told = all.filter(isTold).slice(0, webhooksMax);
  return {
    webhooks: told.flatMap((webhook) => askingWebhook(webhook) ?? []),
    untold: all.filter((webhook) => !told.includes(webhook)).map(nameIn),
    sinceMs: Date.parse(lastWrite(configuration).at) + hearingMs,
  };
}

function nameIn(webhook: unknown): string {
  return stringAt(webhook, "name");
}

function dialectOf(webhook: unknown): Dialect | null {
  const name = nameIn(webhook);
  if (/(?:^|\.)validation\.gatekeeper\.sh$/.test(name)) return "gatekeeper";
  return /(?:^|\.)validate\.kyverno\.svc-(?:fail|ignore)$/.test(name) ? "kyverno" : null;
}

function isShadow(webhook: unknown): boolean {
  const path = stringAt(webhook, "clientConfig", "service", "path");
  const url = stringAt(webhook, "clientConfig", "url");
  return path.startsWith("/shadow/") || /^https:\/\/[^/]+\/shadow\//.test(url);
}

/** Our own ServiceAccount writes what `isOwn` knows. */
const ownCondition = "portcullis-excluded-users";

function isTold(webhook: unknown): boolean {
  return listAt(webhook, "matchConditions").every((condition) => stringAt(condition, "name") === ownCondition);
}

interface Rule {
  readonly groups: readonly string[];
  readonly versions: readonly string[];
  readonly resources: readonly string[];
  readonly operations: readonly string[];
  readonly scope: string;
}

function askingWebhook(webhook: unknown): AskingWebhook | null {
  const dialect = dialectOf(webhook);
  if (dialect === null) return null;
  const rules = listAt(webhook, "rules").map((rule): Rule => ({
    groups: textsAt(rule, "apiGroups"),
    versions: textsAt(rule, "apiVersions"),
    resources: textsAt(rule, "resources"),
    operations: textsAt(rule, "operations"),
    scope: stringAt(rule, "scope") || "*",
  }));
  const isExact = stringAt(webhook, "matchPolicy") === "Exact";
  const inNamespace = selectorOf(valueAt(webhook, "namespaceSelector"));
  const ofObject = selectorOf(valueAt(webhook, "objectSelector"));
  return {
    name: nameIn(webhook),
    dialect,
    covers: (resource) => isWatched(resource) && rules.some((rule) => reachesResource(rule, resource)),
    wants: (resource, object) => {
      if (isOwn(resource, object) || !ofObject(labelsOf(object))) return false;
      // A Namespace is in itself.
      if (isNamespace(resource) && !inNamespace(labelsOf(object))) return false;
      const { at, apiVersion } = lastWrite(object);
      const operation = at <= stringAt(object, "metadata", "creationTimestamp") ? "CREATE" : "UPDATE";
      const version = apiVersion === "" ? resource.gvr.version : apiVersion.replace(/^.*\//, "");
      return rules.some(
        (rule) =>
          reachesResource(rule, resource) &&
          (has(rule.operations, operation) || rule.operations.includes("*")) &&
          (!isExact || has(rule.versions, version)),
      );
    },
    inNamespace,
  };
}

function reachesResource({ groups, resources, scope }: Rule, { gvr, namespaced }: ApiResource): boolean {
  const inScope = scope === "*" || scope === (namespaced ? "Namespaced" : "Cluster");
  return inScope && has(groups, gvr.group) && (has(resources, gvr.resource) || resources.includes("*/*"));
}

function has(list: readonly string[], text: string): boolean {
  return list.includes("*") || list.includes(text);
}

function isNamespace({ gvr }: ApiResource): boolean {
  return gvr.group === "" && gvr.resource === "namespaces";
}

/** What is written all the time without anybody having decided anything, what is made of decisions, and what API servers ask nobody about. */
const unwatchedGroups: ReadonlySet<string> = new Set([
  "admissionregistration.k8s.io",
  "events.k8s.io",
  "openreports.io",
  "reports.kyverno.io",
  "wgpolicyk8s.io",
]);

function isWatched({ gvr, preferred, verbs }: ApiResource): boolean {
  if (!preferred || !verbs.includes("watch") || unwatchedGroups.has(gvr.group)) return false;
  return gvr.resource !== "events" && !(gvr.group === "coordination.k8s.io" && gvr.resource === "leases");
}

/** What this product writes by itself, as who it is asked about nobody. */
function isOwn({ gvk }: ApiResource, object: ClusterObject): boolean {
  if (gvk.group.endsWith("portcullis.dev")) return true;
  return gvk.kind === "CustomResourceDefinition" && nameOf(object).endsWith(".constraints.gatekeeper.sh");
}

function selectorOf(tree: unknown): SelectorPredicate {
  const selector = readLabelSelector(tree);
  // An API server takes no configuration with a selector that is none.
  if ("error" in selector) return () => false;
  const compiled = compileLabelSelector(selector);
  return "matches" in compiled ? compiled.matches : () => false;
}

/** The dialects that were to be asked, of the webhooks in `wanting` (a bit each), in a namespace with these labels; null: in none. */
export function askedDialects({ webhooks }: Scope, wanting: number, namespace: Labels | null): readonly Dialect[] {
  const asked = new Set<Dialect>();
  webhooks.forEach(({ dialect, inNamespace }, at) => {
    if ((wanting & (1 << at)) !== 0 && (namespace === null || inNamespace(namespace))) asked.add(dialect);
  });
  return [...asked];
}

/** A bit for each webhook that was to be asked about the last write of an object. */
export function wantingWebhooks({ webhooks }: Scope, resource: ApiResource, object: ClusterObject): number {
  let bits = 0;
  webhooks.forEach((webhook, at) => {
    if (webhook.covers(resource) && webhook.wants(resource, object)) bits |= 1 << at;
  });
  return bits;
}

function listAt(tree: unknown, key: string): readonly unknown[] {
  const value = isObject(tree) ? tree[key] : null;
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function textsAt(tree: unknown, key: string): readonly string[] {
  return listAt(tree, key).map(String);
}
