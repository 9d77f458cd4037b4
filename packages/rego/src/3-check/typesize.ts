// How large types are. A type shares its parts: thirty lines of `x := [y, y]` make one that takes no memory, and whoever
// compares it visits a thousand million parts. OPA's checker does, and does not come back; here such a type is that of
// anything. Sizes are remembered by part, so that each is counted once.

import type { Inferred, Maybe } from "./inferred.ts";

/** Parts of a type; a text that writes so many is several megabytes long. */
const sizeMax = 200_000;

const known = new WeakMap<Inferred, number>();

export function isTooLarge(type: Maybe): boolean {
  return type !== null && isCollection(type) && sizeOf(type) > sizeMax;
}

function isCollection({ kind }: Inferred): boolean {
  return kind === "array" || kind === "object" || kind === "set";
}

function sizeOf(type: Maybe): number {
  if (type === null || !isCollection(type)) return 1;
  const counted = known.get(type);
  if (counted !== undefined) return counted;
  const size = partsOf(type).reduce((total, part) => total + sizeOf(part), 1);
  known.set(type, size);
  return size;
}

function partsOf(type: Inferred): readonly Maybe[] {
  switch (type.kind) {
    case "array":
      return [...type.items, type.rest];
    case "set":
      return [type.of];
    case "object":
      return [
        ...type.fields.map(({ value }) => value),
        ...(type.rest === null ? [] : [type.rest.key, type.rest.value]),
      ];
    case "any":
    case "function":
    case "null":
    case "boolean":
    case "number":
    case "string":
      break;
  }
  return [];
}
