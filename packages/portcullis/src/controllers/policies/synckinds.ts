// Which kinds are synchronised for policies that look at other objects: what Config and SyncSets name, what templates say in
// their annotation `requires-sync-data`, and without anybody naming it what their Rego refers to. What no policy refers to is
// not fetched, whoever names it.

import { isObject, stringAt, valueAt } from "@portcullis/kube";
import type { ApiResource, ClusterObject } from "../../cluster/api.ts";

export interface NamedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Kinds that an object of these names: a Config, a SyncSet, a template with the annotation. */
export function namedKinds(object: ClusterObject): readonly NamedKind[] {
  switch (stringAt(object, "kind")) {
    case "Config":
      return listAt(object, "spec", "sync", "syncOnly").map(kindOf);
    case "SyncSet":
      return listAt(object, "spec", "gvks").map(kindOf);
    case "ConstraintTemplate":
      return annotatedKinds(stringAt(object, "metadata", "annotations", annotation));
    default:
      return [];
  }
}

const annotation = "metadata.gatekeeper.sh/requires-sync-data";

/** Of alternatives, all that are served will do no harm. Gatekeeper: pkg/cachemanager/parser. */
function annotatedKinds(text: string): readonly NamedKind[] {
  if (text === "") return [];
  let requirements: unknown;
  try {
    requirements = JSON.parse(text.replaceAll(/^[\n"]+|(?<![\n"])[\n"]+$/g, ""));
  } catch {
    return [];
  }
  const clauses = listAt(requirements).flatMap((one) => listAt(one));
  return clauses.flatMap((clause) =>
    listAt(clause, "groups").flatMap((group) =>
      listAt(clause, "versions").flatMap((version) =>
        listAt(clause, "kinds").map((kind) => ({ group: String(group), version: String(version), kind: String(kind) })),
      ),
    ),
  );
}

function kindOf(tree: unknown): NamedKind {
  return { group: stringAt(tree, "group"), version: stringAt(tree, "version"), kind: stringAt(tree, "kind") };
}

function listAt(tree: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = path.length === 0 ? tree : valueAt(tree, ...path);
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** The resources to synchronise. `reads` are kinds as policies' scopes name them: `group/Kind`, `*` for either part. */
export function resourcesToSync(
  resources: readonly ApiResource[],
  named: readonly NamedKind[],
  reads: ReadonlySet<string>,
): readonly ApiResource[] {
  const isNamed = ({ gvk }: ApiResource): boolean =>
    named.some(({ group, version, kind }) => group === gvk.group && version === gvk.version && kind === gvk.kind);
  const isMeant = ({ gvk, preferred }: ApiResource): boolean =>
    preferred && (reads.has(`${gvk.group}/${gvk.kind}`) || reads.has(`*/${gvk.kind}`));
  return resources.filter(
    (resource) => canFollow(resource) && ((isNamed(resource) && isRead(resource, reads)) || isMeant(resource)),
  );
}

function isRead({ gvk: { group, kind } }: ApiResource, reads: ReadonlySet<string>): boolean {
  return [`${group}/${kind}`, `*/${kind}`, `${group}/*`, "*/*"].some((read) => reads.has(read));
}

function canFollow({ verbs }: ApiResource): boolean {
  return verbs.includes("list") && verbs.includes("watch");
}

/** Whether an object's namespace is excluded from synchronising, by a Config. Gatekeeper: pkg/controller/config/process. */
export function excludedFromSync(config: ClusterObject | null): (namespace: string) => boolean {
  const patterns = listAt(config, "spec", "match")
    .filter((entry) => listAt(entry, "processes").some((process) => process === "sync" || process === "*"))
    .flatMap((entry) => listAt(entry, "excludedNamespaces").map(String));
  if (patterns.length === 0 || !isObject(config)) return () => false;
  return (namespace) => namespace !== "" && patterns.some((pattern) => matches(pattern, namespace));
}

/** Gatekeeper: pkg/wildcard. */
function matches(pattern: string, text: string): boolean {
  const isOpenAtStart = pattern.startsWith("*");
  const isOpenAtEnd = pattern.endsWith("*");
  const core = pattern.slice(isOpenAtStart ? 1 : 0, isOpenAtEnd ? -1 : undefined);
  if (isOpenAtStart && isOpenAtEnd) return text.includes(core);
  if (isOpenAtStart) return text.endsWith(core);
  return isOpenAtEnd ? text.startsWith(core) : text === pattern;
}
