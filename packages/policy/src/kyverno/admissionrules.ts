// What a webhook has to ask a policy about: for each rule the kinds that it matches, with the operations it names or else
// those that are usual for what it does. An `exclude` that names nothing but kinds and operations takes them out again.
// Kyverno: pkg/controllers/webhook/{controller,utils}.go mergeWebhook, collectResourceDescriptions.

import { isObject, valueAt } from "@portcullis/kube";
import type { AdmissionRule } from "../engine/policy.ts";
import type { Json, Operation } from "../engine/request.ts";
import type { RuleTree } from "./autogen/rules.ts";
import { listOf, strings } from "./match/filter.ts";
import { parseKindSelector } from "./match/kinds.ts";
import type { CompiledPolicy } from "./policy/policy.ts";
import type { CompiledRule } from "./policy/rule.ts";

const all: readonly Operation[] = ["CREATE", "UPDATE", "DELETE", "CONNECT"];
const writes: readonly Operation[] = ["CREATE", "UPDATE"];

/** What the validating, and what the mutating webhook asks about. Empty for a policy that is not asked at admission. */
export function admissionRules(
  { admission, rules }: CompiledPolicy,
  phase: "validate" | "mutate",
): readonly AdmissionRule[] {
  if (!admission) return [];
  const byKind = new Map<string, Set<Operation>>();
  for (const rule of rules) {
    if (phaseOf(rule) !== phase) continue;
    for (const [kind, operations] of described(rule.tree, phase === "mutate" ? writes : all)) {
      const known = byKind.get(kind) ?? new Set();
      for (const operation of operations) known.add(operation);
      byKind.set(kind, known);
    }
  }
  return [...byKind]
    .filter(([, operations]) => operations.size > 0)
    .map(([kind, operations]) => ({
      ...parseKindSelector(kind),
      operations: all.filter((operation) => operations.has(operation)),
    }));
}

function phaseOf({ does }: CompiledRule): "validate" | "mutate" | null {
  if (does.what === "nothing") return null;
  return does.what === "mutate" ? "mutate" : "validate";
}

function described(tree: RuleTree, usual: readonly Operation[]): ReadonlyMap<string, Set<Operation>> {
  const found = new Map<string, Set<Operation>>();
  const { match, exclude } = tree;
  for (const block of [match, ...listOf(match, "all"), ...listOf(match, "any")]) {
    const named = operationsOf(block);
    for (const kind of strings(valueAt(block, "resources"), "kinds")) {
      const known = found.get(kind) ?? new Set();
      for (const operation of named.length === 0 ? usual : named) known.add(operation);
      found.set(kind, known);
    }
  }
  for (const block of listOf(exclude, "any")) {
    if (!namesKindsOnly(block)) continue;
    const kinds = strings(valueAt(block, "resources"), "kinds");
    const named = operationsOf(block);
    for (const kind of kinds.length === 0 ? found.keys() : kinds) {
      for (const operation of named.length === 0 ? all : named) found.get(kind)?.delete(operation);
    }
  }
  return found;
}

/** Of all that a filter can say. */
const others = ["name", "names", "namespaces", "annotations", "selector", "namespaceSelector"];

function namesKindsOnly(block: Json): boolean {
  const resources = valueAt(block, "resources");
  const users = ["subjects", "roles", "clusterRoles"].some((field) => isSaid(valueAt(block, field)));
  return !users && !others.some((field) => isSaid(valueAt(resources, field)));
}

function isSaid(value: Json): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isObject(value)) return true;
  return value !== undefined && value !== null && value !== "";
}

function operationsOf(block: Json): readonly Operation[] {
  return all.filter((operation) => strings(valueAt(block, "resources"), "operations").includes(operation));
}
