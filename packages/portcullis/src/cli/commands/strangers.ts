// Objects that were meant as policies, but are of a kind or version that no API server has: `kind: ClusterPolcy`. No policy
// would be made of them, and deciding about them as about any object would hide that.

import { gvkOf } from "@portcullis/kube";
import type { LoadedObject } from "../load/files.ts";
import type { Finding } from "../output/finding.ts";

/** By group: the kinds, and their versions where another one would be taken for them. */
const known: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> = new Map([
  ["templates.gatekeeper.sh", new Map([["ConstraintTemplate", []]])],
  [
    "kyverno.io",
    new Map([
      ["ClusterPolicy", ["v1", "v2beta1"]],
      ["Policy", ["v1", "v2beta1"]],
      ["CleanupPolicy", []],
      ["ClusterCleanupPolicy", []],
      ["GlobalContextEntry", []],
      ["PolicyException", []],
      ["UpdateRequest", []],
    ]),
  ],
  [
    "cli.kyverno.io",
    new Map([
      ["Context", []],
      ["Test", []],
      ["UserInfo", []],
      ["Values", []],
    ]),
  ],
]);

/** What is wrong with an object's kind or version; null when nothing is. */
export function strangeKind(object: unknown): string | null {
  const { group, version, kind } = gvkOf(object);
  const kinds = known.get(group);
  if (kinds === undefined) return null;
  const versions = kinds.get(kind);
  if (versions === undefined) return `${group} has no kind \`${kind}\` (expected ${listed([...kinds.keys()])})`;
  if (versions.length === 0 || versions.includes(version)) return null;
  return `${kind} of ${group} has no version \`${version}\` (expected ${listed(versions)})`;
}

export function strangerFindings(strangers: readonly LoadedObject[]): readonly Finding[] {
  return strangers.map(({ object, file, locate }): Finding => {
    const span = locate(["kind"]);
    const place = { file, ...(span?.source.position(span.start) ?? { line: 1, column: 1 }) };
    const message = strangeKind(object) ?? "";
    return { level: "error", rule: "unknown-kind", action: null, message, object: null, place };
  });
}

function listed(words: readonly string[]): string {
  return words.length === 1 ? (words[0] ?? "") : `one of ${words.join(", ")}`;
}
