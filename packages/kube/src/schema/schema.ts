// JSONSchemaProps, the schema language of CustomResourceDefinitions, read from a JSON tree into one shape in which every
// field is present. Unknown keys are ignored, as a Go decoder ignores them; a field of the wrong type is an error.
// Behaviour from k8s.io/apiextensions-apiserver pkg/apis/apiextensions (types_jsonschema.go, v1/marshal.go).

import { type AnyNumber, Decimal } from "@portcullis/lang";
import { type JsonRecord, isObject } from "../object.ts";

export interface Schema {
  /** The keys that were written and are not empty. */
  readonly written: ReadonlySet<string>;
  readonly type: string;
  readonly format: string;
  readonly title: string;
  readonly description: string;
  readonly nullable: boolean;
  /** Undefined where there is none; null never is one. */
  readonly default: unknown;
  readonly enum: readonly unknown[];
  readonly maximum: AnyNumber | null;
  readonly exclusiveMaximum: boolean;
  readonly minimum: AnyNumber | null;
  readonly exclusiveMinimum: boolean;
  readonly multipleOf: AnyNumber | null;
  readonly maxLength: number | null;
  readonly minLength: number | null;
  readonly pattern: string;
  readonly maxItems: number | null;
  readonly minItems: number | null;
  readonly uniqueItems: boolean;
  readonly maxProperties: number | null;
  readonly minProperties: number | null;
  readonly required: readonly string[];
  readonly items: Schema | null;
  /** The form of `items` that structural schemas refuse. */
  readonly itemsList: readonly Schema[];
  readonly properties: ReadonlyMap<string, Schema>;
  readonly additionalProperties: { readonly allows: boolean; readonly schema: Schema | null } | null;
  readonly allOf: readonly Schema[];
  readonly anyOf: readonly Schema[];
  readonly oneOf: readonly Schema[];
  readonly not: Schema | null;
  readonly embeddedResource: boolean;
  readonly intOrString: boolean;
  /** Null where it was not written; false is an error of its own. */
  readonly preserveUnknownFields: boolean | null;
  readonly listType: string | null;
  readonly listMapKeys: readonly string[];
  readonly mapType: string | null;
  /** `x-kubernetes-validations`, unread. */
  readonly validations: readonly unknown[];
}

/** Deeper schemas are refused; the reader and the checks recurse over them. */
const maxDepth = 200;

/**
 * Reads a schema, or says what has the wrong type, as encoding/json does; `fields` are the struct fields in which the
 * schema stands (`["spec", "crd", "spec", "validation", "openAPIV3Schema"]`).
 */
export function readSchema(tree: unknown, fields: readonly string[] = []): Schema | { readonly error: string } {
  const reader: Reader = { error: null, depth: 0, fields };
  const schema = read(reader, tree);
  return reader.error === null ? schema : { error: reader.error };
}

interface Reader {
  error: string | null;
  depth: number;
  /** Go names the struct fields on the way, but no map keys and indices. */
  fields: readonly string[];
}

function read(reader: Reader, tree: unknown): Schema {
  const record = isObject(tree) ? tree : {};
  if (!isObject(tree) && tree !== null) wrong(reader, "", tree, "v1.JSONSchemaProps");
  if (reader.depth >= maxDepth) {
    reader.error ??= `exceeded max depth of ${maxDepth}`;
    return readParts(reader, {});
  }
  reader.depth++;
  const schema = readParts(reader, record);
  reader.depth--;
  return schema;
}

function within<Result>(reader: Reader, fields: readonly string[], readInner: () => Result): Result {
  const before = reader.fields;
  reader.fields = fields;
  const result = readInner();
  reader.fields = before;
  return result;
}

function readParts(reader: Reader, record: JsonRecord): Schema {
  const items = own(record, "items");
  return {
    ...readScalars(reader, record),
    items: isObject(items) ? within(reader, [...reader.fields, "items"], () => read(reader, items)) : null,
    itemsList: Array.isArray(items)
      ? within(reader, [...reader.fields, "items"], () => items.map((item: unknown) => read(reader, item)))
      : [],
    properties: readProperties(reader, record),
    additionalProperties: readAdditional(reader, own(record, "additionalProperties")),
    allOf: schemas(reader, record, "allOf"),
    anyOf: schemas(reader, record, "anyOf"),
    oneOf: schemas(reader, record, "oneOf"),
    not:
      own(record, "not") === undefined
        ? null
        : within(reader, [...reader.fields, "not"], () => read(reader, own(record, "not"))),
  };
}

type Scalars = Omit<
  Schema,
  "items" | "itemsList" | "properties" | "additionalProperties" | "allOf" | "anyOf" | "oneOf" | "not"
>;

function readScalars(reader: Reader, record: JsonRecord): Scalars {
  const text = (key: string) => typed(reader, record, key, "string", "string") ?? "";
  const flag = (key: string) => typed(reader, record, key, "boolean", "bool") ?? false;
  const count = (key: string) => integer(reader, record, key);
  return {
    written: new Set(Object.keys(record).filter((key) => !isEmpty(record[key]))),
    type: text("type"),
    format: text("format"),
    title: text("title"),
    description: text("description"),
    nullable: flag("nullable"),
    default: own(record, "default"),
    enum: list(reader, record, "enum"),
    maximum: amount(reader, record, "maximum"),
    exclusiveMaximum: flag("exclusiveMaximum"),
    minimum: amount(reader, record, "minimum"),
    exclusiveMinimum: flag("exclusiveMinimum"),
    multipleOf: amount(reader, record, "multipleOf"),
    maxLength: count("maxLength"),
    minLength: count("minLength"),
    pattern: text("pattern"),
    maxItems: count("maxItems"),
    minItems: count("minItems"),
    uniqueItems: flag("uniqueItems"),
    maxProperties: count("maxProperties"),
    minProperties: count("minProperties"),
    required: strings(reader, record, "required"),
    embeddedResource: flag("x-kubernetes-embedded-resource"),
    intOrString: flag("x-kubernetes-int-or-string"),
    preserveUnknownFields: typed(reader, record, "x-kubernetes-preserve-unknown-fields", "boolean", "bool"),
    listType: typed(reader, record, "x-kubernetes-list-type", "string", "string"),
    listMapKeys: strings(reader, record, "x-kubernetes-list-map-keys"),
    mapType: typed(reader, record, "x-kubernetes-map-type", "string", "string"),
    validations: list(reader, record, "x-kubernetes-validations"),
  };
}

function readProperties(reader: Reader, record: JsonRecord): ReadonlyMap<string, Schema> {
  const properties = own(record, "properties");
  if (properties === undefined) return new Map();
  if (!isObject(properties)) {
    wrong(reader, "properties", properties, "map[string]v1.JSONSchemaProps");
    return new Map();
  }
  return within(
    reader,
    [...reader.fields, "properties"],
    () => new Map(Object.keys(properties).map((name) => [name, read(reader, properties[name])])),
  );
}

function readAdditional(reader: Reader, tree: unknown): Schema["additionalProperties"] {
  if (tree === undefined) return null;
  if (typeof tree === "boolean") return { allows: tree, schema: null };
  if (isObject(tree))
    return {
      allows: true,
      schema: within(reader, [...reader.fields, "additionalProperties"], () => read(reader, tree)),
    };
  reader.error ??= "boolean or JSON schema expected";
  return null;
}

function schemas(reader: Reader, record: JsonRecord, key: string): Schema[] {
  const elements = list(reader, record, key);
  if (elements.length === 0) return [];
  return within(reader, [...reader.fields, key], () => elements.map((element) => read(reader, element)));
}

function own(record: JsonRecord, key: string): unknown {
  const value = Object.hasOwn(record, key) ? record[key] : undefined;
  return value === null ? undefined : value;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "" || value === false) return true;
  return Array.isArray(value) && value.length === 0;
}

interface Typed {
  readonly string: string;
  readonly boolean: boolean;
}

function typed<Name extends keyof Typed>(
  reader: Reader,
  record: JsonRecord,
  key: string,
  name: Name,
  goType: string,
): Typed[Name] | null {
  const value = own(record, key);
  if (value === undefined) return null;
  if (typeof value === name) return value as Typed[Name];
  wrong(reader, key, value, goType);
  return null;
}

function amount(reader: Reader, record: JsonRecord, key: string): AnyNumber | null {
  const value = own(record, key);
  if (value === undefined || typeof value === "number" || value instanceof Decimal) return value ?? null;
  wrong(reader, key, value, "float64");
  return null;
}

function integer(reader: Reader, record: JsonRecord, key: string): number | null {
  const value = own(record, key);
  if (value === undefined) return null;
  if (typeof value === "number" && Number.isInteger(value)) return value;
  wrong(reader, key, value, "int64");
  return null;
}

const listTypes: Readonly<Record<string, string>> = {
  enum: "[]v1.JSON",
  required: "[]string",
  "x-kubernetes-list-map-keys": "[]string",
  "x-kubernetes-validations": "v1.ValidationRules",
};

function list(reader: Reader, record: JsonRecord, key: string): readonly unknown[] {
  const value = own(record, key);
  if (value === undefined) return [];
  if (Array.isArray(value)) return value as readonly unknown[];
  wrong(reader, key, value, listTypes[key] ?? "[]v1.JSONSchemaProps");
  return [];
}

function strings(reader: Reader, record: JsonRecord, key: string): readonly string[] {
  const values = list(reader, record, key);
  const other = values.find((value) => typeof value !== "string");
  if (other !== undefined) wrong(reader, key, other, "string");
  return values.filter((value) => typeof value === "string");
}

function wrong(reader: Reader, key: string, value: unknown, goType: string): void {
  const kind = Array.isArray(value)
    ? "array"
    : typeof value === "boolean"
      ? "bool"
      : typeof value === "string"
        ? "string"
        : isObject(value)
          ? "object"
          : "number";
  const fields = key === "" ? reader.fields : [...reader.fields, key];
  const place = fields.length === 0 ? "value" : `struct field JSONSchemaProps.${fields.join(".")}`;
  reader.error ??= `json: cannot unmarshal ${kind} into Go ${place} of type ${goType}`;
}
