// The fields of a generate rule, as Kyverno's types check them. Kyverno: api/kyverno/v1 Generation.Validate.

import { type FieldError, forbidden, isObject, stringAt, valueAt } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { listOf, strings } from "../match/filter.ts";
import { isClusterKind } from "./clusterkinds.ts";

export interface GenerateOptions {
  readonly namespaced: boolean;
  readonly namespace: string;
  readonly knowsKinds: boolean;
}

/** `field` is the rule's. */
export function generateErrors(generate: Json, field: string, options: GenerateOptions): readonly FieldError[] {
  if (!isObject(generate) || Object.keys(generate).length === 0) return [];
  const isThere = [
    (generate["data"] ?? null) !== null,
    isObject(generate["clone"]) && Object.keys(generate["clone"]).length > 0,
    Array.isArray(valueAt(generate, "cloneList", "kinds")),
    Array.isArray(generate["foreach"]),
  ];
  if (isThere.filter(Boolean).length > 1) {
    const text = "only one of generate patterns(data, clone, cloneList and foreach) can be specified";
    return [forbidden(field, text)];
  }
  if (!Array.isArray(generate["foreach"])) return patternErrors(generate, field, options);
  return listOf(generate, "foreach").flatMap((each, at) => patternErrors(each, `${field}.foreach[${at}]`, options));
}

function patternErrors(pattern: Json, field: string, options: GenerateOptions): readonly FieldError[] {
  const [apiVersion, kind] = [stringAt(pattern, "apiVersion"), stringAt(pattern, "kind")];
  const namespace = stringAt(pattern, "namespace");
  const isCluster = (name: string): boolean => options.knowsKinds && isClusterKind(name);
  const errors: FieldError[] = [];
  if (options.namespaced) {
    const wrong = scopeProblem(pattern, isCluster(`${apiVersion}/${kind}`), options.namespace);
    if (wrong !== null) errors.push(forbidden(`${field}.namespace`, `target resource scope mismatched: ${wrong} `));
  }
  if (kind !== "") {
    const ofCluster = isCluster(`${apiVersion}/${kind}`);
    if (!ofCluster && namespace === "") {
      errors.push(forbidden(`${field}.namespace`, "target namespace must be set for a namespaced resource"));
    } else if (ofCluster && namespace !== "") {
      errors.push(forbidden(`${field}.namespace`, "target namespace must not be set for a cluster-wide resource"));
    }
  }
  const kinds = strings(valueAt(pattern, "cloneList"), "kinds");
  if (kinds.length > 0) return [...errors, ...cloneListErrors(pattern, field, options, isCluster)];
  for (const name of ["kind", "name", "apiVersion"]) {
    if (stringAt(pattern, name) === "") errors.push(forbidden(`${field}.${name}`, `${name} can not be empty`));
  }
  return errors;
}

/** What a namespaced policy may not generate. */
function scopeProblem(pattern: Json, ofCluster: boolean, own: string): string | null {
  const target = `${stringAt(pattern, "apiVersion")}/${stringAt(pattern, "kind")}`;
  if (ofCluster) return `the target must be a namespaced resource: ${target}`;
  const namespace = stringAt(pattern, "namespace");
  if (namespace !== own) {
    return `a namespaced policy cannot generate resources in other namespaces, expected: ${own}, received: ${namespace}`;
  }
  const source = stringAt(pattern, "clone", "namespace");
  if (stringAt(pattern, "clone", "name") === "" || source === own) return null;
  return `a namespaced policy cannot clone resources from other namespaces, expected: ${own}, received: ${source}`;
}

function cloneListErrors(
  pattern: Json,
  field: string,
  { namespaced, namespace: own }: GenerateOptions,
  isCluster: (name: string) => boolean,
): readonly FieldError[] {
  const list = valueAt(pattern, "cloneList");
  const kinds = strings(list, "kinds");
  const namespace = stringAt(list, "namespace");
  const errors: FieldError[] = [];
  for (const kind of namespaced ? kinds : []) {
    if (isCluster(kind)) {
      const text = `the source in cloneList must be a namespaced resource: ${kind}`;
      errors.push(forbidden(`${field}.cloneList.kinds`, text));
    }
    if (namespace !== own) {
      const text = `a namespaced policy cannot clone resources from other namespace, expected: ${own}, received: ${namespace}`;
      errors.push(forbidden(`${field}.cloneList.namespace`, text));
    }
  }
  const ofCluster = kinds.map(isCluster);
  if (ofCluster.some((one) => one !== ofCluster[0])) {
    errors.push(forbidden(`${field}.cloneList.kinds`, "mixed scope of target resources is forbidden"));
  }
  const allOfCluster = ofCluster.every(Boolean);
  if (!allOfCluster && namespace === "") {
    errors.push(forbidden(`${field}.cloneList.namespace`, "namespace is required for namespaced target resources"));
  } else if (allOfCluster && !namespaced && namespace !== "") {
    errors.push(forbidden(`${field}.cloneList.namespace`, "namespace is forbidden for cluster-wide target resources"));
  }
  return errors;
}
