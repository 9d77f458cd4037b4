// `portcullis install`: policies from files onto a cluster. They are read and compiled here first; when one of them is wrong nothing
// is written, and the place in its file is said. Exit code 1 when something is not enforced in the end.

import { type JsonRecord, builtinCatalog, gvkOf, isObject } from "@portcullis/kube";
import { formatDiagnostic } from "@portcullis/lang";
import { type PolicySet, lintSources } from "@portcullis/policy";
import { accountOf } from "../../app/account.ts";
import { ownDefinitions } from "../../controllers/install/crds/own.ts";
import { install } from "../../controllers/install/install.ts";
import { type ClusterFlags, onCluster, ownNamespace } from "../cluster.ts";
import { type LoadedObject, loadObjects, nothingIn } from "../load/files.ts";
import { UsageError } from "../usage.ts";
import { partObjects } from "./decide.ts";

export interface InstallFlags extends ClusterFlags {
  /** In seconds. */
  readonly timeout: number;
  readonly wait: boolean;
}

export async function installCommand(paths: readonly string[], flags: InstallFlags, version: string): Promise<number> {
  const loaded = loadObjects(paths, { stdin: paths.length === 0 });
  if (loaded.length === 0) throw nothingIn(paths);
  const { set, policies, frontends } = partObjects(loaded);
  const wrong = [...set.status.values()].flat().filter(({ severity }) => severity === "error");
  if (wrong.length > 0) {
    for (const diagnostic of wrong) process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
    process.stderr.write("nothing was installed\n");
    return 1;
  }
  for (const diagnostic of lintSources(frontends, policies, builtinCatalog())) {
    process.stderr.write(`Warning: ${formatDiagnostic(diagnostic)}\n`);
  }
  return onCluster(flags, `portcullis-install/${version}`, async (client) => {
    const problems = await install({
      client,
      items: loaded.map((one) => ({ object: objectIn(one), place: placeOf(one) })),
      definitions: ownDefinitions(),
      constraintDefinitions: constraintDefinitions(set),
      namespace: ownNamespace(flags),
      limitMs: flags.timeout * 1000,
      waits: flags.wait,
      policies: accountOf(set, new Set()).policies,
      warn: (line) => {
        process.stderr.write(`Warning: ${line}\n`);
      },
      tell: (line) => {
        process.stdout.write(`${line}\n`);
      },
    });
    for (const problem of problems) process.stderr.write(`${problem}\n`);
    return problems.length > 0 ? 1 : 0;
  });
}

function objectIn({ object, file }: LoadedObject): JsonRecord {
  if (isObject(object) && gvkOf(object).kind !== "") return object;
  throw new UsageError(`${file}: expected a Kubernetes object with apiVersion and kind`);
}

function placeOf({ file, locate }: LoadedObject): string {
  const span = locate(["metadata", "name"]) ?? locate([]);
  if (span === null) return file;
  const { line, column } = span.source.position(span.start);
  return `${file}:${line}:${column}`;
}

/** The CustomResourceDefinitions of constraints that the set's templates want. */
export function constraintDefinitions(set: PolicySet): readonly JsonRecord[] {
  return set.effects
    .flatMap((effect) => (effect.kind === "ensure" ? effect.objects : []))
    .flatMap((wanted) => ("data" in wanted && isObject(wanted.data) ? [wanted.data] : []))
    .filter((object) => gvkOf(object).kind === "CustomResourceDefinition");
}
