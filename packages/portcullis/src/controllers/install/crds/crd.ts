// How a line of the tables beside this file becomes a CustomResourceDefinition: names that follow from the kind, one
// schema for all versions or one for each, defaults put into it by their path, printer columns in the short form
// `Name:type:path`. Every definition carries our label, so that what we installed can be found again.

import type { JsonRecord } from "@portcullis/kube";

export interface KindRow {
  readonly group: string;
  readonly kind: string;
  /** Where it is not the kind in lower case with an s. */
  readonly plural?: string;
  readonly namespaced?: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** The one that is stored stands first. */
  readonly versions: readonly VersionRow[];
  /** A resource of its own for `status`. */
  readonly hasStatus?: boolean;
  /** `Name:type:path`, or `Name:type:path:1` for `-o wide` only. */
  readonly columns?: readonly string[];
}

export interface VersionRow {
  readonly name: string;
  readonly schema: JsonRecord;
  readonly deprecated?: boolean;
  /** Known, but not served: objects of it may still be stored. */
  readonly unserved?: boolean;
  readonly columns?: readonly string[];
}

/** The label of everything that this product installed. */
export const managedBy = { "app.kubernetes.io/managed-by": "portcullis" };

export function customResourceDefinition(row: KindRow): JsonRecord {
  const singular = row.kind.toLowerCase();
  const plural = row.plural ?? `${singular}s`;
  const { shortNames = [], categories = [] } = row;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${row.group}`, labels: managedBy },
    spec: {
      group: row.group,
      names: {
        kind: row.kind,
        listKind: `${row.kind}List`,
        plural,
        singular,
        ...(shortNames.length > 0 && { shortNames }),
        ...(categories.length > 0 && { categories }),
      },
      scope: row.namespaced === true ? "Namespaced" : "Cluster",
      conversion: { strategy: "None" },
      versions: row.versions.map((version, at) => versionOf(row, version, at === 0)),
    },
  };
}

function versionOf(row: KindRow, version: VersionRow, storage: boolean): JsonRecord {
  const columns = version.columns ?? row.columns ?? [];
  return {
    name: version.name,
    served: version.unserved !== true,
    storage,
    ...(version.deprecated === true && { deprecated: true }),
    schema: { openAPIV3Schema: withStandardFields(version.schema) },
    ...(row.hasStatus === true && { subresources: { status: {} } }),
    ...(columns.length > 0 && { additionalPrinterColumns: columns.map((column) => columnOf(column)) }),
  };
}

function withStandardFields(schema: JsonRecord): JsonRecord {
  const text = { type: "string" };
  const properties = schema["properties"] as JsonRecord;
  return { ...schema, properties: { apiVersion: text, kind: text, metadata: { type: "object" }, ...properties } };
}

/** The path may have colons, the name and the type have none. */
function columnOf(text: string): JsonRecord {
  const [name = "", type = "", ...rest] = text.split(":");
  const priority = /^\d$/.test(rest.at(-1) ?? "") ? Number(rest.pop()) : 0;
  return { name, type, jsonPath: rest.join(":"), ...(priority > 0 && { priority }) };
}

/** The schema with defaults by their path (`spec.rules[].skipBackgroundRequests`); a path that is not there is a mistake. */
export function withDefaults(schema: JsonRecord, defaults: Readonly<Record<string, unknown>>): JsonRecord {
  let result = schema;
  for (const [path, value] of Object.entries(defaults)) {
    const steps = path.split(".").flatMap((step) => (step.endsWith("[]") ? [step.slice(0, -2), "[]"] : [step]));
    result = put(result, { path, steps, value });
  }
  return result;
}

interface Default {
  readonly path: string;
  readonly steps: readonly string[];
  readonly value: unknown;
}

function put(schema: JsonRecord, { path, steps, value }: Default): JsonRecord {
  const [step, ...rest] = steps;
  if (step === undefined) return { ...schema, default: value };
  if (step === "[]") return { ...schema, items: put(schema["items"] as JsonRecord, { path, steps: rest, value }) };
  const properties = schema["properties"] as JsonRecord | undefined;
  const inner = properties?.[step];
  if (inner === undefined) throw new Error(`the schema has no ${path}`);
  return { ...schema, properties: { ...properties, [step]: put(inner as JsonRecord, { path, steps: rest, value }) } };
}

// ── what schemas are made of

export const text = { type: "string" };
export const flag = { type: "boolean" };
export const whole = { type: "integer" };
export const texts = { type: "array", items: text };
export const anything = { "x-kubernetes-preserve-unknown-fields": true };
export const openObject = { type: "object", ...anything };
export const moment = { type: "string", format: "date-time" };
export const uncounted = { type: "integer", format: "int64" };

export function object(properties: JsonRecord, more: JsonRecord = {}): JsonRecord {
  return { type: "object", properties, ...more };
}

export function list(items: JsonRecord): JsonRecord {
  return { type: "array", items };
}

export function oneOf(...values: readonly string[]): JsonRecord {
  return { type: "string", enum: values };
}
