// Policy reports as Kyverno's command line writes them: one for all cluster policies, one for each namespaced policy.
// Kyverno: cmd/cli/kubectl-kyverno/report/report.go, pkg/utils/report/results.go.

import { apiVersionOf, gvkOf, nameOf, namespaceOf, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import type { RuleResult } from "../result.ts";
import { podSecurityProperties } from "../validate/podsecurity/check.ts";
import { type ResultCounts, isScored, noResults, reportedResult } from "./outcome.ts";
import type { CliPolicy } from "./port.ts";
import type { PolicyResponse } from "./run.ts";

export interface PolicyReport {
  readonly kind: "ClusterReport" | "PolicyReport";
  readonly apiVersion: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly source: string;
  readonly summary: ResultCounts;
  readonly results: readonly ReportResult[];
}

/** Fields in the order of Go's struct. */
interface ReportResult {
  readonly source: string;
  readonly policy: string;
  readonly rule?: string;
  readonly category?: string;
  readonly severity?: string;
  readonly timestamp: { readonly seconds: number; readonly nanos: number };
  readonly result: string;
  readonly scored?: boolean;
  readonly resources: readonly Json[];
  readonly message?: string;
  readonly properties: Readonly<Record<string, string>>;
}

export interface ReportOptions {
  readonly auditWarn: boolean;
  /** Seconds since 1970. */
  readonly seconds: number;
}

/** The reports of all responses. */
export function policyReports(responses: readonly PolicyResponse[], options: ReportOptions): readonly PolicyReport[] {
  const byPolicy = Map.groupBy(responses, ({ policy }) => policy);
  const cluster: ReportResult[] = [];
  const namespaced: PolicyReport[] = [];
  for (const [policy, own] of byPolicy) {
    const results = own.flatMap((response) => response.rules.map((rule) => reportResult(response, rule, options)));
    if (results.length === 0) continue;
    if (policy.namespace === "") cluster.push(...results);
    else namespaced.push(report("PolicyReport", { name: policy.name, namespace: policy.namespace }, results));
  }
  return cluster.length === 0 ? namespaced : [report("ClusterReport", { name: "merged" }, cluster), ...namespaced];
}

function report(
  kind: PolicyReport["kind"],
  metadata: PolicyReport["metadata"],
  results: readonly ReportResult[],
): PolicyReport {
  const summary = noResults();
  for (const { result } of results) if (Object.hasOwn(summary, result)) summary[result as keyof ResultCounts] += 1;
  return { kind, apiVersion: "openreports.io/v1alpha1", metadata, source: "", summary, results };
}

const severities: ReadonlySet<string> = new Set(["critical", "high", "medium", "low", "info"]);

function reportResult(response: PolicyResponse, rule: RuleResult, options: ReportOptions): ReportResult {
  const { policy, object } = response;
  const { result, message } = reportedResult(response, rule, options.auditWarn);
  const category = policy.annotations["policies.kyverno.io/category"] ?? "";
  const severity = policy.annotations["policies.kyverno.io/severity"] ?? "";
  return {
    source: "kyverno",
    policy: policy.namespace === "" ? policy.name : `${policy.namespace}/${policy.name}`,
    ...(rule.rule === "" ? {} : { rule: rule.rule }),
    ...(category === "" ? {} : { category }),
    ...(severities.has(severity) ? { severity } : {}),
    timestamp: { seconds: options.seconds, nanos: 0 },
    result,
    ...(isScored(policy) ? { scored: true } : {}),
    resources: [reference(object)],
    ...(message === "" ? {} : { message }),
    properties: propertiesOf(policy, rule),
  };
}

/** A reference with the fields that have a value, in the order of Go's struct. */
function reference(object: Json): Json {
  const gvk = gvkOf(object);
  const fields = {
    kind: gvk.kind,
    namespace: namespaceOf(object),
    name: nameOf(object),
    uid: stringAt(object, "metadata", "uid"),
    apiVersion: apiVersionOf(gvk),
    resourceVersion: stringAt(object, "metadata", "resourceVersion"),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));
}

function propertiesOf(policy: CliPolicy, rule: RuleResult): Readonly<Record<string, string>> {
  const exceptions = rule.exceptions.map((key) => key.slice(key.indexOf("/") + 1));
  const properties = {
    ...rule.properties,
    process: policy.process,
    ...(exceptions.length === 0 ? {} : { exceptions: exceptions.join(",") }),
    ...(rule.podSecurity === undefined ? {} : podSecurityProperties(rule.podSecurity)),
  };
  return Object.fromEntries(Object.entries(properties).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Exceptions for each failure of a cluster policy, as `--generate-exceptions` prints them. */
export function exceptionsForFailures(reports: readonly PolicyReport[], ttl: string): readonly Json[] {
  const failures = reports
    .filter(({ kind }) => kind === "ClusterReport")
    .flatMap(({ results }) => results.filter(({ result }) => result === "fail"));
  return failures.flatMap((failure) => failure.resources.map((resource) => exceptionFor(failure, resource, ttl)));
}

function exceptionFor({ policy, rule = "", properties }: ReportResult, resource: Json, ttl: string): Json {
  const { kinds, names, rules } = exempted(rule, stringAt(resource, "kind"), stringAt(resource, "name"));
  const namespace = stringAt(resource, "namespace");
  const controls = properties["controlsJSON"];
  return {
    kind: "PolicyException",
    apiVersion: "kyverno.io/v2beta1",
    metadata: {
      name: [policy, rule, namespace, stringAt(resource, "name")].join("-"),
      ...(ttl === "" ? {} : { labels: { "cleanup.kyverno.io/ttl": ttl } }),
    },
    spec: {
      match: { all: [{ resources: { kinds, names, namespaces: [namespace] } }] },
      exceptions: [{ policyName: policy, ruleNames: rules }],
      ...(controls === undefined ? {} : { podSecurity: exemptedControls(controls) }),
    },
  };
}

/** What a controller makes is exempted with it. */
function exempted(
  rule: string,
  kind: string,
  name: string,
): { readonly kinds: readonly string[]; readonly names: readonly string[]; readonly rules: readonly string[] } {
  if (!rule.startsWith("autogen-")) return { kinds: [kind], names: [name], rules: [rule] };
  const names = [name, `${name}-*`];
  if (kind !== "CronJob") return { kinds: [kind, "Pod"], names, rules: [rule, rule.slice("autogen-".length)] };
  const rules = [rule, rule.replaceAll("autogen-cronjob-", "autogen-"), rule.slice("autogen-cronjob-".length)];
  return { kinds: [kind, "Job", "Pod"], names, rules };
}

function exemptedControls(controls: string): readonly Json[] {
  return (JSON.parse(controls) as readonly Json[]).map((control) => {
    const controlName = stringAt(control, "Name");
    const images = valueAt(control, "Images");
    if (!Array.isArray(images)) return { controlName };
    return { controlName, images: images.map((image) => String(image).replace(/:.*|@.*/, "*")) };
  });
}
