// Policy sets of the communities: the gatekeeper-library, of which every template that is present and the constraint of each of its
// samples, and Kyverno's policies by group.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const data = resolve(process.env["CONFORMANCE_DIR"] ?? join(import.meta.dirname, "../../shared/conformance"));

export interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

/**
 * Files of templates and constraints, in a fixed order; null when the conformance data is not there. Samples of one
 * template may name their constraints alike; those get a number, because a cluster has each name once.
 */
export function libraryPolicies(): readonly PolicyFile[] | null {
  const library = join(data, "gatekeeper-library", "library");
  if (!existsSync(library)) return null;
  const files = readdirSync(library, { recursive: true, encoding: "utf8" }).toSorted();
  const wanted = files.filter((path) => path.endsWith("/template.yaml") || path.endsWith("/constraint.yaml"));
  const known = new Map<string, number>();
  return wanted.map((path) => {
    const text = readFileSync(join(library, path), "utf8");
    const [line = "", name = ""] = /^ {2}name: (.*)$/m.exec(text) ?? [];
    const identity = `${/^kind: (.*)$/m.exec(text)?.[1] ?? ""}/${name}`;
    const count = (known.get(identity) ?? 0) + 1;
    known.set(identity, count);
    return { name: path.replaceAll("/", "--"), text: count === 1 ? text : text.replace(line, `${line}-${count}`) };
  });
}

/** ClusterPolicies that only validate, made to enforce, so that their denials can be compared; none where the data is not there. */
export function kyvernoPolicies(groups: readonly string[]): readonly PolicyFile[] {
  return validatingPolicies(groups).map(({ name, text }) => ({
    name,
    text: text.replaceAll(/([fF]ailureAction): [aA]udit/g, "$1: Enforce"),
  }));
}

/** ClusterPolicies that only validate, as they are; none where the data is not there. */
export function validatingPolicies(groups: readonly string[]): readonly PolicyFile[] {
  return groups.flatMap((group) => {
    const folder = join(data, "kyverno-policies", group);
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".yaml") && !path.includes("/."))
      .toSorted()
      .map((path) => ({
        name: `${group}--${path.replaceAll("/", "--")}`,
        text: readFileSync(join(folder, path), "utf8"),
      }))
      .filter(({ text }) => /^kind: ClusterPolicy$/m.test(text) && !/^ +(generate|mutate|verifyImages):/m.test(text));
  });
}
