// `portcullis render`: manifests for whoever keeps a cluster in a repository: the definitions of constraints that templates
// want, our own definitions, and what runs the product. `portcullis uninstall`: takes the product off a cluster.

import type { JsonRecord } from "@portcullis/kube";
import { formatDiagnostic } from "@portcullis/lang";
import { ownDefinitions } from "../../controllers/install/crds/own.ts";
import { manifests } from "../../controllers/install/manifests.ts";
import { livingReplicas } from "../../controllers/install/living.ts";
import { uninstall } from "../../controllers/install/uninstall.ts";
import { type ClusterFlags, onCluster, ownNamespace } from "../cluster.ts";
import { loadObjects } from "../load/files.ts";
import { writeGoYaml } from "../output/goyaml-writer.ts";
import { UsageError } from "../usage.ts";
import { partObjects } from "./decide.ts";
import { constraintDefinitions } from "./install.ts";

export interface RenderCrdsFlags {
  readonly filename: readonly string[];
  readonly own?: boolean;
}

/** Exit code 1 when a template is wrong: its definition is not among those that are printed. */
export function renderCrds({ filename, own }: RenderCrdsFlags): number {
  if (filename.length === 0 && own !== true)
    throw new UsageError("expected files or folders with templates, --own, or both");
  const { set } = partObjects(loadObjects(filename, { stdin: false }));
  print([...(own === true ? ownDefinitions() : []), ...constraintDefinitions(set)]);
  const wrong = [...set.status.values()].flat().filter(({ severity }) => severity === "error");
  for (const diagnostic of wrong) process.stderr.write(`${formatDiagnostic(diagnostic)}\n`);
  return wrong.length > 0 ? 1 : 0;
}

export interface RenderManifestsFlags {
  readonly namespace: string;
  readonly image: string;
  readonly replicas: number;
  readonly certManager?: boolean;
}

export function renderManifests(flags: RenderManifestsFlags): number {
  print(manifests(flags));
  return 0;
}

function print(objects: readonly JsonRecord[]): void {
  process.stdout.write(objects.map((object) => writeGoYaml(object, "go")).join("---\n"));
}

export interface UninstallFlags extends ClusterFlags {
  readonly webhookConfigurationName: string;
}

export async function uninstallCommand(flags: UninstallFlags, version: string): Promise<number> {
  return onCluster(flags, `portcullis-uninstall/${version}`, async (client) => {
    const namespace = ownNamespace(flags);
    const living = await livingReplicas({ client, namespace });
    if (living.length > 0) {
      process.stderr.write(
        `nothing was removed: ${living.join(", ")} still runs and would register again; stop it first, as with \`kubectl -n ${namespace} scale deployment portcullis --replicas=0\`\n`,
      );
      return 1;
    }
    const removed = await uninstall({
      client,
      namespace,
      configurationName: flags.webhookConfigurationName,
      secretName: "portcullis-certificates",
    });
    for (const what of removed) process.stdout.write(`${what} removed\n`);
    if (removed.length === 0) process.stdout.write("nothing to remove\n");
    return 0;
  });
}
