// What the product does on a cluster right now, read from the cluster itself: which replicas are alive, which policies are enforced,
// whether the API server asks us about them, who else is there, and what entered without being asked about.

import { type JsonRecord, gvkOf, isObject, nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import { ApiError, isNotFound, type ApiResource, type ClusterClient, type ClusterObject } from "../../cluster/api.ts";
import { scopeOf } from "../entries/scope.ts";
import { type ShadowCounts, shadowAnnotation } from "../entries/shadowing.ts";
import { type Found, configMaps, foundIn, uncheckedName } from "../entries/unchecked.ts";
import { type Neighbour, evidenceOf } from "../neighbours/neighbours.ts";
import { webhookResources } from "../webhooks/controller.ts";
import { type Enforcement, aliveReplicas, enforcementOf, replicaLeases } from "./enforced.ts";

export interface Overview {
  readonly replicas: readonly string[];
  readonly policies: readonly PolicyState[];
  readonly webhooks: readonly WebhookState[];
  readonly neighbours: readonly Neighbour[];
  /** Requests that the API server let through because a webhook of ours did not answer, by webhook; null: it may not be read. */
  readonly failOpen: readonly FailOpen[] | null;
  /** What was written without our being asked about it, as the leader found; null: it may not be read. */
  readonly unchecked: Found | null;
  /** Webhooks of which nothing can be told, because they have conditions on the request. */
  readonly untold: readonly string[];
  /** By replica, our decisions in shadow of a neighbour beside what became of the requests. */
  readonly shadows: readonly (ShadowCounts & { readonly replica: string })[];
  readonly problems: readonly string[];
}

export interface PolicyState {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** The users' word: deny, dryrun, Enforce …; "" where there is none. */
  readonly action: string;
  readonly enforcement: Enforcement;
  /** Violations that the last audit found; null where none looked. */
  readonly violations: number | null;
}

interface WebhookState {
  readonly configuration: string;
  readonly name: string;
  readonly failurePolicy: string;
  readonly rules: number;
}

interface FailOpen {
  readonly webhook: string;
  readonly kind: "admit" | "validating";
  readonly count: number;
}

const policyGroups =
  /^(?:(?:templates|constraints|mutations|expansion|config|externaldata|connection)\.gatekeeper\.sh|(?:policies\.)?kyverno\.io)$/;
const notPolicies: ReadonlySet<string> = new Set(["UpdateRequest", "PolicyException"]);

export async function overviewOf(
  client: ClusterClient,
  { namespace, configurationName }: { readonly namespace: string; readonly configurationName: string },
): Promise<Overview> {
  const problems: string[] = [];
  const replicas = await aliveReplicas(client, namespace);
  const { resources, failed } = await client.discover(true);
  for (const group of failed) problems.push(`the API group ${group} cannot be read`);
  const kinds = resources.filter(
    ({ gvk, preferred, verbs }) =>
      preferred && verbs.includes("list") && policyGroups.test(gvk.group) && !notPolicies.has(gvk.kind),
  );
  const policies = (await Promise.all(kinds.map((kind) => policiesOf(client, kind, replicas)))).flat();
  const configurations = await configurationsIn(client);
  const webhooks = configurations.filter((object) => nameOf(object) === configurationName).flatMap(webhooksOf);
  if (webhooks.length === 0)
    problems.push(`no webhook configuration ${configurationName}: the API server does not ask us`);
  if (replicas.length === 0) problems.push(`no replica runs in the namespace ${namespace}`);
  const others = configurations.filter((object) => nameOf(object) !== configurationName);
  return {
    replicas,
    policies: policies.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    webhooks,
    neighbours: neighboursIn(others),
    failOpen: await failOpenCounters(client, new Set(webhooks.map(({ name }) => name))),
    unchecked: await uncheckedIn(client, namespace),
    untold: configurations
      .filter((object) => nameOf(object) === configurationName)
      .flatMap((object) => scopeOf(object, "enforcing").untold),
    shadows: (await replicaLeases(client, namespace)).flatMap(shadowsIn),
    problems,
  };
}

function keyOf({ kind, namespace, name }: PolicyState): string {
  return `${kind} ${namespace} ${name}`;
}

async function policiesOf(
  client: ClusterClient,
  { gvr, gvk }: ApiResource,
  replicas: readonly string[],
): Promise<readonly PolicyState[]> {
  const found: PolicyState[] = [];
  for await (const page of client.list(gvr)) {
    for (const item of page) {
      // Items of a list may come without their kind.
      const object = { ...item, apiVersion: apiVersionOf(gvk), kind: gvk.kind };
      const violations = valueAt(object, "status", "totalViolations");
      found.push({
        kind: gvk.kind,
        namespace: namespaceOf(object),
        name: nameOf(object),
        action: actionOf(object),
        enforcement: enforcementOf(object, replicas),
        violations: typeof violations === "number" ? violations : null,
      });
    }
  }
  return found;
}

function apiVersionOf({ group, version }: ApiResource["gvk"]): string {
  return group === "" ? version : `${group}/${version}`;
}

function actionOf(object: ClusterObject): string {
  const { group } = gvkOf(object);
  if (group === "constraints.gatekeeper.sh") return stringAt(object, "spec", "enforcementAction") || "deny";
  if (group !== "kyverno.io") return "";
  const rules = valueAt(object, "spec", "rules");
  const actions = (Array.isArray(rules) ? (rules as readonly unknown[]) : [])
    .map((rule) => stringAt(rule, "validate", "failureAction"))
    .filter((action) => action !== "");
  return [...new Set(actions)].join(",") || stringAt(object, "spec", "validationFailureAction");
}

async function configurationsIn(client: ClusterClient): Promise<readonly ClusterObject[]> {
  const all: ClusterObject[] = [];
  for (const resource of Object.values(webhookResources)) {
    // oxlint-disable-next-line no-await-in-loop -- there are two
    for await (const page of client.list(resource)) all.push(...page);
  }
  return all;
}

function webhooksOf(configuration: ClusterObject): readonly WebhookState[] {
  const { webhooks } = configuration;
  return (Array.isArray(webhooks) ? (webhooks as readonly unknown[]) : [])
    .filter((webhook): webhook is JsonRecord => isObject(webhook))
    .map((webhook) => ({
      configuration: nameOf(configuration),
      name: stringAt(webhook, "name"),
      failurePolicy: stringAt(webhook, "failurePolicy"),
      rules: Array.isArray(webhook["rules"]) ? webhook["rules"].length : 0,
    }));
}

function neighboursIn(objects: readonly ClusterObject[]): readonly Neighbour[] {
  return (["gatekeeper", "kyverno"] as const).flatMap((dialect) => {
    const evidence = objects.map((object) => evidenceOf(dialect, object)).find((text) => text !== null);
    return evidence === undefined || evidence === null ? [] : [{ dialect, evidence }];
  });
}

async function uncheckedIn(client: ClusterClient, namespace: string): Promise<Found | null> {
  try {
    return foundIn(await client.get(configMaps, { namespace, name: uncheckedName }));
  } catch (error) {
    if (isNotFound(error)) return { since: "", unchecked: 0, unknown: 0, examples: [] };
    if (error instanceof ApiError && error.status === 403) return null;
    throw error;
  }
}

function shadowsIn(lease: ClusterObject): Overview["shadows"] {
  const text = stringAt(lease, "metadata", "annotations", shadowAnnotation);
  if (text === "") return [];
  const { counts, examples } = JSON.parse(text) as ShadowCounts;
  return [{ replica: stringAt(lease, "spec", "holderIdentity"), counts, examples }];
}

const failOpenLine = /^apiserver_admission_webhook_fail_open_count\{name="([^"]*)",type="([^"]*)"\} (\S+)$/gm;

/** From the API server's own metrics. Who may not read them does not know. */
async function failOpenCounters(client: ClusterClient, own: ReadonlySet<string>): Promise<readonly FailOpen[] | null> {
  try {
    const text = await client.call({ method: "GET", path: "/metrics", accept: "text/plain" });
    return [...String(text).matchAll(failOpenLine)]
      .map(([, webhook = "", type = "", count = ""]) => ({
        webhook,
        kind: type === "admit" ? ("admit" as const) : ("validating" as const),
        count: Number(count),
      }))
      .filter(({ webhook }) => own.has(webhook));
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return null;
    throw error;
  }
}
