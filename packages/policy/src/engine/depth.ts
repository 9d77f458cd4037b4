// How deep a policy's object may be nested. Whoever compiles it walks it by functions that call themselves, in many places;
// so what is deeper than the stack allows is refused before anybody reads it, as it is for YAML (kube/yaml/events.ts).

import type { Json } from "./request.ts";

/** Kubernetes objects have a dozen levels, a foreach in a foreach has two more. */
export const deepest = 1000;

/** Whether a tree has more levels than are read. */
export function isTooDeep(tree: Json): boolean {
  let level: readonly Json[] = [tree];
  for (let depth = 0; depth <= deepest; depth++) {
    level = level.flatMap(membersOf);
    if (level.length === 0) return false;
  }
  return true;
}

function membersOf(tree: Json): readonly Json[] {
  if (typeof tree !== "object" || tree === null) return [];
  return Object.values(tree as Readonly<Record<string, Json>>).filter((member) => typeof member === "object");
}
