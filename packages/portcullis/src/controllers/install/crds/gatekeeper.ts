// Gatekeeper's kinds: its 17 definitions, whose schemas are those that the dialect itself checks with where it has one.
// `status.byPod` is left open at its end, so that other versions' fields survive.
// Gatekeeper: charts/gatekeeper/crds/*-customresourcedefinition.yaml.

import type { JsonRecord } from "@portcullis/kube";
import { type MutatorKind, expansionTree, mutatorTree, templateSchema } from "@portcullis/policy";
import {
  type KindRow,
  anything,
  flag,
  list,
  object,
  openObject,
  text,
  texts,
  uncounted,
  whole,
  withDefaults,
} from "./crd.ts";

const byPod = object({
  byPod: list(
    object(
      { id: text, observedGeneration: uncounted, operations: texts, errors: list(object({ message: text }, anything)) },
      anything,
    ),
  ),
});

function withStatus(schema: JsonRecord, status: JsonRecord): JsonRecord {
  return { ...schema, properties: { ...(schema["properties"] as JsonRecord), status } };
}

function shortName(schema: JsonRecord): JsonRecord {
  const metadata = object({ name: { type: "string", maxLength: 63 } });
  return { ...schema, properties: { ...(schema["properties"] as JsonRecord), metadata } };
}

const templateStatus = object({
  byPod: list(
    object(
      {
        id: text,
        observedGeneration: uncounted,
        errors: list(object({ code: text, message: text, location: text }, { required: ["code", "message"] })),
      },
      anything,
    ),
  ),
  created: flag,
});

function template(legacySchema: boolean): JsonRecord {
  return withDefaults(withStatus(templateSchema, templateStatus), {
    "spec.crd.spec.validation": { legacySchema },
    "spec.crd.spec.validation.legacySchema": legacySchema,
  });
}

function mutator(kind: MutatorKind): KindRow {
  const schema = shortName(withStatus(mutatorTree(kind), byPod));
  const versions = kind === "AssignImage" ? ["v1alpha1"] : ["v1", "v1beta1", "v1alpha1"];
  return {
    group: "mutations.gatekeeper.sh",
    kind,
    plural: kind.toLowerCase(),
    hasStatus: true,
    versions: versions.map((name) => ({ name, schema })),
  };
}

const gvks = list(object({ group: text, version: text, kind: text }));

const config = object({
  spec: object({
    match: list(
      object({
        excludedNamespaces: list({ type: "string", pattern: "^\\*?[-:a-z0-9]*\\*?$" }),
        processes: texts,
      }),
    ),
    readiness: object({ statsEnabled: flag }),
    sync: object({ syncOnly: gvks }),
    validation: object({
      traces: list(object({ dump: text, kind: object({ group: text, version: text, kind: text }), user: text })),
    }),
  }),
  status: byPod,
});

const connection = object({
  spec: object({ config: anything, driver: text }, { required: ["config", "driver"] }),
  status: byPod,
});

const provider = object({ spec: object({ caBundle: text, timeout: whole, url: text }), status: byPod });

/** What Gatekeeper's Pods say of an object, one object for each Pod and object. We write none of them. */
function podStatus(kind: string, version = "v1beta1"): KindRow {
  return {
    group: "status.gatekeeper.sh",
    kind,
    plural: `${kind.toLowerCase()}es`,
    namespaced: true,
    versions: [{ name: version, schema: object({ status: openObject }) }],
  };
}

const expansion = shortName(withStatus(expansionTree, byPod));

export const gatekeeperKinds: readonly KindRow[] = [
  {
    group: "templates.gatekeeper.sh",
    kind: "ConstraintTemplate",
    hasStatus: true,
    versions: [
      { name: "v1", schema: template(false) },
      { name: "v1beta1", schema: template(true) },
      { name: "v1alpha1", schema: template(true) },
    ],
  },
  mutator("Assign"),
  mutator("AssignMetadata"),
  mutator("ModifySet"),
  mutator("AssignImage"),
  {
    group: "expansion.gatekeeper.sh",
    kind: "ExpansionTemplate",
    plural: "expansiontemplate",
    hasStatus: true,
    versions: [
      { name: "v1alpha1", schema: expansion },
      { name: "v1beta1", schema: expansion },
    ],
  },
  {
    group: "config.gatekeeper.sh",
    kind: "Config",
    namespaced: true,
    hasStatus: true,
    versions: [{ name: "v1alpha1", schema: config }],
  },
  {
    group: "syncset.gatekeeper.sh",
    kind: "SyncSet",
    versions: [{ name: "v1alpha1", schema: shortName(object({ spec: object({ gvks }) })) }],
  },
  {
    group: "externaldata.gatekeeper.sh",
    kind: "Provider",
    hasStatus: true,
    versions: [
      { name: "v1beta1", schema: provider },
      { name: "v1alpha1", schema: provider, deprecated: true },
    ],
  },
  {
    group: "connection.gatekeeper.sh",
    kind: "Connection",
    namespaced: true,
    hasStatus: true,
    versions: [{ name: "v1alpha1", schema: connection }],
  },
  podStatus("ConstraintTemplatePodStatus"),
  podStatus("ConstraintPodStatus"),
  podStatus("MutatorPodStatus"),
  podStatus("ConfigPodStatus"),
  podStatus("ExpansionTemplatePodStatus"),
  podStatus("ProviderPodStatus"),
  podStatus("ConnectionPodStatus", "v1alpha1"),
];
