// Whether a schema is structural: every field that any part of it speaks about has its type outside of `allOf`, `anyOf`,
// `oneOf` and `not`, and inside of them there are only restrictions. Errors are sorted by their text.
// Behaviour from k8s.io/apiextensions-apiserver pkg/apiserver/schema (validation.go, complete.go).

import { byCodePoints, type FieldError, fieldErrorText, forbidden, invalid, required } from "../fielderror.ts";
import { type PatternCompiler, re2Patterns } from "./pattern.ts";
import type { Schema } from "./schema.ts";

type Level = "root" | "item" | "field";

interface Walk {
  readonly errors: FieldError[];
  readonly patterns: PatternCompiler;
}

/** What hinders this schema from being structural, as an API server says it, with `path` before each field. */
export function structuralErrors(schema: Schema, path: string, patterns: PatternCompiler = re2Patterns): FieldError[] {
  const walk: Walk = { errors: [], patterns };
  checkInvariants(walk, schema, "root", path);
  checkRestrictionsComplete(walk.errors, schema, schema, { structural: path, restriction: path });
  return walk.errors
    .map((error) => ({ error, text: fieldErrorText(error) }))
    .toSorted((a, b) => byCodePoints(a.text, b.text))
    .map(({ error }) => error);
}

function checkInvariants(walk: Walk, schema: Schema, level: Level, path: string): void {
  const { errors } = walk;
  const { type, items, additionalProperties } = schema;
  if (type === "array" && items === null) errors.push(required(`${path}.items`, "must be specified"));
  if (items !== null) checkInvariants(walk, items, "item", `${path}.items`);
  for (const [name, property] of schema.properties)
    checkInvariants(walk, property, "field", `${path}.properties[${name}]`);
  if (additionalProperties !== null) {
    const field = `${path}.additionalProperties`;
    if (level === "root") errors.push(forbidden(field, "must not be used at the root"));
    if (additionalProperties.schema !== null) checkInvariants(walk, additionalProperties.schema, "field", field);
  }
  checkExtensions(errors, schema, path);
  checkRestrictions(walk, schema, path, {
    anyOf: isIntOrStringPair(schema.anyOf),
    firstAllOf: isIntOrStringPair(schema.allOf[0]?.anyOf ?? []),
  });
  checkType(errors, schema, level, path);
  checkMetadata(errors, schema, level, path);
}

function checkExtensions(errors: FieldError[], schema: Schema, path: string): void {
  const detail = "must be false if x-kubernetes-int-or-string is true";
  if (schema.intOrString && schema.preserveUnknownFields === true)
    errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, true, detail));
  if (schema.intOrString && schema.embeddedResource)
    errors.push(invalid(`${path}.x-kubernetes-embedded-resource`, true, detail));
  if (!schema.embeddedResource) return;
  if (schema.additionalProperties !== null)
    errors.push(forbidden(`${path}.additionalProperties`, "must not be used if x-kubernetes-embedded-resource is set"));
  if (schema.preserveUnknownFields !== true && schema.properties.size === 0)
    errors.push(
      required(
        `${path}.properties`,
        "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
      ),
    );
}

const emptyType: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function checkType(errors: FieldError[], schema: Schema, level: Level, path: string): void {
  const field = `${path}.type`;
  const { type } = schema;
  if (schema.embeddedResource && type !== "object") {
    const detail = "must be object if x-kubernetes-embedded-resource is true";
    errors.push(type === "" ? required(field, detail) : invalid(field, type, detail));
  } else if (type === "" && !schema.intOrString && schema.preserveUnknownFields !== true)
    errors.push(required(field, emptyType[level]));
  if (level === "root" && type !== "" && type !== "object")
    errors.push(invalid(field, type, "must be object at the root"));
}

function checkMetadata(errors: FieldError[], schema: Schema, level: Level, path: string): void {
  const isResource = level === "root" || schema.embeddedResource;
  for (const name of ["kind", "apiVersion"]) {
    const property = schema.properties.get(name);
    if (isResource && property !== undefined && property.type !== "string")
      errors.push(invalid(`${path}.properties[${name}].type`, property.type, "must be string"));
  }
  const metadata = schema.properties.get("metadata");
  if (metadata === undefined) return;
  const field = `${path}.properties[metadata]`;
  if (isResource && metadata.type !== "object") errors.push(invalid(`${field}.type`, metadata.type, "must be object"));
  if (level === "root" && !restrictsOnlyNames(metadata))
    errors.push(
      forbidden(
        field,
        "must not specify anything other than name and generateName, but metadata is implicitly specified",
      ),
    );
}

function restrictsOnlyNames(metadata: Schema): boolean {
  for (const key of metadata.written) if (key !== "type" && key !== "properties" && key !== "default") return false;
  return [...metadata.properties.keys()].every((name) => name === "name" || name === "generateName");
}

/** `[{type: integer}, {type: string}]`, the one place where a type may stand under `anyOf`. */
function isIntOrStringPair(alternatives: readonly Schema[]): boolean {
  const [first, second, third] = alternatives;
  return third === undefined && isTypeOnly(first, "integer") && isTypeOnly(second, "string");
}

function isTypeOnly(schema: Schema | undefined, type: string): boolean {
  return schema !== undefined && schema.type === type && schema.written.size === 1;
}

interface Skips {
  readonly anyOf: boolean;
  readonly firstAllOf: boolean;
}

const skipNothing: Skips = { anyOf: false, firstAllOf: false };

function checkRestrictions(walk: Walk, schema: Schema, path: string, skips: Skips): void {
  if (!skips.anyOf)
    for (const [index, nested] of schema.anyOf.entries()) checkNested(walk, nested, `${path}.anyOf[${index}]`);
  for (const [index, nested] of schema.allOf.entries())
    checkNested(walk, nested, `${path}.allOf[${index}]`, { anyOf: skips.firstAllOf && index === 0, firstAllOf: false });
  for (const [index, nested] of schema.oneOf.entries()) checkNested(walk, nested, `${path}.oneOf[${index}]`);
  if (schema.not !== null) checkNested(walk, schema.not, `${path}.not`);
  if (schema.pattern === "") return;
  const compiled = walk.patterns(schema.pattern);
  if (typeof compiled !== "function") {
    const detail = `must be a valid regular expression, but isn't: ${compiled.error}`;
    walk.errors.push(invalid(`${path}.pattern`, schema.pattern, detail));
  }
}

/** A schema under `allOf`, `anyOf`, `oneOf` or `not` may only restrict. */
function checkNested(walk: Walk, schema: Schema, path: string, skips: Skips = skipNothing): void {
  const { errors } = walk;
  checkRestrictions(walk, schema, path, skips);
  if (schema.items !== null) checkNested(walk, schema.items, `${path}.items`);
  for (const [name, property] of schema.properties) checkNested(walk, property, `${path}.properties[${name}]`);
  const ban = (unwanted: boolean, key: string, state: string) => {
    if (unwanted) errors.push(forbidden(`${path}.${key}`, `must be ${state} to be structural`));
  };
  const { additionalProperties } = schema;
  ban(schema.type !== "", "type", "empty");
  ban(
    additionalProperties !== null && (additionalProperties.schema !== null || additionalProperties.allows),
    "additionalProperties",
    "undefined",
  );
  ban(schema.default !== undefined, "default", "undefined");
  ban(schema.title !== "", "title", "empty");
  ban(schema.description !== "", "description", "empty");
  ban(schema.nullable, "nullable", "false");
  ban(schema.preserveUnknownFields === true, "x-kubernetes-preserve-unknown-fields", "false");
  ban(schema.embeddedResource, "x-kubernetes-embedded-resource", "false");
  ban(schema.intOrString, "x-kubernetes-int-or-string", "false");
  ban(schema.listMapKeys.length > 0, "x-kubernetes-list-map-keys", "empty");
  ban(schema.listType !== null, "x-kubernetes-list-type", "undefined");
  ban(schema.mapType !== null, "x-kubernetes-map-type", "undefined");
  ban(schema.validations.length > 0, "x-kubernetes-validations", "empty");
  if (schema.properties.has("metadata"))
    errors.push(forbidden(`${path}.properties[metadata]`, "must not be specified in a nested context"));
}

interface Paths {
  readonly structural: string;
  readonly restriction: string;
}

/** Go: validateValueValidationCompleteness. */
function checkRestrictionsComplete(errors: FieldError[], nested: Schema, schema: Schema, paths: Paths): void {
  const under = (step: string): Paths => ({ ...paths, restriction: `${paths.restriction}.${step}` });
  if (nested.not !== null) checkComplete(errors, nested.not, schema, under("not"));
  for (const key of ["allOf", "anyOf", "oneOf"] as const)
    for (const [index, part] of nested[key].entries()) checkComplete(errors, part, schema, under(`${key}[${index}]`));
}

function checkComplete(errors: FieldError[], nested: Schema, schema: Schema | null, paths: Paths): void {
  if (schema === null) {
    errors.push(required(paths.structural, `because it is defined in ${paths.restriction}`));
    return;
  }
  const both = (step: string): Paths => ({
    structural: `${paths.structural}.${step}`,
    restriction: `${paths.restriction}.${step}`,
  });
  checkRestrictionsComplete(errors, nested, schema, paths);
  if (nested.items !== null) checkComplete(errors, nested.items, schema.items, both("items"));
  for (const [name, property] of nested.properties)
    checkComplete(errors, property, schema.properties.get(name) ?? null, both(`properties[${name}]`));
}
