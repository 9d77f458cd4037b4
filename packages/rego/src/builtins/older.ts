// Built-ins as OPA 1.17 has them, whose compiler and evaluator are Gatekeeper's: two that compute in another way, seven
// of whose results less is known (so that the type check takes more), and one that does not exist yet.

import { t } from "../types.ts";
import type { Builtin } from "./builtin.ts";
import { lookup } from "./registry.ts";
import { olderSemver } from "./semver.ts";
import { olderSprintf } from "./sprintf.ts";

const ofUnknownResult = [
  "json.filter",
  "json.remove",
  "object.filter",
  "object.remove",
  "object.subset",
  "object.union",
  "object.union_n",
];

const older: ReadonlyMap<string, Builtin> = new Map(
  [olderSprintf, ...olderSemver, ...ofUnknownResult.flatMap(withUnknownResult)].map((one) => [one.name, one] as const),
);

const newer: ReadonlySet<string> = new Set(["strings.split_n"]);

function withUnknownResult(name: string): readonly Builtin[] {
  const builtin = lookup(name);
  return builtin === undefined ? [] : [{ ...builtin, type: { ...builtin.type, result: t.any } }];
}

/** A built-in of OPA 1.17. */
export function lookupOlder(name: string): Builtin | undefined {
  return newer.has(name) ? undefined : (older.get(name) ?? lookup(name));
}
