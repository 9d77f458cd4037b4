// The types of a template's fields, as Go's structs have them.
// Frameworks: pkg/apis/templates/v1/constrainttemplate_types.go.

import type { Json } from "../../engine/request.ts";
import { type DecodeError, type GoType, flag, list, objectMeta, struct, text, texts, typeError } from "../gotype.ts";

/** The first field with a wrong type; null when all fit. */
export function decodeError(object: Json, version: string): DecodeError | null {
  return typeError(object, template(version));
}

function template(version: string): GoType {
  const own = (name: string, fields: Readonly<Record<string, GoType>>): GoType => struct(`${version}.${name}`, fields);
  const operation: GoType = { is: "string", name: "v1.OperationType" };
  const code = own("Code", { engine: text, source: { is: "any", name: "" } });
  const target = own("Target", {
    target: text,
    rego: text,
    libs: texts,
    code: list(code),
    operations: list(operation),
  });
  const schema: GoType = { is: "schema", name: "v1.JSONSchemaProps" };
  const validation = own("Validation", { openAPIV3Schema: schema, legacySchema: flag });
  const names = own("Names", { kind: text, shortNames: texts });
  const crd = own("CRD", { spec: own("CRDSpec", { names, validation }) });
  const spec = own("ConstraintTemplateSpec", { crd, targets: list(target) });
  return own("ConstraintTemplate", { metadata: objectMeta, spec });
}
