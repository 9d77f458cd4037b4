// How the checker's messages name types. It is not how types name themselves (`typeText`): `timestamp`, not
// `google.protobuf.Timestamp`. cel-go: checker/format.go FormatCELType.

import type { Type } from "../types.ts";

export function formatType(type: Type): string {
  switch (type.kind) {
    case "list":
      return `list(${formatType(type.element)})`;
    case "map":
      return `map(${formatType(type.key)}, ${formatType(type.value)})`;
    case "type":
      return type.of === null ? "type" : `type(${formatType(type.of)})`;
    case "opaque":
      return type.parameters.length === 0 ? type.name : `${type.name}(${type.parameters.map(formatType).join(", ")})`;
    case "struct":
    case "parameter":
      return type.name;
    case "error":
      return "!error!";
    default:
      return type.nullable === true ? `wrapper(${type.kind})` : type.kind;
  }
}

/** `(int, string)`, or `list(int).(int)` with a receiver. */
export function formatSignature(types: readonly Type[], isMember: boolean): string {
  const texts = types.map(formatType);
  return isMember ? `${texts[0]}.(${texts.slice(1).join(", ")})` : `(${texts.join(", ")})`;
}

/** The name of a type without its parameters. cel-go: common/types/types.go DeclaredTypeName. */
export function declaredName(type: Type): string {
  switch (type.kind) {
    case "list":
    case "map":
    case "type":
      return type.kind;
    case "opaque":
    case "struct":
    case "parameter":
      return type.name;
    case "null":
      return "null_type";
    case "timestamp":
      return "google.protobuf.Timestamp";
    case "duration":
      return "google.protobuf.Duration";
    case "any":
      return "google.protobuf.Any";
    default:
      return type.nullable === true ? `wrapper(${type.kind})` : type.kind;
  }
}
