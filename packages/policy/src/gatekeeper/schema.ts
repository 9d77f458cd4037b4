// The one place where this dialect meets kube's structural schemas: compiled once per template, with the checks that an
// API server makes of a CRD, and then used for every constraint.

import {
  type FieldError,
  type Schema,
  type UnknownField,
  aggregateText,
  applyDefaults,
  definitionErrors,
  dns1035LabelErrors,
  dns1123SubdomainErrors,
  dropUnwantedNulls,
  invalid,
  readSchema,
  unknownFields,
  validateValue,
} from "@portcullis/kube";
import type { Json } from "../engine/request.ts";
import { schemaPattern } from "./patterns.ts";

export interface CompiledSchema {
  /** What does not fit, with `prefix` before every path. */
  validate(value: Json, prefix: string): readonly FieldError[];
  unknownFields(value: Json): readonly UnknownField[];
  /** The value with the schema's defaults; the same object when there is nothing to add. */
  withDefaults(value: Json): Json;
  /** The value as an API server stores it: with defaults, without nulls that the schema does not allow. */
  asStored(value: Json): Json;
}

export type SchemaResult = { readonly schema: CompiledSchema } | { readonly error: string };

/** Compiles a schema to which an API server holds objects, without asking whether it may stand in a CRD. */
export function compileSchema(tree: Json): SchemaResult {
  const schema = readSchema(tree);
  return "error" in schema ? schema : { schema: compiled(schema, "json") };
}

/** Gatekeeper, which holds constraints to their schemas itself, reads their integers as floats. */
function compiled(schema: Schema, numbers: "json" | "float"): CompiledSchema {
  return {
    validate: (value, prefix) => validateValue(value, schema, { field: prefix, patterns: schemaPattern, numbers }),
    unknownFields: (value) => unknownFields(value, schema, true),
    withDefaults: (value) => applyDefaults(value, schema),
    asStored: (value) => dropUnwantedNulls(applyDefaults(value, schema), schema),
  };
}

export interface CrdNames {
  readonly kind: string;
  readonly shortNames: readonly string[];
}

/** Compiles the schema of a constraint kind, or says what an API server would not accept in its CRD. */
export function compileCrdSchema(tree: Json, names: CrdNames): SchemaResult {
  const schema = readSchema(tree);
  if ("error" in schema) return schema;
  const path = "spec.validation.openAPIV3Schema";
  const definition = definitionErrors(schema, path, { statusSubresource: true, patterns: schemaPattern });
  const text = aggregateText([...nameErrors(names), ...definition]);
  return text === null ? { schema: compiled(schema, "float") } : { error: text };
}

/** apiextensions: pkg/apis/apiextensions/validation ValidateCustomResourceDefinitionNames. */
function nameErrors({ kind, shortNames }: CrdNames): readonly FieldError[] {
  const plural = kind.toLowerCase();
  const name = `${plural}.constraints.gatekeeper.sh`;
  const errors = dns1123SubdomainErrors(name).map((detail) => invalid("metadata.name", name, detail));
  const label = (field: string, value: string, lead = ""): void => {
    const wrong = dns1035LabelErrors(value.toLowerCase());
    if (wrong.length > 0) errors.push(invalid(`spec.names.${field}`, value, lead + wrong.join(",")));
  };
  const mixed = "may have mixed case, but should otherwise match: ";
  label("plural", plural);
  label("singular", plural);
  label("kind", kind, mixed);
  label("listKind", `${kind}List`, mixed);
  for (const [at, shortName] of shortNames.entries()) {
    const wrong = dns1035LabelErrors(shortName);
    if (wrong.length > 0) errors.push(invalid(`spec.names.shortNames[${at}]`, shortName, wrong.join(",")));
  }
  return errors;
}
