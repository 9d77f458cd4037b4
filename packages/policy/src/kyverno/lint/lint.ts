// What Kyverno policies leave open although they look complete: a rule on containers that forgets ephemeral ones
// (`kubectl debug`), and a rule on the containers' security contexts that forgets the Pod's, which counts where a
// container has none.

import { type Diagnostic, warningAt } from "@portcullis/lang";
import type { FieldFact, PolicyFacts } from "../../engine/overlap.ts";
import type { PolicySource } from "../../engine/policyset.ts";
import { policyFacts } from "./facts.ts";

/** Findings in the order of the sources and their rules. */
export function lintPolicies(sources: readonly PolicySource[]): readonly Diagnostic[] {
  return sources.flatMap((source) => policyFacts(source).flatMap(lintRule));
}

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
