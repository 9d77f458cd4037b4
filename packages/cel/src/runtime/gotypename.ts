// What Go calls the type of a value, where cel-go's messages show it (`%T`): `types.Int`.

import { CelMap, Double, Duration, Optional, Timestamp, TypeValue, Uint, type Value, isTree } from "./value.ts";

export function goTypeName(value: Value): string {
  if (value === null) return "types.Null";
  switch (typeof value) {
    case "string":
      return "types.String";
    case "boolean":
      return "types.Bool";
    case "bigint":
      return "types.Int";
    case "number":
      return Number.isInteger(value) ? "types.Int" : "types.Double";
    default:
      return nameOfObject(value);
  }
}

function nameOfObject(value: object): string {
  if (value instanceof Double) return "types.Double";
  if (value instanceof Uint) return "types.Uint";
  if (value instanceof Uint8Array) return "types.Bytes";
  if (value instanceof Timestamp) return "types.Timestamp";
  if (value instanceof Duration) return "types.Duration";
  if (value instanceof TypeValue) return "*types.Type";
  if (value instanceof Optional) return "*types.Optional";
  if (Array.isArray(value)) return "*types.baseList";
  return value instanceof CelMap || isTree(value) ? "*types.baseMap" : value.constructor.name;
}
