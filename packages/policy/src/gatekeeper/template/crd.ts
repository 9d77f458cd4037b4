// The CRD of a template's constraint kind. Its schema has Gatekeeper's own fields (match, enforcementAction,
// scopedEnforcementActions) and the template's schema as `spec.parameters`. A legacy schema, which v1beta1 and v1alpha1
// have by default, is loosened first: whatever it does not describe is kept.
// Frameworks: pkg/client/crds/{crds,schema}.go, pkg/schema/transform.go.

import { type JsonRecord, isObject } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { matchSchema } from "../constraint/match-schema.ts";

export const constraintGroup = "constraints.gatekeeper.sh";

export interface ConstraintKind {
  readonly kind: string;
  readonly shortNames: readonly string[];
  /** Of the template; the CRD carries them. */
  readonly labels: JsonRecord;
  /** As it stands in the template, or null. */
  readonly parameters: JsonRecord | null;
}

/** The CustomResourceDefinition (apiextensions.k8s.io/v1). */
export function constraintCrd(names: ConstraintKind, schema: Json): Json {
  const { kind, shortNames, labels } = names;
  const plural = kind.toLowerCase();
  const version = (name: string, storage: boolean): Json => ({
    name,
    served: true,
    storage,
    schema: { openAPIV3Schema: schema },
    subresources: { status: {} },
    additionalPrinterColumns: printerColumns,
  });
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${constraintGroup}`, labels: { ...labels, "gatekeeper.sh/constraint": "yes" } },
    spec: {
      group: constraintGroup,
      scope: "Cluster",
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: plural,
        ...(shortNames.length === 0 ? {} : { shortNames }),
        categories: ["constraint", "constraints"],
      },
      conversion: { strategy: "None" },
      versions: [version("v1beta1", true), version("v1alpha1", false)],
    },
  };
}

const printerColumns: Json = [
  {
    name: "enforcement-action",
    type: "string",
    description: "What a violation leads to",
    jsonPath: ".spec.enforcementAction",
  },
  {
    name: "total-violations",
    type: "integer",
    description: "Violations in the cluster",
    jsonPath: ".status.totalViolations",
  },
];

/** The schema of a constraint. */
export function constraintSchema(parameters: JsonRecord | null): JsonRecord {
  const text = { type: "string" };
  const list = (items: Json): Json => ({ type: "array", items });
  const points = list({ type: "object", properties: { name: text } });
  const spec: Record<string, Json> = {
    match: matchSchema,
    enforcementAction: { type: "string", default: "deny" },
    scopedEnforcementActions: list({ type: "object", properties: { action: text, enforcementPoints: points } }),
  };
  if (parameters !== null) spec["parameters"] = parameters;
  return {
    type: "object",
    properties: {
      metadata: { type: "object", properties: { name: { type: "string", maxLength: 63 } } },
      spec: { type: "object", properties: spec },
      status: { "x-kubernetes-preserve-unknown-fields": true },
    },
  };
}

/** The schema with everything loosened that does not say what it holds. */
export function loosened(schema: JsonRecord): JsonRecord {
  const result: Record<string, Json> = { ...schema };
  const { type = "" } = schema;
  if (type === "" || type === "object") result["x-kubernetes-preserve-unknown-fields"] = true;
  if (type === "array" && !isObject(schema["items"])) result["items"] = {};
  const { properties, items, additionalProperties } = result;
  if (isObject(properties)) {
    result["properties"] = Object.fromEntries(
      Object.entries(properties).map(([key, value]) => [key, isObject(value) ? loosened(value) : value]),
    );
  }
  if (isObject(items)) result["items"] = loosened(items);
  if (isObject(additionalProperties)) result["additionalProperties"] = loosened(additionalProperties);
  return result;
}
