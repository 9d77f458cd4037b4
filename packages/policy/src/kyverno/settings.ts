// What an operator sets for all Kyverno policies: Kyverno's ConfigMap and flags, as far as they change a decision. The
// defaults are Kyverno's own; its chart writes resource filters and excluded groups into the ConfigMap, which whoever
// installs us does too. Kyverno: pkg/config/config.go.

import type { EvaluationRequest, Gvk, Json } from "../engine/request.ts";
import { type KindSelector, matchesKindParts, parseKindSelector } from "./match/kinds.ts";
import { matchesWildcard } from "./pattern/wildcard.ts";

export interface KyvernoSettings {
  /** `[Kind,namespace,name]` with wildcards: requests that no Kyverno policy sees. */
  readonly resourceFilters: readonly ResourceFilter[];
  /** Requesters that policies do not apply to at admission, and those that they apply to all the same. */
  readonly excluded: Requesters;
  readonly included: Requesters;
  readonly defaultRegistry: string;
  readonly enableDefaultRegistryMutation: boolean;
  /** In bytes of JSON; 0 for no limit. */
  readonly maxContextSize: number;
  /** The namespace that exceptions must be in; `*` for any; null when exceptions are switched off. */
  readonly exceptionNamespace: string | null;
  /** Who makes what rules want: its requests do not trigger generate rules and mutations of existing objects again. */
  readonly backgroundUser: string;
  /** Answer as Kyverno does where it lets through what the policy plainly denies: see docs/compatibility.md. */
  readonly peerAnswers: boolean;
  /** Values and limits that the command line gives; absent in a cluster. */
  readonly given?: GivenValues;
}

interface ResourceFilter {
  readonly kind: KindSelector;
  readonly namespace: string;
  readonly name: string;
}

/** Wildcards. */
export interface Requesters {
  readonly usernames: readonly string[];
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  readonly clusterRoles: readonly string[];
}

export type ContextSource = "configMap" | "apiCall" | "imageRegistry" | "variable" | "globalReference";

/** What stands in for a cluster on the command line. Keys are paths with dots (`request.operation`, `a."b.c"`). */
interface GivenValues {
  /** Values for one policy and object, put into the context before anything is evaluated. */
  forPolicy(policy: string, request: EvaluationRequest): Readonly<Record<string, Json>>;
  /** Values of one rule, put in each time its context is loaded. */
  forRule(policy: string, rule: string): Readonly<Record<string, Json>>;
  /** Context entries of these kinds are left out, so that only given values can stand for them. */
  readonly leavesOut: ReadonlySet<ContextSource>;
}

const nobody: Requesters = { usernames: [], groups: [], roles: [], clusterRoles: [] };

export const defaultSettings: KyvernoSettings = {
  resourceFilters: [],
  excluded: nobody,
  included: nobody,
  defaultRegistry: "docker.io",
  enableDefaultRegistryMutation: true,
  maxContextSize: 2 * 1024 * 1024,
  exceptionNamespace: "*",
  backgroundUser: "system:serviceaccount:kyverno:kyverno-background-controller",
  peerAnswers: false,
};

/**
 * Reads `[Pod,kube-system,*][Node,*,*]`. Parts that are missing are empty, which only what has no name matches, and
 * more than three say nothing, as in Kyverno: parseKinds.
 */
export function parseResourceFilters(text: string): readonly ResourceFilter[] {
  return [...text.matchAll(/\[([^[\]]*)\]/g)].flatMap(([, inner = ""]) => {
    const parts = inner.split(",");
    const [kind = "", namespace = "", name = ""] = parts;
    return kind === "" || parts.length > 3 ? [] : [{ kind: parseKindSelector(kind), namespace, name }];
  });
}

/** What a filter is asked about. */
export interface Filtered {
  readonly gvk: Gvk;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** Whether no policy sees the object. A Namespace is also filtered as what is in it. Kyverno: ToFilter. */
export function isFiltered(
  { resourceFilters }: KyvernoSettings,
  { gvk, subresource, namespace, name }: Filtered,
): boolean {
  const isNamespace = gvk.group === "" && gvk.version === "v1" && gvk.kind === "Namespace";
  return resourceFilters.some(
    (filter) =>
      matchesKindParts(filter.kind, gvk, subresource) &&
      ((matchesWildcard(filter.namespace, namespace) && matchesWildcard(filter.name, name)) ||
        (isNamespace && matchesWildcard(filter.namespace, name))),
  );
}

/** Whether one of the patterns names a requester. Roles are asked only where a pattern needs them. */
export function namesRequester(
  patterns: Requesters,
  requester: {
    readonly username: string;
    readonly groups: readonly string[];
    roles(): readonly string[];
    clusterRoles(): readonly string[];
  },
): boolean {
  const some = (list: readonly string[], names: () => readonly string[]): boolean =>
    list.length > 0 && names().some((name) => list.some((pattern) => matchesWildcard(pattern, name)));
  return (
    some(patterns.usernames, () => [requester.username]) ||
    some(patterns.groups, () => requester.groups) ||
    some(patterns.roles, () => requester.roles()) ||
    some(patterns.clusterRoles, () => requester.clusterRoles())
  );
}
