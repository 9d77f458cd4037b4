// A JSON Schema document (drafts 4, 6, 7 and the mixture of them that is the default) into a tree that the validator
// walks. Complaints about the document have gojsonschema's words and come in its order. References are resolved inside the
// document, by JSON pointer or by id; nothing is fetched. OPA: internal/gojsonschema/schema.go, schemaPool.go.

import { type AnyNumber, type Budget, LimitError, compareNumbers, integerOf } from "@portcullis/lang";
import { type Regex, compileRegex } from "@portcullis/lang/go";
import { type PlainObject, type Value, isArray, isNumber, isPlainObject } from "../runtime/value.ts";
import { sortedKeys } from "../runtime/compare.ts";
import { encodeJson } from "./jsontext.ts";
import { type References, referencesOf, resolveReference } from "./jsonschemarefs.ts";

export class SchemaError extends Error {}

export type TypeName = "array" | "boolean" | "integer" | "number" | "null" | "object" | "string";

/** One schema. Made empty and filled while parsing, because references may lead back to it. */
export interface Schema {
  /** `true` and `false` as schemas. */
  pass: boolean | null;
  reference: Schema | null;
  types: TypeName[];
  properties: (readonly [string, Schema])[];
  additionalProperties: boolean | Schema | null;
  patternProperties: (readonly [Regex, Schema])[];
  propertyNames: Schema | null;
  dependencies: Map<string, readonly string[] | Schema>;
  items: Schema[];
  /** One schema for all items; else one for each position. */
  oneForAll: boolean;
  additionalItems: boolean | Schema | null;
  contains: Schema | null;
  multipleOf: AnyNumber | null;
  minimum: AnyNumber | null;
  exclusiveMinimum: AnyNumber | null;
  maximum: AnyNumber | null;
  exclusiveMaximum: AnyNumber | null;
  minLength: number | null;
  maxLength: number | null;
  minItems: number | null;
  maxItems: number | null;
  minProperties: number | null;
  maxProperties: number | null;
  pattern: { readonly regex: Regex; readonly text: string } | null;
  format: string | null;
  required: string[];
  uniqueItems: boolean;
  /** JSON texts, with numbers as doubles. */
  const: string | null;
  enum: string[] | null;
  oneOf: Schema[];
  anyOf: Schema[];
  allOf: Schema[];
  notSchema: Schema | null;
  ifSchema: Schema | null;
  thenSchema: Schema | null;
  elseSchema: Schema | null;
}

function emptySchema(): Schema {
  return {
    pass: null,
    reference: null,
    types: [],
    properties: [],
    additionalProperties: null,
    patternProperties: [],
    propertyNames: null,
    dependencies: new Map(),
    items: [],
    oneForAll: false,
    additionalItems: null,
    contains: null,
    multipleOf: null,
    minimum: null,
    exclusiveMinimum: null,
    maximum: null,
    exclusiveMaximum: null,
    minLength: null,
    maxLength: null,
    minItems: null,
    maxItems: null,
    minProperties: null,
    maxProperties: null,
    pattern: null,
    format: null,
    required: [],
    uniqueItems: false,
    const: null,
    enum: null,
    oneOf: [],
    anyOf: [],
    allOf: [],
    notSchema: null,
    ifSchema: null,
    thenSchema: null,
    elseSchema: null,
  };
}

interface Parsing {
  readonly budget: Budget;
  /** 4, 6, 7, or Infinity for the mixture. */
  readonly draft: number;
  readonly references: References;
  /** By the absolute text of the reference. */
  readonly known: Map<string, Schema>;
  depth: number;
}

/** The schema of a document. Throws SchemaError with gojsonschema's text, LimitError. */
export function parseSchema(document: Value, budget: Budget): Schema {
  const parsing: Parsing = {
    budget,
    draft: draftOf(document),
    references: referencesOf(document),
    known: new Map(),
    depth: 0,
  };
  return parse(parsing, document, "");
}

function draftOf(document: Value): number {
  if (typeof document === "boolean") return Infinity;
  if (!isPlainObject(document)) throw new SchemaError("schema is invalid");
  const url = own(document, "$schema");
  if (url === undefined) return Infinity;
  if (typeof url !== "string") throw new SchemaError("$schema must be of type string");
  return Number(/^http:\/\/json-schema\.org\/draft-0([467])\/schema#?$/.exec(url)?.[1] ?? Infinity);
}

function own(object: PlainObject, key: string): Value | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function parse(parsing: Parsing, document: Value, base: string): Schema {
  const schema = emptySchema();
  parseInto(parsing, schema, document, base);
  return schema;
}

function parseInto(parsing: Parsing, schema: Schema, document: Value, outerBase: string): void {
  parsing.budget.output(200);
  if (typeof document === "boolean" && parsing.draft >= 6) {
    schema.pass = document;
    return;
  }
  if (!isPlainObject(document)) throw new SchemaError("Expected: Valid Schema, given: Invalid JSON");
  if (++parsing.depth > parsing.budget.depthMax) throw new LimitError("depth");
  const base = parsing.references.baseOf(document) ?? outerBase;
  const reader: Reader = { parsing, schema, document, base };
  parseDefinitions(reader);
  text(reader, "title");
  text(reader, "description");
  const reference = text(reader, "$ref");
  if (reference !== null) parseReference(reader, reference);
  else for (const part of parts) part(reader);
  parsing.depth--;
}

interface Reader {
  readonly parsing: Parsing;
  readonly schema: Schema;
  readonly document: PlainObject;
  readonly base: string;
}

function parseReference({ parsing, schema, base }: Reader, reference: string): void {
  const found = resolveReference(parsing.references, base, reference);
  if ("error" in found) throw new SchemaError(found.error);
  const known = parsing.known.get(found.absolute);
  if (known !== undefined) {
    schema.reference = known;
    return;
  }
  if (typeof found.document !== "boolean" && !isPlainObject(found.document)) {
    throw new SchemaError("Valid Schema must be of type object");
  }
  const target = emptySchema();
  parsing.known.set(found.absolute, target);
  schema.reference = target;
  parseInto(parsing, target, found.document, found.base);
}

// ── reading keywords

function invalidType(expected: string, given: string): SchemaError {
  return new SchemaError(`Invalid type. Expected: ${expected}, given: ${given}`);
}

function text({ document }: Reader, key: string): string | null {
  const value = own(document, key);
  if (value === undefined) return null;
  if (typeof value !== "string") throw invalidType("string", key);
  return value;
}

function list({ document }: Reader, key: string): readonly Value[] | null {
  const value = own(document, key);
  if (value === undefined) return null;
  if (!isArray(value)) throw new SchemaError(`${key} must be of an array`);
  return value;
}

function isSchema(value: Value): value is boolean | PlainObject {
  return typeof value === "boolean" || isPlainObject(value);
}

function child({ parsing, base }: Reader, document: Value): Schema {
  return parse(parsing, document, base);
}

function length({ document }: Reader, key: string): number | null {
  const value = own(document, key);
  if (value === undefined) return null;
  const integer = isNumber(value) ? integerOf(value) : null;
  if (integer === null) throw new SchemaError(`${key} must be of an integer`);
  if (integer < 0n) throw new SchemaError(`${key} must be greater than or equal to 0`);
  return Number(integer);
}

function parseDefinitions(reader: Reader): void {
  const definitions = own(reader.document, "definitions");
  if (definitions === undefined) return;
  if (!isPlainObject(definitions)) throw invalidType("Array Of Schemas", "definitions");
  for (const key of sortedKeys(definitions)) {
    const definition = definitions[key] as Value;
    if (!isSchema(definition)) throw invalidType("Array Of Schemas", "definitions");
    child(reader, definition);
  }
}

const typeNames: readonly string[] = ["array", "boolean", "integer", "number", "null", "object", "string"];

function parseTypes({ schema, document }: Reader): void {
  const types = own(document, "type");
  if (types === undefined) return;
  const names = typeof types === "string" ? [types] : types;
  if (!isArray(names)) throw invalidType("type", "string/Array Of Strings");
  for (const name of names) {
    if (typeof name !== "string") throw invalidType("type", "string/Array Of Strings");
    if (!typeNames.includes(name)) {
      throw new SchemaError(
        `has a primitive type that is NOT VALID -- given: /${name}/ Expected valid values are:[${typeNames.join(" ")}]`,
      );
    }
    if (schema.types.includes(name as TypeName)) throw new SchemaError(`${name} type is duplicated`);
    schema.types.push(name as TypeName);
  }
}

function parseProperties(reader: Reader): void {
  const { schema, document } = reader;
  const properties = own(document, "properties");
  if (properties !== undefined) {
    if (!isPlainObject(properties)) throw new SchemaError("Properties must be of type object");
    for (const key of sortedKeys(properties)) {
      schema.properties.push([key, child(reader, properties[key] as Value)]);
    }
  }
  schema.additionalProperties = booleanOrSchema(reader, "additionalProperties");
  const patterns = own(document, "patternProperties");
  if (patterns !== undefined) {
    if (!isPlainObject(patterns)) throw invalidType("Valid Schema", "patternProperties");
    for (const key of sortedKeys(patterns)) {
      const compiled = compileRegex(key);
      if ("error" in compiled) throw new SchemaError(`Invalid regex pattern '${key}'`);
      schema.patternProperties.push([compiled.regex, child(reader, patterns[key] as Value)]);
    }
  }
  const names = own(document, "propertyNames");
  if (names !== undefined && reader.parsing.draft >= 6) {
    if (!isSchema(names)) throw invalidType("Valid Schema", "patternProperties");
    schema.propertyNames = child(reader, names);
  }
}

function booleanOrSchema(reader: Reader, key: string): boolean | Schema | null {
  const value = own(reader.document, key);
  if (value === undefined) return null;
  if (typeof value === "boolean") return value;
  if (!isPlainObject(value)) throw invalidType("boolean/Valid Schema", key);
  return child(reader, value);
}

function parseDependencies(reader: Reader): void {
  const dependencies = own(reader.document, "dependencies");
  if (dependencies === undefined) return;
  if (!isPlainObject(dependencies)) throw new SchemaError("dependencies must be of type object");
  const wrong = new SchemaError("Dependency must be of type Schema Or Array Of Strings");
  for (const key of sortedKeys(dependencies)) {
    const dependency = dependencies[key] as Value;
    if (isArray(dependency)) {
      if (dependency.some((name) => typeof name !== "string")) throw wrong;
      reader.schema.dependencies.set(key, dependency as readonly string[]);
    } else if (isSchema(dependency)) reader.schema.dependencies.set(key, child(reader, dependency));
    else throw wrong;
  }
}

function parseItems(reader: Reader): void {
  const { schema, document } = reader;
  const items = own(document, "items");
  if (items !== undefined) {
    const wrong = invalidType("Valid Schema/Array Of Schemas", "items");
    if (isArray(items)) {
      for (const item of items) {
        if (!isSchema(item)) throw wrong;
        schema.items.push(child(reader, item));
      }
    } else {
      if (!isSchema(items)) throw wrong;
      schema.items.push(child(reader, items));
      schema.oneForAll = true;
    }
  }
  schema.additionalItems = booleanOrSchema(reader, "additionalItems");
}

function parseNumbers(reader: Reader): void {
  const { schema, document } = reader;
  const multipleOf = own(document, "multipleOf");
  if (multipleOf !== undefined) {
    if (!isNumber(multipleOf)) throw invalidType("Number", "multipleOf");
    if (compareNumbers(multipleOf, 0) <= 0) throw new SchemaError("multipleOf must be strictly greater than 0");
    schema.multipleOf = multipleOf;
  }
  parseBound(reader, "minimum", "exclusiveMinimum");
  parseBound(reader, "maximum", "exclusiveMaximum");
}

/** In draft 4 the exclusive bound is a boolean beside the bound, later a bound of its own; the mixture takes both. */
function parseBound(
  reader: Reader,
  key: "minimum" | "maximum",
  exclusiveKey: "exclusiveMinimum" | "exclusiveMaximum",
): void {
  const { schema, document, parsing } = reader;
  const bound = own(document, key);
  if (bound !== undefined) {
    if (!isNumber(bound)) throw new SchemaError(`${key} must be of a Number`);
    schema[key] = bound;
  }
  const exclusive = own(document, exclusiveKey);
  if (exclusive === undefined) return;
  if (typeof exclusive === "boolean" && (parsing.draft === 4 || parsing.draft === Infinity)) {
    if (schema[key] === null) throw new SchemaError(`${exclusiveKey} cannot be used without ${key}`);
    if (exclusive) {
      schema[exclusiveKey] = schema[key];
      schema[key] = null;
    }
  } else if (isNumber(exclusive) && parsing.draft !== 4) schema[exclusiveKey] = exclusive;
  else
    throw invalidType(
      parsing.draft === 4 ? "boolean" : parsing.draft === Infinity ? "boolean/number" : "number",
      exclusiveKey,
    );
}

function parseStrings(reader: Reader): void {
  const { schema } = reader;
  schema.minLength = length(reader, "minLength");
  schema.maxLength = length(reader, "maxLength");
  if (schema.minLength !== null && schema.maxLength !== null && schema.minLength > schema.maxLength) {
    throw new SchemaError("minLength cannot be greater than maxLength");
  }
  const pattern = text(reader, "pattern");
  if (pattern !== null) {
    const compiled = compileRegex(pattern);
    if ("error" in compiled) throw new SchemaError("pattern must be a valid regex");
    schema.pattern = { regex: compiled.regex, text: pattern };
  }
  schema.format = text(reader, "format");
}

function parseSizes(reader: Reader): void {
  const { schema } = reader;
  schema.minProperties = length(reader, "minProperties");
  schema.maxProperties = length(reader, "maxProperties");
  if (schema.minProperties !== null && schema.maxProperties !== null && schema.minProperties > schema.maxProperties) {
    throw new SchemaError("minProperties cannot be greater than maxProperties");
  }
  for (const name of list(reader, "required") ?? []) {
    if (typeof name !== "string") throw invalidType("string", "required");
    if (schema.required.includes(name)) throw new SchemaError("required items must be unique");
    schema.required.push(name);
  }
  schema.minItems = length(reader, "minItems");
  schema.maxItems = length(reader, "maxItems");
  const unique = own(reader.document, "uniqueItems");
  if (unique !== undefined) {
    if (typeof unique !== "boolean") throw new SchemaError("uniqueItems must be of a boolean");
    schema.uniqueItems = unique;
  }
  const contains = own(reader.document, "contains");
  if (contains !== undefined && reader.parsing.draft >= 6) schema.contains = child(reader, contains);
}

function parseValues(reader: Reader): void {
  const { schema, document, parsing } = reader;
  const constant = own(document, "const");
  if (constant !== undefined && parsing.draft >= 6) schema.const = comparableText(constant, parsing.budget);
  const values = list(reader, "enum");
  if (values === null) return;
  schema.enum = values.map((value) => comparableText(value, parsing.budget));
  if (new Set(schema.enum).size < schema.enum.length) throw new SchemaError("enum items must be unique");
}

/** The JSON text by which values are compared: numbers are doubles, so that 1 and 1.0 are one. */
export function comparableText(value: Value, budget: Budget): string {
  return encodeJson(JSON.parse(encodeJson(value, budget)) as Value, budget);
}

function parseCombinations(reader: Reader): void {
  const { schema, document } = reader;
  for (const key of ["oneOf", "anyOf", "allOf"] as const) {
    schema[key] = (list(reader, key) ?? []).map((part) => child(reader, part));
  }
  const single = reader.parsing.draft >= 7 ? (["not", "if", "then", "else"] as const) : (["not"] as const);
  for (const key of single) {
    const part = own(document, key);
    if (part === undefined) continue;
    if (!isSchema(part)) throw new SchemaError(`${key} must be of an object`);
    schema[`${key}Schema`] = child(reader, part);
  }
}

const parts: readonly ((reader: Reader) => void)[] = [
  parseTypes,
  parseProperties,
  parseDependencies,
  parseItems,
  parseNumbers,
  parseStrings,
  parseSizes,
  parseValues,
  parseCombinations,
];
