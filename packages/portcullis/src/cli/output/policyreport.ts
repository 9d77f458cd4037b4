// Results as PolicyReports (wgpolicyk8s.io/v1alpha2): one report per namespace, one for objects of the cluster.

import type { FindingObject } from "./finding.ts";
import { writeGoYaml } from "./goyaml-writer.ts";

export interface ReportedResult {
  /** gatekeeper or kyverno. */
  readonly source: string;
  readonly policy: string;
  readonly rule: string;
  readonly result: "pass" | "fail" | "warn" | "error" | "skip";
  readonly message: string;
  readonly object: FindingObject;
  readonly properties: Readonly<Record<string, string>>;
}

/** The reports as YAML documents. `seconds` since 1970 stand in each result. */
export function renderPolicyReports(results: readonly ReportedResult[], seconds: number): string {
  const byNamespace = Map.groupBy(results, ({ object }) => object.namespace);
  const reports = [...byNamespace]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([namespace, own]) => writeGoYaml(reportOf(namespace, own, seconds), "go"));
  return reports.join("---\n");
}

function reportOf(namespace: string, results: readonly ReportedResult[], seconds: number): unknown {
  const summary = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0 };
  for (const { result } of results) summary[result] += 1;
  return {
    apiVersion: "wgpolicyk8s.io/v1alpha2",
    kind: namespace === "" ? "ClusterPolicyReport" : "PolicyReport",
    metadata: { name: "portcullis", ...(namespace === "" ? {} : { namespace }) },
    results: results.map(({ source, policy, rule, result, message, object, properties }) => ({
      source,
      policy,
      ...(rule === "" ? {} : { rule }),
      result,
      ...(message === "" ? {} : { message }),
      resources: [
        {
          apiVersion: object.apiVersion,
          kind: object.kind,
          name: object.name,
          ...(object.namespace === "" ? {} : { namespace: object.namespace }),
        },
      ],
      ...(Object.keys(properties).length === 0 ? {} : { properties }),
      scored: true,
      timestamp: { seconds, nanos: 0 },
    })),
    summary,
  };
}
