// The gatekeeper-library as a policy set: every template that is present and the constraint of each of its samples.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

/** Files of templates and constraints, in a fixed order; null when the conformance data is not there. */
export function libraryPolicies(): readonly PolicyFile[] | null {
  const data = resolve(process.env["CONFORMANCE_DIR"] ?? join(import.meta.dirname, "../../shared/conformance"));
  const library = join(data, "gatekeeper-library", "library");
  if (!existsSync(library)) return null;
  const files = readdirSync(library, { recursive: true, encoding: "utf8" }).toSorted();
  const wanted = files.filter((path) => path.endsWith("/template.yaml") || path.endsWith("/constraint.yaml"));
  return wanted.map((path) => ({ name: path.replaceAll("/", "--"), text: readFileSync(join(library, path), "utf8") }));
}
