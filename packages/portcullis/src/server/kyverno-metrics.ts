// Kyverno's metrics under their own names and labels, so that its dashboards and alerts go on working. What a label says
// about a request is capped: after so many kinds or namespaces, further ones are "other", and so they are after so many
// combinations of them, because five hundred of each would be a quarter of a million; the same for policies that come and go.
// Kyverno: pkg/metrics/{admission,policy_engine,policy_rule,metrics}.go, pkg/metrics/policychanges.

import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { type Tally, createTallies, ruleBuckets, tallyText } from "./tally.ts";

/** One request that Kyverno's policies were asked about. */
export interface KyvernoRequest {
  readonly kind: string;
  readonly namespace: string;
  readonly operation: string;
  readonly allowed: boolean;
  readonly webhook: "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration";
}

/** A policy as the metrics name it. */
export interface KyvernoPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly mode: string;
  readonly type: string;
  readonly background: boolean;
  readonly ready: boolean;
  readonly rules: readonly { readonly name: string; readonly type: string }[];
  /** Of its object, to see changes. */
  readonly digest: string;
}

export interface KyvernoMetrics {
  request(request: KyvernoRequest, seconds: number): void;
  rules(tallies: readonly Tally[]): void;
  policies(policies: readonly KyvernoPolicy[]): void;
  /** What the registry does not hold. */
  text(): string;
}

/** Whose behaviour is shown. */
const version = "v1.19.1";

const mostSeries = 5000;
/** Each is 18 lines. */
const mostDurations = 500;
const mostNames = 500;
/** Of requests by kind and namespace; each is a counter and 18 lines. */
const mostRequests = 1000;
/** Of policies and their rules. */
const mostRules = 5000;
const mostChanges = 2000;
const operations: ReadonlySet<string> = new Set(["create", "update", "delete", "connect"]);

export function kyvernoMetrics(register: Registry): KyvernoMetrics {
  const metrics = instruments(register);
  const tallies = createTallies(mostSeries);
  const kinds = capped(mostNames);
  const namespaces = capped(mostNames);
  const requests = bounded(mostRequests);
  const changes = bounded(mostChanges);
  let known: ReadonlyMap<string, KyvernoPolicy> = new Map();
  const changed = (policy: KyvernoPolicy, change: "created" | "updated" | "deleted"): void => {
    const labels = { ...policyLabels(policy), policy_change_type: change };
    metrics.changes.inc(changes(labels, anyPolicy));
  };
  metrics.info.set({ version }, 1);
  return {
    request: ({ kind, namespace, operation, allowed, webhook }, seconds) => {
      const labels = {
        resource_kind: kinds(kind),
        resource_namespace: namespaces(namespace),
        // Whoever reaches the port may claim any.
        resource_request_operation: operations.has(operation) ? operation : "other",
        request_allowed: String(allowed),
        request_webhook: webhook,
      };
      const counted = requests(labels, { resource_kind: "other", resource_namespace: "other" });
      metrics.requests.inc(counted);
      metrics.duration.observe(counted, seconds);
    },
    rules: (more) => {
      for (const tally of more) tallies.merge(tally);
    },
    policies: (policies) => {
      metrics.rules.reset();
      const rules = bounded(mostRules);
      for (const policy of policies) {
        for (const labels of ruleLabels(policy))
          metrics.rules.set(rules(labels, { ...anyPolicy, rule_name: "other" }), 1);
      }
      const now = new Map(policies.map((policy) => [`${policy.type}/${policy.namespace}/${policy.name}`, policy]));
      for (const [key, policy] of now) {
        const before = known.get(key);
        if (before === undefined) changed(policy, "created");
        else if (before.digest !== policy.digest) changed(policy, "updated");
      }
      for (const [key, policy] of known) if (!now.has(key)) changed(policy, "deleted");
      known = now;
    },
    text: () => tallyText(tallies, mostDurations),
  };
}

function policyLabels({ namespace, name, mode, type, background }: KyvernoPolicy) {
  return {
    policy_validation_mode: mode,
    policy_type: type,
    policy_background_mode: String(background),
    policy_namespace: namespace,
    policy_name: name,
  };
}

function ruleLabels(policy: KyvernoPolicy) {
  const labels = { ...policyLabels(policy), status_ready: String(policy.ready) };
  return policy.rules.map(({ name, type }) => ({ ...labels, rule_name: name, rule_type: type }));
}

const anyPolicy = { policy_namespace: "other", policy_name: "other" };

const ofPolicies = [
  "policy_validation_mode",
  "policy_type",
  "policy_background_mode",
  "policy_namespace",
  "policy_name",
] as const;

const ofRequests = [
  "resource_kind",
  "resource_namespace",
  "resource_request_operation",
  "request_allowed",
  "request_webhook",
] as const;

function instruments(register: Registry) {
  const registers = [register];
  return {
    requests: new Counter({
      name: "kyverno_admission_requests_total",
      help: "can be used to track the number of admission requests encountered by Kyverno in the cluster",
      labelNames: ofRequests,
      registers,
    }),
    duration: new Histogram({
      name: "kyverno_admission_review_duration_seconds",
      help: "can be used to track the latencies (in seconds) associated with the entire individual admission review. For example, if an incoming request trigger, say, five policies, this metric will track the e2e latency associated with the execution of all those policies",
      labelNames: ofRequests,
      buckets: ruleBuckets,
      registers,
    }),
    rules: new Gauge({
      name: "kyverno_policy_rule_info_total",
      help: "can be used to track the info of the rules or/and policies present in the cluster. 0 means the rule doesn't exist and has been deleted, 1 means the rule is currently existent in the cluster",
      labelNames: [...ofPolicies, "status_ready", "rule_name", "rule_type"],
      registers,
    }),
    changes: new Counter({
      name: "kyverno_policy_changes_total",
      help: "can be used to track all the changes associated with the Kyverno policies present on the cluster such as creation, updates and deletions",
      labelNames: [...ofPolicies, "policy_change_type"],
      registers,
    }),
    info: new Gauge({ name: "kyverno_info", help: "Kyverno version information", labelNames: ["version"], registers }),
  };
}

/** The first `limit` combinations of labels as they are, every later one with what `rest` says instead. */
function bounded(limit: number) {
  const known = new Set<string>();
  return <Labels extends Readonly<Record<string, string>>>(labels: Labels, rest: Partial<Labels>): Labels => {
    const key = JSON.stringify(labels);
    if (known.has(key)) return labels;
    if (known.size >= limit) return { ...labels, ...rest };
    known.add(key);
    return labels;
  };
}

/** The first `limit` names as they are, every later one as "other". */
export function capped(limit: number): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.has(name)) return name;
    if (known.size >= limit) return "other";
    known.add(name);
    return name;
  };
}
