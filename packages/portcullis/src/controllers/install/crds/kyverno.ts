// Kyverno's first kinds, those of kyverno.io. Those that are decided here have the schemas that the dialect itself checks with, with the defaults of
// Kyverno's definitions. Kyverno marks the first four kinds as deprecated, for it will remove them; they stay here, and no
// client is warned of them. Kyverno: config/crds/kyverno.

import type { JsonRecord } from "@portcullis/kube";
import { cleanupTree, policyTrees } from "@portcullis/policy";
import {
  type KindRow,
  type VersionRow,
  anything,
  flag,
  list,
  moment,
  object,
  oneOf,
  openObject,
  text,
  texts,
  withDefaults,
} from "./crd.ts";

export const kyverno = { categories: ["kyverno"] };
const age = "Age:date:.metadata.creationTimestamp";

// ── kyverno.io: policies

const policyDefaults = {
  "spec.admission": true,
  "spec.background": true,
  "spec.emitWarning": false,
  "spec.validationFailureAction": "Audit",
  "spec.rules[].skipBackgroundRequests": true,
  "spec.rules[].validate.cel.generate": false,
  "spec.rules[].context[].apiCall.method": "GET",
  "spec.rules[].validate.foreach[].context[].apiCall.method": "GET",
  "spec.rules[].mutate.foreach[].context[].apiCall.method": "GET",
  "spec.rules[].mutate.targets[].context[].apiCall.method": "GET",
  "spec.rules[].generate.foreach[].context[].apiCall.method": "GET",
};

const policyVersions: readonly VersionRow[] = [
  {
    name: "v1",
    schema: withImages(
      withDefaults(policyTrees.v1, { ...policyDefaults, "spec.rules[].validate.allowExistingViolations": true }),
    ),
  },
  { name: "v2beta1", schema: withImages(withDefaults(policyTrees.v2beta1, policyDefaults)) },
];

/** `verifyImages` is open but for the fields that have defaults. */
function withImages(schema: JsonRecord): JsonRecord {
  const preset = { type: "boolean", default: true };
  const images = object(
    { mutateDigest: preset, required: preset, useCache: preset, verifyDigest: preset },
    { "x-kubernetes-preserve-unknown-fields": true },
  );
  return replaced(schema, ["properties", "spec", "properties", "rules", "items", "properties", "verifyImages"], {
    type: "array",
    items: images,
  });
}

function at(tree: JsonRecord, path: readonly string[]): JsonRecord {
  return path.reduce((inner, step) => inner[step] as JsonRecord, tree);
}

function replaced(tree: JsonRecord, [step = "", ...rest]: readonly string[], value: JsonRecord): JsonRecord {
  return { ...tree, [step]: rest.length === 0 ? value : replaced(tree[step] as JsonRecord, rest, value) };
}

const ready = '.status.conditions[?(@.type == "Ready")]';

const policies = {
  group: "kyverno.io",
  ...kyverno,
  hasStatus: true,
  versions: policyVersions,
  columns: [
    "ADMISSION:boolean:.spec.admission",
    "BACKGROUND:boolean:.spec.background",
    `READY:string:${ready}.status`,
    "AGE:date:.metadata.creationTimestamp",
    "FAILURE POLICY:string:.spec.failurePolicy:1",
    "VALIDATE:integer:.status.rulecount.validate:1",
    "MUTATE:integer:.status.rulecount.mutate:1",
    "GENERATE:integer:.status.rulecount.generate:1",
    "VERIFY IMAGES:integer:.status.rulecount.verifyimages:1",
    `MESSAGE:string:${ready}.message`,
  ],
};

// ── kyverno.io: the others

const cleanup = withDefaults(cleanupTree, { "spec.context[].apiCall.method": "GET" });

const cleanups = {
  group: "kyverno.io",
  ...kyverno,
  hasStatus: true,
  versions: [
    { name: "v2", schema: cleanup },
    { name: "v2beta1", schema: cleanup },
  ],
  columns: ["Schedule:string:.spec.schedule", age],
};

const cleanupFields = at(cleanupTree, ["properties", "spec", "properties"]);

const exception = object(
  {
    spec: object(
      {
        background: flag,
        conditions: cleanupFields["conditions"],
        exceptions: list(object({ policyName: text, ruleNames: texts }, { required: ["policyName", "ruleNames"] })),
        match: cleanupFields["match"],
        podSecurity: list(
          object(
            { controlName: text, images: texts, restrictedField: text, values: texts },
            { required: ["controlName"] },
          ),
        ),
      },
      { required: ["exceptions", "match"] },
    ),
  },
  { required: ["spec"] },
);

const keyValue = (value: JsonRecord): JsonRecord => object({ key: text, value }, { required: ["key", "value"] });

const globalContext = object(
  {
    spec: object(
      {
        apiCall: object({
          data: list(keyValue(anything)),
          method: { ...oneOf("GET", "POST"), default: "GET" },
          refreshInterval: { type: "string", format: "duration", default: "10m" },
          retryLimit: { type: "integer", minimum: 1, default: 3 },
          service: object({ caBundle: text, headers: list(keyValue(text)), url: text }, { required: ["url"] }),
          urlPath: text,
        }),
        kubernetesResource: object(
          { group: text, namespace: text, resource: text, version: text },
          { required: ["resource", "version"] },
        ),
        projections: list(object({ jmesPath: text, name: text }, { required: ["jmesPath", "name"] })),
      },
      { oneOf: [{ required: ["kubernetesResource"] }, { required: ["apiCall"] }] },
    ),
    status: object({ conditions: list(openObject), lastRefreshTime: moment, ready: flag }),
  },
  { required: ["spec"] },
);

/** Kyverno's queue of work. We keep none there; who reads it finds it empty. */
const updateRequest = object({ spec: openObject, status: openObject });

const requestColumns = [
  "Policy:string:.spec.policy",
  "RuleType:string:.spec.requestType",
  "ResourceKind:string:.spec.resource.kind",
  "ResourceName:string:.spec.resource.name",
  "ResourceNamespace:string:.spec.resource.namespace",
  "status:string:.status.state",
  age,
];

export const kyvernoKinds: readonly KindRow[] = [
  { ...policies, kind: "ClusterPolicy", plural: "clusterpolicies", shortNames: ["cpol"] },
  { ...policies, kind: "Policy", plural: "policies", shortNames: ["pol"], namespaced: true },
  { ...cleanups, kind: "CleanupPolicy", plural: "cleanuppolicies", shortNames: ["cleanpol"], namespaced: true },
  { ...cleanups, kind: "ClusterCleanupPolicy", plural: "clustercleanuppolicies", shortNames: ["ccleanpol"] },
  {
    group: "kyverno.io",
    ...kyverno,
    kind: "PolicyException",
    shortNames: ["polex"],
    namespaced: true,
    versions: [
      { name: "v2", schema: exception },
      { name: "v2beta1", schema: exception },
    ],
  },
  {
    group: "kyverno.io",
    ...kyverno,
    kind: "GlobalContextEntry",
    plural: "globalcontextentries",
    shortNames: ["gctxentry"],
    hasStatus: true,
    versions: [
      { name: "v2beta1", schema: globalContext },
      { name: "v2", schema: globalContext },
      { name: "v2alpha1", schema: globalContext, deprecated: true },
    ],
    columns: [
      "AGE:date:.metadata.creationTimestamp",
      "REFRESH INTERVAL:string:.spec.apiCall.refreshInterval",
      "LAST REFRESH:date:.status.lastRefreshTime",
    ],
  },
  {
    group: "kyverno.io",
    ...kyverno,
    kind: "UpdateRequest",
    shortNames: ["ur"],
    namespaced: true,
    hasStatus: true,
    versions: [
      { name: "v2", schema: updateRequest },
      { name: "v1beta1", schema: updateRequest, deprecated: true, unserved: true },
    ],
    columns: requestColumns,
  },
];
