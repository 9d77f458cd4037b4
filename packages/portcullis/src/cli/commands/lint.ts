// `portcullis lint`: what is wrong with policies and what they leave open. Exit code 1 when there is any finding.

import { builtinCatalog } from "@portcullis/kube";
import type { Diagnostic } from "@portcullis/lang";
import { lintSources } from "@portcullis/policy";
import { loadObjects, nothingIn } from "../load/files.ts";
import { type Finding, type OutputFormat, diagnosticFinding } from "../output/finding.ts";
import { render } from "../output/print.ts";
import { UsageError } from "../usage.ts";
import { partObjects, policyFindings } from "./decide.ts";

export function lint({ paths, output }: { readonly paths: readonly string[]; readonly output: OutputFormat }): number {
  const told: Diagnostic[] = [];
  const loaded = loadObjects(paths, { stdin: paths.length === 0, warn: (warning) => told.push(warning) });
  if (loaded.length === 0) throw nothingIn(paths);
  const parted = partObjects(loaded);
  const { policies, frontends } = parted;
  const broken = policyFindings(parted);
  if (policies.length === 0 && broken.length === 0)
    throw new UsageError("no policy to look at: give files or folders with policies");
  const findings: readonly Finding[] = [
    ...told.map((warning) => diagnosticFinding(warning)),
    ...broken,
    ...lintSources(frontends, policies, builtinCatalog()).map(diagnosticFinding),
  ].toSorted(byPlace);
  process.stdout.write(render(findings, { checked: policies.length, policies: policies.length }, output));
  return findings.length > 0 ? 1 : 0;
}

/** Files in the order of their names; what has no place stands last. */
function byPlace({ place: a }: Finding, { place: b }: Finding): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
