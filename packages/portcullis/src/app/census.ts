// How many templates, constraints and other objects a set has, by state and enforcement action, for Gatekeeper's gauges;
// and Kyverno's policies with their rules.

import { gvkOf, valueAt } from "@portcullis/kube";
import { type PolicySet, digestOf, policyInfo, statusKey } from "@portcullis/policy";
import type { KyvernoPolicy } from "../server/kyverno-metrics.ts";
import type { SetRecord } from "../server/metrics.ts";

export type Census = Pick<
  SetRecord,
  "constraints" | "templates" | "celTemplates" | "objects" | "conflicting" | "kyverno"
>;

const actions = ["deny", "dryrun", "warn", "scoped"];

export function censusOf(set: PolicySet): Census {
  const constraints = new Map<string, Census["constraints"][number]>();
  const templates = new Map<string, Census["templates"][number]>();
  const kyverno: KyvernoPolicy[] = [];
  const objects = new Map<string, Census["objects"][number]>();
  let celTemplates = 0;
  let conflicting = 0;
  for (const { object } of set.sources) {
    const { group, kind } = gvkOf(object);
    const isBroken = set.status.get(statusKey(object))?.some((found) => found.severity === "error") ?? false;
    const info = policyInfo(object);
    if (info !== null) kyverno.push({ ...info, ready: !isBroken, digest: digestOf(object) });
    const status = isBroken ? "error" : "active";
    if (group === "templates.gatekeeper.sh" && kind === "ConstraintTemplate") {
      if (hasCel(object)) celTemplates++;
      templates.set(status, { status, count: (templates.get(status)?.count ?? 0) + 1 });
    } else if (group === "constraints.gatekeeper.sh") {
      const action = enforcementAction(object);
      const key = `${action} ${status}`;
      constraints.set(key, { action, status, count: (constraints.get(key)?.count ?? 0) + 1 });
    }
    const of = countedGroups.get(group);
    if (of === undefined) continue;
    objects.set(`${of} ${status}`, { of, status, count: (objects.get(`${of} ${status}`)?.count ?? 0) + 1 });
    if (set.status.get(statusKey(object))?.some(({ code }) => code === "mutator-conflict") === true) conflicting++;
  }
  return {
    constraints: [...constraints.values()],
    templates: [...templates.values()],
    celTemplates,
    objects: [...objects.values()],
    conflicting,
    kyverno,
  };
}

const countedGroups: ReadonlyMap<string, Census["objects"][number]["of"]> = new Map([
  ["mutations.gatekeeper.sh", "mutators"],
  ["externaldata.gatekeeper.sh", "providers"],
  ["expansion.gatekeeper.sh", "expansion_templates"],
]);

function hasCel(template: unknown): boolean {
  const targets = listAt(template, "spec", "targets");
  return targets.some((target) =>
    listAt(target, "code").some((code) => valueAt(code, "engine") === "K8sNativeValidation"),
  );
}

function listAt(tree: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = valueAt(tree, ...path);
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** Gatekeeper: pkg/util/enforcement_action.go GetEnforcementAction; an absent action is deny. */
function enforcementAction(object: unknown): string {
  const action = valueAt(object, "spec", "enforcementAction") ?? "deny";
  return actions.find((known) => known === action) ?? "unrecognized";
}
