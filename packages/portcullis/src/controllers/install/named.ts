// What a policy looks at, read from the object as it is, where nobody has compiled it yet: constraints by `match.kinds`, what is synchronised
// by Config, SyncSet, annotation or a template's Rego, Kyverno's by the kinds of rules that a background scan asks and the paths
// of API calls. What matches anything names nothing. What only mutates or only answers requests needs to list nothing.

import { gvkOf, isObject, stringAt, valueAt } from "@portcullis/kube";
import { type Scope, templateReads } from "@portcullis/policy";
import type { ApiResource } from "../../cluster/api.ts";
import { namedKinds } from "../policies/synckinds.ts";

/** What is known of compiled policies. */
export interface Compiled {
  readonly policies: readonly {
    readonly id: { readonly dialect: string };
    readonly phase: "validate" | "mutate";
    readonly scope: Scope;
    readonly reads: readonly Scope[];
  }[];
}

/** All that compiled policies look at outside of requests, and what the objects of them and of what they need name besides. */
export function lookedAt(
  { policies }: Compiled,
  objects: readonly unknown[],
  resources: readonly ApiResource[],
): readonly Pick<Compiled["policies"][number], "scope" | "reads">[] {
  // Kyverno's objects say which of their rules are asked in the background.
  const compiled = policies.filter(({ id, phase }) => id.dialect === "gatekeeper" && phase === "validate");
  const kinds = objects.flatMap((object) => namedKindsOf(object, resources));
  return [...compiled, { scope: { kinds }, reads: [] }];
}

/** As `group/Kind`, `*` for any group. `resources` say which kinds paths are about. */
export function namedKindsOf(policy: unknown, resources: readonly ApiResource[]): readonly string[] {
  if (!isObject(policy)) return [];
  const { group } = gvkOf(policy);
  switch (group) {
    case "constraints.gatekeeper.sh":
      return unique(listAt(policy, "spec", "match", "kinds").flatMap(matchKinds));
    case "templates.gatekeeper.sh":
      return unique([...named(policy), ...templateReads(policy).flatMap(({ kinds = [] }) => kinds)]);
    case "config.gatekeeper.sh":
    case "syncset.gatekeeper.sh":
      return unique(named(policy));
    case "kyverno.io":
      return unique([
        ...(isScanned(policy) ? listAt(policy, "spec", "rules").flatMap(ruleKinds) : []),
        ...calledKinds(policy, resources),
      ]);
    default:
      return [];
  }
}

/** The groups of policies that may name something. */
export const namingGroups = [
  "constraints.gatekeeper.sh",
  "templates.gatekeeper.sh",
  "config.gatekeeper.sh",
  "syncset.gatekeeper.sh",
  "kyverno.io",
];

function named(object: Readonly<Record<string, unknown>>): readonly string[] {
  return namedKinds(object)
    .filter(({ kind }) => kind !== "")
    .map(({ group, kind }) => `${group}/${kind}`);
}

function isScanned(policy: unknown): boolean {
  return valueAt(policy, "spec", "background") !== false;
}

const apiPath = /^\/api(?:s\/([^/]+))?\/v[^/]+\/(?:namespaces\/[^/?]+\/)?([a-z]+)(?:[/?]|$)/;

/** More of a path, in characters, is not looked at. */
const pathMax = 1000;

/** What `apiCall.urlPath` reads, of a rule or of a GlobalContextEntry, and what the latter holds. */
function calledKinds(policy: unknown, resources: readonly ApiResource[]): readonly string[] {
  const rules = listAt(policy, "spec", "rules");
  const entries = [valueAt(policy, "spec"), ...rules.flatMap((rule) => listAt(rule, "context"))];
  const paths = texts(entries.map((entry) => valueAt(entry, "apiCall", "urlPath")));
  const held = valueAt(policy, "spec", "kubernetesResource");
  const called = paths.map((path) => {
    const [, group = "", name = ""] = apiPath.exec(path.slice(0, pathMax).replaceAll(/\{\{[^{}]*\}\}/g, "x")) ?? [];
    return { group, name };
  });
  const all = [...called, { group: stringAt(held, "group"), name: stringAt(held, "resource") }];
  return all.flatMap(({ group, name }) => {
    const found = resources.find(({ gvr }) => gvr.group === group && gvr.resource === name);
    return found === undefined ? [] : [`${group}/${found.gvk.kind}`];
  });
}

function matchKinds(entry: unknown): readonly string[] {
  const kinds = texts(valueAt(entry, "kinds")).filter((kind) => !kind.includes("*"));
  return texts(valueAt(entry, "apiGroups")).flatMap((group) => kinds.map((kind) => `${group}/${kind}`));
}

/** Of a rule that validates; what it mutates elsewhere is not carried out yet. */
function ruleKinds(rule: unknown): readonly string[] {
  if (isObject(rule) && rule["mutate"] !== undefined) return [];
  const match = valueAt(rule, "match");
  const filters = [match, ...listAt(match, "any"), ...listAt(match, "all")];
  return filters.flatMap((filter) => texts(valueAt(filter, "resources", "kinds")).flatMap(kyvernosKind));
}

/** `Kind`, `version/Kind`, `group/version/Kind`, each perhaps with a subresource behind it. Kyverno: ext/wildcard, pkg/utils/kube/kind.go. */
function kyvernosKind(text: string): readonly string[] {
  const parts = text.split("/");
  const at = parts.findIndex((part) => /^[A-Z]/.test(part));
  const kind = parts[at];
  if (kind === undefined || /[*?]/.test(kind)) return [];
  const group = at >= 2 ? (parts[at - 2] ?? "*") : "*";
  return [`${/[*?]/.test(group) ? "*" : group}/${kind}`];
}

function unique(kinds: readonly string[]): readonly string[] {
  return [...new Set(kinds)].toSorted();
}

function listAt(tree: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = isObject(tree) ? valueAt(tree, ...path) : null;
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
