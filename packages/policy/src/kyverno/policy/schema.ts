// The schema of a ClusterPolicy or Policy: which fields there are, of which types. An API server refuses a policy with a
// field of a wrong type, and kubectl one with a field that nobody knows; both are said with their place here.
// Kyverno: config/crds/kyverno/kyverno.io_clusterpolicies.yaml.

import { type JsonRecord, type Schema, readSchema } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { extractorsSchema, imagesSchema, manifestsSchema } from "./imageschema.ts";
import { anything, flag, list, mapOf, object, oneOf, text, texts } from "./schemaparts.ts";

const selector = object({
  matchExpressions: list(object({ key: text, operator: text, values: texts }, { required: ["key", "operator"] })),
  matchLabels: mapOf(text),
});

const resources = object(
  {
    annotations: mapOf(text),
    kinds: texts,
    name: text,
    names: texts,
    namespaceSelector: selector,
    namespaces: texts,
    operations: list(oneOf("CREATE", "CONNECT", "UPDATE", "DELETE")),
    selector,
  },
  { not: { required: ["name", "names"] } },
);

const subject = object({ apiGroup: text, kind: text, name: text, namespace: text }, { required: ["kind", "name"] });

const filterFields = { clusterRoles: texts, resources, roles: texts, subjects: list(subject) };

const notBoth = { not: { required: ["any", "all"] } };

const filters = { all: list(object(filterFields)), any: list(object(filterFields)) };

/** `match` or `exclude` without the old flat form. */
export const filterBlock = object(filters, notBoth);

const sources = ["configMap", "apiCall", "imageRegistry", "variable", "globalReference"];

const keyValue = (value: Json): JsonRecord => object({ key: text, value }, { required: ["key", "value"] });

export const keyValues = list(keyValue(anything));

export const service = object({ caBundle: text, headers: list(keyValue(text)), url: text }, { required: ["url"] });

const registryCredentials = object({
  allowInsecureRegistry: flag,
  providers: list(oneOf("default", "amazon", "azure", "google", "github")),
  secrets: texts,
});

export const contextSchema = list(
  object(
    {
      apiCall: object({
        data: keyValues,
        default: anything,
        jmesPath: text,
        method: oneOf("GET", "POST"),
        service,
        urlPath: text,
      }),
      configMap: object({ name: text, namespace: text }, { required: ["name"] }),
      globalReference: object({ jmesPath: text, name: text }, { required: ["name"] }),
      imageRegistry: object(
        { imageRegistryCredentials: registryCredentials, jmesPath: text, reference: text },
        { required: ["reference"] },
      ),
      name: text,
      variable: object({ default: anything, jmesPath: text, value: anything }),
    },
    { required: ["name"], oneOf: sources.map((source) => ({ required: [source] })) },
  ),
);

const operators = (
  "Equals NotEquals In AnyIn AllIn NotIn AnyNotIn AllNotIn GreaterThanOrEquals GreaterThan LessThanOrEquals LessThan " +
  "DurationGreaterThanOrEquals DurationGreaterThan DurationLessThanOrEquals DurationLessThan"
).split(" ");

export const newOperators = operators.filter((operator) => operator !== "In" && operator !== "NotIn");

export function conditions(names: readonly string[], more: Record<string, Json> = {}): JsonRecord {
  const condition = object({ key: anything, message: text, operator: oneOf(...names), value: anything });
  return object({ all: list(condition), any: list(condition) }, more);
}

const elementConditions = conditions(operators, anything);

const override = object({
  action: oneOf("audit", "enforce", "Audit", "Enforce"),
  namespaceSelector: selector,
  namespaces: texts,
});

const controls = (
  "HostProcess|Host Namespaces|Privileged Containers|Capabilities|HostPath Volumes|Host Ports|AppArmor|SELinux|" +
  "/proc Mount Type|Seccomp|Sysctls|Volume Types|Privilege Escalation|Running as Non-root|Running as Non-root user"
).split("|");

const versions = Array.from({ length: 14 }, (_, at) => `v1.${at + 19}`);

export const exemptedControls = list(
  object(
    { controlName: oneOf(...controls), images: texts, restrictedField: text, values: texts },
    { required: ["controlName"] },
  ),
);

const podSecurity = object({
  exclude: exemptedControls,
  level: oneOf("privileged", "baseline", "restricted"),
  version: oneOf(...versions, "latest"),
});

const cel = object({
  auditAnnotations: list(object({ key: text, valueExpression: text }, { required: ["key", "valueExpression"] })),
  expressions: list(
    object({ expression: text, message: text, messageExpression: text, reason: text }, { required: ["expression"] }),
  ),
  generate: flag,
  paramKind: object({ apiVersion: text, kind: text }),
  paramRef: object({ name: text, namespace: text, parameterNotFoundAction: text, selector }),
  variables: list(object({ expression: text, name: text }, { required: ["expression", "name"] })),
});

const named = list(object({ expression: text, name: text }, { required: ["expression", "name"] }));

const mutate = object({
  foreach: list(
    object({
      context: contextSchema,
      foreach: anything,
      list: text,
      order: oneOf("Ascending", "Descending"),
      patchStrategicMerge: anything,
      patchesJson6902: text,
      preconditions: elementConditions,
    }),
  ),
  mutateExistingOnPolicyUpdate: flag,
  patchStrategicMerge: anything,
  patchesJson6902: text,
  targets: list(
    object({
      apiVersion: text,
      context: contextSchema,
      kind: text,
      name: text,
      namespace: text,
      preconditions: anything,
      selector,
      uid: text,
    }),
  ),
});

const generated = {
  apiVersion: text,
  clone: object({ name: text, namespace: text }),
  cloneList: object({ kinds: texts, namespace: text, selector }),
  data: anything,
  kind: text,
  name: text,
  namespace: text,
  uid: text,
};

const generate = object({
  ...generated,
  foreach: list(object({ ...generated, context: contextSchema, list: text, preconditions: elementConditions })),
  generateExisting: flag,
  orphanDownstreamOnPolicyDelete: flag,
  synchronize: flag,
});

/** The old form, which loops have in every version. */
const deniedBy = object({ conditions: anything });

interface Differences {
  /** The flat form of match and exclude. */
  readonly flat: boolean;
  readonly preconditions: JsonRecord;
  readonly deny: JsonRecord;
}

function ruleSchema({ flat, preconditions, deny }: Differences): JsonRecord {
  const block = flat ? object({ ...filters, ...filterFields }, notBoth) : filterBlock;
  const each = {
    anyPattern: anything,
    context: contextSchema,
    deny: deniedBy,
    elementScope: flag,
    foreach: anything,
    list: text,
    pattern: anything,
    preconditions: elementConditions,
  };
  const validate = object({
    allowExistingViolations: flag,
    anyPattern: anything,
    assert: anything,
    cel,
    deny,
    failureAction: oneOf("Audit", "Enforce"),
    failureActionOverrides: list(override),
    foreach: list(object(each)),
    manifests: manifestsSchema,
    message: text,
    pattern: anything,
    podSecurity,
  });
  const fields = {
    celPreconditions: named,
    context: contextSchema,
    exclude: block,
    generate,
    imageExtractors: extractorsSchema,
    match: block,
    mutate,
    name: { type: "string", maxLength: 63 },
    preconditions,
    reportProperties: mapOf(text),
    skipBackgroundRequests: flag,
    validate,
    verifyImages: imagesSchema({ flat, conditions: conditions(operators), credentials: registryCredentials }),
  };
  return object(fields, { required: ["match", "name"] });
}

function policySchema(differences: Differences): JsonRecord {
  const spec = object({
    admission: flag,
    applyRules: oneOf("All", "One"),
    background: flag,
    emitWarning: flag,
    failurePolicy: oneOf("Ignore", "Fail"),
    generateExisting: flag,
    generateExistingOnPolicyUpdate: flag,
    mutateExistingOnPolicyUpdate: flag,
    rules: list(ruleSchema(differences)),
    schemaValidation: flag,
    useServerSideApply: flag,
    validationFailureAction: oneOf("audit", "enforce", "Audit", "Enforce"),
    validationFailureActionOverrides: list(override),
    webhookConfiguration: object({
      failurePolicy: oneOf("Ignore", "Fail"),
      matchConditions: named,
      timeoutSeconds: { type: "integer", format: "int32" },
    }),
    webhookTimeoutSeconds: { type: "integer", format: "int32" },
  });
  return object({ metadata: { type: "object" }, spec, status: anything }, { required: ["spec"] });
}

/** As they stand in a CRD, without defaults. */
export const policyTrees = {
  v1: policySchema({ flat: true, preconditions: anything, deny: deniedBy }),
  v2beta1: policySchema({
    flat: false,
    preconditions: conditions(newOperators),
    deny: object({ conditions: conditions(newOperators) }),
  }),
};

const schemas = { v1: compiled(policyTrees.v1), v2beta1: compiled(policyTrees.v2beta1) };

/** Compiles a schema when it is first asked for. */
export function compiled(tree: JsonRecord): () => Schema {
  let known: Schema | null = null;
  return () => {
    if (known !== null) return known;
    const schema = readSchema(tree);
    if ("error" in schema) throw new Error(`the schema of policies is broken: ${schema.error}`);
    known = schema;
    return schema;
  };
}

/** The schema of policies of a version. */
export function policySchemaOf(version: string): Schema {
  return (version === "v2beta1" ? schemas.v2beta1 : schemas.v1)();
}
