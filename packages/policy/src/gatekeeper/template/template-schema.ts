// The schema of a ConstraintTemplate itself: which fields there are and of which types. An API server refuses a template
// with a field of a wrong type and drops or refuses fields that it does not know; here both are said with their place.
// Gatekeeper: charts/gatekeeper/crds/constrainttemplate-customresourcedefinition.yaml.

import type { JsonRecord } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";

const text = { type: "string" };
const texts = { type: "array", items: text };
const anything = { "x-kubernetes-preserve-unknown-fields": true };

const object = (properties: Record<string, Json>, more: Record<string, Json> = {}): JsonRecord => ({
  type: "object",
  properties,
  ...more,
});

const target = object({
  target: text,
  rego: text,
  libs: texts,
  code: {
    type: "array",
    items: object({ engine: text, source: anything }, { required: ["engine", "source"] }),
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["engine"],
  },
  operations: { type: "array", items: { type: "string", enum: ["*", "CREATE", "DELETE", "UPDATE", "CONNECT"] } },
});

export const templateSchema: JsonRecord = object({
  metadata: { type: "object" },
  spec: object({
    crd: object({
      spec: object({
        names: object({ kind: text, shortNames: texts }),
        validation: object({
          legacySchema: { type: "boolean" },
          openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        }),
      }),
    }),
    targets: { type: "array", items: target },
  }),
  status: anything,
});
