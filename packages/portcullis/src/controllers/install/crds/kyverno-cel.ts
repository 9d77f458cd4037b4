// Kyverno's kinds with CEL, those of policies.kyverno.io: each once for the cluster and once for a namespace. They are
// typed down to the fields of their spec and left open below: nothing here reads deeper.
// Kyverno: config/crds/policies.kyverno.io.

import type { JsonRecord } from "@portcullis/kube";
import { type KindRow, flag, list, moment, object, oneOf, openObject, text, texts } from "./crd.ts";
import { kyverno } from "./kyverno.ts";

type CelKind = "ValidatingPolicy" | "MutatingPolicy" | "GeneratingPolicy" | "DeletingPolicy" | "ImageValidatingPolicy";

/** Fields of each spec, with a letter for the type: o object, a array, s string, b boolean; ! is required. */
const celFields: Readonly<Record<CelKind, string>> = {
  ValidatingPolicy:
    "auditAnnotations:a autogen:o evaluation:o failurePolicy:s matchConditions:a matchConstraints:o validationActions:a " +
    "validations:a variables:a webhookConfiguration:o",
  MutatingPolicy:
    "auditAnnotations:a autogen:o evaluation:o failurePolicy:s matchConditions:a matchConstraints:o mutations:a " +
    "reinvocationPolicy:s targetMatchConditions:a targetMatchConstraints:o variables:a webhookConfiguration:o",
  GeneratingPolicy:
    "auditAnnotations:a evaluation:o generate:a! matchConditions:a matchConstraints:o useServerSideApply:b variables:a " +
    "webhookConfiguration:o",
  DeletingPolicy: "conditions:a deletionPropagationPolicy:s matchConstraints:o schedule:s! variables:a",
  ImageValidatingPolicy:
    "attestations:a attestors:a! auditAnnotations:a autogen:o credentials:o evaluation:o failurePolicy:s images:a " +
    "matchConditions:a matchConstraints:o matchImageReferences:a validationActions:a validationConfigurations:o " +
    "validations:a! variables:a webhookConfiguration:o",
};

const enabled = (preset: boolean): JsonRecord =>
  object({ enabled: { type: "boolean", default: preset } }, { "x-kubernetes-preserve-unknown-fields": true });

/** The switches of `spec.evaluation` that have defaults. */
const evaluations: Readonly<Record<CelKind, JsonRecord>> = {
  ValidatingPolicy: { admission: enabled(true), background: enabled(true), mode: text },
  MutatingPolicy: {
    admission: enabled(true),
    background: enabled(true),
    mode: text,
    mutateExisting: enabled(false),
    skipBackgroundRequests: { type: "boolean", default: true },
    useServerSideApply: flag,
  },
  GeneratingPolicy: {
    admission: enabled(true),
    generateExisting: enabled(false),
    orphanDownstreamOnPolicyDelete: enabled(false),
    skipBackgroundRequests: { type: "boolean", default: true },
    synchronize: enabled(false),
  },
  DeletingPolicy: {},
  ImageValidatingPolicy: { admission: enabled(true), background: enabled(true), mode: text },
};

const preset = { type: "boolean", default: true };

/** Where a field of a spec is more than its type. */
const celSpecials: JsonRecord = {
  failurePolicy: oneOf("Ignore", "Fail"),
  deletionPropagationPolicy: oneOf("Foreground", "Background", "Orphan"),
  validationActions: { ...texts, "x-kubernetes-list-type": "set" },
  validationConfigurations: {
    ...object({ mutateDigest: preset, required: preset, verifyDigest: preset }),
    default: {},
  },
};

function celSpec(kind: CelKind): JsonRecord {
  const properties: Record<string, unknown> = {};
  const required: string[] = [];
  const types: JsonRecord = { o: openObject, a: list(openObject), s: text, b: flag };
  for (const word of celFields[kind].split(" ")) {
    const [name = "", type = ""] = word.split(":");
    if (type.endsWith("!")) required.push(name);
    const special = name === "evaluation" ? object(evaluations[kind]) : celSpecials[name];
    properties[name] = special ?? types[type.charAt(0)];
  }
  return object(properties, required.length === 0 ? {} : { required });
}

const celStatus = object({
  autogen: openObject,
  conditionStatus: object({ conditions: list(openObject), message: text, ready: flag }),
  generated: flag,
  lastExecutionTime: moment,
});

/** A kind for the cluster, and one for a namespace. */
function celKind(kind: CelKind, shortName: string): readonly KindRow[] {
  const schema = object({ spec: celSpec(kind), status: celStatus }, { required: ["spec"] });
  const plural = `${kind.toLowerCase().slice(0, -1)}ies`;
  const common = {
    group: "policies.kyverno.io",
    ...kyverno,
    hasStatus: true,
    columns: [
      "AGE:date:.metadata.creationTimestamp",
      ...(kind === "GeneratingPolicy" ? [] : ["READY:string:.status.conditionStatus.ready"]),
    ],
  };
  const versions = [
    { name: "v1beta1", schema },
    { name: "v1", schema },
  ];
  const alpha = { name: "v1alpha1", schema, deprecated: true };
  return [
    { ...common, kind, plural, shortNames: [shortName], versions: [...versions, alpha] },
    {
      ...common,
      kind: `Namespaced${kind}`,
      plural: `namespaced${plural}`,
      shortNames: [`n${shortName}`],
      namespaced: true,
      versions,
    },
  ];
}

function celException(): KindRow {
  const schema = object(
    {
      spec: object(
        {
          allowedValues: texts,
          evaluationMode: text,
          expiresAt: moment,
          images: texts,
          matchConditions: list(object({ expression: text, name: text }, { required: ["expression", "name"] })),
          policyRefs: list(object({ kind: text, name: text }, { required: ["kind", "name"] })),
          properties: { type: "object", additionalProperties: text },
          reportResult: { ...oneOf("skip", "pass"), default: "skip" },
        },
        { required: ["policyRefs"] },
      ),
    },
    { required: ["spec"] },
  );
  return {
    group: "policies.kyverno.io",
    kind: "PolicyException",
    namespaced: true,
    versions: [
      { name: "v1beta1", schema },
      { name: "v1", schema },
      { name: "v1alpha1", schema, deprecated: true },
    ],
  };
}

export const celKinds: readonly KindRow[] = [
  ...celKind("ValidatingPolicy", "vpol"),
  ...celKind("MutatingPolicy", "mpol"),
  ...celKind("GeneratingPolicy", "gpol"),
  ...celKind("DeletingPolicy", "dpol"),
  ...celKind("ImageValidatingPolicy", "ivpol"),
  celException(),
];
