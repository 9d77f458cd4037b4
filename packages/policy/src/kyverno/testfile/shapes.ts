// The fields of the documents that Kyverno's command line reads, cli.kyverno.io/v1alpha1.
// Kyverno: cmd/cli/kubectl-kyverno/apis/v1alpha1.

import type { Shape, Struct } from "../decode.ts";

const strings = { list: "string" } as const;

const objectMeta: Struct = {
  name: "ObjectMeta",
  package: "v1",
  fields: {
    name: "string",
    generateName: "string",
    namespace: "string",
    selfLink: "string",
    uid: "string",
    resourceVersion: "string",
    generation: "int64",
    creationTimestamp: "any",
    deletionTimestamp: "any",
    deletionGracePeriodSeconds: "int64",
    labels: { map: "string" },
    annotations: { map: "string" },
    ownerReferences: { list: "any" },
    finalizers: strings,
    managedFields: { list: "any" },
  },
};

const typeMeta = { apiVersion: "string", kind: "string", metadata: objectMeta } as const;

const namespace: Struct = {
  name: "Namespace",
  package: "v1",
  fields: {
    ...typeMeta,
    spec: { name: "NamespaceSpec", package: "v1", fields: { finalizers: strings } },
    status: { name: "NamespaceStatus", package: "v1", fields: { phase: "string", conditions: { list: "any" } } },
  },
};

const apiResource: Struct = {
  name: "APIResource",
  package: "v1",
  fields: {
    name: "string",
    singularName: "string",
    namespaced: "boolean",
    group: "string",
    version: "string",
    kind: "string",
    verbs: strings,
    shortNames: strings,
    categories: strings,
    storageVersionHash: "string",
  },
};

const namedValues = { name: "string", values: { map: "any" } } as const;

const valuesFields = {
  globalValues: { map: "any" },
  policies: {
    list: {
      name: "Policy",
      fields: {
        name: "string",
        resources: { list: { name: "Resource", fields: namedValues } },
        rules: { list: { name: "Rule", fields: { ...namedValues, foreachValues: { map: { list: "any" } } } } },
      },
    },
  },
  namespaceSelector: {
    list: { name: "NamespaceSelector", fields: { name: "string", labels: { map: "string" } } },
  },
  namespaces: { list: namespace },
  subresources: { list: { name: "Subresource", fields: { subresource: apiResource, parentResource: apiResource } } },
} as const satisfies Readonly<Record<string, Shape>>;

export const valuesShape: Shape = {
  name: "Values",
  fields: { ...typeMeta, ...valuesFields },
  embeds: { ValuesSpec: Object.keys(valuesFields) },
};

const requestInfo = {
  roles: strings,
  clusterRoles: strings,
  userInfo: {
    name: "UserInfo",
    package: "v1",
    fields: { username: "string", uid: "string", groups: strings, extra: { map: strings } },
  },
  synchronize: "boolean",
} as const satisfies Readonly<Record<string, Shape>>;

export const userInfoShape: Shape = {
  name: "UserInfo",
  fields: { ...typeMeta, ...requestInfo },
  embeds: { RequestInfo: Object.keys(requestInfo) },
};

export const clusterResourceShape: Shape = {
  name: "ClusterResource",
  fields: { ...typeMeta, spec: { name: "ClusterResourceSpec", fields: { crds: strings, resources: { list: "any" } } } },
};

const resultBase = {
  policy: "string",
  rule: "string",
  isValidatingAdmissionPolicy: "boolean",
  isMutatingAdmissionPolicy: "boolean",
  isValidatingPolicy: "boolean",
  isDeletingPolicy: "boolean",
  isImageValidatingPolicy: "boolean",
  isGeneratingPolicy: "boolean",
  isMutatingPolicy: "boolean",
  result: "string",
  kind: "string",
  operation: "string",
  patchedResources: "string",
  generatedResource: "string",
  cloneSourceResource: "string",
  failOnMissingResources: "boolean",
} as const satisfies Readonly<Record<string, Shape>>;

const resultData = {
  resources: strings,
  resourceSpecs: {
    list: {
      name: "TestResourceSpec",
      fields: {
        group: "string",
        version: "string",
        kind: "string",
        namespace: "string",
        subresource: "string",
        name: "string",
      },
    },
  },
  generatedResources: strings,
} as const satisfies Readonly<Record<string, Shape>>;

const resultShape: Struct = {
  name: "TestResult",
  fields: { ...resultBase, ...resultData },
  embeds: { TestResultBase: Object.keys(resultBase), TestResultData: Object.keys(resultData) },
};

export const testShape: Shape = {
  name: "Test",
  fields: {
    ...typeMeta,
    name: "string",
    policies: strings,
    resources: strings,
    jsonPayload: "string",
    jsonPayloads: strings,
    httpPayloads: strings,
    envoyPayloads: strings,
    targetResources: strings,
    variables: "string",
    paramResources: strings,
    userinfo: "string",
    results: { list: resultShape },
    values: { name: "ValuesSpec", fields: valuesFields },
    exceptions: strings,
    context: "string",
    clusterResources: strings,
    apiCallResponses: {
      list: {
        name: "APICallResponseEntry",
        fields: {
          url: "string",
          urlPath: "string",
          method: "string",
          response: { name: "APICallResponse", fields: { statusCode: "integer", body: "any" } },
        },
      },
    },
    globalContextEntries: {
      list: {
        name: "GlobalContextEntryValue",
        fields: {
          name: "string",
          data: "any",
          resources: { list: "any" },
          resourceFiles: strings,
          fieldPath: "string",
          projections: { list: { name: "GlobalContextProjection", fields: { name: "string", path: "string" } } },
        },
      },
    },
  },
};
