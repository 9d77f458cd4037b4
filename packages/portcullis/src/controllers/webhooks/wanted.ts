// The two webhook configurations that the loaded policies ask for. Each dialect keeps the webhooks that its users know, by
// name and by what they answer: Gatekeeper's one for validation (which also looks at policies before they are stored), one
// for mutation and one for its ignore label; Kyverno's ones for each failure policy, and for its policies. kube-system and our
// own namespace are left out, so that a cluster starts without us; namespaces with Gatekeeper's ignore label are left out
// for Gatekeeper alone. A webhook that has nothing to ask is not there.

import type { AdmissionRule, Operation, PolicyId, Scope } from "@portcullis/policy";
import type { ApiResource } from "../../cluster/api.ts";
import { managedBy } from "../install/crds/crd.ts";
import { type WebhookRule, webhookRules } from "./rules.ts";

/** What a policy, or a stage of mutation, says of the requests that it wants to be asked about. */
export interface AskingPolicy {
  readonly id: PolicyId;
  readonly phase: "validate" | "mutate";
  readonly scope: Scope;
  readonly failurePolicy?: FailurePolicy;
  readonly timeoutMs?: number;
  /** Cleanup, which no request concerns. */
  readonly schedule?: string;
  /** Its scope when absent. */
  readonly admission?: readonly AdmissionRule[];
}

export type Dialect = "gatekeeper" | "kyverno";

/** How the API server finds us: a Service of the cluster, or any URL (`https://host:port`). */
export type Reached =
  | { readonly service: { readonly namespace: string; readonly name: string; readonly port: number } }
  | { readonly url: string };

export interface WebhookSettings {
  readonly reached: Reached;
  /** Of both configurations: `<name>`; `portcullis` when absent. */
  readonly configurationName?: string;
  /** Ours: nothing in it is looked at. */
  readonly namespace: string;
  /** What is left out besides; kube-system when absent. */
  readonly excludedNamespaces?: readonly string[];
  /** Whose webhooks are made; both when absent. */
  readonly dialects?: readonly Dialect[];
  /** Whose policies decide and enforce nothing, because a neighbour does; none when absent. */
  readonly shadows?: readonly Dialect[];
  readonly gatekeeper?: GatekeeperWebhooks;
  readonly kyverno?: KyvernoWebhooks;
  /** Requests of these users are not asked about. */
  readonly excludedUsers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What an operator sets for Gatekeeper's webhooks; its own defaults when absent. */
interface GatekeeperWebhooks {
  /** CREATE and UPDATE when absent. Templates that name their operations are asked about them all the same. */
  readonly operations?: readonly Operation[];
  readonly failurePolicy?: FailurePolicy;
  readonly timeoutSeconds?: number;
  readonly mutationFailurePolicy?: FailurePolicy;
  readonly mutationTimeoutSeconds?: number;
}

/** What Kyverno's ConfigMap and flags set. */
interface KyvernoWebhooks {
  readonly timeoutSeconds?: number;
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  readonly matchConditions?: readonly MatchCondition[];
  readonly forceFailurePolicyIgnore?: boolean;
}

type FailurePolicy = "Fail" | "Ignore";

interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly Requirement[];
}

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

/** A webhook of a configuration. */
export interface Webhook {
  readonly name: string;
  readonly clientConfig: Readonly<Record<string, unknown>>;
  readonly rules: readonly WebhookRule[];
  readonly failurePolicy: FailurePolicy;
  readonly matchPolicy: "Exact" | "Equivalent";
  readonly sideEffects: "None" | "NoneOnDryRun";
  readonly timeoutSeconds: number;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
  readonly matchConditions: readonly MatchCondition[];
  readonly admissionReviewVersions: readonly string[];
  /** Of mutating ones only. */
  readonly reinvocationPolicy?: "Never" | "IfNeeded";
}

export interface WantedConfiguration {
  readonly kind: "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration";
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly webhooks: readonly Webhook[];
}

export interface Wanting {
  readonly settings: WebhookSettings;
  readonly policies: readonly AskingPolicy[];
  /** All that is served. */
  readonly resources: readonly ApiResource[];
  /** PEM; null when somebody else puts it in. */
  readonly caBundle: string | null;
}

/** The validating and the mutating one. */
export function wantedConfigurations(wanting: Wanting): readonly WantedConfiguration[] {
  const {
    dialects = ["gatekeeper", "kyverno"],
    configurationName = "portcullis",
    labels,
    annotations,
  } = wanting.settings;
  const named = { name: configurationName, labels: { ...labels, ...managedBy }, annotations: annotations ?? {} };
  const some = (dialect: Dialect, webhooks: () => readonly (Webhook | null)[]): readonly Webhook[] =>
    dialects.includes(dialect) ? webhooks().filter((webhook) => webhook !== null) : [];
  return [
    {
      kind: "ValidatingWebhookConfiguration",
      ...named,
      webhooks: [
        ...some("gatekeeper", () => [gatekeepersValidation(wanting), ignoreLabel(wanting)]),
        ...some("kyverno", () => [kyvernosPolicies(wanting), ...kyvernos(wanting, "validate")]),
        ...shadowsOf(wanting),
      ],
    },
    {
      kind: "MutatingWebhookConfiguration",
      ...named,
      // Gatekeeper's mutators go first: an API server asks in the order in which webhooks stand here.
      webhooks: [
        ...some("gatekeeper", () => [gatekeepersMutation(wanting)]),
        ...some("kyverno", () => [kyvernosDefaults(wanting), ...kyvernos(wanting, "mutate")]),
      ],
    },
  ];
}

/** What decides about objects, on a path where every answer allows, under names that tell them apart. */
function shadowsOf(wanting: Wanting): readonly Webhook[] {
  const { shadows = [] } = wanting.settings;
  const all = [
    ...(shadows.includes("gatekeeper") ? [gatekeepersValidation(wanting)] : []),
    ...(shadows.includes("kyverno") ? kyvernos(wanting, "validate") : []),
  ];
  return all
    .filter((webhook) => webhook !== null)
    .map((webhook) => ({
      ...webhook,
      name: `shadow.${webhook.name}`,
      clientConfig: clientConfig(wanting, `/shadow${pathOf(webhook)}`),
      failurePolicy: "Ignore" as const,
    }));
}

function pathOf({ clientConfig: { url, service } }: Webhook): string {
  return typeof url === "string" ? new URL(url).pathname : (service as { readonly path: string }).path;
}

// ── Gatekeeper

const ignoreKey = "admission.gatekeeper.sh/ignore";
const nameKey = "kubernetes.io/metadata.name";
const writes: readonly Operation[] = ["CREATE", "UPDATE"];

/** Policies, which are looked at before they are stored whatever else is loaded. */
const gatekeepersKinds = [
  "templates.gatekeeper.sh",
  "constraints.gatekeeper.sh",
  "mutations.gatekeeper.sh",
  "expansion.gatekeeper.sh",
  "config.gatekeeper.sh",
  "syncset.gatekeeper.sh",
  "externaldata.gatekeeper.sh",
  "connection.gatekeeper.sh",
];

function gatekeepersValidation(wanting: Wanting): Webhook {
  const { operations = writes, failurePolicy = "Ignore", timeoutSeconds = 3 } = wanting.settings.gatekeeper ?? {};
  const own = gatekeepersKinds.map((group): AdmissionRule => ({
    group,
    version: "*",
    kind: "*",
    subresource: "",
    operations: writes,
  }));
  const asked = askedOf(wanting, "gatekeeper", "validate").flatMap((policy) => scopeRules(policy, operations));
  return {
    ...common(wanting, "/v1/admit/gatekeeper"),
    name: "validation.gatekeeper.sh",
    rules: webhookRules([...own, ...asked], wanting.resources),
    namespaceSelector: leavingOut(wanting, [{ key: ignoreKey, operator: "DoesNotExist" }]),
    failurePolicy,
    timeoutSeconds,
  };
}

/** Nobody takes a namespace out of Gatekeeper's sight who may not. */
function ignoreLabel(wanting: Wanting): Webhook {
  const { namespace } = wanting.settings;
  return {
    ...common(wanting, "/v1/admitlabel"),
    name: "check-ignore-label.gatekeeper.sh",
    rules: [{ apiGroups: [""], apiVersions: ["*"], operations: writes, resources: ["namespaces"], scope: "*" }],
    namespaceSelector: { matchExpressions: [{ key: nameKey, operator: "NotIn", values: [namespace] }] },
    failurePolicy: "Fail",
    timeoutSeconds: 3,
  };
}

function gatekeepersMutation(wanting: Wanting): Webhook | null {
  const { mutationFailurePolicy = "Ignore", mutationTimeoutSeconds = 1 } = wanting.settings.gatekeeper ?? {};
  const asked = askedOf(wanting, "gatekeeper", "mutate").flatMap((policy) => scopeRules(policy, writes));
  const objects = asked.map((rule) => ({ ...rule, subresource: "" }));
  const rules = webhookRules(objects, wanting.resources);
  if (rules.length === 0) return null;
  return {
    ...common(wanting, "/v1/mutate/gatekeeper"),
    name: "mutation.gatekeeper.sh",
    rules,
    namespaceSelector: leavingOut(wanting, [{ key: ignoreKey, operator: "DoesNotExist" }]),
    failurePolicy: mutationFailurePolicy,
    timeoutSeconds: mutationTimeoutSeconds,
    reinvocationPolicy: "Never",
  };
}

/** What a policy asks for, with operations that are usual where its scope names none. */
function scopeRules({ scope, admission }: AskingPolicy, usual: readonly Operation[]): readonly AdmissionRule[] {
  if (admission !== undefined) return admission;
  const operations = scope.operations?.filter((operation) => usual.includes(operation)) ?? usual;
  return (scope.kinds ?? ["*/*"]).map((key) => {
    const [group = "", kind = ""] = key.split("/");
    return { group, version: "*", kind, subresource: null, operations };
  });
}

// ── Kyverno

function kyvernos(wanting: Wanting, phase: "validate" | "mutate"): readonly (Webhook | null)[] {
  const { forceFailurePolicyIgnore = false } = wanting.settings.kyverno ?? {};
  const policies = askedOf(wanting, "kyverno", phase);
  const policyOf = (policy: AskingPolicy): FailurePolicy =>
    forceFailurePolicyIgnore ? "Ignore" : (policy.failurePolicy ?? "Fail");
  return (["Ignore", "Fail"] as const).map((failurePolicy) => {
    const some = policies.filter((policy) => policyOf(policy) === failurePolicy);
    // Forced, every policy answers there, whatever its own failure policy.
    const path = forceFailurePolicyIgnore ? `/${phase}` : `/${phase}/${failurePolicy.toLowerCase()}`;
    return kyvernosWebhook(wanting, { phase, failurePolicy, path }, some);
  });
}

interface Asked {
  readonly phase: "validate" | "mutate";
  readonly failurePolicy: FailurePolicy;
  readonly path: string;
}

function kyvernosWebhook(
  wanting: Wanting,
  { phase, failurePolicy, path }: Asked,
  policies: readonly AskingPolicy[],
): Webhook | null {
  const settings = wanting.settings.kyverno ?? {};
  const all: readonly Operation[] = ["CREATE", "UPDATE", "DELETE", "CONNECT"];
  const rules = webhookRules(
    policies.flatMap((policy) => withContainers(scopeRules(policy, phase === "mutate" ? writes : all))),
    wanting.resources,
  );
  if (rules.length === 0) return null;
  const asked = policies.map(({ timeoutMs = 0 }) => timeoutMs / 1000);
  const timeoutSeconds = Math.min(30, Math.max(settings.timeoutSeconds ?? 10, ...asked));
  return {
    ...common(wanting, path),
    name: `${phase}.kyverno.svc-${failurePolicy.toLowerCase()}`,
    rules,
    failurePolicy,
    timeoutSeconds,
    matchPolicy: "Equivalent",
    sideEffects: "NoneOnDryRun",
    namespaceSelector: settings.namespaceSelector ?? leavingOut(wanting, []),
    objectSelector: settings.objectSelector ?? {},
    matchConditions: [...matchConditionsOf(wanting), ...(settings.matchConditions ?? [])],
    ...(phase === "mutate" && { reinvocationPolicy: "IfNeeded" as const }),
  };
}

/** Who asks about Pods is asked about their ephemeral containers, too. */
function withContainers(rules: readonly AdmissionRule[]): readonly AdmissionRule[] {
  const pods = rules.filter(({ subresource }) => subresource === "");
  return [...rules, ...pods.map((rule) => ({ ...rule, subresource: "ephemeralcontainers" }))];
}

function kyvernosPolicies(wanting: Wanting): Webhook {
  return {
    ...common(wanting, "/policyvalidate"),
    name: "validate-policy.kyverno.svc",
    rules: ["kyverno.io", "policies.kyverno.io"].flatMap((group) =>
      policyRule(group, group === "kyverno.io" ? policyResources : ["*"]),
    ),
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    timeoutSeconds: wanting.settings.kyverno?.timeoutSeconds ?? 10,
  };
}

const policyResources = [
  "cleanuppolicies",
  "clustercleanuppolicies",
  "clusterpolicies",
  "globalcontextentries",
  "policies",
  "policyexceptions",
];

/** What Kyverno writes into policies that leave it open. */
function kyvernosDefaults(wanting: Wanting): Webhook {
  return {
    ...common(wanting, "/policymutate"),
    name: "mutate-policy.kyverno.svc",
    rules: policyRule("kyverno.io", ["clusterpolicies", "policies"]),
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    sideEffects: "NoneOnDryRun",
    timeoutSeconds: wanting.settings.kyverno?.timeoutSeconds ?? 10,
    reinvocationPolicy: "IfNeeded",
  };
}

function policyRule(group: string, resources: readonly string[]): readonly WebhookRule[] {
  return [{ apiGroups: [group], apiVersions: ["*"], operations: writes, resources, scope: "*" }];
}

// ── both

function askedOf({ policies }: Wanting, dialect: Dialect, phase: "validate" | "mutate"): readonly AskingPolicy[] {
  return policies.filter(
    (policy) => policy.id.dialect === dialect && policy.phase === phase && policy.schedule === undefined,
  );
}

function common(wanting: Wanting, path: string) {
  return {
    clientConfig: clientConfig(wanting, path),
    matchPolicy: "Exact" as const,
    sideEffects: "None" as const,
    namespaceSelector: {},
    objectSelector: {},
    matchConditions: matchConditionsOf(wanting),
    admissionReviewVersions: ["v1"],
  };
}

function clientConfig({ settings: { reached }, caBundle }: Wanting, path: string): Webhook["clientConfig"] {
  const bundle = caBundle === null ? {} : { caBundle: Buffer.from(caBundle).toString("base64") };
  if ("url" in reached) return { url: `${reached.url.replace(/\/$/, "")}${path}`, ...bundle };
  return { service: { ...reached.service, path }, ...bundle };
}

function leavingOut({ settings }: Wanting, more: readonly Requirement[]): LabelSelector {
  const { namespace, excludedNamespaces = ["kube-system"] } = settings;
  const values = [...new Set([...excludedNamespaces, namespace])].toSorted();
  return { matchExpressions: [...more, { key: nameKey, operator: "NotIn", values }] };
}

function matchConditionsOf({ settings: { excludedUsers = [] } }: Wanting): readonly MatchCondition[] {
  if (excludedUsers.length === 0) return [];
  const names = excludedUsers.map((user) => JSON.stringify(user)).join(", ");
  return [{ name: "portcullis-excluded-users", expression: `!(request.userInfo.username in [${names}])` }];
}
