// The schemas of the four mutators, which an API server holds them to and whose defaults it fills in: what
// Gatekeeper's CRDs say about `spec`, without their descriptions. AssignImage is served as v1alpha1 only.
// Gatekeeper: charts/gatekeeper/crds/{assign,assignmetadata,modifyset,assignimage}-customresourcedefinition.yaml.

import type { JsonRecord } from "@portcullis/kube";
import type { Json } from "../../engine/request.ts";
import { matchSchema } from "../constraint/match-schema.ts";
import { type CompiledSchema, compileSchema } from "../schema.ts";

export type MutatorKind = "Assign" | "AssignMetadata" | "ModifySet" | "AssignImage";

const text = { type: "string" };
const texts = { type: "array", items: text };
const anything = { "x-kubernetes-preserve-unknown-fields": true };
const object = (properties: Record<string, Json>, more: Record<string, Json> = {}): JsonRecord => ({
  type: "object",
  properties,
  ...more,
});
const oneOf = (values: readonly string[], more: Record<string, Json> = {}): JsonRecord => ({
  type: "string",
  enum: values,
  ...more,
});

const applyTo = {
  type: "array",
  items: object({
    groups: texts,
    versions: texts,
    kinds: texts,
    operations: { type: "array", items: oneOf(["CREATE", "UPDATE", "*"]) },
  }),
};

const pathTests = {
  type: "array",
  items: object({ subPath: text, condition: oneOf(["MustExist", "MustNotExist"]) }),
};

const assign = object({
  value: anything,
  fromMetadata: object({ field: text }),
  externalData: object(
    {
      provider: text,
      dataSource: oneOf(["ValueAtLocation", "Username"], { default: "ValueAtLocation" }),
      failurePolicy: oneOf(["UseDefault", "Ignore", "Fail"], { default: "Fail" }),
      default: text,
    },
    { required: ["provider"] },
  ),
});

const specs: Readonly<Record<MutatorKind, Record<string, Json>>> = {
  Assign: { applyTo, parameters: object({ pathTests, assign }) },
  AssignMetadata: { parameters: object({ assign }) },
  ModifySet: {
    applyTo,
    parameters: object({
      pathTests,
      operation: oneOf(["merge", "prune"], { default: "merge" }),
      values: object({}, anything),
    }),
  },
  AssignImage: { applyTo, parameters: object({ pathTests, assignDomain: text, assignPath: text, assignTag: text }) },
};

/** As it stands in a CRD. */
export function mutatorTree(kind: MutatorKind, metadata: JsonRecord = { type: "object" }): JsonRecord {
  return object({
    apiVersion: text,
    kind: text,
    metadata,
    spec: object({ match: matchSchema, location: text, ...specs[kind] }),
    status: object({}, anything),
  });
}

const schemas = new Map<string, CompiledSchema>();

/** The schema of a kind, compiled when it is first asked for. The newest version limits the name, the others do not. */
export function mutatorSchema(kind: MutatorKind, version: string): CompiledSchema {
  const isNewest = version === servedVersions(kind)[0];
  const key = `${kind} ${isNewest}`;
  const known = schemas.get(key);
  if (known !== undefined) return known;
  const compiled = compileSchema(mutatorTree(kind, isNewest ? shortlyNamed : undefined));
  if ("error" in compiled) throw new Error(compiled.error);
  schemas.set(key, compiled.schema);
  return compiled.schema;
}

const shortlyNamed = object({ name: { type: "string", maxLength: 63 } });

export function isMutatorKind(kind: string): kind is MutatorKind {
  return Object.hasOwn(specs, kind);
}

export function servedVersions(kind: MutatorKind): readonly string[] {
  return kind === "AssignImage" ? ["v1alpha1"] : ["v1", "v1beta1", "v1alpha1"];
}
