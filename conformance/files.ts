// Reading test data from folders: names in a fixed order, YAML as OPA's and Kubernetes' own readers see it.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { hasError, formatDiagnostic, Source } from "@portcullis/lang";
import { parseYaml } from "@portcullis/kube";

/** Paths below a folder whose name ends so, relative to it, sorted. */
export function filesBelow(folder: string, ending: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(ending))
    .toSorted();
}

/** All documents of a YAML file as trees; numbers that a double would change are Decimals. */
export function readYaml(...path: readonly string[]): readonly unknown[] {
  const file = join(...path);
  const { value, diagnostics } = parseYaml(new Source(file, readFileSync(file, "utf8")), { dialect: "go" });
  const [first] = diagnostics;
  if (first !== undefined && hasError(diagnostics)) throw new Error(formatDiagnostic(first));
  return value.map((document) => document.value);
}
