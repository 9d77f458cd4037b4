// `portcullis gator verify`: runs suites. It differs from gator where gator lets a mistake pass (docs/compatibility.md): a
// folder is searched with its sub-folders, finding no suite is a failure that says so, and --kube-version is taken.

import { readFileSync, statSync } from "node:fs";
import { relative } from "node:path";
import { parseYaml } from "@portcullis/kube";
import { Source, formatDiagnostic, hasError } from "@portcullis/lang";
import { type SuiteFile, compileFilter, isFailure, readSuite, runSuite, suitesText } from "@portcullis/policy";
import type { GatorVerifyFlags } from "../flags.ts";
import { gatorOptions } from "../gator-options.ts";
import { filesOf, readText } from "../load/files.ts";
import { showProgress } from "../output/progress.ts";
import { UsageError } from "../usage.ts";

export function gatorVerify(path: string, flags: GatorVerifyFlags): number {
  const { kubeVersion } = flags;
  if (kubeVersion !== undefined && !/^v?1\.\d{1,3}(\.\d+)?$/.test(kubeVersion)) {
    return fail(`--kube-version ${kubeVersion}: expected a Kubernetes version such as 1.29`);
  }
  const filter = compileFilter(flags.run);
  if ("error" in filter) return fail(`Error: compiling filter: ${filter.error}`);
  const suites = readSuites(path.replace(/\/?\.\.\.$/, "") || ".");
  if (typeof suites === "string") return fail(`Error: listing test files: ${suites}`);
  if (suites.length === 0) {
    return fail(
      `FAIL\n${path}: no suite found; expected a YAML file with kind Suite of test.gatekeeper.sh here or below`,
    );
  }
  const progress = showProgress("suites", suites.length);
  const options = { ...gatorOptions(), readFile: readTextOrError, filter, nowMs: () => performance.now() };
  const results = suites.map((suite) => {
    const result = runSuite(suite, options);
    progress.step();
    return result;
  });
  progress.end();
  process.stdout.write(`${suitesText(results, flags.verbose)}\n`);
  return results.some(isFailedSuite) ? fail("Error: FAIL") : 0;
}

function isFailedSuite(suite: Parameters<typeof isFailure>[0]): boolean {
  return isFailure(suite);
}

/** All suites below a path in the order of their paths, or what is wrong with one of them. */
function readSuites(path: string): readonly SuiteFile[] | string {
  try {
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    return filesOf(path)
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
  return [{ file, shown: relative(".", file), suite }];
}

function readTextOrError(path: string): { readonly text: string } | { readonly error: string } {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    return {
      error: `open ${path}: ${(error as NodeJS.ErrnoException).code === "ENOENT" ? "no such file or directory" : String(error)}`,
    };
  }
}

function fail(text: string): number {
  process.stderr.write(`${text}\n`);
  return 1;
}
