// Trees read as Go reads JSON into its types: names of fields may differ in case, what stands twice is read over what was
// there, the first mistake is told. Documents of the command line (Test, Values, UserInfo, ClusterResource) are read
// strictly and from YAML: a field that nobody knows is an error, and a number or boolean where a string is wanted becomes
// its text. What a policy's schema leaves open is read from JSON: unknown fields are dropped, only strings are strings.
// Behaviour of encoding/json, and of sigs.k8s.io/yaml UnmarshalStrict over it.

import { byCodePoints, isObject } from "@portcullis/kube";
import { Decimal, numberText } from "@portcullis/lang";
import type { Json } from "../engine/request.ts";
import { goFieldName } from "./gofields.ts";

/** What a document may hold. */
export type Shape =
  | "string"
  | "boolean"
  | "integer"
  | "int64"
  /** Any tree. */
  | "any"
  /** A string of a Go type with a name, `v1.Method`. */
  | { readonly text: string }
  /** The first that takes the value; where none does, `refusal` is all that is said. */
  | { readonly first: readonly Shape[]; readonly refusal: string }
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

/** Go's text of what is wrong with a tree. */
export class DecodeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DecodeError";
  }
}

/** A document with its fields under their proper names. Nulls are undefined. Throws DecodeError. */
export function decode(tree: Json, shape: Shape): Json {
  try {
    return decodeAt(tree, shape, { struct: "", path: [], isExact: false, isStrict: true });
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DecodeError(`error unmarshaling JSON: while decoding JSON: ${error.message}`);
  }
}

/**
 * The same of a part that reads itself, in a tree whose other parts have been read: `struct` and `path` say of which Go
 * type it is a field, and where. Throws DecodeError.
 */
export function decodePart(tree: Json, shape: Shape, struct: string, path: readonly string[]): Json {
  return decodeAt(tree, shape, { struct, path, isExact: true, isStrict: false });
}

interface Place {
  /** The Go type that the value is a field of. */
  readonly struct: string;
  readonly path: readonly string[];
  /** Only a string is a string. */
  readonly isExact: boolean;
  /** A field that nobody knows is an error, and an error names the innermost type. */
  readonly isStrict: boolean;
}

/** `over` is what an earlier member with the same name gave. */
function decodeAt(tree: Json, shape: Shape, place: Place, over?: Json): Json {
  if (tree === null || tree === undefined) return undefined;
  if (shape === "any") return tree;
  if (typeof shape === "string" || "text" in shape) return decodeScalar(tree, shape, place);
  if ("first" in shape) return decodeFirst(tree, shape, place);
  if ("list" in shape) {
    if (!Array.isArray(tree)) throw mismatch(tree, shape, place);
    const known = Array.isArray(over) ? (over as readonly Json[]) : [];
    return tree.map((item: Json, at) => decodeAt(item, shape.list, place, known[at]));
  }
  if (!isObject(tree)) throw mismatch(tree, shape, place);
  const known = isObject(over) ? over : {};
  if ("map" in shape) {
    const own = Object.keys(tree).map((key) => [key, decodeAt(tree[key], shape.map, place)]);
    return { ...known, ...Object.fromEntries(own) };
  }
  return decodeFields(tree, shape, place, known);
}

function decodeFirst(
  tree: Json,
  { first, refusal }: { readonly first: readonly Shape[]; readonly refusal: string },
  place: Place,
): Json {
  for (const shape of first) {
    try {
      return decodeAt(tree, shape, place);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
  }
  throw new DecodeError(refusal);
}

function decodeFields(
  tree: Readonly<Record<string, Json>>,
  { name, fields, embeds = {} }: Struct,
  place: Place,
  known: Readonly<Record<string, Json>>,
): Json {
  const found: Record<string, Json> = { ...known };
  // What Go decodes has been made from the YAML with its members in order; the first mistake is told.
  for (const key of Object.keys(tree).toSorted(byCodePoints)) {
    const field = Object.hasOwn(fields, key) ? key : goFieldName(Object.keys(fields), key);
    if (field === undefined) {
      if (place.isStrict) throw new DecodeError(`json: unknown field ${JSON.stringify(key)}`);
      continue;
    }
    const embedded = Object.keys(embeds).filter((one) => embeds[one]?.includes(field));
    const inner: Place = {
      struct: place.isStrict ? name : place.struct,
      path: [...place.path, ...embedded, field],
      isExact: place.isExact || embedded.length > 0,
      isStrict: place.isStrict,
    };
    found[field] = decodeAt(tree[key], fields[field] ?? "any", inner, found[field]);
  }
  return found;
}

type Scalar = "string" | "boolean" | "integer" | "int64" | { readonly text: string };

function decodeScalar(tree: Json, shape: Scalar, place: Place): Json {
  if (shape === "string" || typeof shape === "object") {
    if (typeof tree === "string") return tree;
    if (!place.isExact && typeof tree === "boolean") return String(tree);
    if (!place.isExact && (typeof tree === "number" || tree instanceof Decimal)) return numberText(tree);
  } else if (shape === "boolean" ? typeof tree === "boolean" : Number.isInteger(tree)) return tree;
  throw mismatch(tree, shape, place);
}

function mismatch(tree: Json, shape: Shape, { struct, path }: Place): DecodeError {
  const where = path.length === 0 ? "Go value" : `Go struct field ${struct}.${path.join(".")}`;
  return new DecodeError(`json: cannot unmarshal ${jsonKind(tree)} into ${where} of type ${goType(shape)}`);
}

/** What Go calls a value of JSON in its errors. */
export function jsonKind(tree: Json): "array" | "object" | "bool" | "string" | "number" {
  if (Array.isArray(tree)) return "array";
  if (isObject(tree)) return "object";
  if (typeof tree === "boolean") return "bool";
  return typeof tree === "string" ? "string" : "number";
}

function goType(shape: Shape): string {
  if (shape === "boolean") return "bool";
  if (shape === "integer") return "int";
  if (typeof shape === "string") return shape === "any" ? "interface {}" : shape;
  if ("text" in shape) return shape.text;
  if ("first" in shape) return goType(shape.first[0] ?? "any");
  if ("list" in shape) return `[]${goType(shape.list)}`;
  return "map" in shape ? `map[string]${goType(shape.map)}` : `${shape.package ?? "v1alpha1"}.${shape.name}`;
}
