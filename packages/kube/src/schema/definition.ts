// What a CustomResourceDefinition's openAPIV3Schema may contain, beyond being structural: unsupported keywords, types,
// list and map types, and defaults that satisfy their own schema.
// Behaviour from k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go
// (ValidateCustomResourceDefinitionOpenAPISchema, specStandardValidatorV3, validateMapListKeysMapSet) and
// pkg/apiserver/schema/defaulting/validation.go.

import { byCodePoints, type FieldError, forbidden, invalid, required, unsupported } from "../fielderror.ts";
import { type PatternCompiler, re2Patterns } from "./pattern.ts";
import { unknownFields } from "./prune.ts";
import type { Schema } from "./schema.ts";
import { structuralErrors } from "./structural.ts";
import { validateValue } from "./validate.ts";

export interface DefinitionOptions {
  /** RE2 by default. */
  readonly patterns?: PatternCompiler;
  /** With a status subresource only some keywords may stand at the root. */
  readonly statusSubresource: boolean;
}

/**
 * Everything that an API server finds wrong with a CRD's schema, fields beginning with `path`
 * (`spec.validation.openAPIV3Schema`).
 */
export function definitionErrors(schema: Schema, path: string, options: DefinitionOptions): FieldError[] {
  const errors: FieldError[] = [];
  if (options.statusSubresource) checkRoot(errors, schema, path);
  if (schema.nullable) errors.push(forbidden(`${path}.nullable`, "nullable cannot be true at the root"));
  // A schema with unsupported keywords is never looked at as a structural one.
  const structural = isConvertible(schema) ? structuralErrors(schema, path, options.patterns) : null;
  if (structural === null || structural.length > 0) errors.push(...(structural ?? []));
  else checkDefaults(errors, schema, path, { options, insideMeta: false, isResource: true });
  checkKeywords(errors, schema, path, { isRoot: true, forbidDefault: null, insideMeta: false });
  return errors;
}

/** Keyword → Go's field name, in the order in which an API server lists them. */
const rootKeywords: ReadonlyMap<string, string> = new Map([
  ["description", "Description"],
  ["type", "Type"],
  ["format", "Format"],
  ["title", "Title"],
  ["maximum", "Maximum"],
  ["exclusiveMaximum", "ExclusiveMaximum"],
  ["minimum", "Minimum"],
  ["exclusiveMinimum", "ExclusiveMinimum"],
  ["maxLength", "MaxLength"],
  ["minLength", "MinLength"],
  ["pattern", "Pattern"],
  ["maxItems", "MaxItems"],
  ["minItems", "MinItems"],
  ["uniqueItems", "UniqueItems"],
  ["multipleOf", "MultipleOf"],
  ["required", "Required"],
  ["items", "Items"],
  ["properties", "Properties"],
  ["externalDocs", "ExternalDocs"],
  ["example", "Example"],
  ["x-kubernetes-preserve-unknown-fields", "XPreserveUnknownFields"],
  ["x-kubernetes-validations", "XValidations"],
]);

function checkRoot(errors: FieldError[], schema: Schema, path: string): void {
  const suffix = "at the root of the schema if the status subresource is enabled";
  if (schema.type !== "" && schema.type !== "object")
    errors.push(invalid(`${path}.type`, schema.type, `only "object" is allowed as the type ${suffix}`));
  const other = [...schema.written].find((key) => !rootKeywords.has(key));
  if (other === undefined) return;
  const allowed = [...rootKeywords.values()].join(" ");
  // The API server prints its whole internal structure as the value; the keyword says more.
  errors.push(invalid(path, other, `only [${allowed}] fields are allowed ${suffix}`));
}

function isConvertible(schema: Schema): boolean {
  if (schema.itemsList.length > 0 || schema.preserveUnknownFields === false) return false;
  if (unsupportedKeywords.some((key) => schema.written.has(key))) return false;
  return [
    ...schema.properties.values(),
    ...schema.allOf,
    ...schema.anyOf,
    ...schema.oneOf,
    ...[schema.not, schema.items, schema.additionalProperties?.schema].filter((part) => part != null),
  ].every((part) => isConvertible(part));
}

interface Context {
  readonly isRoot: boolean;
  /** Why no default may stand here; null where it may. */
  readonly forbidDefault: string | null;
  readonly insideMeta: boolean;
}

const metaFields: ReadonlySet<string> = new Set(["metadata", "kind", "apiVersion"]);

function checkKeywords(errors: FieldError[], schema: Schema, path: string, context: Context): void {
  checkStandard(errors, schema, path, context);
  if (schema.uniqueItems)
    errors.push(
      forbidden(
        `${path}.uniqueItems`,
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  const inner: Context = { ...context, isRoot: false };
  const { additionalProperties } = schema;
  if (additionalProperties !== null) {
    const field = `${path}.additionalProperties`;
    if (schema.properties.size > 0 && (!additionalProperties.allows || additionalProperties.schema !== null))
      errors.push(forbidden(field, "additionalProperties and properties are mutual exclusive"));
    const forbidDefault = "inside additionalProperties applying to object metadata";
    if (additionalProperties.schema !== null)
      checkKeywords(
        errors,
        additionalProperties.schema,
        field,
        context.insideMeta ? { ...inner, forbidDefault } : inner,
      );
  }
  for (const [name, property] of [...schema.properties].toSorted(([a], [b]) => byCodePoints(a, b))) {
    const isMeta = (context.isRoot || schema.embeddedResource) && metaFields.has(name);
    const forbidDefault = isMeta && context.isRoot ? `in top-level ${name}` : inner.forbidDefault;
    const insideMeta = isMeta || inner.insideMeta;
    checkKeywords(errors, property, `${path}.properties[${name}]`, { isRoot: false, forbidDefault, insideMeta });
  }
  if (schema.not !== null) checkKeywords(errors, schema.not, `${path}.not`, inner);
  for (const key of ["allOf", "oneOf", "anyOf"] as const)
    for (const [index, part] of schema[key].entries()) checkKeywords(errors, part, `${path}.${key}[${index}]`, inner);
  if (schema.items !== null) checkKeywords(errors, schema.items, `${path}.items`, inner);
  for (const [index, item] of schema.itemsList.entries()) checkKeywords(errors, item, `${path}.items[${index}]`, inner);
  checkExtensions(errors, schema, path);
  checkListMap(errors, schema, path);
  checkListItems(errors, schema, path);
}

const types = ["array", "boolean", "integer", "number", "object", "string"];
const unsupportedKeywords = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"];

function checkStandard(errors: FieldError[], schema: Schema, path: string, context: Context): void {
  if (schema.type !== "" && !types.includes(schema.type)) errors.push(unsupported(`${path}.type`, schema.type, types));
  if (schema.default !== undefined && context.forbidDefault !== null)
    errors.push(forbidden(`${path}.default`, `must not be set ${context.forbidDefault}`));
  for (const key of unsupportedKeywords)
    if (schema.written.has(key)) errors.push(forbidden(`${path}.${key}`, `${key} is not supported`));
  if (schema.type === "null")
    errors.push(forbidden(`${path}.type`, "type cannot be set to null, use nullable as an alternative"));
  if (schema.itemsList.length > 0)
    errors.push(forbidden(`${path}.items`, "items must be a schema object and not an array"));
  if (context.insideMeta && schema.embeddedResource)
    errors.push(forbidden(`${path}.x-kubernetes-embedded-resource`, "must not be used inside of resource meta"));
}

function checkExtensions(errors: FieldError[], schema: Schema, path: string): void {
  const { type, mapType, listType } = schema;
  if (schema.preserveUnknownFields === false)
    errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined"));
  const needs = (wanted: string, key: string) => {
    const detail = `must be ${wanted} if ${key} is specified`;
    errors.push(type === "" ? required(`${path}.type`, detail) : invalid(`${path}.type`, type, detail));
  };
  if (mapType !== null && type !== "object") needs("object", "x-kubernetes-map-type");
  if (mapType !== null && mapType !== "atomic" && mapType !== "granular")
    errors.push(unsupported(`${path}.x-kubernetes-map-type`, mapType, ["atomic", "granular"]));
  if (listType !== null && type !== "array") needs("array", "x-kubernetes-list-type");
  else if (listType === "set" && schema.items !== null) checkSetItems(errors, schema.items, `${path}.items`);
  if (listType !== null && !["atomic", "set", "map"].includes(listType))
    errors.push(unsupported(`${path}.x-kubernetes-list-type`, listType, ["atomic", "set", "map"]));
}

function checkSetItems(errors: FieldError[], items: Schema, path: string): void {
  const detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
  if (items.type === "array" && items.listType !== null && items.listType !== "atomic")
    errors.push(invalid(`${path}.x-kubernetes-list-type`, items.listType, detail));
  if (items.type === "object" && items.mapType !== "atomic")
    errors.push(invalid(`${path}.x-kubernetes-map-type`, items.listType, detail));
}

function checkListMap(errors: FieldError[], schema: Schema, path: string): void {
  const { listType, listMapKeys, items } = schema;
  const typeField = `${path}.x-kubernetes-list-type`;
  const keysField = `${path}.x-kubernetes-list-map-keys`;
  if (listMapKeys.length > 0 && listType !== "map") {
    const detail = "must be map if x-kubernetes-list-map-keys is non-empty";
    errors.push(listType === null ? required(typeField, detail) : invalid(typeField, listType, detail));
  }
  if (listType !== "map") return;
  if (listMapKeys.length === 0) errors.push(required(keysField, "must not be empty if x-kubernetes-list-type is map"));
  if (items === null) {
    if (schema.itemsList.length === 0)
      errors.push(required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map"));
    return;
  }
  if (items.type !== "object") {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    errors.push(invalid(`${path}.items.type`, items.type, detail));
    return;
  }
  const seen = new Set<string>();
  for (const key of listMapKeys) {
    const property = items.properties.get(key);
    if (property === undefined)
      errors.push(invalid(keysField, listMapKeys, "entries must all be names of item properties"));
    else if (property.type === "array" || property.type === "object") {
      const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      errors.push(invalid(`${path}.items.properties[${key}].type`, items.type, detail));
    }
    if (seen.has(key)) errors.push(invalid(keysField, listMapKeys, "must not contain duplicate entries"));
    seen.add(key);
  }
}

function checkListItems(errors: FieldError[], schema: Schema, path: string): void {
  const { items, listType } = schema;
  if (items === null || (listType !== "set" && listType !== "map")) return;
  if (items.nullable)
    errors.push(forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  if (listType !== "map") return;
  for (const key of schema.listMapKeys) {
    const property = items.properties.get(key);
    if (property === undefined) continue;
    const field = `${path}.items.properties[${key}]`;
    const reason = "this property is in x-kubernetes-list-map-keys, so it";
    if (!items.required.includes(key) && property.default === undefined)
      errors.push(required(`${field}.default`, `${reason} must have a default or be a required property`));
    if (property.nullable) errors.push(forbidden(`${field}.nullable`, `${reason} cannot be nullable`));
  }
}

interface DefaultContext {
  readonly options: DefinitionOptions;
  readonly insideMeta: boolean;
  readonly isResource: boolean;
}

/** Each default has no fields that its schema would prune and satisfies it. Defaults of metadata are forbidden anyway. */
function checkDefaults(errors: FieldError[], schema: Schema, path: string, context: DefaultContext): void {
  const { options } = context;
  const isResource = context.isResource || schema.embeddedResource;
  const insideMeta = !schema.embeddedResource && context.insideMeta;
  if (schema.default !== undefined && !insideMeta) {
    const field = `${path}.default`;
    if (unknownFields(schema.default, schema, schema.embeddedResource).length > 0)
      errors.push(invalid(field, schema.default, "must not have unknown fields"));
    errors.push(
      ...validateValue(schema.default, schema, { field, patterns: options.patterns ?? re2Patterns, numbers: "json" }),
    );
  }
  if (schema.items !== null)
    checkDefaults(errors, schema.items, `${path}.items`, { options, insideMeta, isResource: false });
  for (const [name, property] of [...schema.properties].toSorted(([a], [b]) => byCodePoints(a, b)))
    checkDefaults(errors, property, `${path}.properties[${name}]`, {
      options,
      insideMeta: insideMeta || (isResource && metaFields.has(name)),
      isResource: false,
    });
}
