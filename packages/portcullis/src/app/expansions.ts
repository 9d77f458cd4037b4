// Which kinds have to be asked about because ExpansionTemplates make others of them: whoever judges Pods judges what a Job will make,
// and the API server has to ask about the Job for that. Templates follow upon each other, as from a CronJob to a Job to a Pod.

import { gvkOf, isObject, stringAt, valueAt } from "@portcullis/kube";
import type { AdmissionRule, Scope } from "@portcullis/policy";

/** From these kinds (`group/Kind`) to this one. */
interface Expansion {
  readonly from: readonly string[];
  readonly to: string;
}

export interface Asked {
  readonly scope: Scope;
  readonly admission?: readonly AdmissionRule[];
}

/** What has to be asked about so that what a policy judges is judged before it is made. */
export function withExpanded(sources: readonly unknown[]): (asked: Asked) => Asked {
  const expansions = sources.flatMap(expansionIn);
  return ({ scope, admission }) => ({
    scope: scope.kinds === undefined ? scope : { ...scope, kinds: closed(scope.kinds, expansions) },
    ...(admission !== undefined && { admission: admission.flatMap((rule) => expandedRules(rule, expansions)) }),
  });
}

function expansionIn(object: unknown): readonly Expansion[] {
  if (gvkOf(object).group !== "expansion.gatekeeper.sh") return [];
  const to = `${stringAt(object, "spec", "generatedGVK", "group")}/${stringAt(object, "spec", "generatedGVK", "kind")}`;
  const from = listAt(object, "spec", "applyTo").flatMap((entry) =>
    listAt(entry, "groups").flatMap((group) =>
      listAt(entry, "kinds").map((kind) => `${String(group)}/${String(kind)}`),
    ),
  );
  return [{ from, to }];
}

function expandedRules(rule: AdmissionRule, expansions: readonly Expansion[]): readonly AdmissionRule[] {
  const own = `${rule.group}/${rule.kind}`;
  const more = closed([own], expansions).filter((kind) => kind !== own);
  return [
    rule,
    ...more.map((key) => {
      const [group = "", kind = ""] = key.split("/");
      return { ...rule, group, version: "*", kind, subresource: null };
    }),
  ];
}

/** The kinds, and all that one of them is made of. */
function closed(kinds: readonly string[], expansions: readonly Expansion[]): readonly string[] {
  const all = new Set(kinds);
  for (let size = -1; size !== all.size;) {
    size = all.size;
    for (const { from, to } of expansions) {
      if ([...all].some((kind) => covers(kind, to))) for (const kind of from) all.add(kind);
    }
  }
  return [...all];
}

function covers(pattern: string, key: string): boolean {
  const [group, kind] = pattern.split("/");
  const [ownGroup, ownKind] = key.split("/");
  return (group === "*" || group === ownGroup) && (kind === "*" || kind === ownKind);
}

function listAt(tree: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = isObject(tree) ? valueAt(tree, ...path) : null;
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
