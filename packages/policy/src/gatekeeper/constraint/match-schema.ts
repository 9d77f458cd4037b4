// The schema of `spec.match` in a constraint, as Gatekeeper puts it into every constraint CRD (its own descriptions
// are not repeated). Gatekeeper: pkg/mutation/match/match_types.go.

import type { Json } from "../../engine/request.ts";

const text = { type: "string" };
const texts = { type: "array", items: text };
const glob = { type: "string", pattern: "^\\*?[-:a-z0-9]*\\*?$" };

const labelSelector = {
  type: "object",
  properties: {
    matchExpressions: {
      type: "array",
      items: {
        type: "object",
        properties: {
          key: text,
          operator: text,
          values: { type: "array", items: text, "x-kubernetes-list-type": "atomic" },
        },
        required: ["key", "operator"],
      },
      "x-kubernetes-list-type": "atomic",
    },
    matchLabels: { type: "object", additionalProperties: text },
  },
  "x-kubernetes-map-type": "atomic",
};

export const matchSchema: Json = {
  type: "object",
  properties: {
    excludedNamespaces: { type: "array", items: glob },
    kinds: { type: "array", items: { type: "object", properties: { apiGroups: texts, kinds: texts } } },
    labelSelector,
    name: glob,
    namespaceSelector: labelSelector,
    namespaces: { type: "array", items: glob },
    scope: text,
    source: { type: "string", enum: ["All", "Generated", "Original"] },
  },
};
