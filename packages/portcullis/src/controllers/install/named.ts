// Which kinds a policy names, read from the object as it is, where nobody has compiled it yet: constraints by `match.kinds`, Kyverno's by
// the kinds of their rules. What matches anything names nothing.

import { gvkOf, isObject, valueAt } from "@portcullis/kube";

/** As `group/Kind`, `*` for any group. */
export function namedKindsOf(policy: unknown): readonly string[] {
  const { group } = gvkOf(policy);
  if (group === "constraints.gatekeeper.sh")
    return unique(listAt(policy, "spec", "match", "kinds").flatMap(matchKinds));
  return group === "kyverno.io" ? unique(listAt(policy, "spec", "rules").flatMap(ruleKinds)) : [];
}

function matchKinds(entry: unknown): readonly string[] {
  const kinds = texts(valueAt(entry, "kinds")).filter((kind) => !kind.includes("*"));
  return texts(valueAt(entry, "apiGroups")).flatMap((group) => kinds.map((kind) => `${group}/${kind}`));
}

function ruleKinds(rule: unknown): readonly string[] {
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
