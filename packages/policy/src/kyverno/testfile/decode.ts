// Documents of Kyverno's command line (Test, Values, UserInfo, Context, ClusterResource), read as Go's strict decoder
// reads them: a field that nobody knows is an error, field names may differ in case, and a number or boolean where a
// string is wanted becomes its text. Behaviour of sigs.k8s.io/yaml UnmarshalStrict over encoding/json.

import { byCodePoints, isObject } from "@portcullis/kube";
import { Decimal, numberText } from "@portcullis/lang";
import type { Json } from "../../engine/request.ts";

/** What a document may hold. */
export type Shape =
  | "string"
  | "boolean"
  | "integer"
  | "int64"
  /** Any tree. */
  | "any"
  | { readonly list: Shape }
  | { readonly map: Shape }
  | Struct;

export interface Struct {
  readonly name: string;
  /** Of Go; `v1alpha1` unless it says otherwise. */
  readonly package?: string;
  readonly fields: Readonly<Record<string, Shape>>;
  /**
   * Structs that this one embeds, with their fields. The reader of YAML does not look into them, so that what stands there
   * has to be of its type: `true` is no text.
   */
  readonly embeds?: Readonly<Record<string, readonly string[]>>;
}

/** Go's text of what is wrong with a document. */
class DecodeError extends Error {
  constructor(message: string) {
    super(`error unmarshaling JSON: while decoding JSON: json: ${message}`);
    this.name = "DecodeError";
  }
}

/** The tree with its fields under their proper names. Nulls are left out. Throws DecodeError. */
export function decode(tree: Json, shape: Shape): Json {
  return decodeAt(tree, shape, { struct: "", path: [], isExact: false });
}

interface Place {
  /** The Go type that the value is a field of. */
  readonly struct: string;
  readonly path: readonly string[];
  /** Only a string is a string. */
  readonly isExact: boolean;
}

function decodeAt(tree: Json, shape: Shape, place: Place): Json {
  if (tree === null || tree === undefined) return undefined;
  if (shape === "any") return tree;
  if (typeof shape === "string") return decodeScalar(tree, shape, place);
  if ("list" in shape) {
    if (!Array.isArray(tree)) throw mismatch(tree, shape, place);
    return tree.map((item: Json) => decodeAt(item, shape.list, place));
  }
  if (!isObject(tree)) throw mismatch(tree, shape, place);
  if ("map" in shape) {
    return Object.fromEntries(Object.keys(tree).map((key) => [key, decodeAt(tree[key], shape.map, place)]));
  }
  return decodeFields(tree, shape, place);
}

function decodeFields(
  tree: Readonly<Record<string, Json>>,
  { name, fields, embeds = {} }: Struct,
  { path, isExact }: Place,
): Json {
  const found: Record<string, Json> = {};
  // What Go decodes has been made from the YAML with its members in order; the first mistake is told.
  for (const key of Object.keys(tree).toSorted(byCodePoints)) {
    const field = Object.hasOwn(fields, key)
      ? key
      : Object.keys(fields).find((known) => known.toLowerCase() === key.toLowerCase());
    if (field === undefined) throw new DecodeError(`unknown field ${JSON.stringify(key)}`);
    const embedded = Object.keys(embeds).filter((one) => embeds[one]?.includes(field));
    found[field] = decodeAt(tree[key], fields[field] ?? "any", {
      struct: name,
      path: [...path, ...embedded, field],
      isExact: isExact || embedded.length > 0,
    });
  }
  return found;
}

function decodeScalar(tree: Json, shape: "string" | "boolean" | "integer" | "int64", place: Place): Json {
  if (shape === "string") {
    if (typeof tree === "string") return tree;
    if (!place.isExact && typeof tree === "boolean") return String(tree);
    if (!place.isExact && (typeof tree === "number" || tree instanceof Decimal)) return numberText(tree);
  } else if (shape === "boolean" ? typeof tree === "boolean" : Number.isInteger(tree)) return tree;
  throw mismatch(tree, shape, place);
}

function mismatch(tree: Json, shape: Shape, { struct, path }: Place): DecodeError {
  const where = path.length === 0 ? "Go value" : `Go struct field ${struct}.${path.join(".")}`;
  return new DecodeError(`cannot unmarshal ${jsonKind(tree)} into ${where} of type ${goType(shape)}`);
}

function jsonKind(tree: Json): string {
  if (Array.isArray(tree)) return "array";
  if (isObject(tree)) return "object";
  if (typeof tree === "boolean") return "bool";
  return typeof tree === "string" ? "string" : "number";
}

function goType(shape: Shape): string {
  if (shape === "boolean") return "bool";
  if (shape === "integer") return "int";
  if (typeof shape === "string") return shape === "any" ? "interface {}" : shape;
  if ("list" in shape) return `[]${goType(shape.list)}`;
  return "map" in shape ? `map[string]${goType(shape.map)}` : `${shape.package ?? "v1alpha1"}.${shape.name}`;
}
