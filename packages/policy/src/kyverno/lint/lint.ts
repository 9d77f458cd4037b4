// What Kyverno policies leave open although they look complete: a rule on containers that forgets ephemeral ones
// (`kubectl debug`), and a rule on the containers' security contexts that forgets the Pod's, which counts where a
// container has none; and kinds that no object has.

import { stringAt, valueAt } from "@portcullis/kube";
import { type Diagnostic, warningAt } from "@portcullis/lang";
import { misnamedKind } from "../../engine/misnamed.ts";
import type { FieldFact, PolicyFacts } from "../../engine/overlap.ts";
import type { PolicySource } from "../../engine/policyset.ts";
import type { Json } from "../../engine/request.ts";
import { listOf, strings } from "../match/filter.ts";
import { parseKindSelector } from "../match/kinds.ts";
import { policyFacts } from "./facts.ts";

/** Findings in the order of the sources and their rules. */
export function lintPolicies(sources: readonly PolicySource[]): readonly Diagnostic[] {
  return sources.flatMap((source) => [...policyFacts(source).flatMap(lintRule), ...kindsMisnamed(source)]);
}

function kindsMisnamed(source: PolicySource): readonly Diagnostic[] {
  const kind = stringAt(source.object, "kind");
  if (kind !== "ClusterPolicy" && kind !== "Policy") return [];
  return listOf(valueAt(source.object, "spec"), "rules").flatMap((rule, at) =>
    ["match", "exclude"].flatMap((part) =>
      filterPaths(valueAt(rule, part)).flatMap((path) => {
        const resources = [...path, "resources"];
        return strings(valueAt(rule, part, ...resources), "kinds").flatMap((one, index) =>
          misnamedKind(parseKindSelector(one).kind, ["spec", "rules", at, part, ...resources, "kinds", index], source),
        );
      }),
    ),
  );
}

/** Of the filters in a match or an exclude. */
function filterPaths(block: Json): readonly Path[] {
  const lists = ["any", "all"].flatMap((name) => listOf(block, name).map((_, at): Path => [name, at]));
  return [[], ...lists];
}

type Path = readonly (string | number)[];

function lintRule(facts: PolicyFacts): readonly Diagnostic[] {
  if (facts.kinds?.every((kind) => !kind.endsWith("/Pod") && !kind.endsWith("/*")) === true) return [];
  return [...ephemeralContainers(facts), ...podContext(facts)];
}

const containers = "spec.containers[]";
const ephemeral = "spec.ephemeralContainers[]";

function ephemeralContainers({ policy, decides }: PolicyFacts): readonly Diagnostic[] {
  const judged = decides.find(({ path }) => isOfContainers(path));
  if (judged === undefined || decides.some(({ path }) => path.startsWith(ephemeral))) return [];
  const text = `${policy} does not check ephemeral containers: with \`kubectl debug\` any container enters a Pod that it judges`;
  return [warningAt("lint/ephemeral-containers", judged.span, text, `look at \`${ephemeral.slice(0, -2)}\` too`)];
}

/** Fields that ephemeral containers have too: they have neither ports, resources nor probes. */
function isOfContainers(path: string): boolean {
  return (
    path.startsWith(containers) && /^\.(?:image$|securityContext|env|volumeMounts)/.test(path.slice(containers.length))
  );
}

/** Of both security contexts; the container's goes first. */
const shared: ReadonlySet<string> = new Set([
  "runAsUser",
  "runAsGroup",
  "runAsNonRoot",
  "seLinuxOptions",
  "seccompProfile",
  "appArmorProfile",
  "windowsOptions",
]);

function podContext({ policy, decides }: PolicyFacts): readonly Diagnostic[] {
  const open = new Map<string, FieldFact>();
  for (const fact of decides) {
    const field = /^spec\.containers\[\]\.securityContext\.(\w+)/.exec(fact.path)?.[1];
    if (field !== undefined && shared.has(field) && !open.has(field)) open.set(field, fact);
  }
  return [...open].flatMap(([field, fact]) => {
    if (decides.some(({ path }) => path.startsWith(`spec.securityContext.${field}`))) return [];
    const text = `${policy} checks \`${field}\` of containers only: a Pod's own \`securityContext.${field}\` holds where a container has none`;
    return [warningAt("lint/pod-security-context", fact.span, text, `look at \`spec.securityContext.${field}\` too`)];
  });
}
