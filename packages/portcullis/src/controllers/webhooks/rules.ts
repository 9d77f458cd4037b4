// From kinds, as policies name them, to the rules of a webhook, which name resources. Discovery says which resource a kind is and
// whether it lies in namespaces; a kind that nobody serves yet has no rule, and gets one when its definition appears. Rules
// that differ in one thing only are joined, what a wider rule asks for already is left out, and everything is sorted, so that
// the same policies always give the same rules.
// Kyverno: pkg/controllers/webhook/controller.go mergeWebhook; Gatekeeper: deploy/gatekeeper.yaml.

import { matchesWildcard } from "@portcullis/lang/go";
import type { AdmissionRule } from "@portcullis/policy";
import type { ApiResource } from "../../cluster/api.ts";

/** A `RuleWithOperations` of admissionregistration.k8s.io. */
export interface WebhookRule {
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly resources: readonly string[];
  readonly operations: readonly string[];
  readonly scope: "*" | "Cluster" | "Namespaced";
}

/** Requests whose object is of another kind than the resource that they go to. */
const subresourceKinds: Readonly<Record<string, string>> = {
  "pods/attach": "PodAttachOptions",
  "pods/binding": "Binding",
  "pods/eviction": "Eviction",
  "pods/exec": "PodExecOptions",
  "pods/log": "PodLogOptions",
  "pods/portforward": "PodPortForwardOptions",
  "pods/proxy": "PodProxyOptions",
  "services/proxy": "ServiceProxyOptions",
  "nodes/proxy": "NodeProxyOptions",
  "pods/ephemeralcontainers": "Pod",
  "pods/resize": "Pod",
  "services/status": "Service",
  "deployments/scale": "Scale",
  "replicasets/scale": "Scale",
  "statefulsets/scale": "Scale",
  "replicationcontrollers/scale": "Scale",
};

/** What Gatekeeper's own configuration asks about besides resources: all that is checked there has an object. */
const askedSubresources = Object.keys(subresourceKinds);

/** The rules that ask about all of this and nothing else that can be told apart. */
export function webhookRules(
  asked: readonly AdmissionRule[],
  resources: readonly ApiResource[],
): readonly WebhookRule[] {
  const targets = alike(asked).flatMap((rule) =>
    targetsOf(rule, resources).map((target) => ({ ...target, operations: rule.operations })),
  );
  return joined(withoutCovered(merged(targets)));
}

/** Most policies ask about the same few kinds: of those that ask for the same, one. */
function alike(asked: readonly AdmissionRule[]): readonly AdmissionRule[] {
  const keyed = asked.map((rule) => {
    const { group, version, kind, subresource, operations } = rule;
    return [JSON.stringify([group, version, kind, subresource, operations]), rule] as const;
  });
  return [...new Map(keyed).values()];
}

/** One resource of one group, before rules are joined. */
interface Target {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly scope: WebhookRule["scope"];
}

interface AskedTarget extends Target {
  readonly operations: readonly string[];
}

function targetsOf(rule: AdmissionRule, resources: readonly ApiResource[]): readonly Target[] {
  const { group, version, kind, subresource } = rule;
  if (kind === "*") return anyKind(rule);
  const matching = resources.filter(
    ({ gvk, gvr }) =>
      matchesWildcard(kind, gvk.kind) && matchesWildcard(group, gvk.group) && matchesWildcard(version, gvr.version),
  );
  const found = matching.flatMap(({ gvr, namespaced, subresources }): readonly Target[] => {
    const scope = namespaced ? "Namespaced" : "*";
    const base = { group: gvr.group, version: version === "*" ? "*" : gvr.version, scope } as const;
    return resourcesOf(gvr.resource, subresources, subresource).map((resource) => ({ ...base, resource }));
  });
  return [...found, ...(subresource === null ? bySubresource(kind, resources) : [])];
}

function resourcesOf(
  resource: string,
  subresources: readonly string[],
  subresource: AdmissionRule["subresource"],
): readonly string[] {
  if (subresource === null && resource === "pods") return ["pods", "pods/ephemeralcontainers", "pods/resize"];
  if (subresource === null || subresource === "") return [resource];
  if (subresource === "*") return [`${resource}/*`];
  return subresources.filter((one) => matchesWildcard(subresource, one)).map((one) => `${resource}/${one}`);
}

/** Requests to a subresource whose object has the kind, as an Eviction has. */
function bySubresource(kind: string, resources: readonly ApiResource[]): readonly Target[] {
  return askedSubresources
    .filter((path) => subresourceKinds[path] === kind && kind !== "Pod")
    .flatMap((path) =>
      resources
        .filter(({ gvr }) => gvr.resource === path.slice(0, path.indexOf("/")) && isBuiltIn(gvr.group))
        .map(({ gvr, namespaced }) => ({
          group: gvr.group,
          version: "*",
          resource: path,
          scope: namespaced ? ("Namespaced" as const) : ("*" as const),
        })),
    );
}

function isBuiltIn(group: string): boolean {
  return group === "" || group === "apps";
}

function anyKind({ group, version, subresource }: AdmissionRule): readonly Target[] {
  const base = {
    group: group.includes("?") ? "*" : group,
    version: version.includes("?") ? "*" : version,
    scope: "*",
  } as const;
  if (subresource === "") return [{ ...base, resource: "*" }];
  if (subresource !== null) return [{ ...base, resource: subresource === "*" ? "*/*" : `*/${subresource}` }];
  const subresources = askedSubresources.filter((path) => group === "*" || group === groupOf(path));
  return [{ ...base, resource: "*" }, ...subresources.map((resource) => ({ ...base, resource }))];
}

function groupOf(path: string): string {
  return /^(?:deployments|replicasets|statefulsets)\//.test(path) ? "apps" : "";
}

// ── fewer rules

const operationOrder = ["CREATE", "UPDATE", "DELETE", "CONNECT"];

function inOrder(operations: Iterable<string>): readonly string[] {
  const known = new Set(operations);
  return operationOrder.filter((operation) => known.has(operation));
}

/** One entry for each resource, version and scope, with all operations. */
function merged(targets: readonly AskedTarget[]): readonly AskedTarget[] {
  const byKey = new Map<string, AskedTarget>();
  for (const target of targets) {
    const key = [target.group, target.version, target.resource, target.scope].join(" ");
    const known = byKey.get(key);
    const operations = inOrder([...(known?.operations ?? []), ...target.operations]);
    byKey.set(key, { ...target, operations });
  }
  return [...byKey.values()];
}

function withoutCovered(targets: readonly AskedTarget[]): readonly AskedTarget[] {
  const wide = targets.filter(({ group, version, resource }) => `${group} ${version} ${resource}`.includes("*"));
  return targets.filter((target) => !wide.some((other) => other !== target && covers(other, target)));
}

function covers(wide: AskedTarget, target: AskedTarget): boolean {
  const all = (pattern: string, text: string): boolean => pattern === "*" || pattern === text;
  return (
    all(wide.group, target.group) &&
    all(wide.version, target.version) &&
    all(wide.scope, target.scope) &&
    coversResource(wide.resource, target.resource) &&
    target.operations.every((operation) => wide.operations.includes(operation))
  );
}

function coversResource(wide: string, resource: string): boolean {
  if (wide === resource || wide === "*/*") return true;
  if (wide === "*") return !resource.includes("/");
  const [all = "", sub] = wide.split("/");
  const [own = "", ownSub] = resource.split("/");
  if (sub === undefined || ownSub === undefined) return false;
  return (all === "*" || all === own) && (sub === "*" || sub === ownSub);
}

/** Resources with the same group, version, scope and operations share a rule; so do groups with the same resources. */
function joined(targets: readonly AskedTarget[]): readonly WebhookRule[] {
  const byGroup = grouped(targets, ({ group, version, scope, operations }) =>
    [group, version, scope, operations.join(",")].join(" "),
  ).map((same) => ({ ...(same[0] as AskedTarget), resources: sorted(same.map(({ resource }) => resource)) }));
  const byResources = grouped(byGroup, ({ version, scope, operations, resources }) =>
    [version, scope, operations.join(","), resources.join(",")].join(" "),
  );
  return byResources
    .map((same) => {
      const { version, scope, operations, resources } = same[0] as (typeof byGroup)[number];
      const apiGroups = sorted(same.map(({ group }) => group));
      return { apiGroups, apiVersions: [version], resources, operations, scope };
    })
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => string): readonly (readonly Item[])[] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [item]);
    else known.push(item);
  }
  return [...groups.values()];
}

function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted();
}
