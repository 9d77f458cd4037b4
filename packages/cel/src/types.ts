// The types of expressions, as cel-go shows them: `list(int)`, `map(string, dyn)`, `optional_type(string)`.
// cel-go: common/types/types.go, checker/format.go.

export type SimpleKind =
  | "dyn"
  | "error"
  | "null"
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "timestamp"
  | "duration"
  | "any";

export type Type =
  /** `nullable` is what protobuf's wrappers are: `wrapper(int)`. */
  | { readonly kind: SimpleKind; readonly nullable?: true }
  | { readonly kind: "list"; readonly element: Type }
  | { readonly kind: "map"; readonly key: Type; readonly value: Type }
  /** Type of a type: `type(1)` is `type(int)`. */
  | { readonly kind: "type"; readonly of: Type | null }
  /** Types without fields, that only functions know: `kubernetes.Quantity`, `optional_type(T)`. */
  | { readonly kind: "opaque"; readonly name: string; readonly parameters: readonly Type[] }
  /** Types with fields, by name in the environment. */
  | { readonly kind: "struct"; readonly name: string }
  /** `A` in `list(A)`. */
  | { readonly kind: "parameter"; readonly name: string };

const simple = <K extends SimpleKind>(kind: K): { readonly kind: K } => ({ kind });

export const dyn = simple("dyn");
export const errorType = simple("error");
export const nullType = simple("null");
export const bool = simple("bool");
export const int = simple("int");
export const uint = simple("uint");
export const double = simple("double");
export const string = simple("string");
export const bytes = simple("bytes");
export const timestamp = simple("timestamp");
export const duration = simple("duration");
export const any = simple("any");

export const listOf = (element: Type): Type => ({ kind: "list", element });
export const mapOf = (key: Type, value: Type): Type => ({ kind: "map", key, value });
export const typeOf = (of: Type | null): Type => ({ kind: "type", of });
export const opaque = (name: string, ...parameters: readonly Type[]): Type => ({ kind: "opaque", name, parameters });
export const optionalOf = (of: Type): Type => opaque("optional_type", of);
export const struct = (name: string): Type => ({ kind: "struct", name });
export const parameter = (name: string): Type => ({ kind: "parameter", name });

/** What messages call a type. */
export function typeText(type: Type): string {
  switch (type.kind) {
    case "list":
      return `list(${typeText(type.element)})`;
    case "map":
      return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case "type":
      return type.of === null ? "type" : `type(${typeText(type.of)})`;
    case "opaque":
      return type.parameters.length === 0 ? type.name : `${type.name}(${type.parameters.map(typeText).join(", ")})`;
    case "struct":
    case "parameter":
      return type.name;
    case "error":
      return "!error!";
    case "any":
      return "google.protobuf.Any";
    case "timestamp":
    case "duration":
      return `google.protobuf.${type.kind === "timestamp" ? "Timestamp" : "Duration"}`;
    case "null":
      return "null_type";
    case "dyn":
    case "bool":
    case "int":
    case "uint":
    case "double":
    case "string":
    case "bytes":
      return type.nullable === true ? `wrapper(${type.kind})` : type.kind;
  }
}
