// Mutators, ExpansionTemplates and AdmissionReviews as Go's structs have them, in the order of their declaration, for what reads them without an
// API server. Gatekeeper: apis/mutations/unversioned, apis/expansion/unversioned, pkg/mutation/match/match_types.go.

import { type GoType, flag, integer, list, map, objectMeta, struct, text, texts } from "../gotype.ts";
import type { MutatorKind } from "../mutation/schema.ts";

const anything: GoType = { is: "any", name: "" };

const selector = struct("v1.LabelSelector", {
  matchLabels: map(text),
  matchExpressions: list(struct("v1.LabelSelectorRequirement", { key: text, operator: text, values: texts })),
});

const match = struct("match.Match", {
  source: text,
  kinds: list(struct("match.Kinds", { apiGroups: texts, kinds: texts })),
  scope: text,
  namespaces: texts,
  excludedNamespaces: texts,
  labelSelector: selector,
  namespaceSelector: selector,
  name: text,
});

const kinds = { groups: texts, kinds: texts, versions: texts };
const applyTo = list(struct("match.MutationApplyTo", { ...kinds, operations: texts }));
const pathTests = list(struct("unversioned.PathTest", { subPath: text, condition: text }));

const assign = struct("unversioned.AssignField", {
  value: anything,
  fromMetadata: struct("unversioned.FromMetadata", { field: text }),
  externalData: struct("unversioned.ExternalData", {
    provider: text,
    dataSource: text,
    failurePolicy: text,
    default: text,
  }),
});

const metadata = struct("v1.ObjectMeta", {
  ...(objectMeta.is === "struct" ? objectMeta.fields : {}),
  generation: integer,
});

function mutator(kind: MutatorKind, parameters: Readonly<Record<string, GoType>>): GoType {
  const spec = struct(`unversioned.${kind}Spec`, {
    ...(kind === "AssignMetadata" ? {} : { applyTo }),
    match,
    location: text,
    parameters: struct("unversioned.Parameters", parameters),
  });
  return struct(`unversioned.${kind}`, { metadata, spec });
}

export const mutatorStructs: Readonly<Record<MutatorKind, GoType>> = {
  Assign: mutator("Assign", { pathTests, assign }),
  AssignMetadata: mutator("AssignMetadata", { assign }),
  ModifySet: mutator("ModifySet", {
    pathTests,
    operation: text,
    values: struct("unversioned.Values", { fromList: list(anything) }),
  }),
  AssignImage: mutator("AssignImage", { pathTests, assignDomain: text, assignPath: text, assignTag: text }),
};

export const expansionStruct: GoType = struct("unversioned.ExpansionTemplate", {
  metadata,
  spec: struct("unversioned.ExpansionTemplateSpec", {
    applyTo: list(struct("match.ApplyTo", kinds)),
    templateSource: text,
    generatedGVK: struct("unversioned.GeneratedGVK", { group: text, version: text, kind: text }),
    enforcementAction: text,
  }),
});

const gvk = struct("v1.GroupVersionKind", { group: text, version: text, kind: text });
const gvr = struct("v1.GroupVersionResource", { group: text, version: text, resource: text });

/** Kubernetes: api/admission/v1/types.go. */
export const reviewStruct: GoType = struct("v1.AdmissionReview", {
  request: struct("v1.AdmissionRequest", {
    uid: text,
    kind: gvk,
    resource: gvr,
    subResource: text,
    requestKind: gvk,
    requestResource: gvr,
    requestSubResource: text,
    name: text,
    namespace: text,
    operation: text,
    userInfo: struct("v1.UserInfo", { username: text, uid: text, groups: texts, extra: map(texts) }),
    dryRun: flag,
  }),
});
