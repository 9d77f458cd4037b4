// gator's suites in a file or below a folder.

import { statSync } from "node:fs";
import { isAbsolute, relative } from "node:path";
import { parseYaml } from "@portcullis/kube";
import { Source, formatDiagnostic, hasError } from "@portcullis/lang";
import { type SuiteFile, readSuite } from "@portcullis/policy";
import { UsageError } from "../usage.ts";
import { filesOf, readText } from "./files.ts";

/** All suites below a path in the order of their paths, or what is wrong with one of them. */
export function readSuites(path: string): readonly SuiteFile[] | string {
  try {
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    return filesOf(path, true)
      .filter((file) => !isFolder || !file.endsWith(".json"))
      .flatMap((file) => suitesIn(file));
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}

function suitesIn(file: string): readonly SuiteFile[] {
  const text = readText(file);
  // Only a file that names the kind can be one; others need not even be YAML that we understand.
  if (!text.includes("Suite")) return [];
  const { value, diagnostics } = parseYaml(new Source(file, text), { dialect: "yaml.v3" });
  if (hasError(diagnostics)) throw new UsageError(diagnostics.map(formatDiagnostic).join("\n"));
  const [document] = value;
  const suite = document === undefined ? null : readSuite(document.value);
  if (suite === null) return [];
  if ("error" in suite) throw new UsageError(`${file}: ${suite.error}`);
  return [{ file, shown: isAbsolute(file) ? file : relative(".", file), suite }];
}
