// A Test document: what to load, and the results that are expected. Kyverno: apis/v1alpha1/test.go, test/load.go.

import { stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { decode } from "../decode.ts";
import { cleanPath } from "./path.ts";
import { testShape } from "./shapes.ts";

export interface TestFile {
  readonly apiVersion: string;
  readonly kind: string;
  /** `metadata.name`. */
  readonly title: string;
  /** The old field `name`, whose use is refused. */
  readonly name: string;
  readonly policies: readonly string[];
  readonly resources: readonly string[];
  readonly jsonPayloads: readonly string[];
  readonly httpPayloads: readonly string[];
  readonly envoyPayloads: readonly string[];
  readonly targetResources: readonly string[];
  readonly paramResources: readonly string[];
  readonly exceptions: readonly string[];
  readonly clusterResources: readonly string[];
  /** A file with Values; `values` are given in place. */
  readonly variables: string;
  readonly values: Json;
  readonly userInfo: string;
  readonly context: string;
  readonly apiCallResponses: readonly Json[];
  readonly globalContextEntries: readonly Json[];
  readonly results: readonly ExpectedResult[];
}

export interface ExpectedResult {
  /** `name` or `namespace/name`. */
  readonly policy: string;
  readonly rule: string;
  readonly result: string;
  readonly operation: string;
  /** Null when the test names none: then every object counts. */
  readonly resources: readonly string[] | null;
  readonly resourceSpecs: readonly ResourceSpec[];
  readonly patchedResources: string;
  readonly generatedResource: string;
  readonly generatedResources: readonly string[];
  readonly cloneSourceResource: string;
  readonly failOnMissingResources: boolean;
  readonly isDeletingPolicy: boolean;
}

export interface ResourceSpec {
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly name: string;
}

/** Reads a document. Throws DecodeError. */
export function readTestFile(tree: Json): TestFile {
  const test = decode(tree, testShape);
  const payloads = stringsAt(test, "jsonPayloads");
  const payload = stringAt(test, "jsonPayload");
  const jsonPayloads = payloads.length === 0 && payload !== "" ? [payload] : payloads;
  return {
    apiVersion: stringAt(test, "apiVersion"),
    kind: stringAt(test, "kind"),
    title: stringAt(test, "metadata", "name"),
    name: stringAt(test, "name"),
    policies: distinct(stringsAt(test, "policies")),
    resources: distinct(stringsAt(test, "resources")),
    jsonPayloads: distinct(jsonPayloads.filter((path) => path.trim() !== "").map(cleanPath)),
    httpPayloads: stringsAt(test, "httpPayloads"),
    envoyPayloads: stringsAt(test, "envoyPayloads"),
    targetResources: stringsAt(test, "targetResources"),
    paramResources: stringsAt(test, "paramResources"),
    exceptions: stringsAt(test, "exceptions"),
    clusterResources: stringsAt(test, "clusterResources"),
    variables: stringAt(test, "variables"),
    values: valueAt(test, "values") ?? null,
    userInfo: stringAt(test, "userinfo"),
    context: stringAt(test, "context"),
    apiCallResponses: listAt(test, "apiCallResponses"),
    globalContextEntries: listAt(test, "globalContextEntries"),
    results: listAt(test, "results").map(readResult),
  };
}

function readResult(result: Json): ExpectedResult {
  return {
    policy: stringAt(result, "policy"),
    rule: stringAt(result, "rule"),
    result: stringAt(result, "result"),
    operation: stringAt(result, "operation"),
    resources: Array.isArray(valueAt(result, "resources")) ? stringsAt(result, "resources") : null,
    resourceSpecs: listAt(result, "resourceSpecs").map((spec) => ({
      group: stringAt(spec, "group"),
      version: stringAt(spec, "version"),
      namespace: stringAt(spec, "namespace"),
      name: stringAt(spec, "name"),
    })),
    patchedResources: stringAt(result, "patchedResources"),
    generatedResource: stringAt(result, "generatedResource"),
    generatedResources: stringsAt(result, "generatedResources"),
    cloneSourceResource: stringAt(result, "cloneSourceResource"),
    failOnMissingResources: valueAt(result, "failOnMissingResources") === true,
    isDeletingPolicy: valueAt(result, "isDeletingPolicy") === true,
  };
}

export function listAt(tree: Json, ...path: readonly string[]): readonly Json[] {
  const value = valueAt(tree, ...path);
  return Array.isArray(value) ? value : [];
}

/** Nulls of a list of strings are empty strings, as in Go. */
export function stringsAt(tree: Json, ...path: readonly string[]): readonly string[] {
  return listAt(tree, ...path).map((item) => (typeof item === "string" ? item : ""));
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
