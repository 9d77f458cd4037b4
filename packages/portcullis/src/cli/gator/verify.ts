// `portcullis gator verify`: runs suites. It differs from gator where gator lets a mistake pass (docs/compatibility.md): a
// folder is searched with its sub-folders, finding no suite is a failure that says so, and --kube-version is taken.

import { readFileSync } from "node:fs";
import { compileFilter, isFailure, runSuite, suitesText } from "@portcullis/policy";
import type { GatorVerifyFlags } from "../flags.ts";
import { gatorOptions } from "../gator-options.ts";
import { readSuites } from "../load/suites.ts";
import { showProgress } from "../output/progress.ts";
import { fail } from "./sources.ts";

export function gatorVerify(path: string, flags: GatorVerifyFlags): number {
  const { kubeVersion } = flags;
  if (kubeVersion !== undefined && !/^v?1\.\d{1,3}(\.\d+)?$/.test(kubeVersion)) {
    return fail(`--kube-version ${kubeVersion}: expected a Kubernetes version such as 1.29`);
  }
  const suites = readSuites(path.replace(/\/?\.\.\.$/, "") || ".");
  if (typeof suites === "string") return fail(`Error: listing test files: ${suites}`);
  const filter = compileFilter(flags.run);
  if ("error" in filter) return fail(`Error: compiling filter: ${filter.error}`);
  if (suites.length === 0) {
    return fail(
      `FAIL\n${path}: no suite found; expected a YAML file with kind Suite of test.gatekeeper.sh here or below`,
    );
  }
  const progress = showProgress("suites", suites.length);
  const observing = { trace: flags.trace, print: flags.verbose };
  const options = {
    ...gatorOptions(),
    ...observing,
    readFile: readTextOrError,
    filter,
    nowMs: () => performance.now(),
  };
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

function readTextOrError(path: string): { readonly text: string } | { readonly error: string } {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EISDIR") return { error: `read ${path}: is a directory` };
    return { error: `open ${path}: ${code === "ENOENT" ? "no such file or directory" : String(error)}` };
  }
}
