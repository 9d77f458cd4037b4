// Lints of a constraint together with the facts of its template: what it says it matches but never will, and what it
// leaves open although it looks covered.

import { type Diagnostic, warningAt } from "@portcullis/lang";
import { isObject, nameOf, valueAt } from "@portcullis/kube";
import { misnamedKind } from "../../engine/misnamed.ts";
import type { PolicySource } from "../../engine/policyset.ts";
import type { Catalog, Json } from "../../engine/request.ts";
import { listAt, stringsAt } from "../tree.ts";
import type { TemplateFacts } from "./facts.ts";

/** `facts` is null when the constraint has no template that can be read. */
export function lintConstraint(
  source: PolicySource,
  facts: TemplateFacts | null,
  catalog: Catalog,
): readonly Diagnostic[] {
  return [
    ...enforcement(source),
    ...scope(source),
    ...kindsWithoutGroup(source, catalog),
    ...kindsMisnamed(source),
    ...(facts === null ? [] : [...workloads(source, facts), ...shortImages(source, facts)]),
  ];
}

const actions: ReadonlySet<string> = new Set(["deny", "warn", "dryrun", "scoped"]);

function enforcement({ object, locate }: PolicySource): readonly Diagnostic[] {
  const action = valueAt(object, "spec", "enforcementAction") ?? "deny";
  if (typeof action !== "string" || actions.has(action)) return [];
  const span = locate?.(["spec", "enforcementAction"]) ?? null;
  return [
    warningAt(
      "lint/enforcement-action",
      span,
      `\`${action}\` enforces nothing`,
      `use one of ${[...actions].join(", ")}`,
    ),
  ];
}

function scope({ object, locate }: PolicySource): readonly Diagnostic[] {
  const value = valueAt(object, "spec", "match", "scope");
  if (value === undefined || value === "*" || value === "Cluster" || value === "Namespaced") return [];
  const span = locate?.(["spec", "match", "scope"]) ?? null;
  return [
    warningAt("lint/scope", span, `scope ${JSON.stringify(value)} counts as \`*\``, "use Cluster, Namespaced or *"),
  ];
}

/** Groups of the built-in kinds that policies name most, to say where a kind really is. */
const homes: Readonly<Record<string, readonly string[]>> = {
  apps: ["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
  batch: ["CronJob", "Job"],
  "networking.k8s.io": ["Ingress", "NetworkPolicy"],
  "rbac.authorization.k8s.io": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
  "": ["ConfigMap", "Namespace", "Pod", "Secret", "Service", "ServiceAccount"],
};

/** `apiGroups: [""]` with `kinds: [Deployment]` matches nothing, in silence. */
function kindsWithoutGroup({ object, locate }: PolicySource, catalog: Catalog): readonly Diagnostic[] {
  return listAt(object, "spec", "match", "kinds").flatMap((entry, index) => {
    const groups = stringsAt(entry, "apiGroups");
    if (groups.length === 0 || groups.includes("*")) return [];
    return stringsAt(entry, "kinds").flatMap((kind) => {
      const home = Object.keys(homes).find((group) => homes[group]?.includes(kind) === true);
      if (home === undefined || groups.includes(home) || groups.some((group) => isKnown(catalog, group, kind)))
        return [];
      const span = locate?.(["spec", "match", "kinds", index]) ?? null;
      const text = `${kind} is in the API group ${JSON.stringify(home)}, so this entry does not match it`;
      return [warningAt("lint/kind-in-other-group", span, text, `add ${JSON.stringify(home)} to apiGroups`)];
    });
  });
}

function kindsMisnamed(source: PolicySource): readonly Diagnostic[] {
  return listAt(source.object, "spec", "match", "kinds").flatMap((entry, index) =>
    stringsAt(entry, "kinds").flatMap((kind, at) =>
      misnamedKind(kind, ["spec", "match", "kinds", index, "kinds", at], source),
    ),
  );
}

function isKnown(catalog: Catalog, group: string, kind: string): boolean {
  return ["v1", "v1beta1", "v2"].some((version) => catalog.resourceOf({ group, version, kind }) !== null);
}

const controllers = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"] as const;

/** A policy on Pods refuses the Pods of a Deployment, not the Deployment: it is accepted and then has no Pods. */
function workloads({ object, locate }: PolicySource, { names }: TemplateFacts): readonly Diagnostic[] {
  if (!names.has("containers")) return [];
  const kinds = listAt(object, "spec", "match", "kinds").flatMap((entry) => stringsAt(entry, "kinds"));
  const isAboutPods = kinds.length === 0 || kinds.includes("Pod") || kinds.includes("*");
  const named = controllers.filter((kind) => kinds.includes(kind) || kinds.includes("*") || kinds.length === 0);
  const readsTemplates = names.has("template");
  if (!isAboutPods || (named.length > 0 && readsTemplates)) return [];
  const reason =
    named.length === 0 ? "the constraint names no controllers" : "the template does not look at spec.template";
  const span = locate?.(["spec", "match", "kinds"]) ?? locate?.(["spec"]) ?? null;
  const text = `${nameOf(object)} judges Pods only (${reason}): a Deployment with a bad Pod template is accepted and then has no Pods`;
  return [
    warningAt("lint/workloads-not-checked", span, text, "match the controllers too and look at spec.template.spec"),
  ];
}

/** `nginx:1.27` means docker.io/library/nginx:1.27, but Rego compares it as it is written. */
function shortImages({ object, locate }: PolicySource, { imagePrefix }: TemplateFacts): readonly Diagnostic[] {
  if (imagePrefix === null) return [];
  const found = stringsIn(valueAt(object, "spec", "parameters"), ["spec", "parameters"]);
  const hub = found.find(({ text }) => /^(index\.)?docker\.io\//.test(text));
  if (hub === undefined) return [];
  const rest = hub.text.replace(/^(index\.)?docker\.io\//, "").replace(/^library\//, "");
  const short = rest === "" ? "nginx:1.27" : `${rest.endsWith("/") ? rest : `${rest}/`}nginx:1.27`;
  const full = `docker.io/${short.includes("/") ? short : `library/${short}`}`;
  const effect =
    imagePrefix === "negated"
      ? `\`${short}\` is refused although \`${hub.text}\` is allowed`
      : `\`${short}\` does not match \`${hub.text}\``;
  const text = `${effect}: image names are compared as they are written, and this one is not expanded to ${full}`;
  return [
    warningAt(
      "lint/image-not-expanded",
      locate?.(hub.path) ?? null,
      text,
      "expand names in the template, or tell users to write them in full",
    ),
  ];
}

interface FoundString {
  readonly text: string;
  readonly path: readonly (string | number)[];
}

function stringsIn(value: Json, path: readonly (string | number)[]): readonly FoundString[] {
  if (typeof value === "string") return [{ text: value, path }];
  if (Array.isArray(value)) return value.flatMap((item: Json, index) => stringsIn(item, [...path, index]));
  if (!isObject(value)) return [];
  return Object.keys(value).flatMap((key) => stringsIn(value[key], [...path, key]));
}
