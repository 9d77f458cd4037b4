// The kinds of reports: wgpolicyk8s.io, its successor openreports.io, and the short-lived ones that Kyverno's controllers
// leave each other. One result and one summary have the same shape in all of them.
// Kyverno: config/crds/{policyreport,reports}; openreports: reports-api config/crd.

import type { JsonRecord } from "@portcullis/kube";
import { type KindRow, flag, list, object, oneOf, text, texts, uncounted, whole } from "./crd.ts";

const reference = object(
  { apiVersion: text, fieldPath: text, kind: text, name: text, namespace: text, resourceVersion: text, uid: text },
  { "x-kubernetes-map-type": "atomic" },
);

const selector = object(
  {
    matchExpressions: list(object({ key: text, operator: text, values: texts }, { required: ["key", "operator"] })),
    matchLabels: { type: "object", additionalProperties: text },
  },
  { "x-kubernetes-map-type": "atomic" },
);

const results = list(
  object(
    {
      category: text,
      message: text,
      policy: text,
      properties: { type: "object", additionalProperties: text },
      resourceSelector: selector,
      resources: list(reference),
      result: oneOf("pass", "fail", "warn", "error", "skip"),
      rule: text,
      scored: flag,
      severity: oneOf("critical", "high", "low", "medium", "info"),
      source: text,
      timestamp: object(
        { nanos: { type: "integer", format: "int32" }, seconds: uncounted },
        { required: ["nanos", "seconds"] },
      ),
    },
    { required: ["policy"] },
  ),
);

const summary = object({ error: whole, fail: whole, pass: whole, skip: whole, warn: whole });

const counts = ["Pass", "Fail", "Warn", "Error", "Skip"];
const age = "Age:date:.metadata.creationTimestamp";

function countColumns(under: string): readonly string[] {
  return counts.map((name) => `${name}:integer:${under}.${name.toLowerCase()}`);
}

const common = { results, scope: reference, scopeSelector: selector, summary };

const policyReport = {
  group: "wgpolicyk8s.io",
  versions: [{ name: "v1alpha2", schema: object(common) }],
  columns: ["Kind:string:.scope.kind", "Name:string:.scope.name", ...countColumns(".summary"), age],
};

const openReport = {
  group: "openreports.io",
  versions: [
    {
      name: "v1alpha1",
      schema: object({
        ...common,
        configuration: object(
          {
            limits: object({
              maxResults: whole,
              statusFilter: list(oneOf("pass", "fail", "warn", "error", "skip")),
            }),
          },
          { required: ["limits"] },
        ),
        source: text,
      }),
    },
  ],
  columns: ["Kind:string:.scope.kind:1", "Name:string:.scope.name:1", ...countColumns(".summary"), age],
};

const label = (name: string): string => `.metadata.labels['audit\\.kyverno\\.io/${name.replaceAll(".", "\\.")}']`;

const ephemeral: JsonRecord = object(
  {
    spec: object(
      {
        owner: object(
          { apiVersion: text, blockOwnerDeletion: flag, controller: flag, kind: text, name: text, uid: text },
          { required: ["apiVersion", "kind", "name", "uid"] },
        ),
        results,
        summary,
      },
      { required: ["owner"] },
    ),
  },
  { required: ["spec"] },
);

function ephemeralReport(kind: string, shortName: string, uidPriority: string): KindRow {
  return {
    group: "reports.kyverno.io",
    kind,
    shortNames: [shortName],
    categories: ["kyverno"],
    versions: [{ name: "v1", schema: ephemeral }],
    columns: [
      `Source:string:${label("source")}`,
      `Group:string:${label("resource.group")}`,
      `Kind:string:${label("resource.kind")}`,
      "Owner:string:.metadata.annotations['audit\\.kyverno\\.io/resource\\.name']",
      ...countColumns(".spec.summary"),
      age,
      `Uid:string:${label("resource.uid")}${uidPriority}`,
      `Hash:string:${label("resource.hash")}:1`,
    ],
  };
}

export const reportKinds: readonly KindRow[] = [
  { ...policyReport, kind: "PolicyReport", shortNames: ["polr"], namespaced: true },
  { ...policyReport, kind: "ClusterPolicyReport", shortNames: ["cpolr"] },
  { ...openReport, kind: "Report", shortNames: ["reps"], namespaced: true },
  { ...openReport, kind: "ClusterReport", shortNames: ["creps"] },
  { ...ephemeralReport("EphemeralReport", "ephr", ":1"), namespaced: true },
  ephemeralReport("ClusterEphemeralReport", "cephr", ""),
];
