// The fields of the documents that Kyverno's command line reads, cli.kyverno.io/v1alpha1.
// Kyverno: cmd/cli/kubectl-kyverno/apis/v1alpha1.

import type { Shape } from "./decode.ts";

const typeMeta = { apiVersion: "string", kind: "string", metadata: "any" } as const;

const strings = { list: "string" } as const;

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
  namespaces: { list: "any" },
  subresources: { list: { name: "Subresource", fields: { subresource: "any", parentResource: "any" } } },
} as const satisfies Readonly<Record<string, Shape>>;

export const valuesShape: Shape = { name: "Values", fields: { ...typeMeta, ...valuesFields } };

export const userInfoShape: Shape = {
  name: "UserInfo",
  fields: {
    ...typeMeta,
    roles: strings,
    clusterRoles: strings,
    userInfo: {
      name: "UserInfo",
      fields: { username: "string", uid: "string", groups: strings, extra: { map: strings } },
    },
    dryRun: "boolean",
    synchronize: "boolean",
  },
};

export const clusterResourceShape: Shape = {
  name: "ClusterResource",
  fields: { ...typeMeta, spec: { name: "ClusterResourceSpec", fields: { crds: strings, resources: { list: "any" } } } },
};

const resultShape: Shape = {
  name: "TestResult",
  fields: {
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
  },
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
