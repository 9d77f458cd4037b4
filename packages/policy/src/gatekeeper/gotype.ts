// Whether a tree's fields have the types that Go's structs have. Gatekeeper and gator decode objects with encoding/json
// before they look at anything else, so a wrong type is the first thing that they report, with Go's names for the field
// and the type. Unknown fields and nulls mean nothing to the decoder. Go: encoding/json decode.go.

import { isObject, readSchema } from "@portcullis/kube";
import { Decimal, numberText } from "@portcullis/lang";
import { quote } from "@portcullis/lang/go";
import type { Json } from "../engine/request.ts";

/** A decoder's error and where it is. */
export interface DecodeError {
  readonly text: string;
  readonly path: readonly (string | number)[];
}

export type GoType =
  | { readonly is: "string" | "bool" | "integer" | "int32 or string" | "any" | "schema"; readonly name: string }
  | { readonly is: "list" | "map"; readonly name: string; readonly of: GoType }
  | {
      readonly is: "struct";
      readonly name: string;
      readonly fields: Readonly<Record<string, GoType>>;
      /** Other fields are errors. */
      readonly closed?: boolean;
    };

export const text: GoType = { is: "string", name: "string" };
export const flag: GoType = { is: "bool", name: "bool" };
export const integer: GoType = { is: "integer", name: "int64" };
export const texts: GoType = list(text);

export function struct(name: string, fields: Readonly<Record<string, GoType>>): GoType {
  return { is: "struct", name, fields };
}

export function list(of: GoType): GoType {
  return { is: "list", name: `[]${of.name}`, of };
}

export function map(of: GoType): GoType {
  return { is: "map", name: `map[string]${of.name}`, of };
}

/** metav1.ObjectMeta, as far as policies have it. */
export const objectMeta: GoType = struct("v1.ObjectMeta", {
  name: text,
  namespace: text,
  labels: map(text),
  annotations: map(text),
});

/** The first field with a wrong type; null when all fit. */
export function typeError(value: Json, type: GoType): DecodeError | null {
  return check(value, type, { owner: "", path: [] });
}

interface Place {
  /** The struct that has the field. */
  readonly owner: string;
  readonly path: readonly (string | number)[];
}

function check(value: Json, type: GoType, place: Place): DecodeError | null {
  if (value === null || value === undefined || type.is === "any") return null;
  switch (type.is) {
    case "string":
      return typeof value === "string" ? null : wrong(value, type, place);
    case "bool":
      return typeof value === "boolean" ? null : wrong(value, type, place);
    case "integer":
      return isNumber(value) ? null : wrong(value, type, place);
    case "int32 or string":
      return typeof value === "string" || isInt32(value) ? null : wrong(value, type, place, shownNumber(value));
    case "schema":
      return isObject(value) ? schemaError(value, place) : wrong(value, type, place);
    case "list":
      if (!Array.isArray(value)) return wrong(value, type, place);
      return first(value.map((item, at) => check(item, type.of, { ...place, path: [...place.path, at] })));
    case "map":
      if (!isObject(value)) return wrong(value, type, place);
      return first(Object.values(value).map((item) => check(item, type.of, place)));
    case "struct":
      break;
  }
  return isObject(value) ? checkFields(value, type, place) : wrong(value, type, place);
}

/** A schema's own reader names fields from the schema's root. */
function schemaError(value: Json, { path }: Place): DecodeError | null {
  const read = readSchema(value);
  if (!("error" in read)) return null;
  const root = "Go struct field JSONSchemaProps.";
  return { text: read.error.replace(root, `${root}${path.join(".")}.`), path };
}

function checkFields(
  value: Readonly<Record<string, Json>>,
  type: GoType & { readonly is: "struct" },
  { path }: Place,
): DecodeError | null {
  const owner = type.name.slice(type.name.indexOf(".") + 1);
  // In the order of the text, because the decoder reports the first.
  return first(
    Object.keys(value).map((key) => {
      const at = [...path, key];
      if (Object.hasOwn(type.fields, key)) return check(value[key], type.fields[key] as GoType, { owner, path: at });
      return type.closed === true ? { text: `json: unknown field ${quote(key)}`, path: at } : null;
    }),
  );
}

function first(errors: readonly (DecodeError | null)[]): DecodeError | null {
  return errors.find((error) => error !== null) ?? null;
}

/** A number of the wrong size is shown. */
function shownNumber(value: Json): string {
  return typeof value === "number" || value instanceof Decimal ? `number ${numberText(value)}` : jsonType(value);
}

function isInt32(value: Json): boolean {
  return typeof value === "number" && (value | 0) === value;
}

function wrong(value: Json, type: GoType, { owner, path }: Place, got: string = jsonType(value)): DecodeError {
  const field = path.filter((step) => typeof step === "string").join(".");
  const into = owner === "" ? "value" : `struct field ${owner}.${field}`;
  return { text: `json: cannot unmarshal ${got} into Go ${into} of type ${type.name}`, path };
}

function jsonType(value: Json): string {
  if (isNumber(value)) return "number";
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function isNumber(value: Json): boolean {
  return typeof value === "number" || value instanceof Decimal;
}
