// Reading test data from folders: names in a fixed order, YAML as OPA's and Kubernetes' own readers see it.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { hasError, formatDiagnostic, Source } from "@portcullis/lang";
import { type YamlDialect, parseYaml } from "@portcullis/kube";

/** Paths below a folder whose name ends so, relative to it, sorted. */
export function filesBelow(folder: string, ending: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(ending))
    .toSorted();
}

/** All documents of a YAML file as trees, as sigs.k8s.io/yaml reads it; numbers that a double would change are Decimals. */
export function readYaml(...path: readonly string[]): readonly unknown[] {
  return readDialect(join(...path), "go");
}

/** The same as `gator verify` reads it: words such as `no` stay strings. */
export function readYamlV3(...path: readonly string[]): readonly unknown[] {
  return readDialect(join(...path), "yaml.v3");
}

function readDialect(file: string, dialect: YamlDialect): readonly unknown[] {
  const { value, diagnostics } = parseYaml(new Source(file, readFileSync(file, "utf8")), { dialect });
  const [first] = diagnostics;
  if (first !== undefined && hasError(diagnostics)) throw new Error(formatDiagnostic(first));
  return value.map((document) => document.value);
}
